"""What the list of jobs is asked for: typed, checked, and turned into a filter."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from customer_export.export.mistakes import read_query
from customer_export.jobs.look import Place
from customer_export.model.bulk import Layout, TableFormat
from customer_export.model.job import JobFilter, JobState
from customer_export.model.request import ExportFormat

MOST_JOBS, USUAL_JOBS = 500, 100  # on a page: about 400 kB of JSON
MARK = "~"
_NO_COUNT = f"is not a whole number from 1 to {MOST_JOBS}"
_REMEDIES = {
    "int_parsing": _NO_COUNT,
    "greater_than_equal": _NO_COUNT,
    "less_than_equal": _NO_COUNT,
    "string_too_short": "is empty; leave it out",
}


def _place(value: object) -> Place:
    try:
        text = base64.b64decode(str(value).encode(), altchars=b"-_", validate=True).decode()
        at, _, job_id = text.partition(MARK)
        moment = datetime.fromisoformat(at).astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError):
        job_id = ""
    if not job_id.isalnum():
        raise PydanticCustomError("cursor", "is none that a page gave; take it out of `next`, or leave it out")
    return moment, job_id


def cursor_of(place: Place) -> str:
    """Write where the next page begins; only we take it apart."""
    at, job_id = place
    return base64.urlsafe_b64encode(f"{at.isoformat()}{MARK}{job_id}".encode()).decode()


class JobsParameters(BaseModel):
    """The query parameters of the list of jobs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: JobState | None = Field(default=None, description="Only jobs in this state")
    format: ExportFormat | TableFormat | None = Field(default=None, description="Only jobs that make this format")
    layout: Layout | None = Field(default=None, description="Only jobs that lay files out so")
    principal: str | None = Field(
        default=None, min_length=1, description="Only jobs of this name of a token; only administrators see others'"
    )
    limit: int = Field(default=USUAL_JOBS, ge=1, le=MOST_JOBS, description="Jobs on a page")
    cursor: Annotated[Place, BeforeValidator(_place)] | None = Field(
        default=None, description="Where the page begins, as the page before says in `next`"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsRequest:
    """A valid request: a page of at most `limit` jobs, the newest first, all before a place."""

    wanted: JobFilter
    limit: int
    before: Place | None


def resolve_jobs_request(given: Sequence[tuple[str, str]]) -> JobsRequest:
    """Check every parameter. Raises InvalidRequestError with all that is wrong."""
    parameters = read_query(given, JobsParameters, _REMEDIES)
    return JobsRequest(
        wanted=JobFilter(
            principal=parameters.principal,
            state=parameters.state,
            format=parameters.format,
            layout=parameters.layout,
        ),
        limit=parameters.limit,
        before=parameters.cursor,
    )
