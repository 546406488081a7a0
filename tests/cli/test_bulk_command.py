"""`customer-export bulk`, encrypted: what arrives in the folder opens with the passphrase of the file, and agrees."""

import base64
import json
from pathlib import Path

import pyzipper

from customer_export.demo.customers import ONE_ORDER, TYPICAL
from program import Run

PASSPHRASE = "correct horse battery staple"
KEYS = base64.b64encode(bytes(32)).decode()


def test_encrypted_files_are_copied_and_open_with_the_passphrase(run: Run, tmp_path: Path) -> None:
    secret, output = tmp_path / "passphrase.txt", tmp_path / "output"
    secret.write_text(f"{PASSPHRASE}\n")
    wanted = ("bulk", TYPICAL.id, ONE_ORDER.id, "--format", "csv", "--layout", "tables", "--sections", "profile,orders")
    encrypted = (*wanted, "--encrypt", "zip", "--passphrase-file", str(secret), "-o", str(output))
    refused = run(*encrypted)
    assert refused.returncode == 1
    assert "EXPORT_CACHE_KEYS" in refused.stderr
    done = run(*encrypted, EXPORT_CACHE_KEYS=KEYS)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((output / "manifest.json").read_bytes())
    assert manifest["jobId"] == done.stdout.strip()
    tables = [one for one in manifest["output"] if "encryption" in one]
    assert {one["type"] for one in tables} == {"profile", "orders"}
    for one in tables:
        with pyzipper.AESZipFile(output / one["name"]) as archive:
            archive.setpassword(PASSPHRASE.encode())
            content = archive.read("part-00000.csv")
        assert content.count(b"\r\n") == one["count"] + 1
        assert len(content) == one["encryption"]["plain"]["bytes"]
