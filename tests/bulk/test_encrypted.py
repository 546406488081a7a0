"""Files of many customers, encrypted: what is in them is what there is without, and nothing lies about in plain."""

import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyrage
import pytest
import pyzipper
from bulk_jobs import Bulk, Over, order_of, run_bulk, snapshot_of, synchronous

from customer_export.demo.customers import ONE_ORDER, TYPICAL
from customer_export.errors import InvalidRequestError
from customer_export.jobs.bulk import merge, rendering
from customer_export.model.bulk import Chosen, Layout

IDENTITY = pyrage.x25519.Identity.generate()
PASSPHRASE = "correct horse battery staple"
IDS = (TYPICAL.id, ONE_ORDER.id)
LAYOUTS = [
    (Layout.FILES, "csv"),
    (Layout.FILES, "xlsx"),
    (Layout.LINES, "ndjson"),
    (Layout.TABLES, "csv"),
    (Layout.TABLES, "parquet"),
]
Open = Callable[[bytes], bytes]


def by_age(content: bytes) -> bytes:
    return bytes(pyrage.decrypt(content, [IDENTITY]))


def by_passphrase(content: bytes) -> bytes:
    with pyzipper.AESZipFile(io.BytesIO(content)) as archive:
        (member,) = archive.infolist()
        assert member.flag_bits & 1
        archive.setpassword(PASSPHRASE.encode())
        return bytes(archive.read(member))


METHODS = [("age", str(IDENTITY.to_public()), None, by_age), ("zip", "zip", PASSPHRASE, by_passphrase)]


@pytest.fixture
def shop_url(demo_shop: Path) -> str:
    return f"sqlite:///{demo_shop}"


def opened(bulk: Bulk, method: str, encrypt: str, open_file: Open) -> dict[str, bytes]:
    """Open the files of a job, each of which is as its record says."""
    found = {}
    for result in bulk.results:
        assert result.index.encryption is None
        for file in result.files:
            assert file.encryption is not None
            assert (file.encryption.method, file.encryption.recipient) == (method, encrypt if method == "age" else None)
            content = bulk.files[file.name]
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, file.sha256)
            plain, proof = open_file(content), file.encryption.plain
            assert file.name.endswith(f"/{proof.name}.{method}")
            assert (len(plain), hashlib.sha256(plain).hexdigest()) == (proof.size_bytes, proof.sha256)
            found[file.name.removesuffix(f".{method}")] = plain
    return found


@pytest.mark.parametrize(("method", "encrypt", "passphrase", "open_file"), METHODS, ids=["age", "zip"])
@pytest.mark.parametrize(("layout", "file_format"), LAYOUTS)
def test_what_is_in_an_encrypted_file_is_what_it_would_be_without(
    over: Over,
    shop_url: str,
    layout: Layout,
    file_format: str,
    method: str,
    encrypt: str,
    passphrase: str | None,
    open_file: Open,
) -> None:
    services = over(shop_url)
    order = order_of(layout, file_format, Chosen(ids=IDS), parameters=(("sections", "profile,orders"),))
    plain = run_bulk(services, order)
    encrypted = replace(order, parameters=(*order.parameters, ("encrypt", encrypt)))
    first, again = (run_bulk(services, encrypted, passphrase=passphrase) for _ in range(2))
    files = opened(first, method, encrypt, open_file)
    assert [one.canonical_sha256 for one in first.results] == [one.canonical_sha256 for one in plain.results]
    assert [one.files[0].sha256 for one in first.results] != [one.files[0].sha256 for one in again.results]
    assert opened(again, method, encrypt, open_file).keys() == files.keys()
    if layout is Layout.TABLES:
        assert files == {name: content for name, content in plain.files.items() if "customers" not in name}
        return
    (content,) = files.values()
    for line in first.index():
        alone = open_file(
            synchronous(services, encrypted, line["customer"], snapshot_of(first.results[0]), passphrase=passphrase)
        )
        if layout is Layout.LINES:
            assert alone in content
        else:
            with ZipFile(io.BytesIO(content)) as archive:
                name = line["file"]["name"]
                assert archive.read(name) == alone
                manifest = json.loads(archive.read(f"{name}.manifest.json"))
            assert manifest["file"]["sha256"] == hashlib.sha256(alone).hexdigest()


@pytest.mark.parametrize("is_encrypted", [True, False])
@pytest.mark.parametrize(("layout", "file_format"), [(Layout.FILES, "csv"), (Layout.LINES, "ndjson")])
def test_nothing_waits_on_the_disk_in_plain(
    over: Over, shop_url: str, layout: Layout, file_format: str, is_encrypted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk: list[bytes] = []

    class Recorded(io.BytesIO):
        def __init__(self, *_options: Any) -> None:
            super().__init__()

        def close(self) -> None:
            if not self.closed:
                disk.append(self.getvalue())
            super().close()

    services = over(shop_url)
    monkeypatch.setattr(rendering, "SPOOL_MEMORY_BYTES", 1)
    monkeypatch.setattr(merge, "SPOOL_MEMORY_BYTES", 1)
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Recorded)
    monkeypatch.setattr(tempfile, "TemporaryFile", Recorded)
    order = order_of(layout, file_format, Chosen(ids=IDS))
    if is_encrypted:
        order = replace(order, parameters=(("encrypt", str(IDENTITY.to_public())),))
    run_bulk(services, order)
    assert len(disk) > len(IDS)
    known = TYPICAL.id.encode()
    assert any(known in content for content in disk) is not is_encrypted


def test_what_ends_the_rows_ends_the_file_with_the_same_error(over: Over, shop_url: str) -> None:
    services = over(shop_url)
    order = order_of(Layout.TABLES, "csv", Chosen(ids=IDS), parameters=(("encrypt", "zip"),))
    with pytest.raises(InvalidRequestError, match="passphrase: is missing"):
        run_bulk(services, order)
