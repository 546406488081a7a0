"""`customer-export verify` as a person types it, on files of the demo shop's making."""

import json
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from customer_export.cli.main import app
from customer_export.model.ledger import AlterationKind, Limit
from customer_export.model.request import ExportFormat
from customer_export.signing.keys import SigningKey, public_jwk, public_pem
from customer_export.signing.signature import sign_members
from customer_export.verify.changes import told_changes
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


def test_manifests_that_are_named_with_their_files_are_no_files_to_verify(folder: Path) -> None:
    named = [str(file) for file in sorted(folder.glob("a.*"))]
    assert sum(name.endswith(".manifest.json") for name in named) == 2
    done = CliRunner().invoke(app, ["verify", *named, "--key", str(folder / ".keys" / "key.pem")])
    assert done.exit_code == 0
    assert done.stdout.count(": whole\n") == 2
    lone = CliRunner().invoke(app, ["verify", str(folder / "a.csv.manifest.json")])
    assert lone.exit_code == 2


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


def test_what_was_changed_when_the_file_was_made_is_told(tmp_path: Path) -> None:
    made = make(ExportFormat.JSON, [orders()])
    manifest = dict(made.manifest)
    manifest["alterations"] = [
        {"section": "orders", "column": "note", "kind": "formula_neutralised", "count": 12, "rows": list(range(1, 11))},
        {"section": "orders", "column": "mail", "kind": "masked", "count": 1000, "rows": [1]},
        {"section": "orders", "column": "x", "kind": "yet_unknown", "count": 1, "rows": []},
        {"nonsense": 1},
        7,
    ]
    manifest["limits"] = [{"limit": "sheet_rows", "section": "orders", "value": 1048576}, {"limit": None}]
    (tmp_path / "a.json").write_bytes(made.data)
    (tmp_path / "manifest.json").write_bytes(orjson.dumps(manifest))
    arguments = ["verify", str(tmp_path / "a.json"), "--manifest", str(tmp_path / "manifest.json")]
    told = CliRunner().invoke(app, arguments).stdout
    assert [line.partition("changed when it was made: ")[2] for line in told.splitlines() if "when it was" in line] == [
        "12 of orders.note: a ' put before what a spreadsheet would run as a formula"
        " (rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …)",
        "1,000 of orders.mail: masked",
        "1 of orders.x: yet_unknown",
        "orders: continued in a further sheet beyond 1,048,576 rows",
    ]
    assert len(json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)["changes"]) == 4


def test_every_kind_of_change_and_limit_has_words() -> None:
    kinds = [{"section": "s", "column": "c", "kind": kind.value, "count": 1, "rows": [1]} for kind in AlterationKind]
    limits = [{"limit": limit.value, "section": None, "value": 1} for limit in Limit]
    for told, name in zip(
        told_changes({"alterations": kinds, "limits": limits}), [*AlterationKind, *Limit], strict=True
    ):
        assert name == AlterationKind.MASKED or name.value not in told


def receipt(**changes: object) -> dict[str, object]:
    return {"receiptVersion": 1, "purgeId": "ab" * 16, "customer": {"id": "7"}, "complete": True, **changes}


@pytest.mark.parametrize("sort", [0, orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2])
def test_the_receipt_of_a_purge_is_checked_by_its_signature(tmp_path: Path, sort: int) -> None:
    key, other = SigningKey.generate(), SigningKey.generate()
    file, keys, others = (tmp_path / name for name in ("receipt.json", "key.pem", "other.pem"))
    signed = sign_members(receipt(), key)
    file.write_bytes(orjson.dumps(signed, option=sort))
    keys.write_bytes(public_pem(key.public))
    others.write_bytes(public_pem(other.public))

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["verify", str(file), *arguments])
        return done.exit_code, done.stdout

    code, told = run("--key", str(keys))
    assert code == 0
    assert f"purge {'ab' * 16} of the customer 7" in told
    assert run()[0] == 3
    assert run("--key", str(others))[0] == 1
    file.write_bytes(orjson.dumps({**signed, "complete": False}, option=sort))
    code, told = run("--key", str(keys))
    assert code == 1
    assert "the receipt was changed" in told
    file.write_bytes(orjson.dumps(receipt(), option=sort))
    assert run()[0] == 1
    file.write_bytes(orjson.dumps(signed, option=sort)[:-9])
    assert run()[0] == 2
