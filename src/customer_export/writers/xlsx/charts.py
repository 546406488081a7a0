"""The native charts of the Summary sheet: made by XlsxWriter over marked ranges, which are replaced later."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # the library has no types
from xlsxwriter.chart import Chart  # type: ignore[import-untyped]  # likewise

from customer_export.writers.locale import Locale, Word
from customer_export.writers.xlsx.faces import SERIES_COLOURS
from customer_export.writers.xlsx.text import escape_xml, without_control_characters

# Rows counted from 1, as in references, that no real chart has.
MONTHS_HEADER, MONTHS_FIRST, MONTHS_LAST = 1_040_001, 1_040_002, 1_040_003
STATUSES_HEADER, STATUSES_FIRST, STATUSES_LAST = 1_040_004, 1_040_005, 1_040_006

# The column of the tables that has the months and the statuses; the values follow it.
LABEL_COLUMN = 1

# Of as many shells; each takes a few kB.
_KEPT_CHARTS = 128

_SIZE = {"width": 620, "height": 320}
_FONT = {"size": 9, "color": "#5B6573"}
_RULE = {"color": "#E1E6EC", "width": 0.75}
_NO_LINE = {"none": True}

_MARKED_AREA = r"([^<]*?)\$([A-Z]+)\$(10400[0-9]{2})(?::\$[A-Z]+\$(10400[0-9]{2}))?"
_REFERENCE = re.compile(rf"<c:(numRef|strRef)><c:f>{_MARKED_AREA}</c:f>.*?</c:\1>", re.DOTALL)


class ChartCell(NamedTuple):
    """A cell that a chart shows, as its sheet holds it: a number's text, or a text."""

    value: str
    is_number: bool


def make_months_chart(workbook: Workbook, sheet: str, secondary: Sequence[bool], locale: Locale) -> Chart:
    """Make the chart of spending by month, one series a currency.

    Columns for one currency, lines for several; `secondary` says which are measured on the right-hand axis.
    """
    many = len(secondary) > 1
    chart = workbook.add_chart({"type": "line"} if many else {"type": "column"})
    for index, on_right in enumerate(secondary):
        column = LABEL_COLUMN + 1 + index
        colour = SERIES_COLOURS[index % len(SERIES_COLOURS)]
        series: dict[str, object] = {
            "name": [sheet, MONTHS_HEADER - 1, column],
            "categories": [sheet, MONTHS_FIRST - 1, LABEL_COLUMN, MONTHS_LAST - 1, LABEL_COLUMN],
            "values": [sheet, MONTHS_FIRST - 1, column, MONTHS_LAST - 1, column],
            "y2_axis": on_right,
            "gap": 60,
        }
        if many:
            marker = {"type": "circle", "size": 5, "fill": {"color": colour}, "border": {"color": colour}}
            series |= {"line": {"color": colour, "width": 2}, "marker": marker}
        else:
            series |= {"fill": {"color": colour}, "border": _NO_LINE}
        chart.add_series(series)
    chart.set_x_axis(
        {
            "date_axis": True,
            "num_format": locale.excel_month_format,
            "major_unit_type": "months",
            "num_font": _FONT,
            "line": _RULE,
            "label_position": "low",
        }
    )
    axis = {"num_format": "#,##0", "num_font": _FONT, "line": _NO_LINE}
    chart.set_y_axis({**axis, "major_gridlines": {"visible": True, "line": _RULE}})
    chart.set_y2_axis(axis)
    chart.set_legend({"position": "bottom", "font": _FONT})
    return _finish(chart, locale.word(Word.SPENDING_BY_MONTH))


def make_statuses_chart(workbook: Workbook, sheet: str, locale: Locale) -> Chart:
    """Make the chart of the number of orders of each status, the most at the top."""
    chart = workbook.add_chart({"type": "bar"})
    column = LABEL_COLUMN + 1
    chart.add_series(
        {
            "name": [sheet, STATUSES_HEADER - 1, column],
            "categories": [sheet, STATUSES_FIRST - 1, LABEL_COLUMN, STATUSES_LAST - 1, LABEL_COLUMN],
            "values": [sheet, STATUSES_FIRST - 1, column, STATUSES_LAST - 1, column],
            "fill": {"color": SERIES_COLOURS[0]},
            "border": _NO_LINE,
            "gap": 50,
            "data_labels": {"value": True, "font": _FONT, "num_format": "#,##0"},
        }
    )
    chart.set_y_axis({"reverse": True, "num_font": _FONT, "line": _RULE})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_legend({"none": True})
    return _finish(chart, locale.word(Word.ORDERS_BY_STATUS))


def fill_chart(xml: str, rows: Mapping[int, int], cell_at: Callable[[str, int], ChartCell | None]) -> str:
    """Put the real ranges in place of the marked ones, and beside each the values that are shown before a look.

    `rows` maps the marks to rows; `cell_at` gives the Summary's cell by letters and row.
    """
    filled: list[str] = []
    for piece in _chart_pieces(xml):
        if isinstance(piece, str):
            filled.append(piece)
            continue
        first, last = rows[piece.first_mark], rows[piece.last_mark]
        area = f"{piece.sheet}${piece.letters}${first}" + (f":${piece.letters}${last}" if piece.is_range else "")
        filled.append(_reference(area, [cell_at(piece.letters, row) for row in range(first, last + 1)]))
    return "".join(filled)


class _MarkedArea(NamedTuple):
    """A reference of a chart, with marks in place of rows."""

    sheet: str
    letters: str
    first_mark: int
    last_mark: int
    is_range: bool


@lru_cache(maxsize=_KEPT_CHARTS)
def _chart_pieces(xml: str) -> tuple[str | _MarkedArea, ...]:
    """Cut a chart at its references: texts, and the marked areas between them."""
    pieces: list[str | _MarkedArea] = []
    end = 0
    for match in _REFERENCE.finditer(xml):
        first, last = match[4], match[5]
        pieces += xml[end : match.start()], _MarkedArea(match[2], match[3], int(first), int(last or first), bool(last))
        end = match.end()
    return (*pieces, xml[end:])


def _reference(area: str, cells: Sequence[ChartCell | None]) -> str:
    kind = "num" if all(cell is None or cell.is_number for cell in cells) else "str"
    points = "".join(
        f'<c:pt idx="{index}"><c:v>{escape_xml(without_control_characters(cell.value))}</c:v></c:pt>'
        for index, cell in enumerate(cells)
        if cell is not None
    )
    code = "<c:formatCode>General</c:formatCode>" if kind == "num" else ""
    return (
        f'<c:{kind}Ref><c:f>{area}</c:f><c:{kind}Cache>{code}<c:ptCount val="{len(cells)}"/>{points}'
        f"</c:{kind}Cache></c:{kind}Ref>"
    )


def _finish(chart: Chart, title: str) -> Chart:
    chart.set_title({"name": title, "name_font": {"size": 12, "color": "#1F3A5F"}, "overlay": False})
    chart.set_chartarea({"border": {"color": "#E1E6EC"}})
    chart.set_size(_SIZE)
    return chart
