"""Cancel the jobs of one customer alone, and destroy their files."""

import structlog

from customer_export.jobs.audit import record_end
from customer_export.jobs.files import delete_files, stored_name
from customer_export.jobs.services import Jobs
from customer_export.model.job import IN_FLIGHT, WITH_FILES, JobState

log = structlog.get_logger()


def purge_jobs(jobs: Jobs, customer_id: str) -> int:
    """Cancel a customer's jobs in flight and let the others expire, with all their files; give how many had any.

    It concerns the jobs of this customer alone. A job loses its state first: from then on nobody gets a file of it,
    neither by a link nor by what a worker is just writing, and whoever writes deletes it in the end (`Steps.finish`).
    Jobs without files by their state are looked at, too: a purge before this one may have broken off.
    Raises StoreUnavailableError and StorageUnavailableError.
    """
    return sum(_purge_job(jobs, job_id) for job_id in jobs.store.jobs_of_customer(customer_id))


def _purge_job(jobs: Jobs, job_id: str) -> bool:
    store, now = jobs.store, jobs.services.now()
    cancelled = store.request_cancel(job_id, at=now)
    if cancelled:  # so it takes no other end, whoever brings it there
        store.end(job_id, JobState.CANCELLED, at=now)
    had_any = (
        store.expire(job_id, at=now) or cancelled or any(True for _ in jobs.storage.list_files(stored_name(job_id)))
    )
    delete_files(jobs.storage, job_id)
    store.forget_files(job_id)
    job = store.job(job_id)
    if job is not None and job.state not in (*IN_FLIGHT, *WITH_FILES):
        record_end(jobs, job)
    if had_any:
        log.info("job_purged", job_id=job_id)
    return had_any
