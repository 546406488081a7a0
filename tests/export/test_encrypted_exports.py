"""Encrypted exports by the whole pipeline: any format comes out again, and the manifest proves both files."""

import hashlib
import io
from pathlib import Path

import jsonschema
import pyrage
import pytest
import pyzipper
from pipeline_starts import Start, with_limits

from customer_export.errors import ExportTooLargeError, InvalidRequestError
from customer_export.export.delivery import StartedExport
from customer_export.model.audit import AuditFilter
from customer_export.model.manifest_schema import manifest_schema
from customer_export.model.request import ExportFormat
from customer_export.services import Services
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome

AMELIA = "550e8400-e29b-41d4-a716-446655440000"
IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
PASSPHRASE = "four words and a half-truth"


def taken(started: StartedExport) -> bytes:
    body = b"".join(started.pieces())
    started.finish()
    return body


def unzipped(body: bytes) -> bytes:
    with pyzipper.AESZipFile(io.BytesIO(body)) as archive:
        archive.setpassword(PASSPHRASE.encode())
        [name] = archive.namelist()
        return bytes(archive.read(name))


@pytest.mark.parametrize("method", ["age", "zip"])
@pytest.mark.parametrize("file_format", ExportFormat)
def test_every_format_comes_out_of_it_whole(start: Start, file_format: str, method: str) -> None:
    if method == "age":
        started = start(AMELIA, format=file_format, encrypt=RECIPIENT)
        body = taken(started)
        plain = bytes(pyrage.decrypt(body, [IDENTITY]))
    else:
        started = start(AMELIA, format=file_format, encrypt="zip", passphrase=PASSPHRASE)
        body = taken(started)
        plain = unzipped(body)
    manifest = started.manifest.members()
    file = manifest["file"]
    assert isinstance(file, dict)
    assert (file["bytes"], file["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert file["name"] == f"{file['encryption']['plain']['name']}.{method}" == started.file_name
    assert file["mediaType"] == started.media_type
    assert file["encryption"]["method"] == method
    assert file["encryption"]["recipient"] == (RECIPIENT if method == "age" else None)
    assert file["encryption"]["plain"]["sha256"] == hashlib.sha256(plain).hexdigest()
    whole = verify_file("plain", io.BytesIO(plain), manifest=manifest, keys=None)
    assert (whole.outcome, whole.findings) == (Outcome.WHOLE_BY_UNCHECKED_MANIFEST, [])


def test_the_manifest_of_an_encrypted_file_is_valid(start: Start) -> None:
    started = start(AMELIA, format="csv", encrypt=RECIPIENT)
    taken(started)
    jsonschema.validate(started.manifest.members(), dict(manifest_schema()))


def test_verify_tells_to_decrypt_first_and_finds_what_was_changed(start: Start) -> None:
    started = start(AMELIA, format="csv", encrypt=RECIPIENT)
    body = taken(started)
    manifest = started.manifest.members()
    untouched = verify_file("f", io.BytesIO(body), manifest=manifest, keys=None)
    assert untouched.outcome is Outcome.ENCRYPTED
    assert "decrypt it first" in str(untouched.unknown)
    assert verify_file("f", io.BytesIO(body), manifest=None, keys=None).outcome is Outcome.ENCRYPTED
    flipped = bytearray(body)
    flipped[len(body) // 2] ^= 1
    for broken, code in ((bytes(flipped), "file_changed"), (body[:-1], "file_short"), (body + b"x", "file_long")):
        report = verify_file("f", io.BytesIO(broken), manifest=manifest, keys=None)
        assert report.outcome is Outcome.NOT_WHOLE
        assert [finding.code for finding in report.findings] == [code]
    other = start(AMELIA, format="csv")
    taken(other)
    report = verify_file("f", io.BytesIO(body), manifest=other.manifest.members(), keys=None)
    assert [finding.code for finding in report.findings] == ["wrong_manifest"]


def test_a_large_stream_is_sealed_whole_before_it_leaves(start: Start, services: Services) -> None:
    streaming = with_limits(services, stream_above_rows=0)
    assert start(AMELIA, format="csv", changes=streaming).proof is None
    started = start(AMELIA, format="csv", encrypt=RECIPIENT, changes=streaming)
    assert started.proof is not None
    assert len(pyrage.decrypt(taken(started), [IDENTITY])) > 1000


def test_the_limit_is_that_of_the_plain_file(start: Start, services: Services) -> None:
    small = with_limits(services, largest_bytes={**services.limits.largest_bytes, ExportFormat.CSV: 1000})
    with pytest.raises(ExportTooLargeError):
        start(AMELIA, format="csv", encrypt=RECIPIENT, changes=small)


def test_the_audit_names_the_recipient_and_never_a_secret(start: Start, services: Services, tmp_path: Path) -> None:
    taken(start(AMELIA, format="csv", encrypt=RECIPIENT))
    taken(start(AMELIA, format="csv", encrypt="zip", passphrase=PASSPHRASE))
    misplaced = ({"encrypt": str(IDENTITY)}, {"encrypt": "zip", "passphrase_": PASSPHRASE}, {"encrypt": PASSPHRASE})
    for parameters in misplaced:
        with pytest.raises(InvalidRequestError) as refused:
            start(AMELIA, format="csv", **parameters)
        assert PASSPHRASE not in refused.value.message
    kept = [entry.record.parameters for entry in services.store.audit(AuditFilter(), limit=100)]
    assert f"format=csv&encrypt={RECIPIENT}" in kept
    assert "format=csv&encrypt=zip" in kept
    assert "format=csv&encrypt=zip&passphrase=(left out)" in kept
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert RECIPIENT.encode() in on_disk
    assert PASSPHRASE.encode() not in on_disk
    assert str(IDENTITY).encode() not in on_disk
