"""A clock that moves when it is told to."""

from datetime import UTC, datetime

START = datetime(2026, 3, 28, 12, tzinfo=UTC)


class Clock:
    """The time."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        """Give seconds since the start."""
        return (self.at - START).total_seconds()
