"""Jobs on record: each is submitted, and ends once."""

from contextlib import suppress
from urllib.parse import urlencode

from customer_export.errors import ExportCancelledError, ExportInterruptedError
from customer_export.export.record import INTERNAL_ERROR, Recorder
from customer_export.jobs.rights import makes_one_file
from customer_export.jobs.services import Jobs
from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.model.job import WITH_FILES, Job, JobState
from customer_export.store.rolls import DIGEST


def record_end(jobs: Jobs, job: Job) -> None:
    """Put a job's end on record, unless it is there already. Raises StoreUnavailableError."""
    recorder = _recorder(jobs, job)
    with suppress(ExportInterruptedError):  # it is on record
        if job.state in WITH_FILES:
            manifest = jobs.store.manifest(job.job_id) or {}
            told = jobs.store.progress([job.job_id])[job.job_id]
            digest = str(manifest["canonicalSha256"])
            customers = jobs.store.customers_digest(job.job_id)
            if customers is not None:
                recorder = _recorder(jobs, job, (DIGEST, customers))
            recorder.job_completed(rows=told.rows, size_bytes=told.bytes, sha256=digest)
        elif job.state is JobState.CANCELLED:
            recorder.job_failed(ExportCancelledError.code)
        elif job.state is JobState.FAILED:
            recorder.job_failed(job.code or INTERNAL_ERROR)


def _recorder(jobs: Jobs, job: Job, *more: tuple[str, str]) -> Recorder:
    services = jobs.services
    ids = job.order.customers.ids
    about = AuditRecord(
        at=job.created_at,
        event=AuditEvent.SUBMITTED,
        export_id=job.job_id,
        principal=job.principal_name,
        client=None,
        customer_id=ids[0] if ids is not None and makes_one_file(job.order) else None,
        format=job.order.format,
        parameters=urlencode([*job.order.parameters, *more]),
    )
    return Recorder(store=services.store, metrics=services.metrics, now=services.now, about=about)
