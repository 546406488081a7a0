"""Schedules that name a customer: deleted if they name nobody else, and without their id otherwise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import structlog

from customer_export.errors import InvalidRequestError
from customer_export.export.changes import record_change
from customer_export.export.parameters import read_customer_id
from customer_export.jobs.erasure.forgetting import key_columns
from customer_export.jobs.erasure.found import Destroyed
from customer_export.jobs.erasure.jobs import erase_from_job
from customer_export.jobs.services import Jobs
from customer_export.model.customer_map import CustomerMap, KeyType
from customer_export.model.schedule import Schedule

AT_ONCE = 100

Body = Mapping[str, object]
"""What a schedule submits: a body of `POST /api/admin/exports`."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """Whom a purge erases, and who has asked for that, from where."""

    customer_id: str
    principal: str
    client: str | None


def erase_from_schedules(jobs: Jobs, erasing: Erasing, destroyed: Destroyed) -> None:
    """Delete schedules of a customer alone, and take the id out of all others that have it. Reads all schedules."""
    for schedule in list(_schedules(jobs)):
        _erase(jobs, schedule, erasing, destroyed)


def erase_from_new_job(jobs: Jobs, schedule_id: str, job_id: str) -> None:
    """Erase from a job that a schedule has just submitted whom the schedule names no more: a purge came between."""
    job = jobs.store.job(job_id)
    if job is None or job.order.customers.ids is None:
        return
    schedule = jobs.schedules.schedule(schedule_id)
    kind = jobs.services.source.map.customer.key_type
    named = frozenset() if schedule is None else _named(schedule.export, kind)
    if schedule is not None and not named:  # somebody has put others in their place
        return
    for customer_id in job.order.customers.ids:
        if customer_id not in named:
            erase_from_job(jobs, job, customer_id, Destroyed())


def _schedules(jobs: Jobs) -> Iterator[Schedule]:
    after: str | None = None
    while True:
        some = jobs.schedules.schedules(None, after=after, limit=AT_ONCE)
        yield from some
        if len(some) < AT_ONCE:
            return
        after = some[-1].schedule_id


def _erase(jobs: Jobs, schedule: Schedule, erasing: Erasing, destroyed: Destroyed) -> None:
    """Change a schedule as it is by then: whoever saves it meanwhile is not overwritten."""
    record = partial(
        record_change,
        jobs.services,
        "schedule",
        schedule.schedule_id,
        principal=erasing.principal,
        client=erasing.client,
        customer_id=erasing.customer_id,
    )
    found: Schedule | None = schedule
    while found is not None:
        body = without_customer(found.export, erasing.customer_id, jobs.services.source.map)
        if body == found.export:
            return
        record(change="deleted" if body is None else "replaced")
        if body is None:
            if jobs.schedules.delete(found.schedule_id):
                destroyed.schedules.append(found.schedule_id)
                log.info("schedule_purged", schedule_id=found.schedule_id)
            return
        changed = replace(found, export=body, updated_at=jobs.services.now())
        if jobs.schedules.replace_unchanged(changed, updated_at=found.updated_at):
            destroyed.schedules_changed.append(found.schedule_id)
            return
        found = jobs.schedules.schedule(found.schedule_id)


def without_customer(body: Body, customer_id: str, customer_map: CustomerMap) -> Body | None:
    """Give a body without a customer's id, None if nobody is left in it."""
    kind = customer_map.customer.key_type
    if _canonical(body.get("customer"), kind) == customer_id:
        return None
    named = body.get("customers")
    if isinstance(named, list) and customer_id in _named(body, kind):
        left = [one for one in named if _canonical(one, kind) != customer_id]
        return {**body, "customers": left} if left else None
    wanted = body.get("filter")
    if isinstance(wanted, dict):
        for column in key_columns(customer_map) & wanted.keys():
            values = wanted[column] if isinstance(wanted[column], list) else [wanted[column]]
            left = [one for one in values if _canonical(one, kind) != customer_id]
            if len(left) < len(values):
                return {**body, "filter": {**wanted, column: left}} if left else None
    return body


def _named(body: Body, kind: KeyType) -> frozenset[str]:
    named = body.get("customers")
    given = named if isinstance(named, list) else [body.get("customer")]
    return frozenset(one for one in (_canonical(one, kind) for one in given) if one is not None)


def _canonical(value: object, kind: KeyType) -> str | None:
    if not isinstance(value, str | int):
        return None
    try:
        return read_customer_id(str(value), kind)
    except InvalidRequestError:
        return None
