"""CSV records by RFC 4180, as the CSV writer and the sources that write records themselves must agree on them."""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from typing import cast

from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile

ACTIVE = frozenset("=+-@\t\r")
"""What makes a spreadsheet run a cell as a formula when the cell begins with it (OWASP, CSV Injection)."""
ACTIVE_TEXTS = (ColumnType.TEXT, ColumnType.IDENTIFIER, ColumnType.EMAIL, ColumnType.URL, ColumnType.JSON)
"""Of these types a cell may begin so and be a number nevertheless: it is neutralised all the same."""

NEUTRAL = "'"
"""What a spreadsheet takes for the beginning of a text; put before an active cell."""

_first = itemgetter(0)
_CELL = "\0"  # neither delimiters nor names of sections have a NUL
_SUSPICIOUS = ACTIVE | {NEUTRAL}
_INERT = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|[Ii]nfinity)")
"""Numbers and infinities are never neutralised (the same rule as in source/postgresql/cells.py)."""


def special_marks(delimiter: str) -> str:
    """Give the characters that a field can only hold in quotes."""
    return f'{delimiter}"\r\n'


def is_active(cell: str, kind: ColumnType) -> bool:
    """Whether a cell is neutralised: a spreadsheet would run it, or it looks as if it had been neutralised already.

    Numbers are never active, whatever their sign. The second kind makes neutralising a rule that can be undone.
    """
    if cell[:1] == NEUTRAL:
        return cell.lstrip(NEUTRAL)[:1] in ACTIVE
    return cell[:1] in ACTIVE and (kind in ACTIVE_TEXTS or _INERT.fullmatch(cell) is None)


def undo_neutralising(field: str) -> str:
    """Give the cell of a field of `profile=spreadsheet`."""
    return field[1:] if field[:1] == NEUTRAL and field.lstrip(NEUTRAL)[:1] in ACTIVE else field


def encode_batch(batch: Batch, columns: Sequence[Column], layout: CsvLayout) -> bytes:
    """Write the records of one batch."""
    return join_records(encode_fields(batch, columns, layout), layout)


def encode_fields(batch: Batch, columns: Sequence[Column], layout: CsvLayout) -> list[Sequence[str]]:
    """Write the cells of one batch as fields, column by column."""
    return [_fields(cells, column.type, layout) for cells, column in zip(batch, columns, strict=True)]


def join_records(fields: Sequence[Sequence[str]], layout: CsvLayout) -> bytes:
    """Write records from the fields of each column.

    A list of all pieces of all records is laid out with what stands between the fields; then each column's fields go
    to their places in one assignment.
    """
    before, *between, after = _between(layout)
    pieces = [piece for literal in (*between, after + before) for piece in ("", literal)] * len(fields[0])
    placed = [place for place in layout.places if place is not None]
    for number, place in enumerate(placed):
        pieces[2 * number :: 2 * len(placed)] = fields[place]
    pieces[-1] = after
    pieces.insert(0, before)
    return "".join(pieces).encode()


@lru_cache(maxsize=256)  # of as many sections; each takes a few hundred bytes
def _between(layout: CsvLayout) -> list[str]:
    """Give what stands before, between and behind the cells of a record: delimiters, the section, empty fields."""
    fields = ["" if place is None else _CELL for place in layout.places]
    if layout.section is not None:
        fields.insert(0, layout.section)
    return f"{layout.delimiter.join(fields)}\r\n".split(_CELL)


def _fields(cells: Sequence[Cell], kind: ColumnType, layout: CsvLayout) -> Sequence[str]:
    """Write the fields of one column: looked at as a whole first, cell by cell only where something is special."""
    if all(cells):
        return _fields_of_texts(cast("Sequence[str]", cells), kind, layout)
    written = iter(_fields_of_texts([cell for cell in cells if cell], kind, layout))
    return [next(written) if cell else "" if cell is None else '""' for cell in cells]


def _fields_of_texts(cells: Sequence[str], kind: ColumnType, layout: CsvLayout) -> Sequence[str]:
    """Write the fields of texts that are not empty."""
    text = "".join(cells)
    fields = cells
    suspicious = layout.profile is CsvProfile.SPREADSHEET and _may_be_active(text)
    if suspicious and not _SUSPICIOUS.isdisjoint(map(_first, cells)):
        fields = [
            f"{NEUTRAL}{field}" if field[0] in _SUSPICIOUS and is_active(field, kind) else field for field in fields
        ]
    if layout.delimiter in text or '"' in text or "\n" in text or "\r" in text:
        is_special = _special_search(layout.delimiter)
        fields = [_quoted(field) if is_special(field) else field for field in fields]
    return fields


def _may_be_active(text: str) -> bool:
    """Whether a character of _SUSPICIOUS is anywhere in a text: one by one, which costs a tenth of a loop."""
    return "-" in text or "'" in text or "+" in text or "=" in text or "@" in text or "\t" in text or "\r" in text


@cache
def _special_search(delimiter: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(f"[{re.escape(special_marks(delimiter))}]").search


def _quoted(field: str) -> str:
    doubled = field.replace('"', '""')
    return f'"{doubled}"'
