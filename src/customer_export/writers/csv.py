"""CSV by RFC 4180: CRLF, UTF-8, every record with the same number of fields.

One section is a plain table. Several sections are one rectangular table: a first column `section`, then the union
of their columns in the order in which they first appear. NULL is an empty field, an empty text is `""`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.model.document import CsvLayout, Document, SectionStream
from customer_export.model.request import CsvOptions, CsvProfile

SECTION_COLUMN = "section"
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
ACTIVE = frozenset("=+-@\t\r")
"""What makes a spreadsheet run a cell as a formula when the cell begins with it (OWASP, CSV Injection)."""

_BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}".encode()
_first = itemgetter(0)
_INERT = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|[Ii]nfinity)")
"""Numbers and infinities are never neutralised (the same rule as in source/postgresql_cells.py)."""
_SPECIAL = {delimiter: f'{delimiter}"\r\n' for delimiter in DELIMITERS.values()}
"""A field with any of these must stand in quotes."""
_TEXTS = (ColumnType.TEXT, ColumnType.IDENTIFIER, ColumnType.EMAIL, ColumnType.URL, ColumnType.JSON)


class CsvWriter:
    """Writes CSV. Where the database can write a section's records itself, they are passed on."""

    media_type = "text/csv; charset=utf-8; header=present"

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the header record, then the records of each section."""
        options = document.request.csv
        streams = list(sections)
        table = table_of(streams)
        if options.bom:
            yield _BYTE_ORDER_MARK
        yield encode_header(table.header, options)
        for stream in streams:
            layout = table.layout(stream, options)
            records = stream.csv_records(layout)
            if records is not None:
                yield from records
                continue
            for batch in stream.batches():
                yield encode_batch(batch, stream.columns, layout)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The one table of a file: the names of its columns, the first of which may be `section`."""

    header: tuple[str, ...]
    rectangular: bool

    def layout(self, stream: SectionStream, options: CsvOptions) -> CsvLayout:
        """Say where in the table's records the columns of a section stand."""
        index = {column.name: number for number, column in enumerate(stream.columns)}
        names = self.header[1:] if self.rectangular else self.header
        return CsvLayout(
            delimiter=options.delimiter,
            profile=options.profile,
            section=stream.name if self.rectangular else None,
            places=tuple(index.get(name) for name in names),
        )


def table_of(streams: Sequence[SectionStream]) -> CsvTable:
    """Lay out the table of one section, or of several."""
    names = dict.fromkeys(column.name for stream in streams for column in stream.columns)
    if len(streams) == 1:
        return CsvTable(tuple(names), rectangular=False)
    return CsvTable((SECTION_COLUMN, *names), rectangular=True)


def encode_header(names: Sequence[str], options: CsvOptions) -> bytes:
    """Write the header record. Names of the map need neither quotes nor neutralising."""
    return (options.delimiter.join(names) + "\r\n").encode()


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
    if layout.profile is CsvProfile.SPREADSHEET and not ACTIVE.isdisjoint(firsts):
        fields = [f"'{field}" if is_active(field, kind) else field for field in fields]
    special = _SPECIAL[layout.delimiter]
    text = "".join(fields)
    if any(mark in text for mark in special):
        is_special = re.compile(f"[{re.escape(special)}]").search
        fields = [_quoted(field) if is_special(field) else field for field in fields]
    return fields


def _quoted(field: str) -> str:
    doubled = field.replace('"', '""')
    return f'"{doubled}"'


def is_active(cell: str, kind: ColumnType) -> bool:
    """Whether a spreadsheet would run the cell as a formula. Numbers are never active, whatever their sign."""
    return cell[:1] in ACTIVE and (kind in _TEXTS or _INERT.fullmatch(cell) is None)
