"""Columns of cells as XML, a block of rows at a time and column by column.

An encoder gives a template with one `%s` and the values for it, so that a row of the sheet is one format string
made of its columns' templates. Where all cells of a block are alike the template is the cell and the values are
bare; where they are not, the template is `%s` and each value a whole cell. Both give the same bytes. The number of
the row is put in last, in place of ROW_MARK.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from customer_export.model.columns import Cell
from customer_export.writers.xlsx.links import ColumnLinks
from customer_export.writers.xlsx.long_texts import NEVER_TOO_LONG, LongTexts
from customer_export.writers.xlsx.text import has_no_null, inline_string, need_no_escape
from customer_export.writers.xlsx.times import WallClock, date_serial, date_serials

# XML cannot hold this character, so that no encoded cell has it.
ROW_MARK = "\0"


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive rows that go to one sheet: cells by column, and the sheet row of the first, from 1."""

    columns: Sequence[Sequence[Cell]]
    first_row: int


@dataclass(frozen=True, slots=True)
class EncodedColumn:
    """A column of a block: `template % value` is a cell, or nothing for NULL.

    `scale` is that of all cells if they all are numbers of one scale.
    """

    template: str
    values: Sequence[str]
    scale: int | None = None

    @property
    def is_uniform(self) -> bool:
        """Whether every cell is of the column's own type."""
        return self.template != "%s"


class ColumnEncoder(Protocol):
    """Encodes one column of one sheet."""

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCells:
    """Cells of text: what every column falls back to for a value that is not of its type."""

    sheet: str
    column: int
    letters: str
    style: int
    long_texts: LongTexts

    @property
    def template(self) -> str:
        """A cell with plain text for its `%s`."""
        return f"{self._start(self.style)}<is><t>%s</t></is></c>"

    def cell(self, text: str, row: int) -> str:
        """Write a cell of any text; `row` tells where it stands if it is too long for one."""
        return self.cell_of_style(text, row, self.style)

    def cell_of_style(self, text: str, row: int, style: int) -> str:
        """Write a cell of any text in another style."""
        if len(text) > NEVER_TOO_LONG:
            text = self.long_texts.shorten(text, sheet=self.sheet, column=self.column, letters=self.letters, row=row)
        return f"{self._start(style)}{inline_string(text)}</c>"

    def _start(self, style: int) -> str:
        return f'<c r="{self.letters}{ROW_MARK}" s="{style}" t="inlineStr">'


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoder:
    """Text of every kind."""

    text: TextCells

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        texts = cells if has_no_null(cells) else [cell for cell in cells if cell is not None]
        short = max(map(len, texts), default=0) <= NEVER_TOO_LONG
        if not short or not need_no_escape(texts):
            return cell_by_cell(cells, block.first_row, self.text.cell)
        if texts is cells and "".join(texts).isprintable():
            return EncodedColumn(self.text.template, texts)
        # Line feeds are the usual exception: the other cells are not made to wait for them.
        start, end = self.text.template.split("%s")
        values = [
            "" if cell is None else f"{start}{cell}{end}" if cell.isprintable() else self.text.cell(cell, row)
            for row, cell in enumerate(cells, block.first_row)
        ]
        return EncodedColumn("%s", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEncoder:
    """E-mail and web addresses, linked where `target_of` finds them safe and as long as links are left."""

    text: TextCells
    links: ColumnLinks
    target_of: Callable[[str], str | None]
    style: int

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        return cell_by_cell(block.columns[self.text.column], block.first_row, self._cell)

    def _cell(self, text: str, row: int) -> str:
        target = self.target_of(text)
        if target is not None and self.links.add(row, target):
            return self.text.cell_of_style(text, row, self.style)
        return self.text.cell(text, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanEncoder:
    """`true` and `false`, which a workbook shows in its reader's language."""

    text: TextCells
    style: int

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        start = f'<c r="{self.text.letters}{ROW_MARK}" s="{self.style}" t="b"><v>'
        known = {"true": f"{start}1</v></c>", "false": f"{start}0</v></c>"}
        return cell_by_cell(
            block.columns[self.text.column],
            block.first_row,
            lambda cell, row: known.get(cell) or self.text.cell(cell, row),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DateEncoder:
    """Dates from March 1900 on; others stay text."""

    text: TextCells
    style: int

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        serials = date_serials(cells) if has_no_null(cells) else None
        if serials is not None:
            return EncodedColumn(self._start() + "%s</v></c>", serials)
        return cell_by_cell(cells, block.first_row, self._cell)

    def _cell(self, text: str, row: int) -> str:
        serial = date_serial(text)
        return self.text.cell(text, row) if serial is None else f"{self._start()}{serial}</v></c>"

    def _start(self) -> str:
        return f'<c r="{self.text.letters}{ROW_MARK}" s="{self.style}"><v>'


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampEncoder:
    """Wall times in the export's zone; `style_of_fractions` shows thousandths of a second."""

    text: TextCells
    clock: WallClock
    style: int
    style_of_fractions: int

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        serials = self.clock.whole_second_serials(cells) if has_no_null(cells) else None
        if serials is not None:
            return EncodedColumn(self._start(self.style) + "%s</v></c>", serials)
        return cell_by_cell(cells, block.first_row, self._cell)

    def _cell(self, text: str, row: int) -> str:
        moment = self.clock.serial(text)
        if moment is None:
            return self.text.cell(text, row)
        style = self.style_of_fractions if moment.has_fraction else self.style
        return f"{self._start(style)}{moment.serial}</v></c>"

    def _start(self, style: int) -> str:
        return f'<c r="{self.text.letters}{ROW_MARK}" s="{style}"><v>'


def cell_by_cell(cells: Sequence[Cell], first_row: int, write: Callable[[str, int], str]) -> EncodedColumn:
    """Encode a column whose cells are not alike; `write` gets a text and its row in the sheet."""
    values = ["" if cell is None else write(cell, row) for row, cell in enumerate(cells, first_row)]
    return EncodedColumn("%s", values)
