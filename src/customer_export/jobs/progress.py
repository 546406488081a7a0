"""What a job says about itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from customer_export.model.job import IN_FLIGHT, WITH_FILES, Job, JobProgress

CANCELLING = "cancelling"
"""The state that is shown of a job in flight which is to be cancelled."""


def job_members(job: Job, progress: JobProgress, *, now: datetime) -> Mapping[str, object]:
    """Give a job as JSON members (docs/jobs.md): the same numbers in the API, its events and on the command line."""
    path = f"/api/admin/exports/{job.job_id}"
    treated = progress.customers_done + progress.customers_failed
    total = treated if job.state in WITH_FILES else job.customers  # a plan knows ranges of keys, a part who is there
    links = {"self": path, "events": f"{path}/events", "cancel": f"{path}/cancel"}
    if job.state in WITH_FILES:
        links |= {"manifest": f"{path}/manifest", "links": f"{path}/links"}
    return {
        "id": job.job_id,
        "state": shown_state(job),
        "createdAt": _text(job.created_at),
        "startedAt": _text(job.started_at),
        "endedAt": _text(job.ended_at),
        "expiresAt": _text(job.expires_at),
        "requestedBy": job.principal_name,
        "layout": job.order.layout.value,
        "format": job.order.format,
        "parameters": dict(job.order.parameters),
        "customers": {"total": total, "done": progress.customers_done, "failed": progress.customers_failed},
        "rows": progress.rows,
        "bytes": progress.bytes,
        "parts": {
            "total": progress.parts,
            "done": progress.parts_done,
            "failed": progress.parts_failed,
            "purged": progress.parts_purged,
        },
        "secondsLeft": _seconds_left(job, progress, now=now),
        "code": job.code,
        "links": links,
    }


def shown_state(job: Job) -> str:
    """Say where a job is, with what was asked of it."""
    return CANCELLING if job.state in IN_FLIGHT and job.cancel_requested_at is not None else job.state.value


def has_ended(job: Job) -> bool:
    """Whether nothing more will come."""
    return job.state not in IN_FLIGHT


def _seconds_left(job: Job, progress: JobProgress, *, now: datetime) -> int | None:
    """Estimate by how long the customers so far have taken; None where that tells nothing."""
    treated = progress.customers_done + progress.customers_failed
    if job.state not in IN_FLIGHT or job.started_at is None or not treated or not job.customers:
        return None
    left = max(job.customers - treated, 0)
    return round((now - job.started_at) / timedelta(seconds=1) * left / treated)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
