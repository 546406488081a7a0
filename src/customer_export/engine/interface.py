"""What an engine for background work does, and what it asks of those whose work it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Protocol


@unique
class Outcome(StrEnum):
    """What came of a step: it is done, it is to be tried again, or nothing of its job is to be done any more."""

    DONE = "done"
    AGAIN = "again"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """How a job's parts are spread: part 0 to `parts` - 1 over `lanes`, each of which does one after the other.

    The lanes of an `is_small` job have a slot of their own in every worker, so that they never wait for large ones.
    """

    parts: int
    lanes: int
    is_small: bool


class JobSteps(Protocol):
    """The work. Every method may be called again for the same arguments, also after it was done, and by two at a time.

    `attempt` counts from 1; at the last, MOST_ATTEMPTS, what fails has to be recorded as failed.
    """

    def plan(self, job_id: str, *, attempt: int) -> FanOut | None:
        """Say which parts there are; None: try again in a while."""

    def run_part(self, job_id: str, number: int, *, attempt: int) -> Outcome:
        """Do one part."""

    def finish(self, job_id: str, *, attempt: int) -> Outcome:
        """Bring the job to its end, whatever has become of its parts."""


MOST_ATTEMPTS = 9
"""Of one step. The waits between them add up to two minutes, which a database takes to restart or to fail over."""


class JobEngine(Protocol):
    """Runs jobs. What it was given to do outlives any process."""

    def start(self) -> None:
        """Begin to work, in threads. Raises StoreUnavailableError or ConfigurationError."""

    def enqueue(self, job_id: str) -> None:
        """Have a job done; one that is queued or was done already is left as it is."""

    def take_over(self) -> int:
        """Hand on the work of workers that died, and give how much. Ends the process if others take this for dead."""

    def has_ended(self, job_id: str) -> bool:
        """Tell whether the engine will do no more for a job that it was given."""

    def forget(self, *, before: datetime) -> int:
        """Delete what the engine keeps of work that ended before a moment, and give how much."""

    def close(self, *, patience: timedelta) -> None:
        """Take nothing more, wait for steps to end (they have been told), and let others have the rest at once."""
