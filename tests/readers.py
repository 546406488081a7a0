"""Files of every format read back into the cells that were written, with other code than they are made with.

Used by the tests of every database: a table with each of its types must come back equal to the server's own text.
"""

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol, TypeAlias
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import orjson
import pypdfium2

from customer_export.model.columns import Cell, Column, ColumnType
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import Document, SectionStream
from customer_export.model.request import CsvOptions, CsvProfile, ExportFormat, ExportRequest, Period
from customer_export.source.interface import Source
from customer_export.writers.locale import locale_of
from customer_export.writers.pdf import PdfWriter
from customer_export.writers.registry import make_writers
from databases import streaming

Rows: TypeAlias = list[tuple[Cell, ...]]
LOCALE = "en"
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r\n)')
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_SHOWN_AS_CODE = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
"""Control characters that break no line."""
_UNREAD = frozenset({"So", "Cf", "Mn"})
_FIRST_DAY_WITHOUT_MICROSECONDS = 65_536  # of a workbook: 5 June 2079, where a double gets too coarse


class Shape(Protocol):
    """What a reader has to know of a section; the streams of an export are such."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def columns(self) -> tuple[Column, ...]: ...
    @property
    def rows(self) -> int: ...


def export_all(
    source: Source,
    form: ExportFormat,
    *,
    pdf: PdfWriter,
    customer_id: str = "1",
    time_zone: str = "UTC",
    csv: CsvOptions | None = None,
) -> tuple[bytes, Sequence[SectionStream]]:
    """Export a customer in a format, and give the file and the sections that it is of. CSV's profile is `raw`."""
    request = ExportRequest(
        customer_id=customer_id,
        format=form,
        sections=(),
        period=Period(),
        time_zone=time_zone,
        locale=LOCALE,
        csv=csv or CsvOptions(profile=CsvProfile.RAW),
        parameters=(),
    )
    with streaming(source, customer_id, time_zone=time_zone) as (_, streams):
        writer = make_writers(source.map, pdf)[form]
        return b"".join(writer.write(_document(source.map, request), streams)), streams


def _document(customer_map: CustomerMap, request: ExportRequest) -> Document:
    return Document(
        export_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        created_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        snapshot_at="2026-03-04T05:06:06.123456+00:00",
        product_version="1.0.0",
        requested_by="support@example.com",
        customer_title="Ada Lovelace",
        map_name=customer_map.name,
        map_version=customer_map.version,
        request=request,
        orders=None,
        manifest=lambda: {"sections": []},
    )


def read_back(form: ExportFormat, content: bytes, shapes: Sequence[Shape], *, time_zone: str) -> dict[str, Rows]:
    """Read a file's cells. JSON columns come as `told` writes them. A PDF has no cells: see `missing_from_pdf`."""
    match form:
        case ExportFormat.CSV:
            return read_csv(content, shapes)
        case ExportFormat.JSON:
            return read_json(content, shapes)
        case ExportFormat.NDJSON:
            return read_ndjson(content, shapes)
        case ExportFormat.XLSX:
            return read_xlsx(content, shapes, time_zone=time_zone)
        case ExportFormat.ZIP:
            return read_zip(content, shapes)
        case ExportFormat.PDF:
            raise AssertionError("a PDF has no cells")


def told(form: ExportFormat, rows: Rows, columns: Sequence[Column]) -> Rows:
    """Say what a format can tell of rows: JSON embeds JSON, whose blanks no reader gives back."""
    if form not in {ExportFormat.JSON, ExportFormat.NDJSON}:
        return rows
    return [
        tuple(
            _embedded(cell) if column.type is ColumnType.JSON else cell
            for cell, column in zip(row, columns, strict=True)
        )
        for row in rows
    ]


def _embedded(cell: Cell) -> Cell:
    if cell is None:
        return None
    try:
        orjson.loads(cell)  # which refuses what would make the whole document unreadable for many
        value = _loaded(cell)
    except ValueError:
        value = cell
    return None if value is None else json.dumps(value)


