"""The Summary sheet: who, when, what is in the workbook, the key figures, and the tables behind the charts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from customer_export.model.columns import Cell
from customer_export.writers.locale import Word
from customer_export.writers.xlsx.amounts import money_style
from customer_export.writers.xlsx.book import Book
from customer_export.writers.xlsx.charts import LABEL_COLUMN, ChartCell
from customer_export.writers.xlsx.figures import CurrencyFigures, OrderFigures
from customer_export.writers.xlsx.limits import CELL_UNITS, SIGNIFICANT_DIGITS
from customer_export.writers.xlsx.names import column_letters, quote_sheet
from customer_export.writers.xlsx.numbers import read_number
from customer_export.writers.xlsx.shell import CHARTS_END_ROW
from customer_export.writers.xlsx.styles import COUNT, GENERAL, Face, Style
from customer_export.writers.xlsx.text import NEVER_TOO_LONG, escape_xml, inline_string, split_units
from customer_export.writers.xlsx.times import date_serial, moment_serial, wall_clock

# Lines in a chart that an eye can tell apart; the table of key figures has every currency.
_CHARTED_CURRENCIES = 8

# A series this much smaller than the largest would lie on the axis, and gets one of its own.
_SECONDARY_RATIO = 20

# The columns B to F stand left of the charts.
_COLUMNS_BESIDE_CHARTS = 5

_SHEET_DATA = re.compile("<sheetData/>|<sheetData>.*?</sheetData>", re.DOTALL)
_HYPERLINKS_PLACE = "<pageMargins"


@dataclass(slots=True)
class Grid:
    """The cells of a sheet by row and column, both from 1 and 0 as in references and in XlsxWriter."""

    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    values: dict[tuple[str, int], ChartCell] = field(default_factory=dict)
    heights: dict[int, float] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    def put_text(self, row: int, column: int, text: str, style: int) -> None:
        """Put a text; what is too long for a cell is cut, as the sections hold it whole."""
        if len(text) > NEVER_TOO_LONG:
            text = split_units(text, first_units=CELL_UNITS, next_units=CELL_UNITS)[0]
        cell = f'<c r="{column_letters(column)}{row}" s="{style}" t="inlineStr">{inline_string(text)}</c>'
        self._put(row, column, cell, ChartCell(text, is_number=False))

    def put_number(self, row: int, column: int, number: str, style: int) -> None:
        """Put a number from its text."""
        cell = f'<c r="{column_letters(column)}{row}" s="{style}"><v>{number}</v></c>'
        self._put(row, column, cell, ChartCell(number, is_number=True))

    def put_blank(self, row: int, column: int, style: int) -> None:
        """Put a cell that only has a style."""
        self.cells.setdefault(row, {})[column] = f'<c r="{column_letters(column)}{row}" s="{style}"/>'

    def put_link(self, row: int, column: int, sheet: str) -> None:
        """Link a cell to the beginning of a sheet."""
        target = escape_xml(f"{quote_sheet(sheet)}!A1")
        self.links.append(f'<hyperlink ref="{column_letters(column)}{row}" location="{target}"/>')

    def value_at(self, letters: str, row: int) -> ChartCell | None:
        """Return what a cell holds."""
        return self.values.get((letters, row))

    def fill(self, frame: str) -> str:
        """Put the cells and the links into the XML of an empty sheet."""
        data = f"<sheetData>{''.join(self._rows())}</sheetData>"
        xml = _SHEET_DATA.sub(lambda _: data, frame, count=1)
        links = f"<hyperlinks>{''.join(self.links)}</hyperlinks>" if self.links else ""
        return xml.replace(_HYPERLINKS_PLACE, links + _HYPERLINKS_PLACE, 1)

    def _put(self, row: int, column: int, cell: str, value: ChartCell) -> None:
        self.cells.setdefault(row, {})[column] = cell
        self.values[column_letters(column), row] = value

    def _rows(self) -> Iterator[str]:
        for row, cells in sorted(self.cells.items()):
            height = self.heights.get(row)
            size = f' ht="{height}" customHeight="1"' if height else ""
            yield f'<row r="{row}"{size}>{"".join(cell for _, cell in sorted(cells.items()))}</row>'


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartTable:
    """Where a chart's table is: the rows of its header and of its first and last values."""

    header: int
    first: int
    last: int


