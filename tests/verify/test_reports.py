"""What verify says of a report by itself: its last comment holds the manifest of all bytes before it."""

import io
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.model.request import ExportFormat
from customer_export.signing.keys import SigningKey
from customer_export.signing.signature import sign_members
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome, Report
from customer_export.writers.pdf import PdfWriter, RendererPool
from verify import proven
from verify.test_verify import orders
from writers.pdf_checks import assert_well_formed

KEY = SigningKey.generate()
KEYS = {KEY.key_id: KEY.public}


@pytest.fixture(scope="module")
def report() -> Iterator[bytes]:
    """A report, signed."""
    pool = RendererPool(children=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proven, "WRITERS", {ExportFormat.PDF: PdfWriter(pool)})
        yield Data(proven.make(ExportFormat.PDF, [orders()], sign=lambda members: sign_members(members, KEY)).data)
    pool.close()


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


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
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
