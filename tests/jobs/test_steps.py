"""The steps of a job by themselves: a part that ends its workers, and one whose job is cancelled meanwhile."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customer_export.compose import open_jobs, open_services
from customer_export.demo.customers import MOST_ORDERS, TYPICAL
from customer_export.engine.interface import Outcome
from customer_export.jobs.erasure.found import Destroyed
from customer_export.jobs.erasure.jobs import erase_from_jobs
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import MOST_DEATHS, Steps
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.access import LocalOperator
from customer_export.model.job import JobState
from customer_export.settings import Settings
from customer_export.storage.interface import Storage, WrittenFile
from own_databases import new_sqlite_store

JOB = "a" * 32


@pytest.fixture
def jobs(tmp_path: Path, demo_shop: Path) -> Iterator[Jobs]:
    settings = Settings(
        source_url=f"sqlite:///{demo_shop}",
        database_url=new_sqlite_store(tmp_path / "own.db"),
        storage_url=f"file://{tmp_path / 'files'}",
    )
    with open_services(settings) as services, open_jobs(settings, services) as opened:
        yield opened


@pytest.fixture
def steps(jobs: Jobs) -> Steps:
    """The steps, of a job that is planned: a report of one customer."""
    call = JobCall(
        job_id=JOB,
        wanted={"customer": MOST_ORDERS.id, "format": "csv"},
        idempotency_key=None,
        credentials=LocalOperator(user="tester"),
        client=None,
    )
    submit_job(jobs, call, told=lambda _allowance: None)
    steps = Steps(jobs=jobs, stopping=threading.Event())
    fan_out = steps.plan(JOB, attempt=1)
    assert fan_out is not None
    assert (fan_out.parts, fan_out.is_small) == (1, True)
    return steps


class _LatePurge:
    """A storage by which a purge happens while the first file is written."""

    def __init__(self, storage: Storage, purge: Callable[[], int]) -> None:
        self._storage = storage
        self._purge = purge
        self.purged: int | None = None

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> WrittenFile:
        return self._storage.write(name, self._purging(pieces), media_type=media_type)

    def _purging(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self.purged is None:
                self.purged = self._purge()
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


def purge_jobs(jobs: Jobs, customer_id: str) -> int:
    """Erase a customer from all jobs, and say how many lost everything."""
    destroyed = Destroyed()
    erase_from_jobs(jobs, customer_id, destroyed)
    assert not destroyed.problems
    return len(destroyed.jobs)


def state_of(jobs: Jobs) -> tuple[JobState, str | None]:
    job = jobs.store.job(JOB)
    assert job is not None
    return job.state, job.code


def events_of(jobs: Jobs) -> list[str]:
    return [record.event for record in jobs.services.store.audit_of(JOB)]


def test_steps_may_be_done_again_and_the_end_stays(jobs: Jobs, steps: Steps) -> None:
    for _ in range(2):
        assert steps.plan(JOB, attempt=1) is not None
        assert steps.run_part(JOB, 0, attempt=1) is Outcome.DONE
    for _ in range(3):
        assert steps.finish(JOB, attempt=1) is Outcome.DONE
    assert state_of(jobs) == (JobState.FINISHED, None)
    assert events_of(jobs) == ["submitted", "completed"]
    assert len(list(jobs.storage.list_files("jobs"))) == 2


def test_a_part_that_ends_its_workers_is_given_up(jobs: Jobs, steps: Steps) -> None:
    for _ in range(MOST_DEATHS):
        jobs.store.begin_part(JOB, 0)  # and the worker died
    assert steps.run_part(JOB, 0, attempt=1) is Outcome.DONE
    steps.finish(JOB, attempt=1)
    assert state_of(jobs) == (JobState.FAILED, "WORKER_DIED")
    assert events_of(jobs) == ["submitted", "failed"]


def test_attempts_while_something_is_down_are_no_deaths(jobs: Jobs, steps: Steps) -> None:
    for _ in range(MOST_DEATHS + 2):
        jobs.store.begin_part(JOB, 0)
    assert steps.run_part(JOB, 0, attempt=MOST_DEATHS + 3) is Outcome.DONE
    steps.finish(JOB, attempt=1)
    assert state_of(jobs) == (JobState.FINISHED, None)


def test_a_job_that_is_cancelled_keeps_no_files(jobs: Jobs, steps: Steps) -> None:
    steps.run_part(JOB, 0, attempt=1)
    assert list(jobs.storage.list_files("jobs"))
    assert jobs.store.request_cancel(JOB, at=jobs.services.now())
    assert steps.run_part(JOB, 0, attempt=1) is Outcome.STOP
    steps.finish(JOB, attempt=1)
    assert state_of(jobs) == (JobState.CANCELLED, None)
    assert list(jobs.storage.list_files("jobs")) == []
    assert jobs.store.files(JOB) == []
    assert events_of(jobs) == ["submitted", "failed"]


def test_a_purge_destroys_the_files_of_a_finished_job(jobs: Jobs, steps: Steps) -> None:
    steps.run_part(JOB, 0, attempt=1)
    steps.finish(JOB, attempt=1)
    assert purge_jobs(jobs, TYPICAL.id) == 0
    assert state_of(jobs) == (JobState.FINISHED, None)
    assert [purge_jobs(jobs, MOST_ORDERS.id) for _ in range(2)] == [1, 0]
    assert state_of(jobs) == (JobState.EXPIRED, None)
    assert list(jobs.storage.list_files("jobs")) == []
    assert jobs.store.files(JOB) == []
    assert events_of(jobs) == ["submitted", "completed"]


def test_a_purge_cancels_a_job_in_flight_whatever_its_worker_does_then(jobs: Jobs, steps: Steps) -> None:
    steps.run_part(JOB, 0, attempt=1)
    assert purge_jobs(jobs, MOST_ORDERS.id) == 1
    assert list(jobs.storage.list_files("jobs")) == []
    assert steps.run_part(JOB, 0, attempt=1) is Outcome.STOP
    steps.finish(JOB, attempt=1)
    assert state_of(jobs) == (JobState.CANCELLED, None)
    assert events_of(jobs) == ["submitted", "failed"]


def test_a_part_that_began_before_a_purge_and_ends_after_it_leaves_nothing(jobs: Jobs, steps: Steps) -> None:
    late = _LatePurge(jobs.storage, lambda: purge_jobs(jobs, MOST_ORDERS.id))
    behind = Steps(jobs=replace(jobs, storage=late), stopping=steps.stopping)
    behind.run_part(JOB, 0, attempt=1)
    assert late.purged == 1
    behind.finish(JOB, attempt=1)
    assert state_of(jobs) == (JobState.CANCELLED, None)
    assert list(jobs.storage.list_files("jobs")) == []
    assert jobs.store.files(JOB) == []
    assert events_of(jobs) == ["submitted", "failed"]


def test_a_purge_that_broke_off_is_made_whole_by_the_next_one(jobs: Jobs, steps: Steps) -> None:
    steps.run_part(JOB, 0, attempt=1)
    steps.finish(JOB, attempt=1)
    assert jobs.store.expire(JOB, at=jobs.services.now())  # and then the process died
    assert purge_jobs(jobs, MOST_ORDERS.id) == 1
    assert list(jobs.storage.list_files("jobs")) == []


def test_a_part_under_way_is_left_to_others_when_the_worker_stops(jobs: Jobs, steps: Steps) -> None:
    steps.stopping.set()
    outcome = steps.run_part(JOB, 0, attempt=1)
    assert outcome in {Outcome.AGAIN, Outcome.DONE}  # it looks twice a second: a quick part is done before
    assert state_of(jobs)[0] is JobState.RUNNING
