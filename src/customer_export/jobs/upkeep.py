"""What is done now and then, by any number of workers at a time: pass jobs on, let old ones go."""

from datetime import timedelta

import structlog

from customer_export.engine.interface import JobEngine
from customer_export.jobs.files import FOLDER, delete_files
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import Steps
from customer_export.model.job import IN_FLIGHT, WITH_FILES

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
    jobs.storage.sweep()
    engine.forget(before=now - YOUNG)


def sweep_orphans(jobs: Jobs) -> int:
    """Delete files of jobs that have none by their state: a worker taken for dead may have written them late."""
    before = jobs.services.now() - YOUNG
    deleted = 0
    owners: dict[str, bool] = {}
    for file in list(jobs.storage.list_files(FOLDER)):
        job_id = file.name.split("/")[1]
        if file.modified_at < before and not owners.setdefault(job_id, _has_files(jobs, job_id)):
            jobs.storage.delete(file.name)
            deleted += 1
    return deleted


def _has_files(jobs: Jobs, job_id: str) -> bool:
    job = jobs.store.job(job_id)
    return job is not None and job.state in (*IN_FLIGHT, *WITH_FILES)
