"""The shell of a workbook, made by the library XlsxWriter: everything but the sheets' rows.

What is in it depends on the shape of an export and not on the customer, so that one shell serves many exports. It
is made with marks where the customer's own values go: rows of sheets above 1,000,000 and words in braces.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from io import BytesIO
from zipfile import ZipFile

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # the library has no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # likewise

from customer_export.model.template import SummaryPlace
from customer_export.writers.locale import Locale, Word, locale_of
from customer_export.writers.xlsx.charts import make_months_chart, make_statuses_chart
from customer_export.writers.xlsx.faces import NAVY, face_properties
from customer_export.writers.xlsx.manifest import RELATIONSHIPS_PATH, with_manifest
from customer_export.writers.xlsx.names import column_letters
from customer_export.writers.xlsx.package import PackedPart, pack_for_many
from customer_export.writers.xlsx.styles import GENERAL, TEXT, Face, Style

# A shell takes about 40 kB and 10 ms. Its key is a map's sections, a locale and the currencies of a customer.
_KEPT_SHELLS = 64

# Rows counted from 1, as in references; no sheet of the shell has them, and all have seven digits.
SHEET_MARK = 1_000_000
SUMMARY_MARK = 1_040_000

TITLE_MARK, AUTHOR_MARK, EXPORT_MARK = "{title}", "{author}", "{export}"
DIGEST_MARK, MANIFEST_MARK = "{digest}", "{manifest}"
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
CREATED_MARK = "2000-01-01T00:00:00Z"

BOOK_PATH = "xl/workbook.xml"
PROPERTIES_PATH = "docProps/core.xml"
CUSTOM_PATH = "docProps/custom.xml"
CHARTS_PATH = "xl/charts/"
_ROOT_PATH = "_rels/.rels"
_IS_SHEET = re.compile(r"xl/worksheets/sheet[0-9]+\.xml").fullmatch
_IS_MARKED = re.compile(f"{BOOK_PATH}|{PROPERTIES_PATH}|{CUSTOM_PATH}|{CHARTS_PATH}.*").fullmatch

# Characters: a margin, labels and first columns, figures, and a gap before the charts.
_SUMMARY_WIDTHS = (2, 28, 32, 20, 24, 24, 3)
CHART_COLUMN = len(_SUMMARY_WIDTHS)
_CHART_ROWS = (3, 20)

# Up to the end of the second chart, which is 16 rows of 20 pixels high, as the first.
CHARTS_END_ROW = 37
_CHARTS_END_COLUMN = CHART_COLUMN + 9


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetShape:
    """A sheet with a table: its name, its number of columns, and a name for its range."""

    name: str
    columns: int
    range_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """All that a shell depends on. `summary_name` is None if there is no Summary.

    `months` has one entry a currency in the chart of spending by month: whether it is drawn on the right-hand
    axis. `statuses` is whether there is a chart of orders by status.
    """

    locale_tag: str
    summary: SummaryPlace
    summary_name: str | None
    sheets: tuple[SheetShape, ...]
    styles: tuple[Style, ...]
    months: tuple[bool, ...]
    statuses: bool

    @property
    def summary_path(self) -> str | None:
        """Where the Summary is in the zip."""
        if self.summary_name is None:
            return None
        return f"xl/worksheets/sheet{1 if self.summary is SummaryPlace.FIRST else len(self.sheets) + 1}.xml"


@dataclass(frozen=True, slots=True)
class MarkedPart:
    """A part with marks in it, for the customer's own values."""

    path: str
    xml: str


@lru_cache(maxsize=_KEPT_SHELLS)
def make_shell(shape: Shape) -> tuple[PackedPart | MarkedPart, ...]:
    """Make the parts of the workbook: all but the root and the sheets of the sections."""
    return tuple(
        MarkedPart(path, content.decode())
        if path == shape.summary_path or _IS_MARKED(path)
        else pack_for_many(path, content)
        for path, content in _parts(shape).items()
        if path == shape.summary_path or not (path == _ROOT_PATH or _IS_SHEET(path))
    )


@cache
def root_part() -> PackedPart:
    """Make the part that names the main part, the same in every workbook: programs know the format by it."""
    shape = Shape(
        locale_tag="en",
        summary=SummaryPlace.FIRST,
        summary_name="Summary",
        sheets=(),
        styles=(Style(Face.BODY),),
        months=(),
        statuses=False,
    )
    return pack_for_many(_ROOT_PATH, _parts(shape)[_ROOT_PATH])


