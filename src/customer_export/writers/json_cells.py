"""Cells and rows as JSON text, for the formats that hold JSON.

Exact: integers beyond ±(2^53 − 1) and every decimal are strings (RFC 7493, I-JSON: other numbers do not survive every
reader), money is an object of amount and currency, JSON columns are embedded as they are stored.
"""

from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring
from typing import TypeAlias

import orjson

from customer_export.model.columns import Batch, Cell, Column, ColumnType

ColumnEncoder: TypeAlias = Callable[[Sequence[Cell]], Sequence[str]]

LARGEST_EXACT_INTEGER = 2**53 - 1
_SAFE_DIGITS = 15  # every integer of 15 digits lies within ±(2^53 − 1)
_NULL = "null"

_quote: Callable[[str], str] = encode_basestring


def encode_rows(batch: Batch, columns: Sequence[Column]) -> Iterator[str]:
    """Give each row of a batch as one JSON object on one line."""
    encoded = [_ENCODERS[column.type](cells) for cells, column in zip(batch, columns, strict=True)]
    position = {column.name: number for number, column in enumerate(columns)}
    members = list(encoded)
    for number, column in enumerate(columns):
        if column.type is ColumnType.MONEY:
            currency = [_quote(column.currency_code)] * len(encoded[number]) if column.currency_code else None
            codes = currency or encoded[position[str(column.currency)]]
            members[number] = [
                _NULL if amount is _NULL else f'{{"amount":{amount},"currency":{code}}}'
                for amount, code in zip(encoded[number], codes, strict=True)
            ]
    template = "{" + ",".join(f'"{column.name}":%s' for column in columns) + "}"
    return map(template.__mod__, zip(*members, strict=True))


def _plain(cells: Sequence[Cell]) -> Sequence[str]:
    """Quote cells whose canonical text needs no escaping; a cell kept as stored for want of one is escaped."""
    text = "".join([cell for cell in cells if cell is not None]) if None in cells else "".join(cells)  # type: ignore[arg-type]
    if '"' in text or "\\" in text or not text.isprintable():
        return _texts(cells)
    return [_NULL if cell is None else f'"{cell}"' for cell in cells]


def _texts(cells: Sequence[Cell]) -> Sequence[str]:
    return [_NULL if cell is None else _quote(cell) for cell in cells]


def _integers(cells: Sequence[Cell]) -> Sequence[str]:
    return [_NULL if cell is None else cell if _is_short_integer(cell) else _integer(cell) for cell in cells]


def _is_short_integer(cell: str) -> bool:
    return len(cell) <= _SAFE_DIGITS and cell.isascii() and cell.isdigit() and (cell[0] != "0" or len(cell) == 1)


def _integer(cell: str) -> str:
    """Write a number as a number where every reader keeps it, and as a string where one may not."""
    digits = cell.removeprefix("-")
    canonical = digits.isascii() and digits.isdigit() and (digits[0] != "0" or cell == "0")
    return cell if canonical and abs(int(cell)) <= LARGEST_EXACT_INTEGER else _quote(cell)


def _booleans(cells: Sequence[Cell]) -> Sequence[str]:
    return [_NULL if cell is None else cell if cell in {"true", "false"} else _quote(cell) for cell in cells]


def _documents(cells: Sequence[Cell]) -> Sequence[str]:
    return [_NULL if cell is None else _document(cell) for cell in cells]


def _document(cell: str) -> str:
    """Embed stored JSON unread: no number in it passes through a float. What is not JSON becomes a string."""
    try:
        orjson.loads(cell)
    except orjson.JSONDecodeError:
        return _quote(cell)
    return cell.replace("\n", " ").replace("\r", " ").strip()  # raw line ends in JSON only stand between values


_ENCODERS: dict[ColumnType, ColumnEncoder] = {
    ColumnType.TEXT: _texts,
    ColumnType.IDENTIFIER: _texts,
    ColumnType.INTEGER: _integers,
    ColumnType.DECIMAL: _plain,
    ColumnType.MONEY: _plain,
    ColumnType.BOOLEAN: _booleans,
    ColumnType.DATE: _plain,
    ColumnType.TIMESTAMP: _plain,
    ColumnType.UUID: _plain,
    ColumnType.EMAIL: _texts,
    ColumnType.URL: _texts,
    ColumnType.JSON: _documents,
    ColumnType.BINARY: _plain,
}
