"""Rows as JSON text, for the formats that hold JSON.

Exact: integers beyond ±(2^53 − 1) and every decimal are strings (RFC 7493, I-JSON: other numbers do not survive every
reader), money is an object of amount and currency, JSON columns are embedded as they are stored.

Every cell is a JSON string first, quoted here or by the database; what is to stay none is changed from there.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring

import orjson

from customer_export.model.canonical import RecordedBatch
from customer_export.model.columns import Batch, Column, ColumnType
from customer_export.model.document import JsonBatch, SectionStream
from customer_export.model.ledger import AlterationKind, SectionLedger

LARGEST_EXACT_INTEGER = 2**53 - 1
_LARGEST_DIGITS = len(str(LARGEST_EXACT_INTEGER))
_SAFE_INTEGERS = re.compile(rb'(?:(?:"(?:0|-?[1-9][0-9]{0,14})"|null),?)+')
"""A column, joined by commas: every integer of 15 digits lies within ±(2^53 − 1)."""
_TRUTH_VALUES = re.compile(rb'(?:(?:"true"|"false"|null),?)+')
_NULL = b"null"
_LIST_START, _CELL_END, _LIST_END = len(b"[\n  "), b",\n  ", -len(b"\n]")
"""What orjson puts around and between the cells of an indented list."""
_PLACE = b"%b"  # neither names of columns nor codes of currencies have a percent sign
_MONEY = b'{"amount":%b,"currency":%b}'


def json_batches(stream: SectionStream) -> Iterator[JsonBatch]:
    """Read a section as JSON texts, those of the database if it can write them."""
    batches = stream.json_batches()
    return map(quoted, stream.batches()) if batches is None else batches


class WrittenRows(list[Sequence[bytes]]):
    """In place of a batch, its `rows` as JSON objects; whoever wrote them has noted what had to be changed."""

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[bytes]) -> None:
        super().__init__()
        self.rows = rows


def quoted(batch: Batch) -> JsonBatch:
    """Quote the cells of a batch, a column at a time: a line a cell, since no string has a raw line feed any more."""
    if isinstance(batch, RecordedBatch) and batch.json_rows is not None:
        return WrittenRows(batch.json_rows)
    return [
        orjson.dumps(list(cells), option=orjson.OPT_INDENT_2)[_LIST_START:_LIST_END].split(_CELL_END) for cells in batch
    ]


def encode_rows(batch: JsonBatch, columns: Sequence[Column], *, between: bytes, ledger: SectionLedger) -> bytes:
    """Write each row of a batch as one JSON object on one line, with `between` after each but the last."""
    if isinstance(batch, WrittenRows):
        ledger.advance(len(batch.rows))
        return between.join(batch.rows)
    values = {
        column.name: _values(column, cells, ledger) if column.type in _FORMS else cells
        for column, cells in zip(columns, batch, strict=True)
    }
    ledger.advance(len(batch[0]))
    members: list[bytes] = []
    placed: list[Sequence[bytes]] = []
    for column in columns:
        form, taken = _member(column, values)
        members.append(b'"%b":%b' % (column.name.encode(), form))
        placed += taken
    first, *inner, last = (b"{" + b",".join(members) + b"}").split(_PLACE)
    # all rows at once, every cell put into its place: half the time of formatting row by row
    pieces = [piece for literal in (*inner, last + between + first) for piece in (b"", literal)] * len(batch[0])
    for place, cells in enumerate(placed):
        pieces[2 * place :: 2 * len(placed)] = cells
    pieces[-1] = last
    pieces.insert(0, first)
    return b"".join(pieces)


def _member(column: Column, values: Mapping[str, Sequence[bytes]]) -> tuple[bytes, list[Sequence[bytes]]]:
    """Give the form of a column's value, and the cells for each place in it."""
    cells = values[column.name]
    if column.type is not ColumnType.MONEY:
        return _PLACE, [cells]
    if column.currency_code is None:
        codes = values[str(column.currency)]
    else:
        codes = [encode_basestring(column.currency_code).encode()] * len(cells)
    if _NULL not in cells:
        return _MONEY, [cells, codes]
    pairs = zip(cells, codes, strict=True)
    return _PLACE, [[amount if amount == _NULL else _MONEY % (amount, code) for amount, code in pairs]]


def _values(column: Column, cells: Sequence[bytes], ledger: SectionLedger) -> Sequence[bytes]:
    """Write the cells of a type that are not all strings; which of them stay strings is noted."""
    plain, form, kind = _FORMS[column.type]
    if plain is not None:
        text = b",".join(cells)
        if plain.fullmatch(text):
            return text.replace(b'"', b"").split(b",")
    values = [cell if cell == _NULL else form(cell) for cell in cells]
    kept = [place for place, value in enumerate(values) if value is cells[place] and value != _NULL]
    ledger.add(column.name, kind, kept, lambda place: str(orjson.loads(cells[place])))
    return values


def _integer(cell: bytes) -> bytes:
    """Write a number as a number where every reader keeps it, and leave it a string where one may not."""
    number = cell[1:-1]
    digits = number.removeprefix(b"-")
    canonical = digits.isdigit() and (not digits.startswith(b"0") or number == b"0")
    # Python refuses to read integers of more than 4,300 digits
    safe = canonical and len(digits) <= _LARGEST_DIGITS and int(digits) <= LARGEST_EXACT_INTEGER
    return number if safe else cell


def _boolean(cell: bytes) -> bytes:
    return cell[1:-1] if cell in {b'"true"', b'"false"'} else cell


def _document(cell: bytes) -> bytes:
    """Embed stored JSON unread: no number in it passes through a float. What is not JSON stays a string."""
    stored: str = orjson.loads(cell)
    try:
        orjson.loads(stored)
    except orjson.JSONDecodeError:
        return cell
    return stored.replace("\n", " ").replace("\r", " ").strip().encode()  # raw line ends only stand between values


_FORMS: Mapping[ColumnType, tuple[re.Pattern[bytes] | None, Callable[[bytes], bytes], AlterationKind]] = {
    ColumnType.INTEGER: (_SAFE_INTEGERS, _integer, AlterationKind.KEPT_AS_TEXT),
    ColumnType.BOOLEAN: (_TRUTH_VALUES, _boolean, AlterationKind.KEPT_AS_TEXT),
    ColumnType.JSON: (None, _document, AlterationKind.INVALID_JSON_QUOTED),
}
"""Of the types whose cells are not all strings: columns that only lose their quotes, and how else to write a cell."""
