"""The rows of a workbook, out of the XML of its sheets as we write it: the text of a number is exact there."""

import re
from collections.abc import Iterator
from html import unescape
from zipfile import ZipFile

from customer_export.model.columns import Cell, Column, ColumnType
from customer_export.verify.claims import Claims, SectionClaim
from customer_export.verify.rows import BATCH_ROWS, BrokenFileError, Piece, Pieces, hold_to_a_row
from customer_export.verify.serials import SerialClock, date_of

_READ_BYTES = 1 << 18
_BOOK, _RELATIONSHIPS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_LONGEST_LIST_BYTES = 1 << 24  # 16 MiB: some hundred thousand sheets
_ROW_END = "</row>"
_ROW = re.compile(r'<row r="([0-9]+)"[^>]*>(.*)', re.DOTALL)
_CELL = re.compile(
    r'<c r="([A-Z]+)([0-9]+)"(?: s="[0-9]+")?(?: t="(b|inlineStr)")?'
    r'(?:/>|>(?:<v>([^<]*)</v>|<is><t(?: xml:space="preserve")?>([^<]*)</t></is>)</c>)'
)
_SHEET = re.compile(r'<sheet name="([^"]*)" sheetId="[0-9]+"(?: state="[a-z]+")? r:id="([^"]*)"/>')
_TARGET = re.compile(r'<Relationship Id="([^"]*)" Type="[^"]*/worksheet" Target="([^"]*)"')
_RANGE = re.compile(r"""<definedName name="([^"]*)">'?((?:[^'<]|'')*?)'?!\$A\$1:\$[A-Z]+\$([0-9]+)</definedName>""")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_SHORTENED = "… ["
_LONG_TEXTS = "long_texts"
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY})


class _Table:
    """A sheet of the workbook that holds a table; `last_row` leaves the row of totals out."""

    def __init__(self, *, name: str, path: str, last_row: int) -> None:
        self.name, self.path, self.last_row = name, path, last_row


def read_xlsx(archive: ZipFile, claims: Claims) -> Pieces:
    """Read the sheets of the sections in turn, each with those that it goes on in. Raises BrokenFileError."""
    tables = _tables(archive)
    long_texts = _LongTexts(archive, tables)
    clock = SerialClock(claims.time_zone)
    for section in claims.sections:
        number = 1
        while True:
            name = f"data_{section.name}" + (f"_{number}" if number > 1 else "")
            table = tables.pop(name, None)
            if table is None:
                break
            yield from _SheetReader(section, table, clock, long_texts).read(archive)
            number += 1
        if number == 1:
            raise BrokenFileError(f"the workbook has no sheet of {section.name}", section=section.name)
    others = [name for name in tables if name.startswith("data_")]
    if others or long_texts.next is not None:
        raise BrokenFileError(f"the workbook holds more than the sections of its manifest: {', '.join(others)}")


def _tables(archive: ZipFile) -> dict[str, _Table]:
    try:
        if any(archive.getinfo(name).file_size > _LONGEST_LIST_BYTES for name in (_BOOK, _RELATIONSHIPS)):
            raise BrokenFileError("the workbook's list of its sheets is longer than any that we write")
        book = archive.read(_BOOK).decode()
        relationships = archive.read(_RELATIONSHIPS).decode()
    except (KeyError, UnicodeDecodeError) as failure:
        raise BrokenFileError("the workbook has no list of its sheets") from failure
    targets = dict(_TARGET.findall(relationships))
    paths = {unescape(name): f"xl/{targets[number]}" for name, number in _SHEET.findall(book) if number in targets}
    tables = {}
    for name, sheet, last_row in _RANGE.findall(book):
        sheet_name = unescape(sheet).replace("''", "'")
        if sheet_name in paths:
            tables[name] = _Table(name=sheet_name, path=paths[sheet_name], last_row=int(last_row))
    return tables


class _LongTexts:
    """Reads the sheets of long texts along with the cells, which come in the same order."""

    def __init__(self, archive: ZipFile, tables: dict[str, _Table]) -> None:
        self._parts = self._read(archive, tables)
        self.next = next(self._parts, None)

    def take(self, address: str) -> list[str]:
        """Give what a cell goes on with; nothing if it is whole."""
        parts = []
        while self.next is not None and self.next[0] == address:
            parts.append(self.next[1])
            self.next = next(self._parts, None)
        return parts

    @staticmethod
    def _read(archive: ZipFile, tables: dict[str, _Table]) -> Iterator[tuple[str, str]]:
        number = 1
        while (table := tables.pop(_LONG_TEXTS + (f"_{number}" if number > 1 else ""), None)) is not None:
            for _, cells in _rows(archive, table):
                yield _text(cells["A"][1]), _text(cells["C"][1])
            number += 1


