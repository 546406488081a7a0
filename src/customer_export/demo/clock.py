"""The demo shop's own calendar, and the two ways in which its tables write a time."""

from datetime import UTC, datetime
from functools import cache

DAY = 86_400
"""Seconds of a day."""

OPENED = int(datetime(2019, 3, 1, 8, tzinfo=UTC).timestamp())
"""When the shop opened: nothing in it is older. Epoch seconds, as all times here."""

NOW = int(datetime(2025, 12, 31, 18, tzinfo=UTC).timestamp())
"""The shop's present: nothing in it is younger. Fixed, so that data don't depend on when they are made."""


def plain_time(moment: int, microsecond: int = 0) -> str:
    """Write `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC, without an offset."""
    text = f"{day_text(moment // DAY)} {_clock_text(moment % DAY)}"
    return f"{text}.{microsecond:06d}" if microsecond else text


def offset_time(moment: int, microsecond: int = 0) -> str:
    """Write `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`."""
    text = f"{day_text(moment // DAY)}T{_clock_text(moment % DAY)}"
    return f"{text}.{microsecond:06d}+00:00" if microsecond else f"{text}+00:00"


@cache  # A big shop has half a million times, but few days, and a day has no more than 1,440 minutes.
def day_text(day: int) -> str:
    """Write `YYYY-MM-DD` for a day counted from 1970-01-01."""
    return datetime.fromtimestamp(day * DAY, UTC).date().isoformat()


def _clock_text(second: int) -> str:
    return f"{_minute_text(second // 60)}:{second % 60:02d}"


@cache
def _minute_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
