"""What is kept as evidence of every export."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum, unique
from types import MappingProxyType

from customer_export.model.request import Period

AuditValue = str | int | None
"""What a member of a record may be, in JSON and in a database alike."""


@unique
class AuditEvent(StrEnum):
    """`started` is on record before the first byte leaves; each export ends in exactly one of the others.

    `denied` (401, 403) and `limited` (429) end what never started. `purged` is a purge of a customer, no export.
    `submitted` begins a job, which ends like an export. `downloaded` is one of a job's files on its way out. `changed`
    is a schedule, a webhook or a template that somebody made, changed or deleted.
    """

    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    DENIED = "denied"
    LIMITED = "limited"
    PURGED = "purged"
    SUBMITTED = "submitted"
    DOWNLOADED = "downloaded"
    CHANGED = "changed"


@unique
class CacheUse(StrEnum):
    """Whether a file came out of the cache, was not there, or was not looked for; `warm` was made for the cache."""

    HIT = "hit"
    MISS = "miss"
    BYPASS = "bypass"
    WARM = "warm"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One line of the audit. None is what is not known, or does not apply to the event.

    `customer_id` and `parameters` are as the caller sent them, `code` is that of the failure or denial.
    `source_export_id` is the export that made the file which a cache hit sends, or the job that this is part of.
    """

    at: datetime
    event: AuditEvent
    export_id: str
    principal: str | None
    client: str | None
    customer_id: str | None
    format: str | None
    parameters: str
    code: str | None = None
    rows: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    duration_ms: int | None = None
    cache: CacheUse | None = None
    source_export_id: str | None = None

    @property
    def is_of_job(self) -> bool:
        """Whether the export is part of a job; what a cache hit names is another export."""
        return self.source_export_id is not None and self.cache is None

    def members(self) -> dict[str, AuditValue]:
        """Give the record as JSON members, sorted by name (docs/audit.md)."""
        return {
            "at": moment_text(self.at),
            "bytes": self.bytes,
            "cache": None if self.cache is None else self.cache.value,
            "client": self.client,
            "code": self.code,
            "customerId": self.customer_id,
            "durationMs": self.duration_ms,
            "event": self.event.value,
            "exportId": self.export_id,
            "format": self.format,
            "parameters": self.parameters,
            "principal": self.principal,
            "rows": self.rows,
            "sha256": self.sha256,
            "sourceExportId": self.source_export_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A record in its place: `sequence` counts from 1 without gaps, `hash` (hex) links it to the one before."""

    sequence: int
    hash: str
    record: AuditRecord

    def members(self) -> dict[str, AuditValue]:
        """Give the entry as JSON members; all but `sequence` and `hash` are what the hash is of."""
        return {"sequence": self.sequence, **self.record.members(), "hash": self.hash}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which records are wanted: those that equal every member that is not None, within the period."""

    customer_id: str | None = None
    principal: str | None = None
    event: AuditEvent | None = None
    format: str | None = None
    export_id: str | None = None
    period: Period = field(default_factory=Period)


def keepable_text(text: str) -> str:
    """Replace what not every database may keep: NUL, and halves of surrogate pairs."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def moment_text(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC to the microsecond: of one length, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _member_name(field_name: str) -> str:
    first, *others = field_name.split("_")
    return first + "".join(word.capitalize() for word in others)


MEMBER_NAMES: Mapping[str, str] = MappingProxyType(
    dict(sorted(((each.name, _member_name(each.name)) for each in fields(AuditRecord)), key=lambda pair: pair[1]))
)
"""The JSON member of each field, in the order of `AuditRecord.members`."""
