"""Columns of cells as XML, a block of rows at a time and column by column.

An encoder gives a template of a cell and the values that stand in it, so that a row of the sheet is the templates of
its columns. Where all cells of a block are alike the template is the cell and the values are bare; where they are
not, the template is nothing but the value, and each value a whole cell. Both give the same bytes.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from customer_export.model.columns import Cell
from customer_export.model.ledger import AlterationKind, Limit
from customer_export.writers.xlsx.currencies import CurrencySource, RowCurrencies
from customer_export.writers.xlsx.limits import LINKS_PER_SHEET
from customer_export.writers.xlsx.links import ColumnLinks
from customer_export.writers.xlsx.long_texts import LongTexts
from customer_export.writers.xlsx.notes import SheetNotes
from customer_export.writers.xlsx.styles import Style, StyleSheet
from customer_export.writers.xlsx.text import (
    NEVER_TOO_LONG,
    as_octets,
    escape_characters,
    plain_contents,
    string_element,
)
from customer_export.writers.xlsx.times import Moment, WallClock, date_serial, date_serials

# XML cannot hold these characters, so that no encoded cell has them.
ROW_MARK, VALUE_MARK = "\0", "\1"

_MARKS = re.compile(f"[{ROW_MARK}{VALUE_MARK}]")

_BITS: Mapping[Cell, str] = {"true": "1", "false": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet while it is written, as its cells see it; `links` has those of the columns that are linked.

    What cells change goes into `notes`.
    """

    name: str
    styles: StyleSheet
    long_texts: LongTexts
    links: Mapping[int, ColumnLinks]
    notes: SheetNotes


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive rows that go to one sheet: cells by column, and the sheet row of the first, from 1."""

    columns: Sequence[Sequence[Cell]]
    first_row: int
    sheet: Sheet
    _currencies: dict[CurrencySource, RowCurrencies] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0])

    def currencies(self, source: CurrencySource) -> RowCurrencies:
        """Return the currencies of the rows, looked at once for all columns of money."""
        found = self._currencies.get(source)
        if found is None:
            found = self._currencies[source] = source.read(self.columns)
        return found


@dataclass(frozen=True, slots=True)
class EncodedColumn:
    """A column of a block: the template with a value in it is a cell, or nothing for NULL.

    The values are octets (see `as_octets`). `scale` is that of all cells if they all are numbers of one scale; the
    values are then the cells.
    """

    template: str
    values: Sequence[str]
    scale: int | None = None

    @property
    def is_uniform(self) -> bool:
        """Whether every cell is of the column's own type."""
        return self.template != VALUE_MARK


