"""Make, show and change schedules: one's own, or all of them for an administrator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from customer_export.errors import InvalidRequestError, ScheduleNotFoundError
from customer_export.export.admission import authorise
from customer_export.export.changes import record_change
from customer_export.export.mistakes import describe_mistakes
from customer_export.export.parameters import zone_name
from customer_export.jobs.rights import credentials_of, submitter_of
from customer_export.jobs.schedules.times import moment_before, next_moment, next_moments, read_cron
from customer_export.jobs.schedules.wording import DUE, LAST, PREVIOUS, written_out
from customer_export.jobs.services import Jobs
from customer_export.jobs.since import require_digests
from customer_export.jobs.submit import read_order
from customer_export.jobs.warming.named import check_warming
from customer_export.model.access import Credentials, Principal, Scope
from customer_export.model.bulk import BulkOrder
from customer_export.model.job import SubmitterKind
from customer_export.model.schedule import MissedRuns, Schedule, ScheduleState, Target

LONGEST_NAME = 200
MOST_STOPPING, USUAL_STOPPING = 1_000, 5
NEXT_RUNS, LATEST_RUNS = 5, 20

_REMEDIES = {
    "missing": "is missing",
    "string_type": "is no text",
    "string_too_short": "is empty",
    "string_too_long": f"is longer than {LONGEST_NAME} characters",
    "dict_type": 'is no object such as {"customers": "all", "format": "csv"}',
    "int_type": "is no whole number",
    "int_parsing": "is no whole number",
    "greater_than_equal": "is less than 1",
    "less_than_equal": f"is more than {MOST_STOPPING}",
}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("printable", "has characters that cannot be printed; leave them out")
    return text


class ScheduleBody(BaseModel):
    """What a schedule is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Annotated[str, AfterValidator(_printable)] = Field(
        min_length=1, max_length=LONGEST_NAME, description="What to call it"
    )
    cron: str = Field(description="When: minute, hour, day, month and weekday, as cron has them")
    time_zone: Annotated[str, BeforeValidator(zone_name)] = Field(
        default="UTC", alias="timeZone", description="The IANA time zone of `cron`"
    )
    export: dict[str, Any] = Field(description="What: the body of POST /api/admin/exports")
    target: Target = Field(
        default=Target.FILES, description="Where the files go: those of a job, or the cache, for whoever asks next"
    )
    missed: MissedRuns = Field(default=MissedRuns.ONCE, description="What becomes of runs that no worker was there for")
    stop_after: Annotated[int, Field(ge=1, le=MOST_STOPPING)] = Field(
        default=USUAL_STOPPING, alias="stopAfterFailures", description="How many failed runs in a row stop it"
    )


def save_schedule(
    jobs: Jobs, wanted: object, credentials: Credentials, *, client: str | None, schedule_id: str | None = None
) -> Mapping[str, object]:
    """Make a schedule, or put it in place of another; its owner is whoever saves it.

    Raises InvalidRequestError, ScheduleNotFoundError, and one of the errors of 401 or 403.
    """
    principal = authorise(jobs.services, credentials, Scope.EXPORT, client=client)
    earlier = None if schedule_id is None else find_schedule(jobs, schedule_id, principal)
    body = _read_body(wanted)
    cron, zone = read_cron(body.cron), body.time_zone
    owner = submitter_of(credentials, principal, jobs=jobs)
    if owner.kind is SubmitterKind.JWT:
        raise InvalidRequestError(
            "Invalid schedule: a JWT cannot be asked about again when it runs; use a token (customer-export token "
            "create)"
        )
    now = jobs.services.now()
    due = next_moment(cron, zone, after=now)
    assert due is not None  # read_cron has found one
    if body.target is Target.CACHE:
        check_warming(jobs, body.export, credentials_of(owner))
    else:
        _check_job(jobs, body, due, principal)
    schedule = Schedule(
        schedule_id=uuid4().hex if earlier is None else earlier.schedule_id,
        name=body.name,
        cron=cron,
        time_zone=zone,
        export=body.export,
        owner=owner,
        target=body.target,
        missed=body.missed,
        stop_after=body.stop_after,
        created_at=now if earlier is None else earlier.created_at,
        updated_at=now,
        due_at=due,
    )
    named = body.export.get("customer")
    record_change(
        jobs.services,
        "schedule",
        schedule.schedule_id,
        "created" if earlier is None else "replaced",
        principal=principal.name,
        client=client,
        customer_id=named if isinstance(named, str) else None,
        name=body.name,
        cron=cron,
    )
    if earlier is None:
        jobs.schedules.create(schedule)
    else:
        if earlier.state is ScheduleState.PAUSED:
            schedule = replace(schedule, state=ScheduleState.PAUSED, due_at=None)
        if not jobs.schedules.replace(schedule):
            raise ScheduleNotFoundError
    return _members(jobs, schedule)


def _check_job(jobs: Jobs, body: ScheduleBody, due: datetime, principal: Principal) -> None:
    """Raise what a submission would, were it the first run."""
    export = written_out(body.export, due=due, previous=moment_before(body.cron, body.time_zone, before=due), last=None)
    order = read_order(jobs, export, job_id=uuid4().hex, principal=principal)
    if LAST in body.export.values():
        _check_following(body.export, order)


