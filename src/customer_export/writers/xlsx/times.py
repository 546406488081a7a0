"""Dates and time stamps as the serial numbers of a workbook: days since 1899-12-30 on the clock of one zone.

Days and seconds of a day recur in the rows of a customer, so the numbers of each are kept and a time stamp is cut
into them: a quarter of the time of reading it as a date.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from customer_export.model.columns import Cell
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

# Where `2024-01-31T10:00:00.5+01:00` is cut.
_DAY = slice(10)
_SECOND = slice(10, 19)
_END = slice(19, None)
_OFFSET_CHARACTERS = len("+01:00")

_IS_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_IS_SECOND = re.compile("T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])").fullmatch
_IS_OFFSET = re.compile("[+-][0-9]{2}:[0-9]{2}").fullmatch
_IS_END = re.compile(r"(?:\.([0-9]{1,6}))?[+-][0-9]{2}:[0-9]{2}").fullmatch

# Days of 22 years: 1 MB.
_KEPT_DAYS = 8192

# Zones that are asked for in turn. Each keeps days of its own.
_KEPT_ZONES = 16


def date_serial(text: str) -> str | None:
    """Return the serial number of `YYYY-MM-DD`, or None if a workbook can't hold the text as a date."""
    try:
        return _DAYS[text]
    except KeyError:
        return None


def date_serials(cells: Sequence[Cell]) -> list[str] | None:
    """Return the serial numbers of a column, or None unless every cell is a date that has one."""
    try:
        return [_DAYS[cell] for cell in cast("Sequence[str]", cells)]
    # A NULL or another text.
    except (KeyError, TypeError):
        return None


def moment_serial(wall_time: datetime) -> str:
    """Return the serial number of a wall time (naive, from March 1900 on), to the second."""
    since = wall_time - _EPOCH
    return f"{since.days}.{_fraction(since.seconds, _DAY_SECONDS, _SECOND_DECIMALS)}"


class Moment(NamedTuple):
    """A wall time's serial number, and whether it is more than whole seconds."""

    serial: str
    has_fraction: bool


class WallClock:
    """Reads time stamps of one zone, whose offset their text carries and a workbook cannot."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._days = _PlainDays(zone)

    def serial(self, text: str) -> Moment | None:
        """Return a time stamp's serial number, or None if a workbook can't hold it.

        It can't hold an hour that the clock shows twice when it is put back, where only the offset tells which,
        nor any offset but that of the zone, nor a fraction of a second in the far future or with zeros at its end.
        """
        day, second, end = date_serial(text[_DAY]), text[_SECOND], _IS_END(text[_END])
        if day is None or end is None or _IS_SECOND(second) is None or self._is_twice(text):
            return None
        if not self._is_as_told_back(text) or (end[1] or "1").endswith("0"):
            return None
        microsecond = int((end[1] or "").ljust(6, "0"))
        if not microsecond:
            return Moment(serial=f"{day}{_SECONDS[second]}", has_fraction=False)
        if int(day) >= _FIRST_DAY_WITHOUT_MICROSECONDS:
            return None
        hour, minute = int(second[1:3]), int(second[4:6])
        microseconds = ((hour * 60 + minute) * 60 + int(second[7:])) * 1_000_000 + microsecond
        fraction = _fraction(microseconds, _DAY_MICROSECONDS, _MICROSECOND_DECIMALS)
        return Moment(serial=f"{day}.{fraction}", has_fraction=True)

    def whole_second_serials(self, cells: Sequence[Cell]) -> list[str] | None:
        """Return the serial numbers of a column, or None unless every cell is a whole second that has one.

        None, too, if one may be of an hour that comes twice.
        """
        texts, days, seconds = cast("Sequence[str]", cells), self._days, _SECONDS
        try:
            if not _end_in_offset(texts):
                return None
            return [days[text[:10] + text[-6:]] + seconds[text[10:-6]] for text in texts]
        # A NULL, a day that is not plain, or no time.
        except (TypeError, KeyError):
            return None

    def _is_as_told_back(self, text: str) -> bool:
        """Whether the offset is the zone's at that time: a reader has nothing else to tell it by."""
        wall_time = datetime.fromisoformat(text[: _SECOND.stop]).replace(tzinfo=self._zone)
        return wall_time.isoformat() == text[: _SECOND.stop] + text[-_OFFSET_CHARACTERS:]

    def _is_twice(self, text: str) -> bool:
        if not self._days.may_turn_back(text[_DAY] + text[-_OFFSET_CHARACTERS:]):
            return False
        first = datetime.fromisoformat(text[: _SECOND.stop]).replace(tzinfo=self._zone, fold=0)
        return first.utcoffset() != first.replace(fold=1).utcoffset()


