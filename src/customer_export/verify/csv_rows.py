"""The rows of a CSV. The default options write the canonical records themselves, but for JSON: they are taken so."""

import re
from collections.abc import Iterator, Sequence
from typing import IO

from customer_export.model.columns import Cell, ColumnType
from customer_export.model.csv_records import NEUTRAL, undo_neutralising
from customer_export.verify.claims import Claims, SectionClaim
from customer_export.verify.rows import BrokenFileError, Piece, Pieces, hold_to_a_row
from customer_export.verify.tally import header_of, places_of

_READ_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CRLF = b"\r\n"


class CsvDialect:
    """How the fields of a CSV are written."""

    def __init__(self, *, delimiter: str, raw: bool) -> None:
        self.delimiter = delimiter.encode()
        self.raw = raw
        stop = re.escape(self.delimiter)
        self._field = re.compile(rb'("(?:[^"]|"")*"|[^"\r\n' + stop + rb"]*)(?:" + stop + rb"|$)")

    @property
    def is_canonical(self) -> bool:
        """Whether the records are the canonical ones."""
        return self.delimiter == b"," and not self.raw

    def fields(self, record: bytes) -> list[bytes]:
        """Cut a record into its fields as they stand. Raises ValueError."""
        if b'"' not in record:
            return record.split(self.delimiter)
        fields, position = [], 0
        while position <= len(record):
            match = self._field.match(record, position)
            if match is None or (match.end() == position and position < len(record)):
                raise ValueError("a quote stands where none can")
            fields.append(match[1])
            if match.end() == match.end(1):
                return fields
            position = match.end()
        return fields

    def cell(self, field: bytes) -> Cell:
        """Give the cell of a field. Raises ValueError (UnicodeDecodeError)."""
        if not field:
            return None
        text = field.decode()
        if text[0] == '"':
            text = text[1:-1].replace('""', '"')
        return text if self.raw else undo_neutralising(text)

    def cells(self, fields: Sequence[bytes]) -> list[Cell]:
        """Give the cells of a column's fields, looked at as a whole first. Raises ValueError (UnicodeDecodeError)."""
        texts = [field.decode() for field in fields]
        whole = "".join(texts)
        if '"' in whole:
            return list(map(self.cell, fields))
        if not self.raw and NEUTRAL in whole:
            texts = list(map(undo_neutralising, texts))
        return [text or None for text in texts]


def read_csv(file: IO[bytes], claims: Claims, *, cells: bool = False) -> Pieces:
    """Read a CSV of the whole export; with `cells` there are cells in every piece. Raises BrokenFileError."""
    dialect = CsvDialect(delimiter=claims.delimiter, raw=claims.is_raw)
    if claims.has_bom and file.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
        raise BrokenFileError("the file does not begin with its byte order mark")
    return read_tables(file, claims.sections, dialect, cells=cells)


def read_tables(
    file: IO[bytes], sections: Sequence[SectionClaim], dialect: CsvDialect, *, cells: bool = False
) -> Pieces:
    """Read a table of one section, or the rectangular one of several."""
    batches = _records(file)
    header = dialect.delimiter.join(name.encode() for name in header_of(sections))
    first = next(batches, [])
    if not first or first[0] != header:
        raise BrokenFileError("the header record is not that of this export")
    reader = _TableReader(sections, dialect, cells=cells)
    yield from reader.read(first[1:])
    for records in batches:
        yield from reader.read(records)


