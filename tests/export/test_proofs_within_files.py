"""What a file's own manifest proves of the file: all that stands before it, or all other members of an archive."""

import hashlib
import io
import json
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from pipeline_starts import Start, with_limits

from customer_export.demo.customers import ABOVE_STREAMING, EMPTY, HOSTILE, WellKnownCustomer
from customer_export.services import Services
from customer_export.verify.check import verify_file

END_BEGINS = {"json": b'},\n"manifest":', "ndjson": b'{"manifest":'}


def file_of(start: Start, services: Services, known: WellKnownCustomer, file_format: str, **parameters: str) -> bytes:
    return b"".join(start(known.id, changes=services, format=file_format, **parameters).pieces())


def digest(data: bytes) -> dict[str, object]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize("known", [EMPTY, HOSTILE, ABOVE_STREAMING], ids=lambda known: known.name)
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("sections", [{}, {"sections": "orders"}, {"sections": "profile"}])
@pytest.mark.parametrize("file_format", ["json", "ndjson"])
def test_what_stands_before_the_manifest_is_proved_by_it(
    start: Start,
    services: Services,
    known: WellKnownCustomer,
    streamed: bool,
    sections: dict[str, str],
    file_format: str,
) -> None:
    changes = with_limits(services, stream_above_rows=0) if streamed else services
    file = file_of(start, changes, known, file_format, **sections)
    before = file[: file.rindex(END_BEGINS[file_format])]
    manifest = json.loads(file)["manifest"] if file_format == "json" else json.loads(file[len(before) :])["manifest"]
    assert manifest["content"] == digest(before)
    assert "file" not in manifest


@pytest.mark.parametrize("known", [EMPTY, HOSTILE], ids=lambda known: known.name)
def test_the_archives_manifest_proves_every_other_member(
    start: Start, services: Services, known: WellKnownCustomer
) -> None:
    archive = ZipFile(io.BytesIO(file_of(start, services, known, "zip")))
    *others, last = archive.namelist()
    assert last == "manifest.json"
    told = json.loads(archive.read("manifest.json"))["files"]
    assert [{key: one[key] for key in ("name", "bytes", "sha256")} for one in told] == [
        {"name": name, **digest(archive.read(name))} for name in others
    ]
    document = archive.read("customer.json")
    inner = json.loads(document)["manifest"]
    assert inner["content"] == digest(document[: document.rindex(END_BEGINS["json"])])


@pytest.mark.parametrize("file_format", ["json", "ndjson", "zip"])
def test_the_file_alone_is_found_whole(start: Start, services: Services, file_format: str) -> None:
    report = verify_file("a", io.BytesIO(file_of(start, services, HOSTILE, file_format)), manifest=None, keys=None)
    assert (report.findings, report.unknown) == ([], None)
    (by_bytes,) = [told for told in report.checked if "SHA-256" in told]
    assert by_bytes


def test_a_change_outside_of_the_rows_is_found_by_the_file_alone(start: Start, services: Services) -> None:
    file = file_of(start, services, HOSTILE, "json")
    changed = file.replace(b'"customer":{', b'"Customer":{', 1)
    report = verify_file("a", io.BytesIO(changed), manifest=None, keys=None)
    assert {finding.code for finding in report.findings} == {"content_changed"}


@pytest.mark.parametrize("name", ["README.html", "customer.schema.json", "csv/orders.csv-metadata.json"])
def test_a_changed_member_is_found_by_the_archive_alone(start: Start, services: Services, name: str) -> None:
    archive = ZipFile(io.BytesIO(file_of(start, services, HOSTILE, "zip")))
    changed = io.BytesIO()
    with ZipFile(changed, "w", ZIP_DEFLATED) as copy:
        for member in archive.namelist():
            content = archive.read(member)
            copy.writestr(member, content.replace(b"e", b"E", 1) if member == name else content)
    report = verify_file("a", changed, manifest=None, keys=None)
    assert [(finding.code, name in finding.message) for finding in report.findings] == [("member_changed", True)]
