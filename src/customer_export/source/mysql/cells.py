"""MySQL's values as canonical text: which expression each kind of column needs, and what is left to do here.

The server writes most cells as they are wanted. It cannot write a FLOAT exactly, nor a moment in another zone unless
somebody has loaded its zone tables, and those end in 2037: these become text here, a column at a time.
"""

import hashlib
import struct
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Cell, Column, ColumnType
from customer_export.model.customer_map import KeyType
from customer_export.source.comparing import Expression, constant
from customer_export.source.money_units import factor_of
from customer_export.source.mysql.comparing import MysqlComparing, bytes_of_text, in_unicode, is_uuid_bytes, uuid_text
from customer_export.source.mysql.moments import ToText, bounded, counted, is_moment, is_number, moments
from customer_export.source.mysql.rows import Raw, bytes_of, texts_of
from customer_export.source.mysql.types import MysqlBytes, MysqlGeometry
from customer_export.source.select import Bounds

_NUMBERS = (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY)
_FLOAT_DIGITS = range(6, 10)  # a FLOAT keeps at least six decimal digits, and nine tell any two apart


class MysqlCells:
    """How a cell becomes text inside the SELECT, and how values are compared there."""

    def __init__(self, key_type: KeyType) -> None:
        self.comparing = MysqlComparing(key_type)

    def cell(self, column: Column, value: Expression, stored: TypeEngine[object]) -> Expression:
        """Give the expression whose output is the cell's canonical text, or what `to_text` makes that of."""
        match column.type:
            case ColumnType.BINARY:
                return _described(value, stored)
            case ColumnType.BOOLEAN if isinstance(stored, sa.Integer | mysql.BIT):
                return _boolean(_number(value))
            case ColumnType.UUID if is_uuid_bytes(stored):
                whole = sa.func.octet_length(value) == constant("16")
                return sa.case((whole, uuid_text(value)), else_=_described(value, stored))
        match stored:
            case mysql.BIT():
                return _number(value) if column.type in _NUMBERS else _bits(value, stored)
            case mysql.FLOAT() | mysql.DOUBLE() if stored.scale is None:
                return value + constant("0e0")  # a DOUBLE, which the server writes exactly
            case MysqlGeometry():
                return _well_known_text(value)
            case _ if (column.type in _NUMBERS or column.stored_as is not None) and getattr(stored, "zerofill", False):
                return _number(value)
        return value

    def bound(
        self, value: Expression, stored: TypeEngine[object], bounds: Bounds, column: Column | None
    ) -> list[Expression]:
        """Compare a time column with the period without wrapping the column, so that an index serves."""
        return bounded(value, stored, bounds, column)

    def is_blank(self, value: Expression) -> Expression:
        """Compare the text, whatever its type, with white space alone, no-break spaces among it."""
        text = in_unicode(sa.cast(value, sa.Text))
        return text.regexp_match(constant("'^[[:space:]\u00a0]*$'"))

    def order(self, value: Expression, stored: TypeEngine[object], *, tied: bool) -> list[Expression]:
        """Sort by the value, and where values may tie, by the bytes of its text, too."""
        if tied and isinstance(stored, mysql.JSON):
            return [value, bytes_of_text(sa.cast(value, sa.Text))]
        loose = isinstance(stored, sa.String) and not isinstance(stored, sa.Enum)
        return [value, bytes_of_text(value)] if tied and loose else [value]

    def shifted(self, value: Expression, stored: TypeEngine[object], decimals: int) -> Expression:
        """Multiply exactly: a DECIMAL's scale is the sum of the two; a float that is no whole number stays."""
        if not isinstance(stored, mysql.FLOAT | mysql.DOUBLE):
            return sa.cast(value * factor_of(decimals), sa.Text)
        whole = sa.cast(value, mysql.DECIMAL(65, 0))
        return sa.case((whole == value, sa.cast(whole * factor_of(decimals), sa.Text)), else_=sa.cast(value, sa.Text))


