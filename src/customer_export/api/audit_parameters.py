"""What the audit is asked for: typed, checked, and turned into a filter. An unknown or repeated one is an error."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from customer_export.export.mistakes import read_query
from customer_export.model.audit import AuditEvent, AuditFilter, keepable_text
from customer_export.model.request import ExportFormat, Period

MOST_RECORDS = 500  # on a page: about 200 kB of JSON
_NO_COUNT = f"is not a whole number from 1 to {MOST_RECORDS}"
_REMEDIES = {
    "string_pattern_mismatch": "is not an export id; use the 32 hex digits of an X-Export-Id",
    "int_parsing": _NO_COUNT,
    "greater_than_equal": _NO_COUNT,
    "less_than_equal": _NO_COUNT,
    "string_too_short": "is empty; leave it out",
}
USUAL_RECORDS = 100
CURSOR_BYTES = 8  # a sequence is a 64-bit number


def _moment(value: object) -> datetime | date:
    text = str(value)
    try:
        if len(text) == len("YYYY-MM-DD"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        in_utc = moment.astimezone(UTC)  # which not every moment of another zone can be told in
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment", "is not a moment; use 2026-01-31 or 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise PydanticCustomError("offset", "has no offset; write Z or +00:00 (as %2B00:00 in a URL) behind it")
    return in_utc


def _sequence(value: object) -> int:
    try:
        packed = base64.b64decode(str(value).encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    if len(packed) != CURSOR_BYTES:
        raise PydanticCustomError("cursor", "is none that a page gave; take it out of `next`, or leave it out")
    return int.from_bytes(packed, signed=True)


Kept = Annotated[str, Field(min_length=1), AfterValidator(keepable_text)]
"""A text as it stands in a record."""


class AuditParameters(BaseModel):
    """The query parameters of the audit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer: Kept | None = Field(
        default=None, description="Only records about this customer id, and of jobs whose files they are in"
    )
    principal: Kept | None = Field(default=None, description="Only records of this name of a token")
    event: AuditEvent | None = Field(default=None, description="Only records of this event")
    format: ExportFormat | None = Field(default=None, description="Only records of exports in this format")
    from_: Annotated[date | datetime, BeforeValidator(_moment)] | None = Field(
        default=None, alias="from", description="Only records from this day (UTC) or moment on"
    )
    to: Annotated[date | datetime, BeforeValidator(_moment)] | None = Field(
        default=None, description="Only records up to the end of this day (UTC), or before this moment"
    )
    export: str | None = Field(default=None, pattern="^[0-9a-f]{32}$", description="Only the records of this export id")
    limit: int = Field(default=USUAL_RECORDS, ge=1, le=MOST_RECORDS, description="Records on a page")
    cursor: Annotated[int, BeforeValidator(_sequence)] | None = Field(
        default=None, description="Where the page begins, as the page before says in `next`"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """A valid request: a page of at most `limit` records, the newest first, all below the sequence `before`."""

    wanted: AuditFilter
    limit: int
    before: int | None


def resolve_audit_request(given: Sequence[tuple[str, str]]) -> AuditRequest:
    """Check every parameter. Raises InvalidRequestError with all that is wrong."""
    parameters = read_query(given, AuditParameters, _REMEDIES)
    return AuditRequest(
        wanted=AuditFilter(
            customer_id=parameters.customer,
            principal=parameters.principal,
            event=parameters.event,
            format=parameters.format,
            export_id=parameters.export,
            period=Period(start=_instant(parameters.from_, days=0), end=_instant(parameters.to, days=1)),
        ),
        limit=parameters.limit,
        before=parameters.cursor,
    )


def cursor_of(sequence: int) -> str:
    """Write where the next page begins. It says nothing that the page does not, and only we take it apart."""
    return base64.urlsafe_b64encode(sequence.to_bytes(CURSOR_BYTES, signed=True)).decode()


def _instant(moment: date | datetime | None, *, days: int) -> datetime | None:
    """Make the moment that a day begins, or the one `days` later: a day as `to` is included whole."""
    if moment is None or isinstance(moment, datetime):
        return moment
    try:
        return datetime.combine(moment + timedelta(days=days), time.min, UTC)
    except OverflowError:  # the day after the last one that there is
        return None