@lru_cache(maxsize=_KEPT_ZONES)
def wall_clock(time_zone: str) -> WallClock:
    """Return the clock of a zone (IANA). It keeps days that were asked for, and nothing else of a customer."""
    return WallClock(ZoneInfo(time_zone))


class _Days(dict[str, str]):
    """The serial numbers of days by their text. Raises KeyError for what has none."""

    def __missing__(self, text: str) -> str:
        if text is None or text < FIRST_DAY or not _IS_DATE(text):
            raise KeyError
        try:
            ordinal = date.fromisoformat(text).toordinal()
        except ValueError:
            raise KeyError from None
        if len(self) == _KEPT_DAYS:
            self.clear()
        return self.setdefault(text, str(ordinal - _EPOCH_ORDINAL))


class _PlainDays(dict[str, str]):
    """The serial numbers of days on which, and beside which, a zone keeps the offset that stands behind the day.

    Raises KeyError for others.
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone
        self._others: set[str] = set()

    def __missing__(self, text: str) -> str:
        serial = _DAYS[text[_DAY]]
        if text in self._others or not self._keeps_offset(text):
            self._others.add(text)
            raise KeyError
        if len(self) == _KEPT_DAYS:
            self.clear()
        return self.setdefault(text, serial)

    def may_turn_back(self, text: str) -> bool:
        """Whether the offset changes on a day or beside it; a text that is no day does not."""
        try:
            return not self[text]
        except KeyError:
            return text in self._others

    def _keeps_offset(self, text: str) -> bool:
        try:
            midnight = datetime.combine(date.fromisoformat(text[_DAY]), time(), tzinfo=self._zone)
            days = (midnight - timedelta(days=1), midnight, midnight + timedelta(days=2))
        except OverflowError:
            return False
        return all(day.isoformat()[_SECOND.stop :] == text[_DAY.stop :] for day in days)


class _Seconds(dict[str, str]):
    """The fractions of a day by the text of a second, `T10:00:00`. Raises KeyError for what is none.

    It may come to hold all 86,400: 14 MB.
    """

    def __missing__(self, text: str) -> str:
        match = _IS_SECOND(text)
        if match is None:
            raise KeyError
        hour, minute, second = map(int, match.groups())
        seconds = (hour * 60 + minute) * 60 + second
        return self.setdefault(text, f".{_fraction(seconds, _DAY_SECONDS, _SECOND_DECIMALS)}")


_DAYS = _Days()
_SECONDS = _Seconds()


def _end_in_offset(texts: Sequence[str]) -> bool:
    """Whether every text ends in a distance from UTC. Raises TypeError for a NULL."""
    first = texts[0][-_OFFSET_CHARACTERS:]
    column = "\n".join(texts) + "\n"
    offsets = {first} if column.count(f"{first}\n") == len(texts) else {text[-_OFFSET_CHARACTERS:] for text in texts}
    return all(map(_IS_OFFSET, offsets))


def _fraction(part: int, whole: int, decimals: int) -> str:
    """Write a part of a day as the digits after the point, rounded; the last instant stays in its day."""
    digits = min((part * 10**decimals * 2 + whole) // (whole * 2), 10**decimals - 1)
    return f"{digits:0{decimals}}"
