"""A schedule as values: what is exported at which moments for whom, and what came of each run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from customer_export.model.job import Submitter


@unique
class ScheduleState(StrEnum):
    """Whether it runs: `paused` by somebody, `stopped` by itself after too many failures in a row."""

    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"


@unique
class MissedRuns(StrEnum):
    """What becomes of runs whose moment passed while no worker was there.

    ====== =============================================
    once   they are made up for by one run, however many
    skip   they are left out
    ====== =============================================
    """

    ONCE = "once"
    SKIP = "skip"


@unique
class Target(StrEnum):
    """Where the files of a schedule go: `files` of a job, or the `cache`, for whoever asks for them next."""

    FILES = "files"
    CACHE = "cache"


@unique
class RunState(StrEnum):
    """Where a run is.

    `pending` is about to submit its job, or makes files for the cache; `submitted` has one in flight; then as its job
    ended. `refused`: there is no job, `code` says why. `overlapping`: there is none since the job of an earlier run
    still makes the same.
    """

    PENDING = "pending"
    SUBMITTED = "submitted"
    FINISHED = "finished"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    OVERLAPPING = "overlapping"


FAILURES = (RunState.FAILED, RunState.REFUSED)
"""These count as failures in a row, which a success ends; the others change nothing."""
SUCCESSES = (RunState.FINISHED, RunState.INCOMPLETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule. `export` is the body of `POST /api/admin/exports`; `owner` is whose rights each run has.

    `cron` has five fields, of the IANA zone `time_zone`. `due_at` is the next run, None unless it is active.
    `failures` is how many runs in a row have failed, `stop_after` how many stop it, for the reason `code`.
    """

    schedule_id: str
    name: str
    cron: str
    time_zone: str
    export: Mapping[str, object]
    owner: Submitter
    missed: MissedRuns
    stop_after: int
    created_at: datetime
    updated_at: datetime
    target: Target = Target.FILES
    state: ScheduleState = ScheduleState.ACTIVE
    due_at: datetime | None = None
    failures: int = 0
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRun:
    """A run of a schedule, named by its moment. `by_hand`: somebody asked for it then."""

    schedule_id: str
    due_at: datetime
    begun_at: datetime
    by_hand: bool = False
    state: RunState = RunState.PENDING
    job_id: str | None = None
    code: str | None = None

    def members(self) -> dict[str, object]:
        """Give it as JSON members."""
        return {
            "dueAt": self.due_at.isoformat(),
            "begunAt": self.begun_at.isoformat(),
            "byHand": self.by_hand,
            "state": self.state.value,
            "jobId": self.job_id,
            "code": self.code,
        }
