"""A section as a sheet, or as several where one is too small for it."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from customer_export.errors import InvalidRequestError
from customer_export.model.document import SectionStream
from customer_export.model.ledger import Limit
from customer_export.writers.locale import Word
from customer_export.writers.xlsx.amounts import money_style
from customer_export.writers.xlsx.book import Book, DataSheet, SectionSheets
from customer_export.writers.xlsx.cells import ROW_MARK, VALUE_MARK, Block, EncodedColumn, Sheet
from customer_export.writers.xlsx.columns import layout_of
from customer_export.writers.xlsx.figures import OrderColumns, OrderFigures
from customer_export.writers.xlsx.limits import COLUMNS
from customer_export.writers.xlsx.links import closing_links, relationships_part
from customer_export.writers.xlsx.names import column_letters
from customer_export.writers.xlsx.notes import SheetNotes
from customer_export.writers.xlsx.numbers import read_number
from customer_export.writers.xlsx.rows import RowReader
from customer_export.writers.xlsx.sheet import SheetEnd, SheetFrame, sheet_end, sheet_start
from customer_export.writers.xlsx.styles import Face, Style
from customer_export.writers.xlsx.sums import Amounts, ColumnTotal
from customer_export.writers.xlsx.text import inline_string
from customer_export.writers.xlsx.widths import SAMPLE_ROWS, column_widths

# As sources give them: a few rows first, then as many as are worth a batch. So most blocks are batches, and nothing
# is cut or joined. A block's XML stays in the processor's cache; larger ones are no faster.
_FIRST_BLOCK_ROWS = 64
_BLOCK_ROWS = 1_024

# Of as many sections and mixtures of uniform columns; each takes a few kB.
_KEPT_ROWS = 256
_MARKS = re.compile(f"([{ROW_MARK}{VALUE_MARK}])")


def part_path(sheet_number: int) -> str:
    """Return the path of a sheet in the zip."""
    return f"xl/worksheets/sheet{sheet_number}.xml"


class SectionWriter:
    """Writes one section's sheets; `figures` are filled if the section is that of the orders.

    Raises InvalidRequestError if the section has more columns than a sheet can have.
    """

    def __init__(self, *, book: Book, section: SectionStream, figures: OrderFigures | None) -> None:
        if len(section.columns) > COLUMNS:
            raise InvalidRequestError(
                f"Invalid request parameters: format: a workbook holds {COLUMNS:,} columns and the section "
                f"{section.name!r} has {len(section.columns):,}; leave it out of sections, or choose another format"
            )
        self._book = book
        self._section = section
        self._layout = layout_of(section.columns, book.locale, book.document.request.time_zone)
        self._figures = figures
        role = book.document.orders
        self._orders = OrderColumns.of(role, section.columns) if figures is not None and role else None
        self._reader = RowReader(section.batches())
        self._ledger = book.document.ledger.section(section.name)
        self._notes = SheetNotes(self._ledger, section.columns)
        self._rows = 0
        self._totals = {column: ColumnTotal() for column in self._layout.sums if book.design.totals}

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
        layout = self._layout
        header_styles = [self._book.styles.number(style) for style in layout.header_styles]
        for style in layout.styles:
            # Numbered whether or not there are rows, so that there are fewer kinds of shells.
            self._book.styles.number(style)
        return SheetFrame(
            headers=tuple(zip(layout.headers, header_styles, strict=True)),
            widths=column_widths(layout.widths, self._reader.look_ahead(SAMPLE_ROWS)),
            footer=self._book.footer,
            right_to_left=self._book.right_to_left,
        )

    def _write_sheet(self, frame: SheetFrame, name: str, number_of_section: int) -> Iterator[None]:
        book, reader, layout = self._book, self._reader, self._layout
        sheet_number = book.next_sheet_number
        with closing_links(layout.linked) as links:
            sheet = Sheet(name=name, styles=book.styles, long_texts=book.long_texts, links=links, notes=self._notes)
            row, xml_bytes, wanted = 2, 0, _FIRST_BLOCK_ROWS if number_of_section == 1 else _BLOCK_ROWS
            with book.package.open(part_path(sheet_number)) as part:
                part.write(sheet_start(frame))
                # The last row is kept for the totals.
                while row < book.limits.rows and xml_bytes < book.limits.xml_bytes and reader.has_more:
                    block = Block(reader.take(min(wanted, book.limits.rows - row)), row, sheet)
                    wanted = _BLOCK_ROWS
                    xml = self._encode(block)
                    part.write(xml)
                    xml_bytes += len(xml)
                    row += block.rows
                    yield
                if not reader.has_more:
                    part.write(self._totals_row(row))
                elif row == book.limits.rows:
                    self._ledger.reach(Limit.SHEET_ROWS, value=book.limits.rows)
                else:
                    self._ledger.reach(Limit.SHEET_XML_BYTES, value=book.limits.xml_bytes)
                end = SheetEnd(last_row=row - 1, links=tuple(links.values()), columns_of_text=layout.texts)
                part.write_all(sheet_end(frame, end))
            if any(column.used for column in links.values()):
                with book.package.open(f"xl/worksheets/_rels/sheet{sheet_number}.xml.rels") as part:
                    part.write_all(relationships_part(links.values()))
        suffix = f"_{number_of_section}" if number_of_section > 1 else ""
        book.sheets.append(
            DataSheet(
                name=name,
                columns=len(layout.columns),
                last_row=row - 1,
                range_name=f"data_{self._section.name}{suffix}",
            )
        )

    def _encode(self, block: Block) -> bytes:
        encoded = [encoder.encode(block) for encoder in self._layout.encoders]
        self._book.long_texts.flush()
        self._notes.flush(first_row=block.first_row, rows=block.rows)
        self._rows += block.rows
        amounts = [Amounts(*column) for column in zip(block.columns, encoded, strict=True)]
        for column, total in self._totals.items():
            total.add(amounts[column], block.currencies(self._layout.sums[column]))
        if self._figures is not None and self._orders is not None:
            self._figures.add(self._orders.read(block, encoded, amounts))
        return encode_rows(encoded, block.first_row)

    def _totals_row(self, row: int) -> bytes:
        """Return a row with the sums that are of one currency, or nothing if there is none or one row only."""
        totals = {column: total for column, total in self._totals.items() if total.value is not None}
        if not totals or self._rows < 2:  # noqa: PLR2004  # the sum of one row is that row
            return b""
        cells = "".join(
            self._total_cell(f"{column_letters(index)}{row}", index, totals.get(index))
            for index in range(len(self._layout.columns))
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
            money = money_style(self._book.locale, Face.TOTAL_NUMBER, total.currency, decimals=number.decimals)
            return f'<c r="{cell}" s="{styles.number(money)}"><v>{text}</v></c>'
        style = styles.number(Style(Face.TOTAL))
        if index:
            return f'<c r="{cell}" s="{style}"/>'
        word = inline_string(self._book.locale.word(Word.TOTAL))
        return f'<c r="{cell}" s="{style}" t="inlineStr">{word}</c>'


def encode_rows(columns: Sequence[EncodedColumn], first_row: int) -> bytes:
    """Return the XML of rows from their columns.

    A list of all pieces of all rows is laid out with those that are the same in every row; the numbers of the rows
    and the values of a column then go to their places in one assignment each.
    """
    pieces, number_places, value_places = _row_pieces(tuple(column.template for column in columns))
    rows, step = len(columns[0].values), len(pieces)
    xml = pieces * rows
    numbers = list(map(str, range(first_row, first_row + rows)))
    for place in number_places:
        xml[place::step] = numbers
    for place, column in zip(value_places, columns, strict=True):
        xml[place::step] = column.values
    return "".join(xml).encode("latin-1")


@lru_cache(maxsize=_KEPT_ROWS)
def _row_pieces(templates: tuple[str, ...]) -> tuple[list[str], list[int], list[int]]:
    """Cut a row at its marks; returns the pieces, and the places of row numbers and of values among them."""
    row = f'<row r="{ROW_MARK}">{"".join(templates)}</row>'
    pieces = [piece for piece in _MARKS.split(row) if piece]
    places = list(enumerate(pieces))
    return (
        pieces,
        [place for place, piece in places if piece == ROW_MARK],
        [place for place, piece in places if piece == VALUE_MARK],
    )