class Summary:
    """Lays the sheet out from top to bottom; made once all sections are written.

    `months` and `statuses` tell where the tables of the charts are, None where there is nothing to draw.
    `secondary_axes` says of each currency in the chart whether it is measured on the right-hand axis.
    """

    def __init__(self, *, book: Book, figures: OrderFigures) -> None:
        self.grid = Grid()
        self.months: ChartTable | None = None
        self.statuses: ChartTable | None = None
        self.secondary_axes: tuple[bool, ...] = ()
        self._book = book
        self._figures = figures
        self._row = 1
        self._put_head()
        self._put_facts()
        if figures.by_currency:
            self._put_key_figures()
        self._put_sections()
        self._put_months()
        self._put_statuses()

    @property
    def last_row(self) -> int:
        """The last row that is printed, with the charts beside the tables."""
        return max(self._row - 1, CHARTS_END_ROW if self.statuses or self.months else 0)

    def _style(self, face: Face, number_format: str = GENERAL) -> int:
        return self._book.styles.number(Style(face, number_format))

    def _word(self, word: Word) -> str:
        return self._book.locale.word(word)

    def _put_head(self) -> None:
        document, grid = self._book.document, self.grid
        grid.heights[1] = 34
        grid.put_text(1, 1, document.customer_title or document.request.customer_id, self._style(Face.TITLE))
        grid.put_text(2, 1, self._word(Word.TITLE), self._style(Face.SUBTITLE))
        self._row = 4

    def _put_facts(self) -> None:
        document = self._book.document
        self._put_fact(Word.CUSTOMER_ID, document.request.customer_id)
        self._put_fact(Word.EXPORT_ID, document.export_id)
        self._put_moment(Word.CREATED, document.created_at)
        self._put_snapshot()
        self._put_fact(Word.REQUESTED_BY, document.requested_by)
        self._put_fact(Word.TIME_ZONE, document.request.time_zone)
        self._put_fact(Word.DATA_SOURCE, f"{document.map_name} ({document.map_version})")
        self._put_fact(Word.PERIOD, self._period())

    def _put_fact(self, word: Word, value: str) -> None:
        self.grid.put_text(self._row, 1, self._word(word), self._style(Face.FACT))
        self.grid.put_text(self._row, 2, value, self._style(Face.FACT_VALUE))
        self._row += 1

    def _put_moment(self, word: Word, moment: datetime) -> None:
        wall_time = moment.astimezone(self._book.zone).replace(tzinfo=None, microsecond=0)
        style = self._style(Face.FACT_VALUE, self._book.locale.excel_timestamp_format)
        self.grid.put_text(self._row, 1, self._word(word), self._style(Face.FACT))
        self.grid.put_number(self._row, 2, moment_serial(wall_time), style)
        self._row += 1

    def _put_snapshot(self) -> None:
        text = self._book.document.snapshot_at
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self._put_fact(Word.SNAPSHOT_TAKEN, text)
        else:
            self._put_moment(Word.SNAPSHOT_TAKEN, moment)

    def _period(self) -> str:
        period, locale = self._book.document.request.period, self._book.locale
        start, end = (
            None if moment is None else locale.format_timestamp(moment.astimezone(self._book.zone).isoformat())
            for moment in (period.start, period.end)
        )
        if start is not None and end is not None:
            return locale.word(Word.PERIOD_FROM_BEFORE, start=start, end=end)
        if start is not None:
            return locale.word(Word.PERIOD_FROM, start=start)
        return self._word(Word.ALL_TIME) if end is None else locale.word(Word.PERIOD_BEFORE, end=end)

    def _put_heading(self, word: Word) -> None:
        self._row += 1
        self.grid.heights[self._row] = 22
        self.grid.put_text(self._row, 1, self._word(word), self._style(Face.HEADING))
        self._row += 1

    def _put_header(self, first: str, others: list[str]) -> None:
        self.grid.put_text(self._row, 1, first, self._style(Face.TABLE_HEADER))
        for column, text in enumerate(others, 2):
            self.grid.put_text(self._row, column, text, self._style(Face.TABLE_HEADER_OF_NUMBERS))
        self._row += 1

    def _put_key_figures(self) -> None:
        self._put_heading(Word.KEY_FIGURES)
        words = (Word.NUMBER_OF_ORDERS, Word.TOTAL_SPENT, Word.FIRST_ORDER, Word.LAST_ORDER)
        self._put_header(self._word(Word.CURRENCY), [self._word(word) for word in words])
        for currency, figures in self._figures.by_currency:
            self._put_label(currency)
            self.grid.put_number(self._row, 2, str(figures.orders), self._style(Face.TABLE_VALUE, COUNT))
            self._put_amount(3, figures.total, currency)
            self._put_time(4, figures.first)
            self._put_time(5, figures.last)
            self._row += 1

    def _put_label(self, text: Cell) -> None:
        self.grid.put_text(
            self._row, 1, self._word(Word.NOT_SET) if text is None else text, self._style(Face.TABLE_LABEL)
        )

    def _put_amount(self, column: int, amount: Decimal | None, currency: Cell) -> None:
        text = "" if amount is None else f"{amount:f}"
        number = read_number(text)
        if number is None:
            self.grid.put_text(self._row, column, text, self._style(Face.TABLE_VALUE))
            return
        style = money_style(self._book.locale, Face.TABLE_VALUE, currency, decimals=number.decimals)
        self.grid.put_number(self._row, column, text, self._book.styles.number(style))

    def _put_time(self, column: int, text: str | None) -> None:
        locale = self._book.locale
        if text is None:
            self.grid.put_blank(self._row, column, self._style(Face.TABLE_VALUE))
        elif (moment := wall_clock(self._book.document.request.time_zone).serial(text)) is not None:
            style = self._style(Face.TABLE_VALUE, locale.excel_timestamp_format)
            self.grid.put_number(self._row, column, moment.serial, style)
        elif (day := date_serial(text)) is not None:
            style = self._style(Face.TABLE_VALUE, locale.excel_date_format)
            self.grid.put_number(self._row, column, day, style)
        else:
            self.grid.put_text(self._row, column, text, self._style(Face.TABLE_VALUE))

    def _put_sections(self) -> None:
        self._put_heading(Word.SECTIONS)
        self._put_header(self._word(Word.SECTION), [self._word(Word.ROWS)])
        for section in self._book.sections:
            self.grid.put_text(self._row, 1, section.label, self._style(Face.TABLE_LINK))
            self.grid.put_link(self._row, 1, section.sheets[0])
            self.grid.put_number(self._row, 2, str(section.rows), self._style(Face.TABLE_VALUE, COUNT))
            for column, name in enumerate(section.sheets[1:], 3):
                text = self._book.locale.word(Word.CONTINUED_ON_SHEET, name=name)
                self.grid.put_text(self._row, column, text, self._style(Face.LINK))
                self.grid.put_link(self._row, column, name)
            self._row += 1

    def _put_months(self) -> None:
        charted = [(code, each) for code, each in self._figures.by_currency if _is_charted(each)]
        charted = charted[:_CHARTED_CURRENCIES]
        # A month that is no date of a workbook cannot stand on the chart's axis of dates.
        months = sorted({month for _, each in charted for month in each.months})
        months = [month for month in months if date_serial(f"{month}-01") is not None]
        if not months:
            return
        if len(charted) >= _COLUMNS_BESIDE_CHARTS:
            self._row = max(self._row, CHARTS_END_ROW)
        self._put_heading(Word.SPENDING_BY_MONTH)
        header = self._row
        names = [self._word(Word.NOT_SET) if code is None else code for code, _ in charted]
        self._put_header(self._word(Word.MONTH), names)
        for month in months:
            serial = date_serial(f"{month}-01") or ""
            self.grid.put_number(
                self._row, LABEL_COLUMN, serial, self._style(Face.TABLE_LABEL, self._book.locale.excel_month_format)
            )
            for column, (code, each) in enumerate(charted, LABEL_COLUMN + 1):
                self._put_amount(column, each.months.get(month, Decimal()), code)
            self._row += 1
        self.months = ChartTable(header=header, first=header + 1, last=self._row - 1)
        self.secondary_axes = _secondary_axes([each for _, each in charted])

    def _put_statuses(self) -> None:
        statuses = self._figures.statuses
        if not statuses:
            return
        self._put_heading(Word.ORDERS_BY_STATUS)
        header = self._row
        self._put_header(self._word(Word.STATUS), [self._word(Word.NUMBER_OF_ORDERS)])
        for status, orders in statuses:
            self._put_label(status)
            self.grid.put_number(self._row, 2, str(orders), self._style(Face.TABLE_VALUE, COUNT))
            self._row += 1
        self.statuses = ChartTable(header=header, first=header + 1, last=self._row - 1)


def _is_charted(figures: CurrencyFigures) -> bool:
    """Whether every month's sum is known and can be a number of a workbook."""
    return figures.total is not None and all(
        len(amount.as_tuple().digits) <= SIGNIFICANT_DIGITS for amount in figures.months.values()
    )


def _secondary_axes(figures: list[CurrencyFigures]) -> tuple[bool, ...]:
    """Say which series are too small for the scale of the largest."""
    peaks = [max((abs(amount) for amount in each.months.values()), default=Decimal()) for each in figures]
    return tuple(peak * _SECONDARY_RATIO < max(peaks) for peak in peaks)
