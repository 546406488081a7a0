"""Who is in the files of jobs for several customers: found by the audit's filter, and held by its chain."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from test_jobs import NOW, new_job, partitions, result_of

from customer_export.model.audit import AuditEvent, AuditFilter, AuditRecord
from customer_export.store.jobs import SqlJobs
from customer_export.store.rolls import DIGEST, roll_row
from customer_export.store.sql import SqlStore
from customer_export.store.tables import JOB_ROLLS
from customer_export.store.verification import ChainProblem

ABOUT = AuditRecord(
    at=NOW, event=AuditEvent.SUBMITTED, export_id="", principal="desk", client=None, customer_id=None, format="csv",
    parameters="",
)  # fmt: skip


class Evidence:
    """Jobs with parts, on record."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.jobs = SqlJobs(engine)
        self.store = SqlStore(engine)

    def job(self, job_id: str, *parts: Sequence[str]) -> None:
        """Have a job on record with these customers in its parts."""
        self.jobs.submit(new_job(job_id))
        self.jobs.plan(job_id, partitions(len(parts)), at=NOW)
        about = replace(ABOUT, export_id=job_id)
        self.store.record(about)
        for number, given_ in enumerate(parts):
            for _ in range(2):  # what is done again changes nothing
                self.jobs.finish_part(job_id, replace(result_of(number, job_id), given=tuple(given_)))
        digest = self.jobs.customers_digest(job_id)
        parameters = "" if digest is None else f"tz=UTC&{DIGEST}={digest}"
        self.store.record(replace(about, event=AuditEvent.COMPLETED, parameters=parameters))

    def download(self, request: str, job_id: str, file: str) -> None:
        self.store.record(
            replace(
                ABOUT, event=AuditEvent.DOWNLOADED, export_id=request, source_export_id=job_id,
                parameters=f"file={file}&start=0&stop=9",
            )
        )  # fmt: skip

    def about(self, customer_id: str, *, limit: int = 100, **wanted: object) -> list[tuple[str, str]]:
        """Give event and export of each record about a customer, the oldest first, read page by page."""
        found: list[tuple[str, str]] = []
        before = None
        while True:
            asked = AuditFilter(customer_id=customer_id, **wanted)  # type: ignore[arg-type]  # a test's own words
            page = self.store.audit(asked, before=before, limit=limit)
            found += [(entry.record.event, entry.record.export_id) for entry in page]
            if len(page) < limit:
                return found[::-1]
            before = page[-1].sequence


@pytest.fixture
def evidence(engine: sa.Engine) -> Iterator[Evidence]:
    made = Evidence(engine)
    yield made
    made.store.close()


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_customer_has_the_jobs_they_were_in_and_the_downloads_of_their_part(evidence: Evidence, limit: int) -> None:
    evidence.job("a", ["1", "2"], ["10", "30"])
    evidence.job("b", ["9"])
    evidence.job("c", [])
    evidence.store.record(replace(ABOUT, event=AuditEvent.PURGED, export_id="purge", customer_id="10"))
    for request, file in (("one", "part-00000.zip"), ("two", "part-00001.zip"), ("three", "orders/part-00001.csv")):
        evidence.download(request, "a", file)
    evidence.download("four", "b", "part-00000.zip")
    of_job = [("submitted", "a"), ("completed", "a")]
    downloads = [("downloaded", "two"), ("downloaded", "three")]
    assert evidence.about("10", limit=limit) == [*of_job, ("purged", "purge"), *downloads]
    assert evidence.about("1", limit=limit) == [*of_job, ("downloaded", "one")]
    assert evidence.about("20", limit=limit) == []  # between the first and the last of a part
    assert evidence.about("10", limit=limit, event=AuditEvent.DOWNLOADED) == downloads
    assert evidence.about("10", limit=limit, principal="somebody else") == []


def test_what_a_job_without_files_would_have_had_is_forgotten(evidence: Evidence) -> None:
    evidence.job("a", ["1"])
    evidence.jobs.forget_files("a")
    assert evidence.about("1") == []


def test_who_was_in_a_job_is_known_when_the_job_is_not_any_more(evidence: Evidence) -> None:
    evidence.job("a", ["1"])
    with evidence.engine.begin() as connection:
        connection.execute(sa.text("UPDATE job SET state = 'expired'"))
    evidence.jobs.delete("a")
    assert evidence.jobs.job("a") is None
    assert evidence.about("1") == [("submitted", "a"), ("completed", "a")]


@pytest.mark.parametrize(
    "harm",
    [
        JOB_ROLLS.delete().where(JOB_ROLLS.c.part == 1),
        JOB_ROLLS.update().where(JOB_ROLLS.c.part == 1).values(customers=b"not deflated"),
        JOB_ROLLS.update()
        .where(JOB_ROLLS.c.job_id == "a", JOB_ROLLS.c.part == 0)
        .values(customers=roll_row("a", 0, ["1"])["customers"]),
    ],
    ids=["removed", "spoiled", "one customer less"],
)
def test_a_roll_that_was_altered_is_found(evidence: Evidence, harm: sa.Update | sa.Delete) -> None:
    evidence.job("a", ["1", "2"], ["3"])
    evidence.job("b", ["3"])
    assert evidence.store.verify_chain().whole
    with evidence.engine.begin() as connection:
        connection.execute(harm)
    verification = evidence.store.verify_chain()
    assert [(finding.problem, finding.sequence) for finding in verification.findings] == [(ChainProblem.ROLL, 2)]
    assert not verification.whole
    evidence.about("3")  # and nothing breaks


@given(ids=st.lists(st.one_of(st.integers().map(str), st.uuids().map(str), st.text(min_size=1)), min_size=1))
def test_each_customer_stands_between_the_first_and_the_last(ids: list[str]) -> None:
    whole = roll_row("a", 0, ids)
    for one in ids:
        alone = roll_row("a", 0, [one])
        assert alone["first"] == alone["last"]
        assert str(whole["first"].hex()) <= alone["first"].hex() <= whole["last"].hex()  # type: ignore[attr-defined]


def test_a_customer_takes_few_bytes() -> None:
    uuids = [str(UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC834) % 2**128)) for number in range(5_000)]
    for ids, most in ((uuids, 22), ([str(10_000_000 + number) for number in range(5_000)], 4)):
        customers = roll_row("a", 0, ids)["customers"]
        assert isinstance(customers, bytes)
        assert len(customers) / len(ids) < most
