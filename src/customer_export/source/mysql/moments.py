"""Dates and time stamps of MySQL: their canonical text, and their comparison with the ends of a period."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Cell, Column, ColumnType, StoredAs
from customer_export.source.comparing import Expression, constant, parameter
from customer_export.source.select import Bounds
from customer_export.source.sqlite.cells import UTC_ZONE
from customer_export.source.sqlite.cells import to_text as text_of_stored
from customer_export.source.stored_moments import written_moment

ToText: TypeAlias = Callable[[Sequence[Cell]], Sequence[Cell]]

_DAY = len("YYYY-MM-DD")
_EXACT = mysql.DECIMAL(65, 20)  # the widest there is, with the decimals that a period's end has as a number


def is_moment(stored: TypeEngine[object]) -> bool:
    """Whether a column's values are moments to the database."""
    return isinstance(stored, mysql.DATETIME | mysql.TIMESTAMP)


def is_number(stored: TypeEngine[object]) -> bool:
    """Whether a column's values are numbers, which `stored_as` can give a meaning."""
    return isinstance(stored, sa.Integer | sa.Numeric | sa.Float)


def bounded(value: Expression, stored: TypeEngine[object], bounds: Bounds, column: Column | None) -> list[Expression]:
    """Compare a time column with the period without wrapping the column, so that an index serves."""
    conditions: list[Expression] = []
    if bounds.start:
        conditions.append(value >= _edge("start", stored, column))
    if bounds.end:
        conditions.append(value < _edge("end", stored, column))
    return conditions


def _edge(name: str, stored: TypeEngine[object], column: Column | None) -> Expression:
    if column is not None and column.stored_as is not None and is_number(stored):
        return _number_edge(f"{name}_date" if column.type is ColumnType.DATE else name, stored, column.stored_as)
    if isinstance(stored, sa.Date):
        return sa.cast(parameter(f"{name}_date"), sa.Date)
    kind = "utc" if isinstance(stored, mysql.TIMESTAMP) else "naive"
    return sa.cast(parameter(f"{name}_{kind}"), mysql.DATETIME(fsp=6))


def _number_edge(name: str, stored: TypeEngine[object], stored_as: StoredAs) -> Expression:
    """Give the lowest number within the period, in a type that the column's index can be searched by."""
    number = sa.cast(parameter(f"{name}_{stored_as}"), _EXACT)
    if isinstance(stored, sa.Integer):
        return sa.cast(sa.func.ceiling(number), mysql.INTEGER())
    return number + constant("0e0") if isinstance(stored, mysql.FLOAT | mysql.DOUBLE) else number


def moments(kind: ColumnType, stored: TypeEngine[object], *, time_zone: str, naive_zone: str) -> ToText:
    """Write moments, or their days, in the export's zone, given the server's text of them in UTC or without a zone."""
    naive = UTC_ZONE if isinstance(stored, mysql.TIMESTAMP) else naive_zone
    # the server writes moments in a form in which SQLite's databases keep them, too
    instants = text_of_stored(ColumnType.TIMESTAMP, scale=0, time_zone=time_zone, naive_zone=naive)
    return instants if kind is ColumnType.TIMESTAMP else partial(_days, instants=instants)


def _days(cells: Sequence[Cell], *, instants: Callable[[Sequence[Cell]], Sequence[Cell]]) -> Sequence[Cell]:
    """Give the day of each moment in the export's zone; what is no moment stays as it is."""
    return [
        text if cell is None or text is None or text == cell else text[:_DAY]
        for cell, text in zip(cells, instants(cells), strict=True)
    ]


def counted(kind: ColumnType, stored_as: StoredAs, numbers: ToText, *, time_zone: str) -> ToText:
    """Write the moments, or the days in UTC, that numbers stand for; `numbers` makes plain decimals of the cells."""
    zone = ZoneInfo(time_zone)
    return lambda cells: [
        cell and (written_moment(Fraction(cell), kind, stored_as, zone) or cell) for cell in numbers(cells)
    ]
