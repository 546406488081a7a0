"""Counts of jobs, schedules and webhooks, for figures."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from customer_export.model.job import IN_FLIGHT, WITH_FILES, JobState, PartState
from customer_export.model.schedule import ScheduleState
from customer_export.model.webhook import DeliveryState, WebhookState
from customer_export.observability.background import BackgroundFigures
from customer_export.store.database import transaction
from customer_export.store.tables import JOB_FILES, JOB_PARTS, JOBS, SCHEDULES, WEBHOOK_DELIVERIES, WEBHOOKS

_WAITING, _RUNNING = "waiting", "running"
_NOT_TAKEN = (DeliveryState.PENDING, DeliveryState.DEAD)


def count_background(engine: Engine, *, now: datetime) -> BackgroundFigures:
    """Count everything. Raises StoreUnavailableError.

    Each query reads an index, or rows that are there as long as files are: a part has some kilobytes of files at least.
    """
    with transaction(engine) as connection:
        files, file_bytes = _kept(connection)
        return BackgroundFigures(
            jobs=_states(connection, JOBS, JobState),
            queued_seconds=_age(connection, JOBS.c.created_at, JOBS.c.state == JobState.QUEUED, now=now),
            parts=_parts(connection),
            files=files,
            file_bytes=file_bytes,
            schedules=_states(connection, SCHEDULES, ScheduleState),
            overdue_seconds=_age(connection, SCHEDULES.c.due_at, _ACTIVE, now=now),
            schedule_failures=connection.execute(_FAILURES).scalar() or 0,
            webhooks=_states(connection, WEBHOOKS, WebhookState),
            messages=_states(connection, WEBHOOK_DELIVERIES, _NOT_TAKEN),
            pending_seconds=_age(connection, WEBHOOK_DELIVERIES.c.created_at, _TO_BE_SENT, now=now),
        )


_ACTIVE = SCHEDULES.c.state == ScheduleState.ACTIVE
_FAILURES = sa.select(sa.func.max(SCHEDULES.c.failures)).where(_ACTIVE)
_TO_BE_SENT = sa.and_(
    WEBHOOK_DELIVERIES.c.state == DeliveryState.PENDING,
    WEBHOOK_DELIVERIES.c.webhook_id.in_(
        sa.select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.state == WebhookState.ENABLED)
    ),
)


def _states(connection: Connection, table: sa.Table, states: Iterable[StrEnum]) -> Mapping[str, int]:
    wanted = [state.value for state in states]
    asked = sa.select(table.c.state, sa.func.count()).where(table.c.state.in_(wanted)).group_by(table.c.state)
    found = {state: count for state, count in connection.execute(asked)}  # noqa: C416  (a row is no pair to mypy)
    return {state: found.get(state, 0) for state in wanted}


def _age(connection: Connection, since: sa.Column[str], condition: sa.ColumnElement[bool], *, now: datetime) -> float:
    """Give the seconds since the earliest of these moments, 0 if there is none, or it is to come."""
    first = connection.execute(sa.select(sa.func.min(since)).where(condition)).scalar()
    return 0.0 if first is None else max(0.0, (now - datetime.fromisoformat(first)).total_seconds())


def _parts(connection: Connection) -> Mapping[str, int]:
    parts = JOB_PARTS.c
    state = sa.case(
        (sa.and_(parts.state == PartState.PENDING, parts.begun > 0), _RUNNING),
        (parts.state == PartState.PENDING, _WAITING),
        else_=parts.state,
    ).label("state")
    in_flight = sa.select(JOBS.c.job_id).where(JOBS.c.state.in_(IN_FLIGHT))
    asked = sa.select(state, sa.func.count()).where(parts.job_id.in_(in_flight)).group_by(state)
    found = {name: count for name, count in connection.execute(asked)}  # noqa: C416
    return {name: found.get(name, 0) for name in (_WAITING, _RUNNING, PartState.DONE.value, PartState.FAILED.value)}


def _kept(connection: Connection) -> tuple[int, int]:
    """Give how many files of jobs there are, and their bytes."""
    jobs = sa.select(JOBS.c.job_id).where(JOBS.c.state.in_((*IN_FLIGHT, *WITH_FILES)))
    size = sa.select(sa.func.sum(JOB_PARTS.c.bytes)).where(JOB_PARTS.c.job_id.in_(jobs))
    count = sa.select(sa.func.count()).select_from(JOB_FILES).where(JOB_FILES.c.job_id.in_(jobs))
    return connection.execute(count).scalar_one(), int(connection.execute(size).scalar() or 0)