class _Number(str):
    """A number as it is spelled in the JSON."""

    __slots__ = ()


def _loaded(text: str | bytes) -> Any:
    def pairs(members: list[tuple[str, Any]]) -> list[tuple[str, Any]] | dict[str, Any]:
        return dict(members) if len(dict(members)) == len(members) else members  # stored JSON may repeat a member

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=refuse, object_pairs_hook=pairs)


def read_csv(content: bytes, shapes: Sequence[Shape]) -> dict[str, Rows]:
    """Read one section's table, or the rectangular one of several; an empty field is NULL, `""` an empty text."""
    header, *records = csv_records(content)
    if len(shapes) == 1:
        assert header == tuple(column.name for column in shapes[0].columns)
        return {shapes[0].name: records}
    assert header[0] == "section"
    places = {name: place for place, name in enumerate(header)}
    assert len(places) == len(header)
    by_name = {shape.name: shape for shape in shapes}
    rows: dict[str, Rows] = {shape.name: [] for shape in shapes}
    for record in records:
        assert len(record) == len(header)
        shape = by_name[str(record[0])]
        rows[shape.name].append(tuple(record[places[column.name]] for column in shape.columns))
    return rows


def csv_records(content: bytes) -> Rows:
    """Read CSV by RFC 4180 with commas, telling an empty field from `""`, which Python's csv cannot."""
    text = content.decode()
    records: Rows = []
    record: list[Cell] = []
    place = 0
    while place < len(text):
        match = _FIELD.match(text, place)
        assert match is not None, f"no field at {text[place : place + 40]!r}"
        quoted, plain, end = match.groups()
        record.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        if end == "\r\n":
            records.append(tuple(record))
            record = []
        place = match.end()
    assert record == [], "the file ends within a record"
    return records


def read_json(content: bytes, shapes: Sequence[Shape]) -> dict[str, Rows]:
    """Read the document's sections."""
    document = _loaded(content)
    assert list(document["sections"]) == [shape.name for shape in shapes]
    return {shape.name: [_record(one, shape) for one in document["sections"][shape.name]] for shape in shapes}


def read_ndjson(content: bytes, shapes: Sequence[Shape]) -> dict[str, Rows]:
    """Read the records between the header and the manifest."""
    head, *lines, end = [_loaded(line) for line in content.split(b"\n") if line]
    assert list(head) == ["header"]
    assert list(end) == ["manifest"]
    by_name = {shape.name: shape for shape in shapes}
    rows: dict[str, Rows] = {shape.name: [] for shape in shapes}
    for line in lines:
        rows[line["section"]].append(_record(line["record"], by_name[line["section"]]))
    return rows


def _record(record: Mapping[str, Any], shape: Shape) -> tuple[Cell, ...]:
    assert list(record) == [column.name for column in shape.columns]
    return tuple(_json_cell(record[column.name], column) for column in shape.columns)


def _json_cell(value: Any, column: Column) -> Cell:
    if value is None:
        return None
    match column.type:
        case ColumnType.JSON:
            return json.dumps(value)
        case ColumnType.MONEY if isinstance(value, dict):
            assert set(value) == {"amount", "currency"}
            return str(value["amount"])
        case ColumnType.BOOLEAN if isinstance(value, bool):
            return "true" if value else "false"
        case _:
            assert type(value) is str or (column.type is ColumnType.INTEGER and type(value) is _Number), value
            return str(value)


def read_zip(content: bytes, shapes: Sequence[Shape]) -> dict[str, Rows]:
    """Read each section's table, and hold the JSON beside it equal to it."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    tables = {shape.name: read_csv(archive.read(f"csv/{shape.name}.csv"), [shape])[shape.name] for shape in shapes}
    documents = read_json(archive.read("customer.json"), shapes)
    for shape in shapes:
        assert documents[shape.name] == told(ExportFormat.JSON, tables[shape.name], shape.columns)
    return tables


def read_xlsx(content: bytes, shapes: Sequence[Shape], *, time_zone: str) -> dict[str, Rows]:
    """Read each section's sheet from its XML, since readers of workbooks make doubles of numbers."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    paths = _sheet_paths(archive)
    return {shape.name: _sheet_rows(archive.read(paths[shape.label]), shape, ZoneInfo(time_zone)) for shape in shapes}


