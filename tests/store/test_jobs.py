"""What our own database keeps of jobs, on SQLite and PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from customer_export.model.bulk import BulkOrder, Chosen, Layout, Partition
from customer_export.model.bulk_result import Artifact, PartitionResult
from customer_export.model.job import JobFilter, JobState, NewJob, PartState, Submitter, SubmitterKind
from customer_export.store.jobs import SqlJobs
from customer_export.store.tables import JOBS

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def jobs(engine: sa.Engine) -> SqlJobs:
    return SqlJobs(engine)


def new_job(
    job_id: str, *, fingerprint: str | None = None, key: str | None = None, at: datetime = NOW, name: str = "desk"
) -> NewJob:
    order = BulkOrder(
        job_id=job_id, created_at=at, customers=Chosen(ids=("7",)), layout=Layout.FILES, format="csv",
        parameters=(("tz", "UTC"),),
    )  # fmt: skip
    submitter = Submitter(kind=SubmitterKind.TOKEN, name=name, token_digest="ab" * 32)
    return NewJob(order=order, submitter=submitter, fingerprint=fingerprint or job_id, idempotency_key=key)


def partitions(count: int) -> list[Partition]:
    return [Partition(number=number, customers=10, after=number, through=number + 1) for number in range(count)]


def result_of(number: int, job_id: str = "a") -> PartitionResult:
    file = Artifact(name=f"{job_id}/part-{number}.zip", media_type="application/zip", size_bytes=5, sha256="0", rows=30)
    return PartitionResult(
        number=number, customers=9, rows=30, failed=1, failures=(), files=(file,),
        index=replace(file, name=f"{job_id}/part-{number}.index", rows=0), canonical_sha256="c",
        snapshot_at="2026", snapshot_server="SQLite", snapshot_identity=None,
    )  # fmt: skip


def test_a_job_is_kept_as_it_was_submitted(jobs: SqlJobs) -> None:
    submitted = jobs.submit(new_job("a", key="k"))
    assert submitted.is_new
    found = jobs.job("a")
    assert found is not None
    assert (found.order, found.submitter) == (new_job("a").order, new_job("a").submitter)
    assert (found.state, found.customers) == (JobState.QUEUED, None)


def test_the_same_key_gives_the_same_job_and_another_callers_is_another(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a", key="k"))
    again = jobs.submit(new_job("b", key="k"))
    assert (again.job.job_id, again.has_key, again.is_new) == ("a", True, False)
    assert jobs.submit(new_job("c", key="k", name="other")).is_new


def test_what_is_in_flight_is_joined_and_what_has_ended_is_not(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a", fingerprint="same"))
    assert jobs.submit(new_job("b", fingerprint="same")).job.job_id == "a"
    assert jobs.end("a", JobState.FAILED, at=NOW, code="X")
    assert jobs.submit(new_job("c", fingerprint="same")).is_new


def test_of_many_who_submit_the_same_at_a_time_one_makes_the_job(jobs: SqlJobs) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: jobs.submit(new_job(f"j{n}", fingerprint="same")), range(8)))
    assert sum(one.is_new for one in found) == 1
    assert len({one.job.job_id for one in found}) == 1


def test_a_transaction_that_is_rolled_back_leaves_no_job(jobs: SqlJobs, engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(JOBS.insert().values(_row("a")))
        connection.rollback()
    assert jobs.undispatched(limit=10) == []
    jobs.submit(new_job("b"))
    assert jobs.undispatched(limit=10) == ["b"]
    jobs.dispatched("b", at=NOW)
    assert jobs.undispatched(limit=10) == []
    assert jobs.running(dispatched_before=NOW + timedelta(seconds=1), limit=10) == ["b"]


def _row(job_id: str) -> dict[str, object]:
    return {
        "job_id": job_id, "created_at": "2026", "state": "queued", "principal": "x", "submitter": "{}", "format": "csv",
        "layout": "files", "job_order": "{}", "fingerprint": "f", "link_generation": 0,
    }  # fmt: skip


def test_a_plan_is_made_once(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a"))
    jobs.plan("a", partitions(3), at=NOW)
    jobs.plan("a", partitions(5), at=NOW)
    assert jobs.count_parts("a") == 3
    job = jobs.job("a")
    assert job is not None
    assert (job.state, job.customers) == (JobState.RUNNING, 30)
    assert [part.partition for part in jobs.parts("a")] == partitions(3)


def test_progress_is_exact_whatever_is_done_twice(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a"))
    jobs.plan("a", partitions(3), at=NOW)
    assert jobs.begin_part("a", 0).begun == 1
    assert jobs.tell_part("a", 0, customers=4, rows=12)
    assert jobs.progress(["a"])["a"].customers_done == 4
    assert jobs.begin_part("a", 0).begun == 2
    assert jobs.progress(["a"])["a"].rows == 0
    for _ in range(2):
        jobs.finish_part("a", result_of(0))
    assert jobs.begin_part("a", 0).state is PartState.DONE
    jobs.fail_part("a", 0, code="LATE")
    jobs.fail_part("a", 1, code="X")
    told = jobs.progress(["a", "unknown"])
    assert (told["a"].parts, told["a"].parts_done, told["a"].parts_failed) == (3, 1, 1)
    assert (told["a"].customers_done, told["a"].customers_failed, told["a"].rows, told["a"].bytes) == (9, 1, 30, 10)
    assert told["unknown"].parts == 0
    assert [file.artifact.name for file in jobs.files("a")] == ["a/part-0.index", "a/part-0.zip"]
    found = jobs.file("a", "a/part-0.zip")
    assert found is not None
    assert found.artifact == result_of(0).files[0]
    assert jobs.file("a", "a/part-9.zip") is None
    assert next(iter(jobs.parts("a"))).result == result_of(0)


def test_a_job_that_is_to_be_cancelled_ends_in_no_other_way(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a"))
    jobs.plan("a", partitions(1), at=NOW)
    assert jobs.request_cancel("a", at=NOW)
    assert not jobs.tell_part("a", 0, customers=1, rows=1)
    assert not jobs.end("a", JobState.FINISHED, at=NOW)
    assert jobs.end("a", JobState.CANCELLED, at=NOW)
    assert not jobs.end("a", JobState.CANCELLED, at=NOW)
    assert not jobs.request_cancel("a", at=NOW)


def test_a_job_that_nobody_has_begun_is_cancelled_at_once(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a"))
    assert jobs.request_cancel("a", at=NOW)
    job = jobs.job("a")
    assert job is not None
    assert job.state is JobState.CANCELLED
    jobs.plan("a", partitions(1), at=NOW)
    assert jobs.count_parts("a") == 0


def test_jobs_are_listed_page_by_page(jobs: SqlJobs) -> None:
    for number in range(7):
        jobs.submit(new_job(f"j{number}", at=NOW + timedelta(seconds=number // 2), name=f"n{number % 2}"))
    seen: list[str] = []
    before = None
    while page := jobs.jobs(JobFilter(), before=before, limit=3):
        seen += [job.job_id for job in page]
        before = (page[-1].created_at, page[-1].job_id)
    assert seen == [f"j{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert [job.job_id for job in jobs.jobs(JobFilter(principal="n1"), limit=9)] == ["j5", "j3", "j1"]
    assert jobs.jobs(JobFilter(state=JobState.RUNNING), limit=9) == []
    assert jobs.jobs(JobFilter(format="pdf", layout="files"), limit=9) == []


def test_files_expire_and_the_job_is_forgotten_later(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a"))
    jobs.plan("a", partitions(1), at=NOW)
    jobs.finish_part("a", result_of(0))
    jobs.end("a", JobState.FINISHED, at=NOW, manifest={"x": 1}, expires_at=NOW + timedelta(days=7))
    assert jobs.manifest("a") == {"x": 1}
    assert jobs.expiring(at=NOW + timedelta(days=6), limit=9) == []
    assert jobs.expiring(at=NOW + timedelta(days=7), limit=9) == ["a"]
    assert jobs.expire("a", at=NOW)
    assert not jobs.expire("a", at=NOW)
    assert jobs.files("a") == []
    assert jobs.ended_without_files(before=NOW, limit=9) == []
    assert jobs.ended_without_files(before=NOW + timedelta(days=1), limit=9) == ["a"]
    jobs.delete("a")
    assert jobs.job("a") is None
    assert jobs.count_parts("a") == 0


def test_links_are_revoked_by_their_generation(jobs: SqlJobs) -> None:
    jobs.submit(new_job("a"))
    jobs.revoke_links("a")
    job = jobs.job("a")
    assert job is not None
    assert job.link_generation == 1
