"""Look at jobs, and cancel them: those one submitted, or all of them for an administrator."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from customer_export.errors import ExportNotCompleteError, ExportNotFoundError, JobEndedError
from customer_export.jobs.audit import record_end
from customer_export.jobs.bulk.rendering import job_id_of
from customer_export.jobs.progress import has_ended, job_members
from customer_export.jobs.services import Jobs
from customer_export.model.access import Principal
from customer_export.model.job import WITH_FILES, Job, JobFilter, JobState

Place = tuple[datetime, str]
"""Where a page ended: the moment and id of its last job."""


def find_job(jobs: Jobs, job_id: str, principal: Principal) -> Job:
    """Find a job that somebody may see. Raises ExportNotFoundError, also if it is somebody else's."""
    job = jobs.store.job(job_id) if job_id.isalnum() else None
    if job is None or not _may_see(job, principal):
        raise ExportNotFoundError
    return job


def _may_see(job: Job, principal: Principal) -> bool:
    return principal.may_see_all or job.principal_name == principal.name


def show_job(jobs: Jobs, job_id: str, principal: Principal) -> Mapping[str, object]:
    """Say how far a job is."""
    job = find_job(jobs, job_id, principal)
    return job_members(job, jobs.store.progress([job_id])[job_id], now=jobs.services.now())


def show_jobs(
    jobs: Jobs, wanted: JobFilter, principal: Principal, *, before: Place | None, limit: int
) -> tuple[Sequence[Mapping[str, object]], Place | None]:
    """Give a page of jobs, the newest first, and where the next one begins, None after the last."""
    if not principal.may_see_all:
        wanted = JobFilter(principal=principal.name, state=wanted.state, format=wanted.format, layout=wanted.layout)
    found = jobs.store.jobs(wanted, before=before, limit=limit + 1)
    page = found[:limit]
    told = jobs.store.progress([job.job_id for job in page])
    now = jobs.services.now()
    place = (page[-1].created_at, page[-1].job_id) if len(found) > limit else None
    return [job_members(job, told[job.job_id], now=now) for job in page], place


def cancel_job(jobs: Jobs, job_id: str, principal: Principal) -> Mapping[str, object]:
    """Have a job cancelled: what is under way ends within a second or so. Raises JobEndedError."""
    job = find_job(jobs, job_id, principal)
    if not jobs.store.request_cancel(job_id, at=jobs.services.now()):
        raise JobEndedError(f"The job is {job.state}; there is nothing to cancel any more")
    job = find_job(jobs, job_id, principal)
    if job.state is JobState.CANCELLED:  # nobody had begun it, so nobody else will do this
        record_end(jobs, job)
    return show_job(jobs, job_id, principal)


def job_manifest(jobs: Jobs, export_id: str, principal: Principal) -> Mapping[str, object] | None:
    """Give the manifest of a job, or of the job that a customer's export is of; None if there is no such job.

    Raises ExportNotCompleteError while there is no manifest.
    """
    job_id = job_id_of(export_id)
    job = jobs.store.job(job_id) if job_id.isalnum() else None
    if job is None:
        return None
    find_job(jobs, job_id, principal)
    manifest = jobs.store.manifest(job_id)
    if manifest is None:
        how = f"ended as {job.state}" if has_ended(job) else "has not ended yet"
        raise ExportNotCompleteError(f"The job {how}; only a job that made files has a manifest")
    return manifest


def require_files(job: Job) -> None:
    """Raise ExportNotCompleteError unless a job has ended with files that are still there."""
    if job.state not in WITH_FILES:
        raise ExportNotCompleteError(f"The job is {job.state}; it has files when it is finished, until they expire")
