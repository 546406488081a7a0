"""What is done now and then, by any number of workers at a time: pass jobs on, let old ones go."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from customer_export.engine.interface import JobEngine
from customer_export.jobs.erasure.late import settle_exclusions
from customer_export.jobs.files import FOLDER, delete_files, part_of
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import Steps
from customer_export.model.job import IN_FLIGHT, WITH_FILES, PartState

AT_ONCE = 100
LOST_AFTER = timedelta(minutes=1)
"""How long a job may be in flight before it is asked whether the engine still has it: by then it has begun."""

YOUNG = timedelta(days=1)  # files of no job are left alone that long: their job may be about to be kept

log = structlog.get_logger()


def dispatch(jobs: Jobs, engine: JobEngine) -> int:
    """Give the engine the jobs that it does not know yet. Doing so twice is harmless. Gives how many."""
    found = jobs.store.undispatched(limit=AT_ONCE)
    for job_id in found:
        engine.enqueue(job_id)
        jobs.store.dispatched(job_id, at=jobs.services.now())
    return len(found)


def end_lost(jobs: Jobs, steps: Steps, engine: JobEngine) -> None:
    """Bring jobs to their end that the engine does no more for, though they have none."""
    before = jobs.services.now() - LOST_AFTER
    for job_id in jobs.store.running(dispatched_before=before, limit=AT_ONCE):
        if engine.has_ended(job_id):
            log.error("job_lost", job_id=job_id)
            steps.finish(job_id, attempt=1)


def sweep(jobs: Jobs, engine: JobEngine) -> None:
    """Delete files whose time is over, jobs long after that, what dead writers left, and what the engine keeps."""
    now = jobs.services.now()
    for job_id in jobs.store.expiring(at=now, limit=AT_ONCE):
        delete_files(jobs.storage, job_id)
        jobs.store.expire(job_id, at=now)
        log.info("job_expired", job_id=job_id)
    for job_id in jobs.store.ended_without_files(before=now - jobs.limits.keep_history, limit=AT_ONCE):
        jobs.store.delete(job_id)
    settle_exclusions(jobs)
    jobs.storage.sweep()
    engine.forget(before=now - YOUNG)


def sweep_orphans(jobs: Jobs) -> int:
    """Delete files of jobs or parts that have none by their state: a worker taken for dead may have written late."""
    before = jobs.services.now() - YOUNG
    deleted = 0
    owners: dict[str, _Owner] = {}
    for file in list(jobs.storage.list_files(FOLDER)):
        job_id = file.name.split("/")[1]
        if file.modified_at >= before:
            continue
        if job_id not in owners:
            owners[job_id] = _owner(jobs, job_id)
        if not owners[job_id].has_files or part_of(file.name) in owners[job_id].purged:
            jobs.storage.delete(file.name)
            deleted += 1
    return deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """Whether a job may have files, and which of its parts may not."""

    has_files: bool
    purged: frozenset[int]


def _owner(jobs: Jobs, job_id: str) -> _Owner:
    job = jobs.store.job(job_id)
    if job is None or job.state not in (*IN_FLIGHT, *WITH_FILES):
        return _Owner(has_files=False, purged=frozenset())
    purged = frozenset(part.number for part in jobs.store.parts(job_id) if part.state is PartState.PURGED)
    return _Owner(has_files=True, purged=purged)
