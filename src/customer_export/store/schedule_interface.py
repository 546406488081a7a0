"""What our own database keeps of schedules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from customer_export.model.schedule import RunState, Schedule, ScheduledRun, ScheduleState, Target


class ScheduleStore(Protocol):
    """Schedules and their runs. Every method raises StoreUnavailableError if the database fails.

    Of several workers who claim the same moment one does, and knows.
    """

    def create(self, schedule: Schedule) -> None:
        """Keep a new schedule."""

    def schedule(self, schedule_id: str) -> Schedule | None:
        """Find a schedule."""

    def schedules(self, owner: str | None, *, after: str | None, limit: int) -> Sequence[Schedule]:
        """Give at most `limit` schedules of an owner, or of all, in the order of their ids, behind one of them."""

    def replace(self, schedule: Schedule) -> bool:
        """Keep a schedule in place of the one with its id; False if there is none."""

    def replace_unchanged(self, schedule: Schedule, *, updated_at: datetime) -> bool:
        """Keep what a schedule exports, unless somebody has saved it after `updated_at`; False then, or if it is gone.

        Its state and its next run stay as they are by now.
        """

    def move(self, schedule_id: str, state: ScheduleState, *, due_at: datetime | None, at: datetime) -> bool:
        """Set a schedule's state and next run, and forget its failures; False if there is none."""

    def delete(self, schedule_id: str) -> bool:
        """Forget a schedule and its runs; False if there is none."""

    def due(self, *, at: datetime, limit: int, target: Target = Target.FILES) -> Sequence[Schedule]:
        """Give active schedules of a target whose next run is due by then, the longest due first."""

    def claim(self, schedule: Schedule, *, next_due: datetime | None, run: ScheduledRun | None) -> bool:
        """Take the run that a schedule is due for: move the schedule on, and keep `run` with it, if there is to be one.

        False if somebody else took it, or the schedule was changed meanwhile.
        """

    def add_run(self, run: ScheduledRun) -> None:
        """Keep a run that somebody asked for."""

    def pending(self, *, begun_before: datetime, limit: int, target: Target = Target.FILES) -> Sequence[ScheduledRun]:
        """Give runs of a target that are pending since before a moment: whoever began them may be dead."""

    def unsettled(self, *, limit: int) -> Sequence[ScheduledRun]:
        """Give runs whose job has ended, or has been forgotten, and that have no end yet, the oldest first."""

    def begin_again(self, run: ScheduledRun, *, at: datetime) -> bool:
        """Take a pending run over; False if somebody else did, or it has its job by now."""

    def have_job(self, run: ScheduledRun, job_id: str) -> None:
        """Note the job of a pending run."""

    def settle(self, run: ScheduledRun, state: RunState, *, code: str | None = None) -> bool:
        """Bring a run to its end and count it for its schedule, which may stop; False if it has an end already."""

    def runs(self, schedule_id: str, *, limit: int) -> Sequence[ScheduledRun]:
        """Give the latest runs of a schedule, the newest first."""

    def last_finished(self, schedule_id: str, *, before: datetime) -> ScheduledRun | None:
        """Give the latest run before a moment whose job made everything."""

    def forget_runs(self, *, before: datetime) -> None:
        """Forget runs of moments before this one that have ended, but for the last of each schedule that finished."""
