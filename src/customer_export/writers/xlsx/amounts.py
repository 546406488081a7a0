"""Columns of numbers and of money, and the number formats that show them."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import get_currency_precision

from customer_export.model.columns import Cell
from customer_export.writers.locale import Locale
from customer_export.writers.xlsx.cells import ROW_MARK, Block, EncodedColumn, TextCells, cell_by_cell
from customer_export.writers.xlsx.currencies import CurrencySource
from customer_export.writers.xlsx.limits import FORMAT_DECIMALS, SIGNIFICANT_DIGITS
from customer_export.writers.xlsx.numbers import read_number, scale_of, uniform_numbers
from customer_export.writers.xlsx.styles import GENERAL, Face, Style, StyleSheet
from customer_export.writers.xlsx.text import has_no_null

_KEPT_STARTS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyStyles:
    """The styles of amounts by currency; what is no currency code gets a plain number with two decimals."""

    locale: Locale
    styles: StyleSheet
    face: Face

    def usual_decimals(self, currency: Cell) -> int:
        """Return the currency's own number of decimals (ISO 4217), two if it is unknown."""
        return get_currency_precision((currency or "").upper())

    def number(self, currency: Cell, decimals: int) -> int:
        """Return the number of the style that shows an amount with so many true decimals."""
        shown = max(self.usual_decimals(currency), decimals)
        if shown > FORMAT_DECIMALS:
            return self.styles.number(Style(self.face, GENERAL))
        number_format = self.locale.excel_money_format(currency or "", decimals=shown)
        return self.styles.number(Style(self.face, number_format))


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberEncoder:
    """Integers and decimals, shown with the decimals that are stored."""

    text: TextCells
    styles: StyleSheet

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        if has_no_null(cells):
            scale = scale_of(cells[0])
            if are_uniform(cells, scale=scale, decimals=scale):
                return EncodedColumn(self._start(scale) + "%s</v></c>", cells, scale)
        return cell_by_cell(cells, block.first_row, self._cell)

    def _cell(self, text: str, row: int) -> str:
        number = read_number(text)
        if number is None:
            return self.text.cell(text, row)
        return f"{self._start(number.scale)}{text}</v></c>"

    def _start(self, scale: int) -> str:
        style = self.styles.number(Style(Face.NUMBER, decimal_format(scale)))
        return f'<c r="{self.text.letters}{ROW_MARK}" s="{style}"><v>'


class MoneyEncoder:
    """Amounts in their row's currency, with its own number of decimals or more where an amount has more."""

    def __init__(self, *, text: TextCells, styles: MoneyStyles, currency: CurrencySource) -> None:
        self._text = text
        self._styles = styles
        self._currency = currency
        self._starts: dict[tuple[Cell, int], str] = {}

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self._text.column]
        currencies = self._currency.read(block.columns)
        if has_no_null(cells) and currencies.cells is None:
            scale = scale_of(cells[0])
            usual = self._styles.usual_decimals(currencies.only)
            if are_uniform(cells, scale=scale, decimals=min(scale, usual)):
                return EncodedColumn(self._start(currencies.only, 0) + "%s</v></c>", cells, scale)
        values = [
            "" if cell is None else self._cell(cell, currency, row)
            for row, (cell, currency) in enumerate(
                zip(cells, currencies.of_each(len(cells)), strict=True), block.first_row
            )
        ]
        return EncodedColumn("%s", values)

    def _cell(self, text: str, currency: Cell, row: int) -> str:
        number = read_number(text)
        if number is None:
            return self._text.cell(text, row)
        return f"{self._start(currency, number.decimals)}{text}</v></c>"

    def _start(self, currency: Cell, decimals: int) -> str:
        start = self._starts.get((currency, decimals))
        if start is None:
            # What stands in the data need not be a currency, and may be another text in every row.
            if len(self._starts) == _KEPT_STARTS:
                self._starts.clear()
            style = self._styles.number(currency, decimals)
            start = f'<c r="{self._text.letters}{ROW_MARK}" s="{style}"><v>'
            self._starts[currency, decimals] = start
        return start


def decimal_format(decimals: int) -> str:
    """Return the number format with so many decimals and without marks between groups: 2024 may be a year."""
    if decimals > FORMAT_DECIMALS:
        return GENERAL
    return "0." + "0" * decimals if decimals else "0"


def are_uniform(cells: Sequence[str], *, scale: int, decimals: int) -> bool:
    """Whether all cells are numbers of one scale that a workbook can hold."""
    if scale >= SIGNIFICANT_DIGITS:
        return False
    column = "\n".join([*cells, ""])
    return uniform_numbers(scale=scale, decimals=decimals).fullmatch(column) is not None