def _records(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Cut a file into its records, without their line ends; a record may hold line ends within quotes."""
    rest, number = b"", 0
    while data := file.read(_READ_BYTES):
        *lines, rest = (rest + data).split(_CRLF)
        if b'"' in data or (lines and b'"' in lines[0]) or b'"' in rest:
            records, open_lines = [], []
            is_open = False
            for line in lines:
                is_open ^= bool(line.count(b'"') & 1)
                open_lines.append(line)
                if not is_open:
                    records.append(_CRLF.join(open_lines))
                    open_lines = []
            if open_lines:
                rest = _CRLF.join([*open_lines, rest])
            lines = records
        hold_to_a_row(rest)
        number += len(lines)
        if lines:
            yield lines
    if rest:
        raise BrokenFileError(f"record {number:,} is the last that has an end: the file is cut, or bytes were appended")


class _TableReader:
    """Takes records to their sections."""

    def __init__(self, sections: Sequence[SectionClaim], dialect: CsvDialect, *, cells: bool) -> None:
        self._takes_cells = cells
        self._sections = {section.name.encode(): section for section in sections}
        self._only = sections[0] if len(sections) == 1 else None
        self._dialect = dialect
        self._places = {section.name: places_of(section, sections) for section in sections}
        self._width = len(header_of(sections))
        self._counts: dict[str, int] = dict.fromkeys((section.name for section in sections), 0)

    def read(self, records: list[bytes]) -> Pieces:
        start = 0
        while start < len(records):
            section = self._section_of(records[start])
            end = self._end_of(section, records, start)
            part = records if end - start == len(records) else records[start:end]
            yield self._piece(section, part)
            self._counts[section.name] += len(part)
            start = end

    def _section_of(self, record: bytes) -> SectionClaim:
        if self._only is not None:
            return self._only
        name = record.partition(self._dialect.delimiter)[0]
        section = self._sections.get(name)
        if section is None:
            raise BrokenFileError(f"a record is of the section {name[:40]!r}, which the manifest does not have")
        return section

    def _end_of(self, section: SectionClaim, records: list[bytes], start: int) -> int:
        if self._only is not None:
            return len(records)
        prefix = section.name.encode() + self._dialect.delimiter
        if records[-1].startswith(prefix) and all(record.startswith(prefix) for record in records[start:]):
            return len(records)
        return next(
            (place for place in range(start, len(records)) if not records[place].startswith(prefix)), len(records)
        )

    def _piece(self, section: SectionClaim, records: list[bytes]) -> Piece:
        rows = len(records)
        if (
            not self._takes_cells
            and self._dialect.is_canonical
            and all(column.type is not ColumnType.JSON for column in section.columns)
        ):
            keys = self._keys(section, records)
            return Piece(section.name, rows, None, _CRLF.join(records) + _CRLF, keys)
        places = self._places[section.name]
        lead = 0 if self._only is not None else 1
        fields = [self._fields(section, number, record) for number, record in enumerate(records, 1)]
        columns = list(zip(*fields, strict=True))
        batch: list[list[Cell]] = [[] for _ in section.columns]
        for column, place in enumerate(places, lead):
            if place is not None:
                batch[place] = self._cells(section, columns[column])
            elif any(columns[column]):
                raise BrokenFileError("a cell stands in a column that the section does not have", section=section.name)
        return Piece(section.name, rows, batch)

    def _cells(self, section: SectionClaim, fields: Sequence[bytes]) -> list[Cell]:
        try:
            return self._dialect.cells(fields)
        except ValueError as failure:
            raise BrokenFileError(f"a cell is no UTF-8 ({failure})", section=section.name) from failure

    def _keys(self, section: SectionClaim, records: list[bytes]) -> bytes:
        lead = 0 if self._only is not None else 1
        index = {column.name: number for number, column in enumerate(section.columns)}
        wanted = sorted(index[name] for name in section.key)
        places = [self._places[section.name].index(place) + lead for place in wanted]
        if not places:
            return b""
        last, delimiter = max(places) + 1, self._dialect.delimiter
        fields = [
            self._fields(section, number, record) if b'"' in record else record.split(delimiter, last)
            for number, record in enumerate(records, 1)
        ]
        try:
            if len(places) == 1:
                place = places[0]
                return b"".join([row[place] + b"\n" for row in fields])
            return b"".join([b",".join([row[place] for place in places]) + b"\n" for row in fields])
        except IndexError:
            raise BrokenFileError("a record has too few fields", section=section.name) from None

    def _fields(self, section: SectionClaim, number: int, record: bytes) -> list[bytes]:
        row = self._counts[section.name] + number
        try:
            fields = self._dialect.fields(record)
        except ValueError as failure:
            raise BrokenFileError(f"row {row:,} of {section.name}: {failure}", section=section.name) from failure
        if len(fields) != self._width:
            raise BrokenFileError(
                f"row {row:,} of {section.name} has {len(fields)} fields and not {self._width}",
                section=section.name,
                after_row=row - 1,
            )
        return fields
