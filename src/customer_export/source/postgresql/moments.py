"""Dates and time stamps of PostgreSQL: their canonical text, and their comparison with the ends of a period."""

from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column, ColumnType, StoredAs
from customer_export.source.comparing import Expression, parameter
from customer_export.source.postgresql.literals import sql_constant, sql_text
from customer_export.source.select import Bounds
from customer_export.source.stored_moments import EPOCH_JULIAN_DAY

_FIRST, _END = "0001-01-01", "10000-01-01"
"""ISO 8601 has no year outside these and no infinity; such time stamps keep PostgreSQL's own text."""
_FIRST_MICROSECOND, _END_MICROSECOND = "-62135596800000000", "253402300800000000"
"""The same in UTC, as microseconds since 1970; numbers outside stay as they are stored."""
_MICROSECONDS = "1000000"
_REGIONS = {"CET": "Europe/Brussels", "EET": "Europe/Athens", "MET": "Europe/Brussels", "WET": "Europe/Lisbon"}
"""IANA's zones with a summer time whose names timezone() reads as abbreviations, without one."""


class PostgresqlMoments:
    """Moments as text and as bounds; `time_zone` is the export's, `naive_zone` the map's."""

    def __init__(self, *, time_zone: str, naive_zone: str) -> None:
        self._utc = ZoneInfo(time_zone) == ZoneInfo("UTC")
        self._zone = _REGIONS.get(time_zone, time_zone)
        self._naive_zone = _REGIONS.get(naive_zone, naive_zone)

    def timestamp(self, value: Expression, stored: sa.TIMESTAMP) -> Expression:
        """Write a time stamp."""
        return self._instant(self._aware(value, stored))

    def day(self, value: Expression, stored: sa.TIMESTAMP) -> Expression:
        """Write the day that a time stamp falls into in the export's zone."""
        return sa.cast(sa.cast(self._aware(value, stored), sa.Date), sa.Text)

    def counted(self, column: Column, value: Expression, stored_as: StoredAs) -> Expression:
        """Write the moment, or the day in UTC, that a number stands for."""
        microseconds = _microseconds(value, stored_as)
        instant = _instant_of(microseconds)
        day = sa.cast(sa.cast(_timezone(sql_text("UTC"), instant), sa.Date), sa.Text)
        written = day if column.type is ColumnType.DATE else self._instant(instant)
        first, end = sql_constant(_FIRST_MICROSECOND), sql_constant(_END_MICROSECOND)
        readable = sa.and_(microseconds >= first, microseconds < end)
        return sa.case((readable, written), else_=sa.cast(value, sa.Text))

    def bound(
        self, value: Expression, stored: TypeEngine[object], bounds: Bounds, column: Column | None
    ) -> list[Expression]:
        """Compare a time column with the period without wrapping the column, so that an index serves."""
        conditions: list[Expression] = []
        if bounds.start:
            conditions.append(value >= self._edge("start", stored, column))
        if bounds.end:
            conditions.append(value < self._edge("end", stored, column))
        return conditions

    def _edge(self, name: str, stored: TypeEngine[object], column: Column | None) -> Expression:
        if column is not None and column.stored_as is not None and is_number(stored):
            return _number_edge(f"{name}_date" if column.type is ColumnType.DATE else name, stored, column.stored_as)
        if isinstance(stored, sa.Date):
            return sa.cast(parameter(f"{name}_date"), sa.Date)
        instant = sa.cast(parameter(name), sa.TIMESTAMP(timezone=True))
        if isinstance(stored, sa.TIMESTAMP) and not stored.timezone:
            return _timezone(sql_text(self._naive_zone), instant)
        return instant

    def _aware(self, value: Expression, stored: sa.TIMESTAMP) -> Expression:
        return value if stored.timezone else _timezone(sql_text(self._naive_zone), value)

    def _instant(self, aware: Expression) -> Expression:
        text = sa.cast(aware, sa.Text)
        iso = sa.func.pg_catalog.replace(text, sql_text(" "), sql_text("T"), type_=sa.Text())
        if self._utc:
            written = iso.concat(sql_text(":00"))
        else:  # other zones have minutes in some offsets
            written = sa.case((text.not_like(sql_text("%:__")), iso.concat(sql_text(":00"))), else_=iso)
        first, end = (
            _timezone(sql_text(self._zone), sa.cast(sql_text(edge), sa.TIMESTAMP())) for edge in (_FIRST, _END)
        )
        return sa.case((sa.and_(aware >= first, aware < end), written), else_=text)


def is_number(stored: TypeEngine[object]) -> bool:
    """Whether a column's values are numbers, which `stored_as` can give a meaning."""
    return isinstance(stored, sa.Integer | sa.Numeric | sa.Float)


def exact_number(value: Expression, stored: TypeEngine[object]) -> Expression:
    """Make a numeric of a number: of a float through its text, since the cast would keep 15 digits only."""
    return sa.cast(sa.cast(value, sa.Text) if isinstance(stored, sa.Float) else value, sa.Numeric)


def _microseconds(number: Expression, stored_as: StoredAs) -> Expression:
    """Count the microseconds since 1970 (source/stored_moments.py says how fine)."""
    match stored_as:
        case StoredAs.EPOCH_SECONDS:
            return _rounded(number * sql_constant(_MICROSECONDS))
        case StoredAs.EPOCH_MILLISECONDS:
            return _rounded(number * sql_constant("1000"))
        case StoredAs.JULIAN_DAY:
            days = number - sql_constant(EPOCH_JULIAN_DAY)
            return _rounded(days * sql_constant("86400000")) * sql_constant("1000")


def _rounded(number: Expression) -> Expression:
    return sa.func.pg_catalog.floor(number + sql_constant("0.5"), type_=sa.Numeric())


def _instant_of(microseconds: Expression) -> Expression:
    """Add seconds and microseconds to 1970 one after the other: the product of an interval is a double's."""
    instant: Expression = sql_constant("timestamptz '1970-01-01 00:00:00+00'")
    for part, unit in (("div", "second"), ("mod", "microsecond")):
        amount = getattr(sa.func.pg_catalog, part)(microseconds, sql_constant(_MICROSECONDS), type_=sa.Numeric())
        instant = instant.op("+")(sa.cast(amount, sa.Double).op("*")(sql_constant(f"interval '1 {unit}'")))
    return instant


def _number_edge(name: str, stored: TypeEngine[object], stored_as: StoredAs) -> Expression:
    """Give the lowest number within the period, in a type that the column's index can be searched by."""
    number = sa.cast(parameter(f"{name}_{stored_as}"), sa.Numeric)
    if isinstance(stored, sa.Integer):
        return sa.cast(sa.func.pg_catalog.ceil(number), sa.BigInteger)
    return sa.cast(number, sa.Double) if isinstance(stored, sa.Float) else number


def _timezone(zone: Expression, moment: Expression) -> Expression:
    return sa.func.pg_catalog.timezone(zone, moment)
