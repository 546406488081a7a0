"""A purge and schedules: what names the customer alone goes, and everything else goes on without them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from erased_jobs import ADMIN, OPERATOR, customers_of, finished, is_kept, job_of, planned, purge, steps_of

from customer_export.demo.customers import HOSTILE, ONE_ORDER, TYPICAL
from customer_export.errors import ScheduleNotFoundError
from customer_export.jobs.erasure.forgetting import key_columns
from customer_export.jobs.schedules import firing
from customer_export.jobs.schedules.edit import save_schedule, show_schedule
from customer_export.jobs.schedules.firing import run_schedules
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import submit_job
from customer_export.model.audit import AuditEvent, AuditFilter
from customer_export.model.job import JobFilter, JobState
from timed_jobs import START, Clock

HOUR = timedelta(hours=1)


@pytest.fixture
def jobs(timed_jobs: Jobs) -> Jobs:
    return timed_jobs


def save(jobs: Jobs, **export: Any) -> str:
    body = {"name": "nightly", "cron": "0 * * * *", "export": {"format": "csv", **export}}
    return str(save_schedule(jobs, body, OPERATOR, client=None)["id"])


def export_of(jobs: Jobs, schedule_id: str) -> Mapping[str, Any]:
    export: Mapping[str, Any] = show_schedule(jobs, schedule_id, ADMIN)["export"]  # type: ignore[assignment]
    return export


@pytest.mark.parametrize(
    "export",
    [
        {"customer": TYPICAL.id.upper()},
        {"customers": [TYPICAL.id]},
        {"filter": {"id": TYPICAL.id}},
        {"filter": {"id": [TYPICAL.id.upper()], "currency": "EUR"}},
    ],
)
def test_a_schedule_of_the_customer_alone_is_deleted(jobs: Jobs, export: Mapping[str, Any]) -> None:
    assert key_columns(jobs.services.source.map) == {"id"}
    gone, other = save(jobs, **export), save(jobs, customer=ONE_ORDER.id)
    receipt = purge(jobs, TYPICAL.id)
    assert receipt["schedules"] == {"deleted": [gone], "changed": []}
    assert receipt["destroyed"]["schedules"] == 1
    with pytest.raises(ScheduleNotFoundError):
        show_schedule(jobs, gone, ADMIN)
    assert export_of(jobs, other)["customer"] == ONE_ORDER.id
    (entry,) = jobs.services.store.audit(AuditFilter(event=AuditEvent.CHANGED), limit=1)
    assert entry.record.parameters == f"schedule={gone}&change=deleted"
    assert (entry.record.principal, entry.record.customer_id) == ("local:tester", TYPICAL.id)


@pytest.mark.parametrize(
    ("export", "left"),
    [
        ({"customers": [ONE_ORDER.id, TYPICAL.id.upper(), HOSTILE.id]}, {"customers": [ONE_ORDER.id, HOSTILE.id]}),
        ({"filter": {"id": [TYPICAL.id, HOSTILE.id]}}, {"filter": {"id": [HOSTILE.id]}}),
    ],
)
def test_a_schedule_that_lists_others_goes_on_without_the_id(
    jobs: Jobs, clock: Clock, export: Mapping[str, Any], left: Mapping[str, Any]
) -> None:
    schedule_id, everybody = save(jobs, **export), save(jobs, customers="all")
    assert purge(jobs, TYPICAL.id)["schedules"] == {"deleted": [], "changed": [schedule_id]}
    assert export_of(jobs, schedule_id) == {"format": "csv", **left}
    assert export_of(jobs, everybody) == {"format": "csv", "customers": "all"}
    assert purge(jobs, TYPICAL.id)["schedules"] == {"deleted": [], "changed": []}
    clock.at = START + HOUR
    run_schedules(jobs)
    assert len(show_schedule(jobs, schedule_id, ADMIN)["runs"]) == 1  # type: ignore[arg-type]


def test_a_schedule_that_is_deleted_leaves_no_job_in_flight(jobs: Jobs, clock: Clock) -> None:
    save(jobs, customer=TYPICAL.id)
    clock.at = START + HOUR
    run_schedules(jobs)
    ((job),) = jobs.store.jobs(JobFilter(), limit=9)
    assert purge(jobs, TYPICAL.id)["jobs"] == [job.job_id]
    assert job_of(jobs, job.job_id).state is JobState.CANCELLED


@pytest.mark.parametrize("alone", [True, False])
def test_a_run_that_was_begun_before_a_purge_and_submits_after_it_has_not_the_customer(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch, *, alone: bool
) -> None:
    ids = [TYPICAL.id] if alone else [TYPICAL.id, ONE_ORDER.id]
    save(jobs, customers=ids, layout="lines", format="ndjson")

    def submitting_late(*args: Any, **kwargs: Any) -> Any:
        purge(jobs, TYPICAL.id)
        return submit_job(*args, **kwargs)

    monkeypatch.setattr(firing, "submit_job", submitting_late)
    clock.at = START + HOUR
    run_schedules(jobs)
    ((job),) = jobs.store.jobs(JobFilter(), limit=9)
    if alone:
        assert job.state is JobState.CANCELLED
        return
    planned(jobs, job.job_id, each=9)
    steps_of(jobs).run_part(job.job_id, 0, attempt=1)
    assert customers_of(jobs, job.job_id) == [[ONE_ORDER.id]]


def test_somebody_who_saves_a_schedule_meanwhile_is_not_overwritten(jobs: Jobs, clock: Clock) -> None:
    schedule_id = save(jobs, customers=[TYPICAL.id, ONE_ORDER.id])
    store = Saving(jobs, schedule_id, clock)
    purge(replace(jobs, schedules=store), TYPICAL.id)
    assert store.saved
    assert export_of(jobs, schedule_id) == {"format": "json", "customers": [HOSTILE.id]}


class Saving:
    """A store by which somebody saves a schedule between a purge's look and its change."""

    def __init__(self, jobs: Jobs, schedule_id: str, clock: Clock) -> None:
        self._jobs, self._schedule_id, self._clock = jobs, schedule_id, clock
        self.saved = False

    def replace_unchanged(self, schedule: Any, *, updated_at: Any) -> bool:
        if not self.saved:
            self.saved = True
            self._clock.at += timedelta(seconds=1)
            export = {"format": "json", "customers": [HOSTILE.id, TYPICAL.id]}
            body = {"name": "other", "cron": "0 * * * *", "export": export}
            save_schedule(self._jobs, body, OPERATOR, client=None, schedule_id=self._schedule_id)
        return self._jobs.schedules.replace_unchanged(schedule, updated_at=updated_at)

    def __getattr__(self, name: str) -> object:
        return getattr(self._jobs.schedules, name)


def test_other_jobs_are_left_alone(jobs: Jobs) -> None:
    finished(jobs, each=9, customers=[ONE_ORDER.id, HOSTILE.id], layout="lines", format="ndjson")
    receipt = purge(jobs, TYPICAL.id)
    assert receipt["destroyed"] == {"cacheFiles": 0, "jobs": 0, "parts": 0, "files": 0, "bytes": 0, "schedules": 0}
    assert is_kept(jobs, ONE_ORDER.id)