def _check_following(export: Mapping[str, object], order: BulkOrder) -> None:
    """Raise InvalidRequestError unless each run can be held against the one before."""
    if [name for name, value in export.items() if value == LAST] != ["since"]:
        raise InvalidRequestError(f"Invalid schedule: export: {LAST} is a value of since alone")
    if {DUE, PREVIOUS} & set(orjson.dumps(export).decode().split('"')):
        raise InvalidRequestError(
            f"Invalid schedule: export: since: with {LAST} each run has to be of the same; leave out {DUE} and "
            f"{PREVIOUS}"
        )
    require_digests(order)


def _read_body(wanted: object) -> ScheduleBody:
    if not isinstance(wanted, dict) or not all(isinstance(name, str) for name in wanted):
        raise InvalidRequestError('Invalid schedule: send a JSON object with "name", "cron" and "export"')
    try:
        return ScheduleBody.model_validate(wanted, by_name=False)
    except ValidationError as failure:
        mistakes = describe_mistakes(failure, ScheduleBody, _REMEDIES)
        raise InvalidRequestError(f"Invalid schedule: {'; '.join(mistakes)}") from None


def show_schedule(jobs: Jobs, schedule_id: str, principal: Principal) -> Mapping[str, object]:
    """Give a schedule with its latest runs."""
    return _members(jobs, find_schedule(jobs, schedule_id, principal))


def list_schedules(
    jobs: Jobs, principal: Principal, *, after: str | None, limit: int
) -> tuple[Sequence[Mapping[str, object]], str | None]:
    """Give a page of schedules, and behind which one the next page begins, None after the last."""
    owner = None if principal.may_see_all else principal.name
    found = jobs.schedules.schedules(owner, after=after, limit=limit + 1)
    page = found[:limit]
    return [_members(jobs, one) for one in page], page[-1].schedule_id if len(found) > limit else None


def pause_schedule(
    jobs: Jobs, schedule_id: str, principal: Principal, *, client: str | None = None
) -> Mapping[str, object]:
    """Let a schedule rest until it is resumed."""
    find_schedule(jobs, schedule_id, principal)
    record_change(jobs.services, "schedule", schedule_id, "paused", principal=principal.name, client=client)
    jobs.schedules.move(schedule_id, ScheduleState.PAUSED, due_at=None, at=jobs.services.now())
    return show_schedule(jobs, schedule_id, principal)


def resume_schedule(
    jobs: Jobs, schedule_id: str, principal: Principal, *, client: str | None = None
) -> Mapping[str, object]:
    """Let a schedule go on that was paused or has stopped, with its next moment from now on."""
    schedule, now = find_schedule(jobs, schedule_id, principal), jobs.services.now()
    due = next_moment(schedule.cron, schedule.time_zone, after=now)
    record_change(jobs.services, "schedule", schedule_id, "resumed", principal=principal.name, client=client)
    jobs.schedules.move(schedule_id, ScheduleState.ACTIVE, due_at=due, at=now)
    return show_schedule(jobs, schedule_id, principal)


def delete_schedule(jobs: Jobs, schedule_id: str, principal: Principal, *, client: str | None = None) -> None:
    """Forget a schedule; its jobs stay."""
    find_schedule(jobs, schedule_id, principal)
    record_change(jobs.services, "schedule", schedule_id, "deleted", principal=principal.name, client=client)
    jobs.schedules.delete(schedule_id)


def find_schedule(jobs: Jobs, schedule_id: str, principal: Principal) -> Schedule:
    """Find a schedule that somebody may see. Raises ScheduleNotFoundError, also if it is somebody else's."""
    schedule = jobs.schedules.schedule(schedule_id) if schedule_id.isalnum() else None
    if schedule is None or not (principal.may_see_all or schedule.owner.name == principal.name):
        raise ScheduleNotFoundError
    return schedule


def _members(jobs: Jobs, schedule: Schedule) -> dict[str, object]:
    coming: list[str] = []
    if schedule.due_at is not None:
        first = schedule.due_at
        after = next_moments(schedule.cron, schedule.time_zone, after=first, count=NEXT_RUNS - 1)
        zone = after[0].tzinfo if after else first.tzinfo
        coming = [moment.isoformat() for moment in (first.astimezone(zone), *after)]
    runs = jobs.schedules.runs(schedule.schedule_id, limit=LATEST_RUNS)
    return {
        "id": schedule.schedule_id,
        "name": schedule.name,
        "cron": schedule.cron,
        "timeZone": schedule.time_zone,
        "export": schedule.export,
        "target": schedule.target.value,
        "missed": schedule.missed.value,
        "stopAfterFailures": schedule.stop_after,
        "owner": schedule.owner.name,
        "createdAt": schedule.created_at.isoformat(),
        "updatedAt": schedule.updated_at.isoformat(),
        "state": schedule.state.value,
        "failuresInARow": schedule.failures,
        "code": schedule.code,
        "nextRuns": coming,
        "runs": [run.members() for run in runs],
    }
