"""What verify says of a report by itself: its last comment holds the manifest of all bytes before it."""

import io
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.model.request import Attachment, ExportFormat
from customer_export.signing.keys import SigningKey
from customer_export.signing.signature import sign_members
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome, Report
from customer_export.writers.pdf import PdfWriter, RendererPool
from verify import proven
from verify.proven import Made
from verify.test_diff import differences
from verify.test_verify import COLUMNS, orders
from writers.pdf_checks import assert_well_formed
from writers.sections import section

KEY = SigningKey.generate()
KEYS = {KEY.key_id: KEY.public}


@pytest.fixture(scope="module")
def reports() -> Iterator[dict[Attachment | None, Made]]:
    """A report, and one that has the JSON attached, both signed."""
    pool = RendererPool(children=1)
    empty = section("visits", COLUMNS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(proven.WRITERS, ExportFormat.PDF, PdfWriter(pool))
        yield {
            attach: proven.make(
                ExportFormat.PDF,
                [orders(), empty],
                sign=lambda members: sign_members(members, KEY),
                attach=attach,
            )
            for attach in (None, Attachment.JSON)
        }
    pool.close()


@pytest.fixture(params=[None, Attachment.JSON], ids=["alone", "with JSON"])
def report(reports: dict[Attachment | None, Made], request: pytest.FixtureRequest) -> bytes:
    return Data(reports[request.param].data)


@pytest.fixture
def attached(reports: dict[Attachment | None, Made]) -> Made:
    return reports[Attachment.JSON]


class Data(bytes):
    """Bytes that are not shown in whole where a test fails."""

    def __repr__(self) -> str:
        return f"{len(self)} bytes"


def check(data: bytes) -> Report:
    return verify_file("report.pdf", io.BytesIO(data), manifest=None, keys=KEYS)


def test_a_report_that_nobody_touched_is_whole(report: bytes) -> None:
    found = check(report)
    assert (found.findings, found.outcome, found.manifest_from) == ([], Outcome.WHOLE, "file")
    assert "the size and SHA-256 of what stands before the manifest in the file" in found.checked


@settings(suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_report_that_was_touched_is_not(report: bytes, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(report)
    place = chance.choice((chance.randrange(len(data)), len(data) - 1 - chance.randrange(40)))
    match chance.choice(("flip", "cut", "append", "insert")):
        case "flip":
            data[place] ^= 1 << chance.randrange(8)
        case "cut":
            del data[place:]
        case "append":
            data += report[place:]
        case _:
            data[place:place] = b"\n"
    assert check(bytes(data)).outcome in {Outcome.NOT_WHOLE, Outcome.UNKNOWN}


def test_pages_that_were_put_before_the_end_show(report: bytes) -> None:
    place = report.rindex(b"\nstartxref\n")
    other = report[:place] + b"\n1 0 obj\n<</Type/Catalog>>\nendobj" + report[place:]
    assert [finding.code for finding in check(other).findings] == ["no_end"]
    elsewhere = report[:place] + b"\nstartxref\n17\n%%EOF\n"
    assert [finding.code for finding in check(elsewhere).findings] == ["no_end"]


def test_other_programs_pass_the_comment_by(report: bytes) -> None:
    assert_well_formed(report)


def test_rows_are_checked_by_the_attached_document(attached: Made) -> None:
    found = check(attached.data)
    assert "rows, keys and cells of each section in the attached JSON" in found.checked
    assert found.rows == {"orders": 50, "visits": 0}
    assert found.canonical_sha256 == attached.manifest["canonical"]["sha256"]


def test_the_attached_document_is_the_same_export_and_proves_itself(attached: Made) -> None:
    with pikepdf.open(io.BytesIO(attached.data)) as file:
        assert list(file.attachments) == ["customer.json"]
        document = file.attachments["customer.json"].get_file().read_bytes()
        assert file.attachments["customer.json"].get_file().mime_type == "application/json"
        assert file.Root.AF[0].AFRelationship == "/Data"
        with file.open_metadata() as metadata:
            assert metadata["pdfaid:part"] == "3"
    assert len(json.loads(document)["sections"]["orders"]) == 50
    found = verify_file("customer.json", io.BytesIO(document), manifest=None, keys=KEYS)
    assert (found.findings, found.outcome) == ([], Outcome.WHOLE)
    changed = document.replace(b"note 17", b"note 71")
    codes = [one.code for one in verify_file("a", io.BytesIO(changed), manifest=None, keys=KEYS).findings]
    assert codes == ["content_changed", "cells_changed"]


def test_poppler_takes_the_attachment_out(attached: Made, tmp_path: Path) -> None:
    if shutil.which("pdfdetach") is None:
        pytest.skip("poppler's pdfdetach is not installed")
    file = tmp_path / "report.pdf"
    file.write_bytes(attached.data)
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, file], check=True, capture_output=True)
    assert json.loads((tmp_path / "customer.json").read_bytes())["sections"]["visits"] == []


def test_a_report_with_the_document_is_compared_like_any_other_file(attached: Made) -> None:
    rows = [list(row) for row in orders().data]
    rows[9][1] = "another"
    other = proven.make(ExportFormat.CSV, [replace(orders(), data=rows), section("visits", COLUMNS)])
    [difference] = differences(attached, other)
    assert difference.cells == {"note": ("note 10", "another")}
