"""Moments that are stored as numbers: how fine the numbers are read, and the period's ends as such numbers.

Unix times are read to the microsecond, which is as fine as a double tells them today, and Julian days to the
millisecond, as SQLite does; halves are rounded up. So a number is not before a moment if it is not below the number
half a step before it.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction

from customer_export.model.columns import ColumnType, StoredAs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_MILLISECONDS = 86_400_000
EPOCH_JULIAN_DAY = "2440587.5"
"""The Julian day of 1970-01-01T00:00Z."""
_DECIMALS = 20
"""Of a Julian day, whose half steps have no end: far finer than anybody's numbers."""
_HALF = Fraction(1, 2)
_JULIAN_EPOCH = Fraction(EPOCH_JULIAN_DAY)


def first_number(moment: datetime, stored_as: StoredAs) -> str:
    """Give the lowest number that stands for the moment or a later one, as a decimal."""
    microseconds = (moment - _EPOCH) // _MICROSECOND
    match stored_as:
        case StoredAs.EPOCH_SECONDS:
            number = (microseconds - _HALF) / 1_000_000
        case StoredAs.EPOCH_MILLISECONDS:
            number = (microseconds - _HALF) / 1_000
        case StoredAs.JULIAN_DAY:
            milliseconds = -(-microseconds // 1_000)
            number = (milliseconds - _HALF) / _DAY_MILLISECONDS + Fraction(EPOCH_JULIAN_DAY)
    return f"{Decimal(round(number * 10**_DECIMALS)).scaleb(-_DECIMALS):f}"


def written_moment(number: Fraction | int, kind: ColumnType, stored_as: StoredAs, zone: tzinfo) -> str | None:
    """Write the moment, or the day in UTC, that a number stands for; None if it is outside of the years 1 to 9999."""
    try:
        moment = _EPOCH + timedelta(microseconds=_microseconds(number, stored_as))
        return moment.date().isoformat() if kind is ColumnType.DATE else iso_text(moment.astimezone(zone))
    except OverflowError:  # ISO 8601 has no such year
        return None


def _microseconds(number: Fraction | int, stored_as: StoredAs) -> int:
    match stored_as:
        case StoredAs.EPOCH_SECONDS:
            return _rounded(number * 1_000_000)
        case StoredAs.EPOCH_MILLISECONDS:
            return _rounded(number * 1_000)
        case StoredAs.JULIAN_DAY:
            return _rounded((number - _JULIAN_EPOCH) * 86_400_000) * 1_000


def _rounded(number: Fraction | int) -> int:
    return number if isinstance(number, int) else (number + _HALF).__floor__()


def iso_text(moment: datetime) -> str:
    """Write an aware moment as PostgreSQL would: a fraction without trailing zeros, an offset of hours and minutes."""
    text = moment.isoformat()
    return f"{text[:19]}{text[19:26].rstrip('0')}{text[26:]}" if moment.microsecond else text
