"""Dates and time stamps as the serial numbers of a workbook: days since 1899-12-30 on the clock of one zone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache

from customer_export.writers.xlsx.limits import FIRST_DAY

# A wall clock has no zone.
_EPOCH = datetime(1899, 12, 30)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_DAY_SECONDS = 86_400
_DAY_MICROSECONDS = _DAY_SECONDS * 1_000_000

# Eleven decimals tell any two seconds apart, and twelve any two microseconds until day 65,536, 5 June 2079: there
# the step of a double grows from 0.6 µs to 1.3 µs.
_SECOND_DECIMALS = 11
_MICROSECOND_DECIMALS = 12
_FIRST_DAY_WITHOUT_MICROSECONDS = 1 << 16

_WALL_CHARACTERS = len("2024-01-31T10:00:00")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATES = re.compile(rf"(?:{_DATE.pattern}\n)*+")
_OFFSET = "[+-][0-9]{2}:[0-9]{2}"
_TIMESTAMP = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]{{1,6}})?){_OFFSET}"
)
# That the wall time consists of digits is left to `datetime.fromisoformat`, which reads it next.
_TIMESTAMPS = re.compile(rf"(?:....-..-..T..:..:..{_OFFSET}\n)*+")


def date_serial(text: str) -> str | None:
    """Return the serial number of `YYYY-MM-DD`, or None if a workbook can't hold the text as a date."""
    if text < FIRST_DAY or not _DATE.fullmatch(text):
        return None
    try:
        return str(date.fromisoformat(text).toordinal() - _EPOCH_ORDINAL)
    except ValueError:
        return None


def date_serials(cells: Sequence[str]) -> list[str] | None:
    """Return the serial numbers of a column, or None unless every cell is a date that has one."""
    if min(cells) < FIRST_DAY or not _DATES.fullmatch("\n".join(cells) + "\n"):
        return None
    read = date.fromisoformat
    try:
        return [str(read(cell).toordinal() - _EPOCH_ORDINAL) for cell in cells]
    except ValueError:
        return None


def moment_serial(wall_time: datetime) -> str:
    """Return the serial number of a wall time (naive, from March 1900 on), exact to the microsecond."""
    since = wall_time - _EPOCH
    if not since.microseconds:
        return f"{since.days}.{_second_fractions()[since.seconds]}"
    microseconds = since.seconds * 1_000_000 + since.microseconds
    fraction = _fraction(microseconds, _DAY_MICROSECONDS, _MICROSECOND_DECIMALS)
    return f"{since.days}.{fraction}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A wall time's serial number, and whether it is more than whole seconds."""

    serial: str
    has_fraction: bool


class WallClock:
    """Reads time stamps of one zone, whose offset their text carries and a workbook cannot."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._turns_back: dict[str, bool] = {}

    def serial(self, text: str) -> Moment | None:
        """Return a time stamp's serial number, or None if a workbook can't hold it.

        It can't hold an hour that the clock shows twice when it is put back, where only the offset tells which,
        nor a fraction of a second in the far future.
        """
        match = _TIMESTAMP.fullmatch(text)
        if match is None or text < FIRST_DAY:
            return None
        try:
            wall_time = datetime.fromisoformat(match[1])
        except ValueError:
            return None
        has_fraction = wall_time.microsecond != 0
        is_too_fine = has_fraction and (wall_time - _EPOCH).days >= _FIRST_DAY_WITHOUT_MICROSECONDS
        if is_too_fine or self._is_twice(text, wall_time):
            return None
        return Moment(serial=moment_serial(wall_time), has_fraction=has_fraction)

    def whole_second_serials(self, cells: Sequence[str]) -> list[str] | None:
        """Return the serial numbers of a column, or None unless every cell is a whole second that has one."""
        if min(cells) < FIRST_DAY or not _TIMESTAMPS.fullmatch("\n".join(cells) + "\n"):
            return None
        if any(self._may_turn_back(day) for day in {cell[:10] for cell in cells}):
            return None
        read, epoch, fractions = datetime.fromisoformat, _EPOCH, _second_fractions()
        try:
            spans = [read(cell[:_WALL_CHARACTERS]) - epoch for cell in cells]
        except ValueError:
            return None
        return [f"{since.days}.{fractions[since.seconds]}" for since in spans]

    def _is_twice(self, text: str, wall_time: datetime) -> bool:
        if not self._may_turn_back(text[:10]):
            return False
        first = wall_time.replace(tzinfo=self._zone, fold=0)
        return first.utcoffset() != first.replace(fold=1).utcoffset()

    def _may_turn_back(self, day: str) -> bool:
        """Whether the offset changes on a day or beside it; a text that is no day does not."""
        found = self._turns_back.get(day)
        if found is None:
            found = self._turns_back[day] = self._changes_offset(day)
        return found

    def _changes_offset(self, day: str) -> bool:
        try:
            midnight = datetime.combine(date.fromisoformat(day), time(), tzinfo=self._zone)
            before, after = midnight - timedelta(days=1), midnight + timedelta(days=2)
        except (ValueError, OverflowError):
            return False
        return before.utcoffset() != after.utcoffset()


def _fraction(part: int, whole: int, decimals: int) -> str:
    """Write a part of a day as the digits after the point, rounded; the last instant stays in its day."""
    digits = min((part * 10**decimals * 2 + whole) // (whole * 2), 10**decimals - 1)
    return f"{digits:0{decimals}}"


@cache
def _second_fractions() -> tuple[str, ...]:
    """Return the fraction of each second of a day; 6 MB once a process, for a third of the time of a column."""
    return tuple(_fraction(second, _DAY_SECONDS, _SECOND_DECIMALS) for second in range(_DAY_SECONDS))
