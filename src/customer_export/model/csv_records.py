"""CSV records by RFC 4180, as the CSV writer and the sources that write records themselves must agree on them."""

import re
from collections.abc import Sequence
from operator import itemgetter

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
    encoded = [_fields(cells, column.type, layout) for cells, column in zip(batch, columns, strict=True)]
    rows = len(batch[0])
    empty = [""] * rows
    placed = [empty if place is None else encoded[place] for place in layout.places]
    if layout.section is not None:
        placed.insert(0, [layout.section] * rows)
    return ("\r\n".join(map(layout.delimiter.join, zip(*placed, strict=True))) + "\r\n").encode()


def _fields(cells: Sequence[Cell], kind: ColumnType, layout: CsvLayout) -> Sequence[str]:
    """Write the fields of one column: looked at as a whole first, cell by cell only where something is special."""
    try:
        firsts = set(map(_first, cells))  # type: ignore[arg-type]  # None raises
    except (TypeError, IndexError):  # a NULL or an empty text is among them
        inner = _fields([cell or " " for cell in cells], kind, layout)
        return [field if cell else "" if cell is None else '""' for cell, field in zip(cells, inner, strict=True)]
    fields: Sequence[str] = cells  # type: ignore[assignment]  # no cell is None
    if layout.profile is CsvProfile.SPREADSHEET and not _SUSPICIOUS.isdisjoint(firsts):
        fields = [f"{NEUTRAL}{field}" if is_active(field, kind) else field for field in fields]
    special = special_marks(layout.delimiter)
    text = "".join(fields)
    if any(mark in text for mark in special):
        is_special = re.compile(f"[{re.escape(special)}]").search
        fields = [_quoted(field) if is_special(field) else field for field in fields]
    return fields


def _quoted(field: str) -> str:
    doubled = field.replace('"', '""')
    return f'"{doubled}"'
