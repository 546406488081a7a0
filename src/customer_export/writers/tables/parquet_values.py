"""Cells as Parquet's plain values: exact, or told to be none, so that they are kept as text beside their column."""

import re
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from customer_export.model.columns import Cell, ColumnType
from customer_export.writers.tables.thrift import Struct

PRECISION, SCALE = 38, 9
"""Of decimals: the digits that 16 bytes hold, and as many decimals as BigQuery's NUMERIC has."""

_BOOLEAN, _INT32, _INT64, _BYTE_ARRAY, _FIXED = 0, 1, 2, 6, 7
_UTF8, _DECIMAL, _DATE, _TIMESTAMP_MICROS = 0, 5, 6, 10
_DECIMAL_BYTES = 16
_DECIMALS = re.compile(rf"(-?)([0-9]{{1,{PRECISION - SCALE}}})(?:\.([0-9]{{1,{SCALE}}}))?", re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_MOST = 2**63 - 1
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueKind:
    """How a column is kept. `read` gives the value of a cell, and raises ValueError where there is none that equals it.

    `schema` has the members of Parquet's SchemaElement but name and repetition (parquet.thrift).
    """

    schema: Struct
    read: Callable[[str], object]
    plain: Callable[[Sequence[object]], bytes]


def kind_of(column_type: ColumnType) -> ValueKind:
    """Say how the cells of a column are kept."""
    return _KINDS.get(column_type, _TEXT)


def split_cells(kind: ValueKind, cells: Sequence[Cell]) -> tuple[list[object], list[int]]:
    """Read the cells of a column: a value or None each, and the places of those that have no value of the kind."""
    read = kind.read
    try:
        return [None if cell is None else read(cell) for cell in cells], []
    except ValueError:
        return _one_by_one(kind, cells)


def _one_by_one(kind: ValueKind, cells: Sequence[Cell]) -> tuple[list[object], list[int]]:
    values: list[object] = []
    unfit: list[int] = []
    for place, cell in enumerate(cells):
        try:
            values.append(None if cell is None else kind.read(cell))
        except ValueError:
            values.append(None)
            unfit.append(place)
    return values, unfit


def _read_integer(cell: str) -> int:
    if _INTEGER.fullmatch(cell) is None or not -_MOST <= (number := int(cell)) <= _MOST:
        raise ValueError(cell)
    return number


def _read_decimal(cell: str) -> int:
    parts = _DECIMALS.fullmatch(cell)
    if parts is None:
        raise ValueError(cell)
    sign, whole, decimals = parts.groups(default="")
    return int(f"{sign}{whole}{decimals.ljust(SCALE, '0')}")


def _read_boolean(cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError(cell)
    return cell == "true"


def _read_day(cell: str) -> int:
    if _DAY.fullmatch(cell) is None:
        raise ValueError(cell)
    return date.fromisoformat(cell).toordinal() - _EPOCH_DAY


def _read_moment(cell: str) -> int:
    if _MOMENT.fullmatch(cell) is None:
        raise ValueError(cell)
    return (datetime.fromisoformat(cell) - _EPOCH) // _MICROSECOND


def _plain_texts(values: Sequence[object]) -> bytes:
    parts: list[bytes] = []
    for value in values:
        text = str(value).encode()
        parts += (len(text).to_bytes(4, "little"), text)
    return b"".join(parts)


def _plain_numbers(code: str) -> Callable[[Sequence[object]], bytes]:
    def plain(values: Sequence[object]) -> bytes:
        numbers: array[int] = array(code, values)  # type: ignore[arg-type]  # what `read` gives
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers.tobytes()

    return plain


def _plain_decimals(values: Sequence[object]) -> bytes:
    return b"".join([value.to_bytes(_DECIMAL_BYTES, "big", signed=True) for value in values])  # type: ignore[attr-defined]


def packed_bits(bits: Sequence[object]) -> bytes:
    """Pack booleans, eight a byte, the first one lowest."""
    if not bits:
        return b""
    text = "".join(["1" if bit else "0" for bit in reversed(bits)])
    return int(text, 2).to_bytes((len(bits) + 7) // 8, "little")


_TEXT = ValueKind(schema={1: _BYTE_ARRAY, 6: _UTF8, 10: {1: {}}}, read=str, plain=_plain_texts)
_NUMBER = ValueKind(
    schema={1: _FIXED, 2: _DECIMAL_BYTES, 6: _DECIMAL, 7: SCALE, 8: PRECISION, 10: {5: {1: SCALE, 2: PRECISION}}},
    read=_read_decimal,
    plain=_plain_decimals,
)
_KINDS = {
    ColumnType.INTEGER: ValueKind(schema={1: _INT64}, read=_read_integer, plain=_plain_numbers("q")),
    ColumnType.DECIMAL: _NUMBER,
    ColumnType.MONEY: _NUMBER,
    ColumnType.BOOLEAN: ValueKind(schema={1: _BOOLEAN}, read=_read_boolean, plain=packed_bits),
    ColumnType.DATE: ValueKind(schema={1: _INT32, 6: _DATE, 10: {6: {}}}, read=_read_day, plain=_plain_numbers("i")),
    ColumnType.TIMESTAMP: ValueKind(
        schema={1: _INT64, 6: _TIMESTAMP_MICROS, 10: {8: {1: True, 2: {2: {}}}}},
        read=_read_moment,
        plain=_plain_numbers("q"),
    ),
}
"""Of the types that are not kept as text. Moments are instants in microseconds, adjusted to UTC."""
