"""A section as a sheet, or as several where one is too small for it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat

from customer_export.model.columns import ColumnType
from customer_export.model.document import SectionStream
from customer_export.writers.locale import Word
from customer_export.writers.xlsx.amounts import MoneyStyles
from customer_export.writers.xlsx.book import Book, DataSheet, SectionSheets, open_part, write_joined, write_part
from customer_export.writers.xlsx.cells import ROW_MARK, Block, EncodedColumn
from customer_export.writers.xlsx.columns import SheetColumns, are_numbers, columns_of_text
from customer_export.writers.xlsx.currencies import CurrencySource
from customer_export.writers.xlsx.figures import OrderColumns, OrderFigures
from customer_export.writers.xlsx.links import relationships_part
from customer_export.writers.xlsx.names import column_letters
from customer_export.writers.xlsx.numbers import read_number
from customer_export.writers.xlsx.rows import RowReader
from customer_export.writers.xlsx.sheet import SheetEnd, SheetFrame, sheet_end, sheet_start
from customer_export.writers.xlsx.styles import Face, Style
from customer_export.writers.xlsx.sums import Amounts, ColumnTotal, is_summable
from customer_export.writers.xlsx.text import inline_string
from customer_export.writers.xlsx.widths import SAMPLE_ROWS, column_widths, display_width

# A block's XML stays in the processor's cache; larger ones are no faster.
_BLOCK_ROWS = 1_000

# Any time stamp: its width is the locale's. A fraction of a second takes four characters more.
_EXAMPLE_DATE = "2000-12-28"
_EXAMPLE_TIMESTAMP = "2000-12-28T22:00:00+00:00"
_TIME_PADDING = 6


def part_path(sheet_number: int) -> str:
    """Return the path of a sheet in the zip; the Summary sheet is number 1."""
    return f"xl/worksheets/sheet{sheet_number}.xml"


@dataclass(frozen=True, slots=True)
class _Sum:
    column: int
    currency: CurrencySource
    total: ColumnTotal


class SectionWriter:
    """Writes one section's sheets; `figures` are filled if the section is that of the orders."""

    def __init__(self, *, book: Book, section: SectionStream, figures: OrderFigures | None) -> None:
        self._book = book
        self._section = section
        self._columns = section.columns
        self._figures = figures
        role = book.document.orders
        self._orders = OrderColumns.of(role, section.columns) if figures is not None and role else None
        self._reader = RowReader(section.batches())
        self._rows = 0
        self._sums = [
            _Sum(index, CurrencySource.of(column, section.columns), ColumnTotal())
            for index, column in enumerate(section.columns)
            if column.type is ColumnType.MONEY and is_summable(column.name)
        ]

    def write(self) -> Iterator[None]:
        """Write the sheets, pausing after each block of rows so that the zip's bytes can be taken."""
        frame = self._frame()
        names: list[str] = []
        while not names or self._reader.has_more:
            name = self._book.names.claim(self._section.label or self._section.name, number=len(names) + 1)
            names.append(name)
            yield from self._write_sheet(frame, name, len(names))
        self._book.sections.append(SectionSheets(label=self._section.label, rows=self._rows, sheets=tuple(names)))

    def _frame(self) -> SheetFrame:
        zone = self._book.document.request.time_zone
        styles = self._book.styles
        texts = [
            f"{column.label} ({zone})" if column.type is ColumnType.TIMESTAMP else column.label
            for column in self._columns
        ]
        faces = [Face.HEADER_OF_NUMBERS if are_numbers(column) else Face.HEADER for column in self._columns]
        return SheetFrame(
            headers=[(text, styles.number(Style(face))) for text, face in zip(texts, faces, strict=True)],
            widths=column_widths(
                self._columns,
                texts,
                self._reader.look_ahead(SAMPLE_ROWS),
                date_width=display_width(self._book.locale.format_date(_EXAMPLE_DATE)) + _TIME_PADDING,
                timestamp_width=display_width(self._book.locale.format_timestamp(_EXAMPLE_TIMESTAMP)) + _TIME_PADDING,
            ),
            footer=self._book.footer,
            right_to_left=self._book.right_to_left,
        )

    def _write_sheet(self, frame: SheetFrame, name: str, number_of_section: int) -> Iterator[None]:
        book, reader = self._book, self._reader
        sheet_number = len(book.sheets) + 2
        with ExitStack() as files:
            columns = SheetColumns.of(book=book, sheet=name, columns=self._columns, files=files)
            row, xml_bytes = 2, 0
            with open_part(book.archive, part_path(sheet_number)) as part:
                part.write(sheet_start(frame))
                # The last row is kept for the totals.
                while row < book.limits.rows and xml_bytes < book.limits.xml_bytes and reader.has_more:
                    block = Block(reader.take(min(_BLOCK_ROWS, book.limits.rows - row)), row)
                    xml = self._encode(columns, block)
                    xml_bytes += part.write(xml)
                    row += len(block.columns[0])
                    yield
                if not reader.has_more:
                    part.write(self._totals_row(row))
                end = SheetEnd(last_row=row - 1, links=columns.links, columns_of_text=columns_of_text(self._columns))
                write_joined(part, sheet_end(frame, end))
            if any(links.used for links in columns.links):
                write_part(
                    book.archive,
                    f"xl/worksheets/_rels/sheet{sheet_number}.xml.rels",
                    relationships_part(columns.links),
                )
        suffix = f"_{number_of_section}" if number_of_section > 1 else ""
        book.sheets.append(
            DataSheet(
                name=name,
                columns=len(self._columns),
                last_row=row - 1,
                range_name=f"data_{self._section.name}{suffix}",
            )
        )

    def _encode(self, columns: SheetColumns, block: Block) -> bytes:
        encoded = [encoder.encode(block) for encoder in columns.encoders]
        self._book.long_texts.flush()
        self._rows += len(block.columns[0])
        for each in self._sums:
            currencies = each.currency.read(block.columns)
            each.total.add(Amounts(block.columns[each.column], encoded[each.column]), currencies)
        if self._figures is not None and self._orders is not None:
            self._figures.add(self._orders.read(block.columns, encoded))
        return encode_rows(encoded, block.first_row)

    def _totals_row(self, row: int) -> bytes:
        """Return a row with the sums that are of one currency, or nothing if there is none or one row only."""
        totals = {each.column: each.total for each in self._sums if each.total.value is not None}
        if not totals or self._rows < 2:  # noqa: PLR2004  # the sum of one row is that row
            return b""
        cells = "".join(
            self._total_cell(f"{column_letters(index)}{row}", index, totals.get(index))
            for index in range(len(self._columns))
        )
        return f'<row r="{row}">{cells}</row>'.encode()

    def _total_cell(self, cell: str, index: int, total: ColumnTotal | None) -> str:
        styles = self._book.styles
        if total is not None and total.value is not None:
            text = f"{total.value:f}"
            number = read_number(text)
            if number is None:
                style = styles.number(Style(Face.TOTAL_NUMBER))
                return f'<c r="{cell}" s="{style}" t="inlineStr">{inline_string(text)}</c>'
            money = MoneyStyles(locale=self._book.locale, styles=styles, face=Face.TOTAL_NUMBER)
            return f'<c r="{cell}" s="{money.number(total.currency, number.decimals)}"><v>{text}</v></c>'
        style = styles.number(Style(Face.TOTAL))
        if index:
            return f'<c r="{cell}" s="{style}"/>'
        word = inline_string(self._book.locale.word(Word.TOTAL))
        return f'<c r="{cell}" s="{style}" t="inlineStr">{word}</c>'


def encode_rows(columns: Sequence[EncodedColumn], first_row: int) -> bytes:
    """Return the XML of rows from their columns: one format string, then the numbers of the rows."""
    row = f'<row r="{ROW_MARK}">{"".join(column.template for column in columns)}</row>'
    rows = map(row.__mod__, zip(*(column.values for column in columns), strict=True))
    numbers = map(str, range(first_row, first_row + len(columns[0].values)))
    # Encoded row by row: one Japanese note would make a string of a whole block twice as wide.
    return b"".join(map(str.encode, map(str.replace, rows, repeat(ROW_MARK), numbers)))
