"""Dates and moments from the serial numbers of a workbook: days since 1899-12-30 on the clock of one zone."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1899, 12, 30)  # a wall clock has no zone
_DAY_SECONDS = 86_400
_SECOND_DECIMALS = 11  # more say that there is a fraction of a second
_KEPT_DAYS = 8_192


@lru_cache(maxsize=_KEPT_DAYS)
def date_of(serial: str) -> str:
    """Give the day of a serial number. Raises ValueError."""
    if not serial.isdecimal():
        raise ValueError(f"{serial[:20]} is no day")
    try:
        return date.fromordinal(_EPOCH.toordinal() + int(serial)).isoformat()
    except OverflowError as failure:
        raise ValueError("the day is out of range") from failure


class SerialClock:
    """Gives moments their text back, with the offset of the zone on that day."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)

    def moment(self, serial: str) -> str:
        """Give the time stamp of a serial number. Raises ValueError."""
        day, _, digits = serial.partition(".")
        date_of(day)
        if not digits.isdecimal():
            raise ValueError(f"{serial[:20]} is no moment")
        whole = 10 ** len(digits)
        unit = 1 if len(digits) <= _SECOND_DECIMALS else 1_000_000
        units = (int(digits) * _DAY_SECONDS * unit * 2 + whole) // (whole * 2)
        elapsed = timedelta(seconds=units) if unit == 1 else timedelta(microseconds=units)
        text = (_EPOCH + timedelta(days=int(day)) + elapsed).replace(tzinfo=self._zone).isoformat()
        return f"{text[:19]}{text[19:26].rstrip('0')}{text[26:]}" if text[19:20] == "." else text