class ColumnEncoder(Protocol):
    """Encodes one column of a section; it knows nothing of a customer, and serves all exports."""

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCells:
    """Cells of text: what every column falls back to for a value that is not of its type."""

    column: int
    letters: str
    style: Style

    def cell(self, text: str, row: int, sheet: Sheet) -> str:
        """Write a cell of any text."""
        return self.cell_of_style(text, row, sheet, self.style)

    def exact_cell(self, text: str, row: int, sheet: Sheet) -> str:
        """Write a cell of a number, moment or truth value that a workbook can't hold as such without changing it."""
        sheet.notes.add(self.column, AlterationKind.KEPT_AS_TEXT, row)
        return self.cell(text, row, sheet)

    def cell_of_style(self, text: str, row: int, sheet: Sheet, style: Style) -> str:
        """Write a cell of any text in another style."""
        if len(text) > NEVER_TOO_LONG:
            text = self._shortened(text, row, sheet)
        escaped = escape_characters(text)
        if escaped is not text and escaped != text:
            sheet.notes.add(self.column, AlterationKind.CONTROL_CHARACTER_ESCAPED, row)
        number = sheet.styles.number(style)
        return f'<c r="{self.letters}{row}" s="{number}" t="inlineStr">{string_element(text, escaped)}</c>'

    def _shortened(self, text: str, row: int, sheet: Sheet) -> str:
        shown = sheet.long_texts.shorten(text, sheet=sheet.name, column=self.column, letters=self.letters, row=row)
        if shown is not text:
            sheet.notes.add(self.column, AlterationKind.CELL_CONTINUED, row)
            if escape_characters(shown) == shown and escape_characters(text) != text:  # in what goes on elsewhere
                sheet.notes.add(self.column, AlterationKind.CONTROL_CHARACTER_ESCAPED, row)
        return shown

    def number_cell(self, row: int | str, style: int, number: str) -> str:
        """Write a cell of the same column with a number; row and number may be marks."""
        return f'<c r="{self.letters}{row}" s="{style}"><v>{number}</v></c>'


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoder:
    """Text of every kind."""

    text: TextCells

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        style = block.sheet.styles.number(self.text.style)
        start = f'<c r="{self.text.letters}{ROW_MARK}" s="{style}" t="inlineStr">'
        template = f"{start}<is><t>{VALUE_MARK}</t></is></c>"
        return encode_alike(cells, block, template, plain_contents) or cell_by_cell(cells, block, self.text.cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEncoder:
    """E-mail and web addresses, linked where `target_of` finds them safe and as long as links are left."""

    text: TextCells
    target_of: Callable[[str], str | None]
    style: Style

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        return cell_by_cell(block.columns[self.text.column], block, self._cell)

    def _cell(self, text: str, row: int, sheet: Sheet) -> str:
        target = self.target_of(text)
        if target is not None:
            if sheet.links[self.text.column].add(row, target):
                return self.text.cell_of_style(text, row, sheet, self.style)
            sheet.notes.reach(Limit.SHEET_LINKS, LINKS_PER_SHEET)
        return self.text.cell(text, row, sheet)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanEncoder:
    """`true` and `false`, which a workbook shows in its reader's language."""

    text: TextCells
    style: Style

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        template = self._bit_cell(VALUE_MARK, ROW_MARK, block.sheet)
        return encode_alike(cells, block, template, _bits) or cell_by_cell(cells, block, self._cell)

    def _cell(self, text: str, row: int, sheet: Sheet) -> str:
        bit = _BITS.get(text)
        return self.text.exact_cell(text, row, sheet) if bit is None else self._bit_cell(bit, row, sheet)

    def _bit_cell(self, bit: str, row: int | str, sheet: Sheet) -> str:
        return f'<c r="{self.text.letters}{row}" s="{sheet.styles.number(self.style)}" t="b"><v>{bit}</v></c>'


@dataclass(frozen=True, slots=True, kw_only=True)
class DateEncoder:
    """Dates from March 1900 on; others stay text."""

    text: TextCells
    style: Style

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        template = self.text.number_cell(ROW_MARK, block.sheet.styles.number(self.style), VALUE_MARK)
        return encode_alike(cells, block, template, date_serials) or cell_by_cell(cells, block, self._cell)

    def _cell(self, text: str, row: int, sheet: Sheet) -> str:
        serial = date_serial(text)
        if serial is None:
            return self.text.exact_cell(text, row, sheet)
        return self.text.number_cell(row, sheet.styles.number(self.style), serial)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampEncoder:
    """Wall times in the export's zone; `style_of_fractions` shows thousandths of a second."""

    text: TextCells
    clock: WallClock
    style: Style
    style_of_fractions: Style

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        template = self._cell(Moment(VALUE_MARK, has_fraction=False), ROW_MARK, block.sheet)
        alike = encode_alike(cells, block, template, self.clock.whole_second_serials)
        return alike or self._encode_moments(cells, block)

    def _encode_moments(self, cells: Sequence[Cell], block: Block) -> EncodedColumn:
        moments = [None if cell is None else self.clock.serial(cell) for cell in cells]
        true_moments = [moment for moment in moments if moment is not None]
        kinds = {moment.has_fraction for moment in true_moments}
        if len(true_moments) == len(cells) and len(kinds) == 1:
            template = self._cell(Moment(VALUE_MARK, has_fraction=kinds.pop()), ROW_MARK, block.sheet)
            return EncodedColumn(template, [moment.serial for moment in true_moments])
        values = [
            ""
            if cell is None
            else self.text.exact_cell(cell, row, block.sheet)
            if moment is None
            else self._cell(moment, row, block.sheet)
            for row, (cell, moment) in enumerate(zip(cells, moments, strict=True), block.first_row)
        ]
        return EncodedColumn(VALUE_MARK, as_octets(values))

    def _cell(self, moment: Moment, row: int | str, sheet: Sheet) -> str:
        style = sheet.styles.number(self.style_of_fractions if moment.has_fraction else self.style)
        return self.text.number_cell(row, style, moment.serial)


def encode_alike(
    cells: Sequence[Cell], block: Block, template: str, values_of: Callable[[Sequence[Cell]], Sequence[str] | None]
) -> EncodedColumn | None:
    """Encode a column whose cells are alike but for NULL, or return None; `values_of` gives None if they are not."""
    values = values_of(cells)
    if values is not None:
        return EncodedColumn(template, values)
    texts = without_null(cells)
    values = values_of(texts) if 0 < len(texts) < len(cells) else None
    return None if values is None else with_null(cells, block, template, values)


def without_null(cells: Sequence[Cell]) -> list[str]:
    """Return the cells that have a text."""
    return [cell for cell in cells if cell is not None]


def with_null(cells: Sequence[Cell], block: Block, template: str, values: Iterable[str]) -> EncodedColumn:
    """Encode a column of which `values` has those that are not NULL."""
    start, middle, end = _MARKS.split(template)
    rest = iter(values)
    return EncodedColumn(
        VALUE_MARK,
        [
            "" if cell is None else f"{start}{row}{middle}{next(rest)}{end}"
            for row, cell in enumerate(cells, block.first_row)
        ],
    )


def _bits(cells: Sequence[Cell]) -> list[str] | None:
    try:
        return [_BITS[cell] for cell in cells]
    except KeyError:
        return None


def cell_by_cell(cells: Sequence[Cell], block: Block, write: Callable[[str, int, Sheet], str]) -> EncodedColumn:
    """Encode a column whose cells are not alike; `write` gets a text and its row in the sheet."""
    sheet = block.sheet
    values = ["" if cell is None else write(cell, row, sheet) for row, cell in enumerate(cells, block.first_row)]
    return EncodedColumn(VALUE_MARK, as_octets(values))