def _sheet_paths(archive: zipfile.ZipFile) -> dict[str, str]:
    targets = {
        one.get("Id"): f"xl/{one.get('Target')}"
        for one in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    }
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    return {str(one.get("name")): targets[one.get(f"{_OFFICE}id")] for one in book.iter(f"{_SHEET}sheet")}


def _sheet_rows(sheet: bytes, shape: Shape, zone: ZoneInfo) -> Rows:
    cells = {
        str(cell.get("r")): (cell.get("t", "n"), "".join(cell.itertext()))
        for cell in ElementTree.fromstring(sheet).iter(f"{_SHEET}c")
    }
    return [
        tuple(
            _sheet_cell(cells.get(f"{_letters(place)}{number}"), column, zone)
            for place, column in enumerate(shape.columns)
        )
        for number in range(2, shape.rows + 2)  # the row below may have totals
    ]


def _letters(place: int) -> str:
    before, last = divmod(place, 26)
    return f"{_letters(before - 1) if before else ''}{chr(ord('A') + last)}"


def _sheet_cell(cell: tuple[str, str] | None, column: Column, zone: ZoneInfo) -> Cell:
    if cell is None:
        return None
    kind, text = cell
    if kind == "inlineStr":
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    match column.type:
        case ColumnType.BOOLEAN:
            return {"1": "true", "0": "false"}[text]
        case ColumnType.DATE:
            return _wall_time(text).date().isoformat()
        case ColumnType.TIMESTAMP:
            return canonical_instant(_wall_time(text).replace(tzinfo=zone))
        case _:
            assert column.type in {ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY}
            return text


def _wall_time(serial: str) -> datetime:
    days = float(serial)
    microseconds = days < _FIRST_DAY_WITHOUT_MICROSECONDS
    since = (
        timedelta(microseconds=round(Fraction(serial) * 86_400_000_000))  # of the digits; floats have fewer
        if microseconds
        else timedelta(seconds=round(days * 86_400))
    )
    return datetime(1899, 12, 30) + since


def canonical_instant(moment: datetime) -> str:
    """Write an aware moment as docs/columns.md says."""
    text = moment.isoformat()
    return f"{text[:19]}{text[19:26].rstrip('0')}{text[26:]}" if moment.microsecond else text


def missing_from_pdf(content: bytes, rows: Mapping[str, Rows], shapes: Sequence[Shape]) -> list[str]:
    """List the cells that a PDF does not have, as it writes them for people (docs/formats/pdf.md)."""
    document = pypdfium2.PdfDocument(content)
    text = _squeezed("".join(page.get_textpage().get_text_range() for page in document))
    return [cell for shape in shapes for cell in _printed(rows[shape.name], shape) if _squeezed(cell) not in text]


def _printed(rows: Rows, shape: Shape) -> Iterator[str]:
    columns = list(zip(*rows, strict=True))
    codes: dict[str, Sequence[Cell]] = {
        column.name: cells for column, cells in zip(shape.columns, columns, strict=True)
    }
    for column, cells in zip(shape.columns, columns, strict=True):
        currencies = column.currency_code or codes.get(column.currency or "")
        for cell in locale_of(LOCALE).format_column(cells, column.type, currencies):
            if cell is not None:
                yield _SHOWN_AS_CODE.sub(lambda match: f"[U+{ord(match[0]):04X}]", cell)


def _squeezed(text: str) -> str:
    """Leave out blanks, since lines break where the paper ends, and what pdfium does not give back of itself.

    That are signs such as emoji, formatting characters, and hyphens at the end of a line, which come as U+FFFE.
    """
    legible = text.replace("\ufffe", "-")
    return "".join(one for one in legible if not one.isspace() and unicodedata.category(one) not in _UNREAD)