def _number(value: Expression) -> Expression:
    """Give the number behind bits, or behind zeros that are there for show."""
    return value + constant("0")


def _boolean(value: Expression) -> Expression:
    text = sa.cast(value, sa.Text)
    return sa.case(
        (value == constant("0"), constant("'false'")), (value == constant("1"), constant("'true'")), else_=text
    )


def _bits(value: Expression, stored: mysql.BIT) -> Expression:
    width = constant(str(int(stored.length or 1)))
    return sa.func.lpad(sa.func.bin(_number(value)), width, constant("'0'"))


def _well_known_text(value: Expression) -> Expression:
    """Write a geometry as WKT, with its reference system before it if it has one."""
    text, system = sa.func.st_astext(value), sa.func.st_srid(value)
    located = sa.func.concat(constant("'SRID='"), system, constant("';'"), text)
    return sa.case((system == constant("0"), text), else_=located)


def _described(value: Expression, stored: TypeEngine[object]) -> Expression:
    raw = isinstance(stored, MysqlBytes | MysqlGeometry | mysql.BIT)
    content = value if raw else in_unicode(sa.cast(value, sa.Text))
    size, digest = sa.func.octet_length(content), sa.func.sha2(content, constant("256"))
    return sa.func.concat(constant("'binary; '"), size, constant("' bytes; sha256='"), digest)


def to_text(column: Column, stored: TypeEngine[object], *, time_zone: str, naive_zone: str) -> ToText:
    """Choose how the cells of a column that `MysqlCells.cell` selects become canonical text."""
    if column.mask is not None or column.type is ColumnType.BINARY:
        return texts_of
    if isinstance(stored, MysqlBytes) and not (column.type is ColumnType.UUID and is_uuid_bytes(stored)):
        return _bytes
    if column.type not in (ColumnType.TIMESTAMP, ColumnType.DATE):
        return _numbers(stored)
    if is_moment(stored):
        return moments(column.type, stored, time_zone=time_zone, naive_zone=naive_zone)
    if column.stored_as is not None and is_number(stored):
        return counted(column.type, column.stored_as, _numbers(stored), time_zone=time_zone)
    return _numbers(stored)


def _numbers(stored: TypeEngine[object]) -> ToText:
    match stored:
        case mysql.FLOAT():
            return _floats if stored.scale is None else _plain_numbers
        case mysql.DOUBLE():
            return _plain_numbers
        case _:
            return texts_of


def _plain_numbers(cells: Sequence[Raw]) -> Sequence[Cell]:
    """Write numbers without an exponent, and zero without a sign."""
    if not any(mark in "".join(filter(None, cells)) for mark in ("e", "-0")):
        return cells
    return [cell and _plain(cell) for cell in cells]


def _plain(number: str) -> str:
    if "e" in number:
        number = f"{Decimal(number):f}"
    return number.removeprefix("-") if number.startswith("-0") and not Decimal(number) else number


def _floats(cells: Sequence[Raw]) -> Sequence[Cell]:
    return [cell and _float(cell) for cell in cells]


def _float(double: str) -> str:
    """Write the shortest decimal that is this FLOAT, given the DOUBLE that it is equal to."""
    value = float(double)
    shortest = next(text for digits in _FLOAT_DIGITS if _as_float(text := f"{value:.{digits}g}") == value)
    return _plain(f"{Decimal(shortest):f}")


def _as_float(text: str) -> float:
    try:
        single: float = struct.unpack("f", struct.pack("f", float(text)))[0]
    except OverflowError:  # the largest FLOATs, rounded up
        return float("inf")
    return single


def _bytes(cells: Sequence[Raw]) -> Sequence[Cell]:
    """Read bytes as UTF-8, as which many keep their texts; what is none is described."""
    return [cell and _text_or_description(bytes_of(cell)) for cell in cells]


def _text_or_description(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"binary; {len(content)} bytes; sha256={hashlib.sha256(content).hexdigest()}"
