"""Runs of schedules that make files for the cache: each is taken once, and goes on elsewhere if its process dies."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from customer_export.errors import (
    CustomerPurgedError,
    ExportBusyError,
    ExportError,
    ExportTooLargeError,
    StoreUnavailableError,
)
from customer_export.export.admission import ExportCall
from customer_export.export.warming import admit_warming
from customer_export.jobs.rights import credentials_of
from customer_export.jobs.schedules.firing import DEAD_AFTER, take_runs
from customer_export.jobs.services import Jobs
from customer_export.jobs.warming.candidates import purged_lately
from customer_export.jobs.warming.maker import Maker, PausedError
from customer_export.jobs.warming.named import check_warming, named_calls
from customer_export.model.schedule import RunState, Schedule, ScheduledRun, Target
from customer_export.model.warming import Pause, WarmingLimits

PATIENCE = timedelta(hours=1)
"""How long a run waits for room in all: who asked for files in the morning has no use for them at noon."""

BEAT = DEAD_AFTER / 3
"""How often it is put on record that a run is under way."""

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Work:
    """A run that is under way: the files that are left, and the code of what went wrong first."""

    run: ScheduledRun
    began_at: datetime
    left: deque[ExportCall] = field(default_factory=deque)
    code: str | None = None


class ScheduledWarming:
    """The runs that this process has taken. One thread uses it."""

    def __init__(self, jobs: Jobs, limits: WarmingLimits, maker: Maker) -> None:
        self._jobs = jobs
        self._limits = limits
        self._maker = maker
        self._works: list[Work] = []

    def _take(self) -> None:
        """Take what is due, and say of what was taken that it is under way still. Raises StoreUnavailableError."""
        now = self._jobs.services.now()
        self._works = [work for work in self._works if self._goes_on(work, now)]
        for schedule, run in take_runs(self._jobs, Target.CACHE):
            work = self._begun(schedule, run, now)
            if work is not None:
                self._works.append(work)

    def _goes_on(self, work: Work, now: datetime) -> bool:
        """Keep others from taking a run over; False if one has, the schedule is gone, or it has waited too long."""
        if not self._jobs.schedules.begin_again(work.run, at=now):
            return False
        work.run = replace(work.run, begun_at=now)
        if now - work.began_at <= PATIENCE:
            return True
        work.code = work.code or ExportBusyError.code
        self._settle(work)
        return False

    def _begun(self, schedule: Schedule, run: ScheduledRun, now: datetime) -> Work | None:
        """Begin a run, or refuse it: its owner's rights count as they are now."""
        credentials = credentials_of(schedule.owner)
        try:
            check_warming(self._jobs, schedule.export, credentials)
            calls = named_calls(self._jobs, schedule.export, credentials)
        except StoreUnavailableError:
            raise
        except ExportError as failure:
            log.warning("schedule_refused", schedule_id=run.schedule_id, code=failure.code)
            self._jobs.schedules.settle(run, RunState.REFUSED, code=failure.code)
            return None
        return Work(run=run, began_at=now, left=deque(calls))

    def _settle(self, work: Work) -> None:
        """Bring a run to its end."""
        state = RunState.FINISHED if work.code is None else RunState.INCOMPLETE
        self._jobs.schedules.settle(work.run, state, code=work.code)

    def look(self, pause: Pause | None) -> Pause | None:
        """Do a round, and make files unless `pause` says why not; say why nothing more is made after it."""
        self._take()
        if pause is not None or not self._works:
            return pause
        purged = purged_lately(self._jobs, self._limits, now=self._jobs.services.now())
        for work in list(self._works):
            while work.left and self._is_ours(work):
                try:
                    self._make(work, work.left[0], purged)
                except PausedError as paused:
                    return paused.pause
                work.left.popleft()
            if not work.left:
                self._settle(work)
            self._works.remove(work)
        return None

    def _is_ours(self, work: Work) -> bool:
        """Say so between two files, long before others take the run for that of a dead process."""
        now = self._jobs.services.now()
        return now - work.run.begun_at < BEAT or self._goes_on(work, now)

    def _make(self, work: Work, call: ExportCall, purged: frozenset[str]) -> None:
        """Make a file, unless it is there. Raises PausedError and StoreUnavailableError."""
        now = self._jobs.services.now()
        try:
            if call.customer_id in purged:
                raise CustomerPurgedError("The customer was purged lately")
            key = admit_warming(self._jobs.services, call).key
            if self._maker.is_kept(key):
                return
            if not self._maker.files.has_room_for(key.digest, 0, now=now):
                raise ExportTooLargeError(limit_bytes=self._limits.bytes)
            self._maker.make(call)
        except StoreUnavailableError:
            raise
        except ExportError as failure:
            work.code = work.code or failure.code
