"""`customer-export verify` as a person types it, on files of the demo shop's making."""

import json
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from customer_export.cli.main import app
from customer_export.model.request import ExportFormat
from customer_export.signing.keys import SigningKey, public_jwk, public_pem
from customer_export.signing.signature import sign_members
from verify.proven import make
from verify.test_verify import orders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of each of two formats, and their signed manifests and the key."""
    key = SigningKey.generate()
    for form in (ExportFormat.CSV, ExportFormat.XLSX):
        made = make(form, [orders()])
        (tmp_path / f"a.{form}").write_bytes(made.data)
        (tmp_path / f"a.{form}.manifest.json").write_bytes(orjson.dumps(sign_members(made.manifest, key)))
    keys = tmp_path / ".keys"
    keys.mkdir()
    (keys / "set.json").write_bytes(orjson.dumps({"keys": [public_jwk(key.public)]}))
    (keys / "key.pem").write_bytes(public_pem(key.public))
    return tmp_path


@pytest.mark.parametrize("key", ["set.json", "key.pem"])
def test_a_folder_of_whole_files_signed_by_a_trusted_key(folder: Path, key: str) -> None:
    done = CliRunner().invoke(app, ["verify", str(folder), "--key", str(folder / ".keys" / key)])
    assert done.exit_code == 0
    assert done.stdout.count(": whole\n") == 2


def test_exit_codes_tell_what_is_known(folder: Path) -> None:
    run = CliRunner().invoke
    file = folder / "a.csv"
    assert run(app, ["verify", str(file)]).exit_code == 3
    assert "key not checked" in run(app, ["verify", str(file)]).stdout
    data = file.read_bytes()
    file.write_bytes(data.replace(b"note 17", b"note 71"))
    done = run(app, ["verify", str(folder), "--json"])
    assert done.exit_code == 1
    first, second = map(json.loads, done.stdout.splitlines())
    assert [finding["code"] for finding in first["findings"]] == ["file_changed", "cells_changed"]
    assert second["outcome"] == "whole_by_unchecked_manifest"
    (folder / "a.csv.manifest.json").unlink()
    assert run(app, ["verify", str(file)]).exit_code == 2
