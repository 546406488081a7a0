"""What is kept as evidence of every export."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique


@unique
class AuditEvent(StrEnum):
    """`started` is on record before the first byte leaves; each export ends in one of the others."""

    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One line of the audit. None is what is not known, or does not apply to the event.

    `customer_id` and `parameters` are as the caller sent them, `code` is that of the failure or denial.
    """

    at: datetime
    event: AuditEvent
    export_id: str
    principal: str | None
    client: str | None
    customer_id: str
    format: str | None
    parameters: str
    code: str | None = None
    rows: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    duration_ms: int | None = None
