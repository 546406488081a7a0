"""The Summary sheet: who, when, what is in the workbook, the key figures, and the tables behind the charts."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from customer_export.model.columns import Cell
from customer_export.writers.locale import Word
from customer_export.writers.xlsx.amounts import money_style
from customer_export.writers.xlsx.book import Book
from customer_export.writers.xlsx.charts import LABEL_COLUMN
from customer_export.writers.xlsx.figures import CurrencyFigures, OrderFigures
from customer_export.writers.xlsx.grid import Grid
from customer_export.writers.xlsx.limits import SIGNIFICANT_DIGITS
from customer_export.writers.xlsx.numbers import read_number
from customer_export.writers.xlsx.shell import CHARTS_END_ROW
from customer_export.writers.xlsx.styles import COUNT, GENERAL, Face, Style
from customer_export.writers.xlsx.times import date_serial, moment_serial, wall_clock

# Lines in a chart that an eye can tell apart; the table of key figures has every currency.
_CHARTED_CURRENCIES = 8

# A series this much smaller than the largest would lie on the axis, and gets one of its own.
_SECONDARY_RATIO = 20

# The columns B to F stand left of the charts.
_COLUMNS_BESIDE_CHARTS = 5


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
        self._put_not_adding_up()
        if figures.by_currency:
            self._put_key_figures()
        self._put_sections()
        self._put_months()
        self._put_statuses()

    @property
    def last_row(self) -> int:
        """The last row that is printed, with the charts beside the tables."""
        has_charts = self._book.design.charts and (self.statuses or self.months)
        return max(self._row - 1, CHARTS_END_ROW if has_charts else 0)

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
            self._put_amount(3, "" if figures.total is None else f"{figures.total:f}", currency)
            self._put_time(4, figures.first)
            self._put_time(5, figures.last)
            self._row += 1

    def _put_not_adding_up(self) -> None:
        """Say which totals are not the sums of their parts; the manifest has more of them."""
        checks = [check for check in self._book.document.totals() if check.mismatched]
        if not checks:
            return
        self._put_heading(Word.TOTALS_NOT_ADDING_UP)
        for check in checks:
            words = (Word.TOTAL, Word.SUM_OF_PARTS, Word.DIFFERENCE)
            self._put_header(check.label, [self._word(word) for word in words])
            for one in check.samples:
                self._put_label(one.key)
                for column, text in enumerate((one.total, one.sum, one.difference), 2):
                    self._put_amount(column, text, one.currency)
                self._row += 1
            if more := check.mismatched - len(check.samples):
                self._put_label(self._book.locale.word(Word.MORE_COUNT, count=more))
                self._row += 1

    def _put_label(self, text: Cell) -> None:
        self.grid.put_text(
            self._row, 1, self._word(Word.NOT_SET) if text is None else text, self._style(Face.TABLE_LABEL)
        )

    def _put_amount(self, column: int, text: str, currency: Cell) -> None:
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
        if self._book.design.charts and len(charted) >= _COLUMNS_BESIDE_CHARTS:
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
                self._put_amount(column, f"{each.months.get(month, Decimal()):f}", code)
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
