"""Schedules on SQLite or PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping

from customer_export.model.audit import moment_text
from customer_export.model.job import IN_FLIGHT, Submitter
from customer_export.model.schedule import (
    FAILURES,
    SUCCESSES,
    MissedRuns,
    RunState,
    Schedule,
    ScheduledRun,
    ScheduleState,
    Target,
)
from customer_export.store.database import transaction
from customer_export.store.tables import JOBS, SCHEDULE_RUNS, SCHEDULES

_OPEN = (RunState.PENDING, RunState.SUBMITTED)


class SqlSchedules:
    """Schedules and their runs in one database; see `ScheduleStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, schedule: Schedule) -> None:
        """Keep a new schedule."""
        with transaction(self._engine) as connection:
            connection.execute(SCHEDULES.insert().values(_schedule_row(schedule)))

    def schedule(self, schedule_id: str) -> Schedule | None:
        """Find a schedule."""
        found = self._schedules(sa.select(SCHEDULES).where(SCHEDULES.c.schedule_id == schedule_id))
        return found[0] if found else None

    def schedules(self, owner: str | None, *, after: str | None, limit: int) -> Sequence[Schedule]:
        """Give at most `limit` schedules of an owner, or of all, in the order of their ids, behind one of them."""
        asked = sa.select(SCHEDULES).order_by(SCHEDULES.c.schedule_id).limit(limit)
        if owner is not None:
            asked = asked.where(SCHEDULES.c.principal == owner)
        if after is not None:
            asked = asked.where(SCHEDULES.c.schedule_id > after)
        return self._schedules(asked)

    def _schedules(self, asked: sa.Select[tuple[object, ...]]) -> Sequence[Schedule]:
        with transaction(self._engine) as connection:
            return [_schedule(row) for row in connection.execute(asked).mappings()]

    def replace(self, schedule: Schedule) -> bool:
        """Keep a schedule in place of the one with its id; False if there is none."""
        this = SCHEDULES.update().where(SCHEDULES.c.schedule_id == schedule.schedule_id)
        return self._change(this.values(_schedule_row(schedule)))

    def replace_unchanged(self, schedule: Schedule, *, updated_at: datetime) -> bool:
        """Keep what a schedule exports, unless somebody has saved it after `updated_at`."""
        this = SCHEDULES.update().where(
            SCHEDULES.c.schedule_id == schedule.schedule_id, SCHEDULES.c.updated_at == moment_text(updated_at)
        )
        row = _schedule_row(schedule)
        return self._change(this.values(export=row["export"], updated_at=row["updated_at"]))

    def move(self, schedule_id: str, state: ScheduleState, *, due_at: datetime | None, at: datetime) -> bool:
        """Set a schedule's state and next run, and forget its failures; False if there is none."""
        this = SCHEDULES.update().where(SCHEDULES.c.schedule_id == schedule_id)
        return self._change(
            this.values(
                state=state.value, due_at=_optional_text(due_at), failures=0, code=None, updated_at=moment_text(at)
            )
        )

    def delete(self, schedule_id: str) -> bool:
        """Forget a schedule and its runs; False if there is none."""
        with transaction(self._engine) as connection:
            connection.execute(SCHEDULE_RUNS.delete().where(SCHEDULE_RUNS.c.schedule_id == schedule_id))
            gone = connection.execute(SCHEDULES.delete().where(SCHEDULES.c.schedule_id == schedule_id))
            return gone.rowcount > 0

    def due(self, *, at: datetime, limit: int, target: Target = Target.FILES) -> Sequence[Schedule]:
        """Give active schedules of a target whose next run is due by then, the longest due first."""
        is_due = sa.and_(SCHEDULES.c.state == ScheduleState.ACTIVE, SCHEDULES.c.due_at <= moment_text(at))
        asked = (
            sa.select(SCHEDULES).where(is_due, SCHEDULES.c.target == target).order_by(SCHEDULES.c.due_at).limit(limit)
        )
        return self._schedules(asked)

    def claim(self, schedule: Schedule, *, next_due: datetime | None, run: ScheduledRun | None) -> bool:
        """Take the run that a schedule is due for: move the schedule on, and keep `run` with it, if there is to be one.

        False if somebody else took it, or the schedule was changed meanwhile.
        """
        assert schedule.due_at is not None
        this = SCHEDULES.update().where(
            SCHEDULES.c.schedule_id == schedule.schedule_id,
            SCHEDULES.c.state == ScheduleState.ACTIVE,
            SCHEDULES.c.due_at == moment_text(schedule.due_at),
            SCHEDULES.c.updated_at == moment_text(schedule.updated_at),
        )
        with transaction(self._engine) as connection:
            taken = connection.execute(this.values(due_at=_optional_text(next_due))).rowcount > 0
            if taken and run is not None:
                connection.execute(SCHEDULE_RUNS.insert().values(_run_row(run)))
        return taken

    def add_run(self, run: ScheduledRun) -> None:
        """Keep a run that somebody asked for."""
        with transaction(self._engine) as connection:
            connection.execute(SCHEDULE_RUNS.insert().values(_run_row(run)))

    def pending(self, *, begun_before: datetime, limit: int, target: Target = Target.FILES) -> Sequence[ScheduledRun]:
        """Give runs of a target that are pending since before a moment: whoever began them may be dead."""
        runs = SCHEDULE_RUNS.c
        old = sa.and_(runs.state == RunState.PENDING, runs.begun_at < moment_text(begun_before))
        of_target = sa.exists().where(SCHEDULES.c.schedule_id == runs.schedule_id, SCHEDULES.c.target == target)
        return self._runs(sa.select(SCHEDULE_RUNS).where(old, of_target).order_by(runs.begun_at).limit(limit))

    def unsettled(self, *, limit: int) -> Sequence[ScheduledRun]:
        """Give runs whose job has ended, or has been forgotten, and that have no end yet, the oldest first."""
        runs = SCHEDULE_RUNS.c
        in_flight = sa.exists().where(JOBS.c.job_id == runs.job_id, JOBS.c.state.in_(IN_FLIGHT))
        asked = sa.select(SCHEDULE_RUNS).where(runs.state == RunState.SUBMITTED, ~in_flight)
        return self._runs(asked.order_by(runs.begun_at).limit(limit))

    def begin_again(self, run: ScheduledRun, *, at: datetime) -> bool:
        """Take a pending run over; False if somebody else did, or it has its job by now."""
        runs = SCHEDULE_RUNS.c
        pending = _this(run).where(runs.state == RunState.PENDING, runs.begun_at == moment_text(run.begun_at))
        return self._change(pending.values(begun_at=moment_text(at)))

    def have_job(self, run: ScheduledRun, job_id: str) -> None:
        """Note the job of a pending run."""
        pending = _this(run).where(SCHEDULE_RUNS.c.state == RunState.PENDING)
        self._change(pending.values(state=RunState.SUBMITTED.value, job_id=job_id))

    def settle(self, run: ScheduledRun, state: RunState, *, code: str | None = None) -> bool:
        """Bring a run to its end and count it for its schedule, which may stop; False if it has an end already."""
        of_schedule = SCHEDULES.update().where(SCHEDULES.c.schedule_id == run.schedule_id)
        with transaction(self._engine) as connection:
            ended = _this(run).where(SCHEDULE_RUNS.c.state.in_(_OPEN)).values(state=state.value, code=code)
            if not connection.execute(ended).rowcount:
                return False
            if state in SUCCESSES:
                connection.execute(of_schedule.values(failures=0))
            elif state in FAILURES:
                connection.execute(of_schedule.values(failures=SCHEDULES.c.failures + 1))
                over = of_schedule.where(
                    SCHEDULES.c.state == ScheduleState.ACTIVE, SCHEDULES.c.failures >= SCHEDULES.c.stop_after
                )
                connection.execute(over.values(state=ScheduleState.STOPPED.value, due_at=None, code=code))
        return True

    def runs(self, schedule_id: str, *, limit: int) -> Sequence[ScheduledRun]:
        """Give the latest runs of a schedule, the newest first."""
        asked = sa.select(SCHEDULE_RUNS).where(SCHEDULE_RUNS.c.schedule_id == schedule_id)
        return self._runs(asked.order_by(SCHEDULE_RUNS.c.due_at.desc()).limit(limit))

    def last_finished(self, schedule_id: str, *, before: datetime) -> ScheduledRun | None:
        """Give the latest run before a moment whose job made everything."""
        runs = SCHEDULE_RUNS.c
        asked = sa.select(SCHEDULE_RUNS).where(
            runs.schedule_id == schedule_id, runs.state == RunState.FINISHED, runs.due_at < moment_text(before)
        )
        found = self._runs(asked.order_by(runs.due_at.desc()).limit(1))
        return found[0] if found else None

    def forget_runs(self, *, before: datetime) -> None:
        """Forget runs of moments before this one that have ended, but for the last of each schedule that finished."""
        runs, later = SCHEDULE_RUNS.c, SCHEDULE_RUNS.alias("later").c
        is_followed = sa.exists().where(
            later.schedule_id == runs.schedule_id, later.state == RunState.FINISHED, later.due_at > runs.due_at
        )
        over = sa.or_(
            runs.state.not_in((*_OPEN, RunState.FINISHED)), sa.and_(runs.state == RunState.FINISHED, is_followed)
        )
        self._change(SCHEDULE_RUNS.delete().where(runs.due_at < moment_text(before), over))

    def _runs(self, asked: sa.Select[tuple[object, ...]]) -> Sequence[ScheduledRun]:
        with transaction(self._engine) as connection:
            return [_run(row) for row in connection.execute(asked).mappings()]

    def _change(self, statement: sa.Update | sa.Delete) -> bool:
        with transaction(self._engine) as connection:
            return connection.execute(statement).rowcount > 0


def _this(run: ScheduledRun) -> sa.Update:
    runs = SCHEDULE_RUNS.c
    return SCHEDULE_RUNS.update().where(runs.schedule_id == run.schedule_id, runs.due_at == moment_text(run.due_at))


def _schedule_row(schedule: Schedule) -> dict[str, object]:
    return {
        "schedule_id": schedule.schedule_id,
        "name": schedule.name,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "export": orjson.dumps(schedule.export).decode(),
        "principal": schedule.owner.name,
        "owner": orjson.dumps(schedule.owner.members()).decode(),
        "missed": schedule.missed.value,
        "stop_after": schedule.stop_after,
        "created_at": moment_text(schedule.created_at),
        "updated_at": moment_text(schedule.updated_at),
        "state": schedule.state.value,
        "due_at": _optional_text(schedule.due_at),
        "failures": schedule.failures,
        "code": schedule.code,
        "target": schedule.target.value,
    }


def _schedule(row: RowMapping) -> Schedule:
    return Schedule(
        schedule_id=row["schedule_id"],
        name=row["name"],
        cron=row["cron"],
        time_zone=row["time_zone"],
        export=orjson.loads(row["export"]),
        owner=Submitter.of_members(orjson.loads(row["owner"])),
        missed=MissedRuns(row["missed"]),
        stop_after=row["stop_after"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        state=ScheduleState(row["state"]),
        due_at=_optional_moment(row["due_at"]),
        failures=row["failures"],
        code=row["code"],
        target=Target(row["target"]),
    )


def _run_row(run: ScheduledRun) -> dict[str, object]:
    return {
        "schedule_id": run.schedule_id,
        "due_at": moment_text(run.due_at),
        "begun_at": moment_text(run.begun_at),
        "by_hand": run.by_hand,
        "state": run.state.value,
        "job_id": run.job_id,
        "code": run.code,
    }


def _run(row: RowMapping) -> ScheduledRun:
    return ScheduledRun(
        schedule_id=row["schedule_id"],
        due_at=datetime.fromisoformat(row["due_at"]),
        begun_at=datetime.fromisoformat(row["begun_at"]),
        by_hand=row["by_hand"],
        state=RunState(row["state"]),
        job_id=row["job_id"],
        code=row["code"],
    )


def _optional_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


def _optional_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
