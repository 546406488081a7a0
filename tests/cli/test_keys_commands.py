"""`customer-export keys`: public keys for whoever checks, a new one on demand, and never a private one."""

import json
from pathlib import Path

from customer_export.signing.keys import key_id, public_from_pem, read_key_set
from program import Run


def test_keys_are_listed_renewed_and_published(run: Run, tmp_path: Path) -> None:
    pem = run("keys", "export", "--pem").stdout
    first = key_id(public_from_pem(pem.encode()))
    second = run("keys", "rotate").stdout.strip()
    published = json.loads(run("keys", "export").stdout)
    assert list(read_key_set(published)) == [first, second]
    assert not any("d" in key for key in published["keys"])
    listed = run("keys", "list").stdout
    assert listed.index(first) < listed.index(second)
    (tmp_path / "key.pem").write_text("", encoding="utf-8")
    refused = run("keys", "rotate", EXPORT_SIGNING_KEY_FILE=str(tmp_path / "key.pem"))
    assert refused.returncode == 1
    assert "restart every process" in refused.stderr