def _rows(archive: ZipFile, table: _Table) -> Iterator[tuple[int, dict[str, tuple[str | None, str]]]]:
    """Read the rows of a table after its header: of each cell its type and the XML of its content."""
    number = 0
    for number, text in enumerate(_row_texts(archive, table.path), 1):
        if number > table.last_row:
            return
        match = _ROW.fullmatch(text)
        if match is None or int(match[1]) != number:
            raise BrokenFileError(f"row {number:,} of the sheet {table.name} is not where it should be")
        if number > 1:
            yield number, _cells(match[2], number, table)
    if number < table.last_row:
        raise BrokenFileError(f"the sheet {table.name} ends before row {number + 1:,}")


def _cells(text: str, number: int, table: _Table) -> dict[str, tuple[str | None, str]]:
    cells, position = {}, 0
    for cell in _CELL.finditer(text):
        if cell.start() != position or int(cell[2]) != number:
            break
        position = cell.end()
        cells[cell[1]] = (cell[3], cell[4] if cell[5] is None else cell[5])
    if position != len(text):
        raise BrokenFileError(f"row {number:,} of the sheet {table.name} is not as we write it")
    return cells


def _row_texts(archive: ZipFile, path: str) -> Iterator[str]:
    rest, started = b"", False
    with archive.open(path) as part:
        while data := part.read(_READ_BYTES):
            rest += data
            hold_to_a_row(rest)
            if not started:
                _, mark, after = rest.partition(b"<sheetData>")
                if not mark:
                    continue
                rest, started = after, True
            *rows, rest = rest.split(_ROW_END.encode())
            for row in rows:
                yield row.decode()


class _SheetReader:
    """Reads the rows of a sheet as the cells of a section."""

    def __init__(self, section: SectionClaim, table: _Table, clock: SerialClock, long_texts: "_LongTexts") -> None:
        self._section, self._table, self._clock, self._long_texts = section, table, clock, long_texts
        self._letters = [column_letters(number) for number in range(len(section.columns))]

    def read(self, archive: ZipFile) -> Pieces:
        rows: list[list[Cell]] = []
        for number, cells in _rows(archive, self._table):
            rows.append(self._row(number, cells))
            if len(rows) == BATCH_ROWS:
                yield Piece(self._section.name, len(rows), list(zip(*rows, strict=True)))
                rows = []
        if rows:
            yield Piece(self._section.name, len(rows), list(zip(*rows, strict=True)))

    def _row(self, number: int, cells: dict[str, tuple[str | None, str]]) -> list[Cell]:
        row: list[Cell] = []
        for letters, column in zip(self._letters, self._section.columns, strict=True):
            cell = cells.pop(letters, None)
            if cell is None:
                row.append(None)
                continue
            try:
                text = self._cell(column, *cell)
            except ValueError as failure:
                raise BrokenFileError(
                    f"{self._table.name}!{letters}{number} can't be read: {failure}", section=self._section.name
                ) from failure
            if _SHORTENED in text and text.endswith(f"{self._table.name}!{letters}{number}]"):
                text = self._whole(text, f"{self._table.name}!{letters}{number}")
            row.append(text)
        if cells:
            raise BrokenFileError(
                f"row {number:,} of the sheet {self._table.name} has more cells than columns",
                section=self._section.name,
            )
        return row

    def _whole(self, text: str, address: str) -> str:
        parts = self._long_texts.take(address)
        return "".join((text[: text.rindex(_SHORTENED)], *parts)) if parts else text

    def _cell(self, column: Column, kind: str | None, content: str) -> str:
        if kind == "inlineStr":
            return _text(content)
        if kind == "b":
            return {"1": "true", "0": "false"}.get(content, content)
        if column.type in _NUMBERS:
            return content
        if column.type is ColumnType.DATE:
            return date_of(content)
        if column.type is ColumnType.TIMESTAMP:
            return self._clock.moment(content)
        raise ValueError("it is a number in a column of texts")


def _text(content: str) -> str:
    text = content.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def column_letters(index: int) -> str:
    """Return the letters of a column counted from 0."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters
