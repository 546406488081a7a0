"""Runs of schedules: each moment is taken by one worker, and becomes one job, whoever dies on the way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog

from customer_export.errors import (
    ExportError,
    IdempotencyKeyReusedError,
    JobInFlightError,
    LimiterUnavailableError,
    RateLimitExceededError,
    ScheduleNotFoundError,
    SourceUnavailableError,
    StoreUnavailableError,
)
from customer_export.export.admission import authorise
from customer_export.jobs.erasure.schedules import erase_from_new_job
from customer_export.jobs.rights import credentials_of
from customer_export.jobs.schedules.edit import find_schedule
from customer_export.jobs.schedules.times import moment_before, next_moment
from customer_export.jobs.schedules.wording import LAST, written_out
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import JobCall, read_order, submit_job
from customer_export.model.access import Principal, Scope
from customer_export.model.job import IN_FLIGHT, JobState
from customer_export.model.schedule import MissedRuns, RunState, Schedule, ScheduledRun, Target

AT_ONCE = 100
MISSED_AFTER = timedelta(minutes=2)
"""How late a run may be that still counts as in time: a worker needs some seconds to start, and may be started anew."""

DEAD_AFTER = timedelta(seconds=30)
"""How long a run may have no job before a worker submits it once more."""

_LATER = (StoreUnavailableError, SourceUnavailableError, LimiterUnavailableError, RateLimitExceededError)
"""What may be over in a while."""

_ENDS = {
    JobState.FINISHED: RunState.FINISHED,
    JobState.INCOMPLETE: RunState.INCOMPLETE,
    JobState.FAILED: RunState.FAILED,
    JobState.CANCELLED: RunState.CANCELLED,
    JobState.EXPIRED: RunState.FINISHED,
}

log = structlog.get_logger()


def run_schedules(jobs: Jobs) -> None:
    """Submit what is due, what nobody has submitted though it was taken, and note how jobs have ended."""
    settle_runs(jobs)
    for schedule, run in take_runs(jobs, Target.FILES):
        with by_itself(schedule.schedule_id):
            _submit(jobs, schedule, run)


def take_runs(jobs: Jobs, target: Target) -> Iterator[tuple[Schedule, ScheduledRun]]:
    """Take the runs that are due, and those of who has died: each is given to one who asks."""
    now = jobs.services.now()
    for schedule in jobs.schedules.due(at=now, limit=AT_ONCE, target=target):
        due: ScheduledRun | None = None
        with by_itself(schedule.schedule_id):
            due = _claimed(jobs, schedule, now)
        if due is not None:
            yield schedule, due
    for run in jobs.schedules.pending(begun_before=now - DEAD_AFTER, limit=AT_ONCE, target=target):
        found = jobs.schedules.schedule(run.schedule_id)
        if found is not None and jobs.schedules.begin_again(run, at=now):
            yield found, replace(run, begun_at=now)


@contextmanager
def by_itself(schedule_id: str) -> Iterator[None]:
    """Let no schedule hold up the others, whatever is wrong with it; if our own database is down, all are."""
    try:
        yield
    except StoreUnavailableError:
        raise
    except Exception:
        log.exception("schedule_failed", schedule_id=schedule_id)


def run_now(jobs: Jobs, schedule_id: str, principal: Principal) -> ScheduledRun:
    """Run a schedule at once, whatever its state; its next run stays as it is. Raises ScheduleNotFoundError."""
    schedule, now = find_schedule(jobs, schedule_id, principal), jobs.services.now()
    run = ScheduledRun(schedule_id=schedule_id, due_at=now, begun_at=now, by_hand=True)
    if schedule.target is Target.CACHE:  # as if somebody had died of it: whoever keeps the cache warm takes it over
        jobs.schedules.add_run(replace(run, begun_at=now - 2 * DEAD_AFTER))
    else:
        jobs.schedules.add_run(run)
        _submit(jobs, schedule, run)
    for known in jobs.schedules.runs(schedule_id, limit=AT_ONCE):
        if known.due_at == run.due_at:
            return known
    raise ScheduleNotFoundError  # somebody has deleted it meanwhile


def settle_runs(jobs: Jobs) -> None:
    """Note of runs how their jobs have ended, and let schedules stop that fail again and again."""
    for run in jobs.schedules.unsettled(limit=AT_ONCE):
        assert run.job_id is not None
        job = jobs.store.job(run.job_id)
        if job is None:  # it ended long ago, and has been forgotten
            jobs.schedules.settle(run, RunState.FINISHED)
        elif job.state not in IN_FLIGHT:
            jobs.schedules.settle(run, _ENDS[job.state], code=job.code)


def forget_runs(jobs: Jobs) -> None:
    """Forget runs as long ago as jobs are forgotten."""
    kept = jobs.limits.keep_files + jobs.limits.keep_history
    jobs.schedules.forget_runs(before=jobs.services.now() - kept)


def _claimed(jobs: Jobs, schedule: Schedule, now: datetime) -> ScheduledRun | None:
    """Take the moment that a schedule is due for; None if another worker has it, or it is too late for it."""
    assert schedule.due_at is not None
    is_left_out = schedule.missed is MissedRuns.SKIP and now - schedule.due_at > MISSED_AFTER
    run = ScheduledRun(schedule_id=schedule.schedule_id, due_at=schedule.due_at, begun_at=now)
    following = next_moment(schedule.cron, schedule.time_zone, after=now)
    taken = jobs.schedules.claim(schedule, next_due=following, run=None if is_left_out else run)
    return run if taken and not is_left_out else None


def _submit(jobs: Jobs, schedule: Schedule, run: ScheduledRun) -> None:
    """Submit the job of a run, by a key of its own: twice is once."""
    call = JobCall(
        job_id=uuid4().hex,
        wanted=_export_of(jobs, schedule, run),
        idempotency_key=f"schedule {run.schedule_id} {run.due_at.isoformat()}",
        credentials=credentials_of(schedule.owner),
        client=None,
        is_counted=False,
    )
    try:
        job_id = submit_job(jobs, call, told=lambda _allowance: None).job.job_id
    except IdempotencyKeyReusedError as failure:  # whoever died had submitted it, and its moments would be others now
        jobs.schedules.have_job(run, failure.job_id)
        erase_from_new_job(jobs, run.schedule_id, failure.job_id)
    except JobInFlightError as failure:
        jobs.schedules.settle(run, RunState.OVERLAPPING, code=failure.code)
    except _LATER as failure:  # the run stays pending, and is submitted again
        log.warning("schedule_delayed", schedule_id=run.schedule_id, code=failure.code)
    except ExportError as failure:
        log.warning("schedule_refused", schedule_id=run.schedule_id, code=failure.code)
        jobs.schedules.settle(run, RunState.REFUSED, code=failure.code)
    else:
        jobs.schedules.have_job(run, job_id)
        erase_from_new_job(jobs, run.schedule_id, job_id)
        log.info("schedule_submitted", schedule_id=run.schedule_id, job_id=job_id)


def _export_of(jobs: Jobs, schedule: Schedule, run: ScheduledRun) -> dict[str, object]:
    """Write out the moments: from the last run whose job made everything, so that what a failed one missed is there."""
    zone = ZoneInfo(schedule.time_zone)
    last = jobs.schedules.last_finished(schedule.schedule_id, before=run.due_at)
    previous = moment_before(schedule.cron, schedule.time_zone, before=run.due_at) if last is None else last.due_at
    written = partial(written_out, schedule.export, due=run.due_at.astimezone(zone), previous=previous.astimezone(zone))
    following = written(last=None if last is None else last.job_id)
    if LAST in schedule.export.values() and not _may_follow(jobs, schedule, following):
        return written(last=None)
    return following


def _may_follow(jobs: Jobs, schedule: Schedule, export: Mapping[str, object]) -> bool:
    """Whether the job of the last run still has its files, and was of the same: if not, the next one has everything."""
    try:
        owner = authorise(jobs.services, credentials_of(schedule.owner), Scope.EXPORT, client=None)
        read_order(jobs, export, job_id=uuid4().hex, principal=owner)
    except StoreUnavailableError:
        raise
    except ExportError:
        return False
    return True