def _parts(shape: Shape) -> Mapping[str, bytes]:
    """Have the library make a workbook; returns its parts by their paths."""
    file = BytesIO()
    # Its own temporary files would need a writable folder, and nothing here is large.
    with Workbook(file, {"in_memory": True}) as workbook:
        _build(workbook, shape)
    with ZipFile(file) as archive:
        parts = {path: archive.read(path) for path in archive.namelist()}
    return {**parts, RELATIONSHIPS_PATH: with_manifest(parts[RELATIONSHIPS_PATH])}


def _build(workbook: Workbook, shape: Shape) -> None:
    locale = locale_of(shape.locale_tag)
    workbook.set_size(2400, 1400)
    workbook.set_properties(
        {
            "title": TITLE_MARK,
            "subject": locale.word(Word.TITLE),
            "author": AUTHOR_MARK,
            "comments": f"{locale.word(Word.EXPORT_ID)}: {EXPORT_MARK}",
            "created": _CREATED,
        }
    )
    for name, mark in (("ExportId", EXPORT_MARK), ("CanonicalSha256", DIGEST_MARK), ("Manifest", MANIFEST_MARK)):
        workbook.set_custom_property(name, mark, "text")
    first = _add_summary(workbook, shape, locale) if shape.summary is SummaryPlace.FIRST else None
    sheets = [workbook.add_worksheet(sheet.name) for sheet in shape.sheets]
    for number, (sheet, like) in enumerate(zip(sheets, shape.sheets, strict=True), 1):
        _set_up_sheet(workbook, sheet, like, SHEET_MARK + number)
    last = _add_summary(workbook, shape, locale) if shape.summary is SummaryPlace.LAST else None
    _number_styles(workbook, [*sheets, first][0], shape)
    if (summary := first or last) is not None:
        _add_charts(workbook, summary, shape, locale)


def _add_summary(workbook: Workbook, shape: Shape, locale: Locale) -> Worksheet:
    summary = workbook.add_worksheet(shape.summary_name)
    summary.hide_gridlines(2)
    summary.set_tab_color(NAVY)
    for index, width in enumerate(_SUMMARY_WIDTHS):
        summary.set_column(index, index, width)
    summary.set_landscape()
    summary.set_paper(9)
    summary.fit_to_pages(1, 0)
    summary.print_area(0, 0, SUMMARY_MARK - 1, _CHARTS_END_COLUMN)
    page = locale.word(Word.PAGE_OF, page="&P", pages="&N")
    summary.set_footer(f"&L&8 {EXPORT_MARK}&R&8 {page}")
    if locale.direction == "rtl":
        summary.right_to_left()
    return summary


def _add_charts(workbook: Workbook, summary: Worksheet, shape: Shape, locale: Locale) -> None:
    rows = iter(_CHART_ROWS)
    if shape.months:
        months = make_months_chart(workbook, summary.get_name(), shape.months, locale)
        summary.insert_chart(next(rows), CHART_COLUMN, months)
    if shape.statuses:
        summary.insert_chart(next(rows), CHART_COLUMN, make_statuses_chart(workbook, summary.get_name(), locale))


def _set_up_sheet(workbook: Workbook, sheet: Worksheet, like: SheetShape, last_row: int) -> None:
    """Define the names of a sheet: what its filter covers, the header repeated on each page, and its range."""
    sheet.repeat_rows(0)
    if like.columns:
        sheet.autofilter(0, 0, last_row - 1, like.columns - 1)
        quoted = "'" + like.name.replace("'", "''") + "'"
        area = f"{quoted}!$A$1:${column_letters(like.columns - 1)}${last_row}"
        workbook.define_name(like.range_name, f"={area}")


def _number_styles(workbook: Workbook, sheet: Worksheet, shape: Shape) -> None:
    """Use every style once, in order: XlsxWriter numbers them as they are used."""
    right_to_left = locale_of(shape.locale_tag).direction == "rtl"
    # Number 0 is the library's own.
    for row, style in enumerate(shape.styles[1:]):
        properties = face_properties(style.face, right_to_left=right_to_left)
        properties["num_format"] = style.number_format
        if right_to_left and style.number_format not in {GENERAL, TEXT}:
            # A date with an Arabic comma would be set from the left, as its first digit has no direction.
            properties["reading_order"] = 2
        sheet.write_blank(row, 0, None, workbook.add_format(properties))
