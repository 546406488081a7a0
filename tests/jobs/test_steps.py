"""The steps of a job by themselves: a part that ends its workers, and one whose job is cancelled meanwhile."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_export.compose import open_jobs, open_services
from customer_export.demo.customers import MOST_ORDERS
from customer_export.engine.interface import Outcome
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import MOST_DEATHS, Steps
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.access import LocalOperator
from customer_export.model.job import JobState
from customer_export.settings import Settings

JOB = "a" * 32


@pytest.fixture
def jobs(tmp_path: Path, demo_shop: Path) -> Iterator[Jobs]:
    settings = Settings(
        source_url=f"sqlite:///{demo_shop}",
        database_url=f"sqlite:///{tmp_path / 'own.db'}",
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


def test_a_part_under_way_is_left_to_others_when_the_worker_stops(jobs: Jobs, steps: Steps) -> None:
    steps.stopping.set()
    outcome = steps.run_part(JOB, 0, attempt=1)
    assert outcome in {Outcome.AGAIN, Outcome.DONE}  # it looks twice a second: a quick part is done before
    assert state_of(jobs)[0] is JobState.RUNNING
