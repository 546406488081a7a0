"""Jobs that have a customer: cancelled, expired, or without the parts that the customer is in."""

import structlog

from customer_export.errors import StorageUnavailableError
from customer_export.jobs.audit import record_end
from customer_export.jobs.erasure.forgetting import covers, forget_in_job, key_columns, names
from customer_export.jobs.erasure.found import Destroyed
from customer_export.jobs.erasure.parts import forget_failures, purge_parts
from customer_export.jobs.files import stored_name
from customer_export.jobs.services import Jobs
from customer_export.model.job import IN_FLIGHT, WITH_FILES, Job, JobState

log = structlog.get_logger()


def erase_from_jobs(jobs: Jobs, customer_id: str, destroyed: Destroyed) -> None:
    """Destroy what jobs have of a customer. A storage that fails keeps no other job from being looked at.

    Jobs without files by their state are looked at, too, if they name the customer: a purge before this one may have
    broken off. Raises StoreUnavailableError.
    """
    keys = key_columns(jobs.services.source.map)
    named = [job for job in jobs.erasure.jobs_naming(customer_id) if names(job.order, customer_id, keys=keys)]
    seen = {job.job_id for job in named}
    for job in named:
        _erase(jobs, job, customer_id, destroyed)
    for job in jobs.erasure.jobs_with_files():
        if job.job_id not in seen and covers(job.order, customer_id):
            _erase(jobs, job, customer_id, destroyed)
    forget_failures(jobs, customer_id)


def _erase(jobs: Jobs, job: Job, customer_id: str, destroyed: Destroyed) -> None:
    try:
        erase_from_job(jobs, job, customer_id, destroyed)
    except StorageUnavailableError as failure:
        destroyed.problems.setdefault("storage", failure)


def erase_from_job(jobs: Jobs, job: Job, customer_id: str, destroyed: Destroyed) -> None:
    """Destroy what a job has of a customer. In flight, it leaves them out of all parts that are not done yet.

    Raises StoreUnavailableError and StorageUnavailableError; done again, it goes on.
    """
    in_flight = jobs.erasure.exclude(job.job_id, customer_id)
    if job.order.customers.ids == (customer_id,):
        _erase_whole(jobs, job, destroyed)
        forget_in_job(jobs, job, customer_id)
        return
    if in_flight:
        destroyed.left_out.append(job.job_id)
    if in_flight or job.state in WITH_FILES:
        purge_parts(jobs, job, customer_id, destroyed)
        _expire_without_files(jobs, job.job_id)
    ended = jobs.store.job(job.job_id)
    if not in_flight and ended is not None and not forget_in_job(jobs, ended, customer_id):
        jobs.erasure.remember(job.job_id, customer_id)  # as of one in flight: `settle_exclusions` does the rest


def _erase_whole(jobs: Jobs, job: Job, destroyed: Destroyed) -> None:
    """Cancel a job of nobody else, or let it expire, and delete all its files.

    It loses its state first: from then on nobody gets a file of it, neither by a link nor by what a worker is just
    writing, and whoever writes deletes it in the end (`Steps.finish`).
    """
    store, now = jobs.store, jobs.services.now()
    known = {stored_name(file.artifact.name): file.artifact for file in store.files(job.job_id)}
    cancelled = store.request_cancel(job.job_id, at=now)
    if cancelled:  # so it takes no other end, whoever brings it there
        store.end(job.job_id, JobState.CANCELLED, at=now)
    had_any = store.expire(job.job_id, at=now) or cancelled
    for file in list(jobs.storage.list_files(stored_name(job.job_id))):
        jobs.storage.delete(file.name)
        destroyed.add_file(known.get(file.name), name=file.name, size_bytes=file.size_bytes)
        had_any = True
    store.forget_files(job.job_id)
    ended = store.job(job.job_id)
    if ended is not None and ended.state not in (*IN_FLIGHT, *WITH_FILES):
        record_end(jobs, ended)
    jobs.erasure.forget_results(job.job_id)  # whose files' names have the customer's id
    if had_any:
        destroyed.jobs.append(job.job_id)
        log.info("job_purged", job_id=job.job_id)


def _expire_without_files(jobs: Jobs, job_id: str) -> None:
    """Let a job expire that has lost the last of its files."""
    job = jobs.store.job(job_id)
    if job is not None and job.state in WITH_FILES and not jobs.store.files(job_id):
        jobs.store.expire(job_id, at=jobs.services.now())
