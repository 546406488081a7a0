"""Give an end to exports whose process died on the way."""

import structlog

from customer_export.services import Services

LONGEST_LIVES = 2  # times the time limit: making a file may take it once, and sending it once more

log = structlog.get_logger()


def end_abandoned(services: Services) -> None:
    """Put on record as interrupted what began so long ago that nobody can be at it. Raises StoreUnavailableError.

    Any number of processes may do so at a time. An export that lives on after all cannot be completed any more.
    """
    now = services.now()
    limits = services.limits
    before, of_jobs_before = (now - LONGEST_LIVES * time for time in (limits.time, max(limits.time, limits.job_time)))
    for record in services.store.record_interrupted(before=before, of_jobs_before=of_jobs_before, at=now):
        services.metrics.ended(file_format=record.format, outcome=record.event, cache=record.cache)
        log.warning("export_failed", export_id=record.export_id, code=record.code, duration_ms=record.duration_ms)
