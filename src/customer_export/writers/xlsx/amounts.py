"""Columns of numbers and of money, and the number formats that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from babel.numbers import get_currency_precision

from customer_export.model.columns import Cell
from customer_export.writers.locale import Locale
from customer_export.writers.xlsx.cells import (
    ROW_MARK,
    VALUE_MARK,
    Block,
    EncodedColumn,
    Sheet,
    TextCells,
    cell_by_cell,
    with_null,
    without_null,
)
from customer_export.writers.xlsx.currencies import CurrencySource
from customer_export.writers.xlsx.limits import FORMAT_DECIMALS
from customer_export.writers.xlsx.numbers import UniformNumbers, read_number, uniform_numbers
from customer_export.writers.xlsx.styles import GENERAL, Face, Style
from customer_export.writers.xlsx.text import as_octets

# Of every locale in use, the few currencies in use, with the decimals and the faces that they have.
_KEPT_STYLES = 1024

# ISO 4217: a currency code has three letters.
_CODE_LETTERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberEncoder:
    """Integers and decimals, shown with the decimals that are stored."""

    text: TextCells

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        numbers = uniform_numbers(cells) or uniform_numbers(without_null(cells))
        if numbers is None:
            return cell_by_cell(cells, block, self._cell)
        template = self._number_cell(VALUE_MARK, ROW_MARK, block.sheet, numbers.scale)
        return encode_numbers(cells, block, template, numbers)

    def _cell(self, text: str, row: int, sheet: Sheet) -> str:
        number = read_number(text)
        if number is None:
            return self.text.exact_cell(text, row, sheet)
        return self._number_cell(text, row, sheet, number.scale)

    def _number_cell(self, text: str, row: int | str, sheet: Sheet, scale: int) -> str:
        style = sheet.styles.number(Style(Face.NUMBER, decimal_format(scale)))
        return self.text.number_cell(row, style, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyEncoder:
    """Amounts in their row's currency, with its own number of decimals or more where an amount has more."""

    text: TextCells
    locale: Locale
    currency: CurrencySource

    def encode(self, block: Block) -> EncodedColumn:
        """Encode the column's cells of a block."""
        cells = block.columns[self.text.column]
        currencies = block.currencies(self.currency)
        if currencies.cells is None:
            usual = usual_decimals(currencies.only)
            numbers = uniform_numbers(cells, decimals=usual) or uniform_numbers(without_null(cells), decimals=usual)
            if numbers is not None:
                template = self._number_cell(VALUE_MARK, ROW_MARK, block.sheet, currencies.only, 0)
                return encode_numbers(cells, block, template, numbers)
        values = [
            "" if cell is None else self._cell(cell, row, block.sheet, currency)
            for row, (cell, currency) in enumerate(
                zip(cells, currencies.of_each(len(cells)), strict=True), block.first_row
            )
        ]
        return EncodedColumn(VALUE_MARK, as_octets(values))

    def _cell(self, text: str, row: int, sheet: Sheet, currency: Cell) -> str:
        number = read_number(text)
        if number is None:
            return self.text.exact_cell(text, row, sheet)
        return self._number_cell(text, row, sheet, currency, number.decimals)

    def _number_cell(self, text: str, row: int | str, sheet: Sheet, currency: Cell, decimals: int) -> str:
        style = money_style(self.locale, Face.NUMBER, currency, decimals=decimals)
        return self.text.number_cell(row, sheet.styles.number(style), text)


def encode_numbers(cells: Sequence[Cell], block: Block, template: str, numbers: UniformNumbers) -> EncodedColumn:
    """Encode a column of numbers of one scale, and of NULL."""
    if len(numbers.texts) == len(cells):
        return EncodedColumn(template, numbers.texts, numbers.scale)
    return with_null(cells, block, template, numbers.texts)


def usual_decimals(currency: Cell) -> int:
    """Return a currency's own number of decimals (ISO 4217), two if it is unknown."""
    return get_currency_precision((currency or "").upper())


def money_style(locale: Locale, face: Face, currency: Cell, *, decimals: int) -> Style:
    """Return the style of an amount with so many true decimals.

    What is no currency code gets a plain number with two decimals or more. It may be of any length, and stand in
    one row only, and is not worth keeping.
    """
    code = currency or ""
    make = _make_money_style if len(code) == _CODE_LETTERS else _make_money_style.__wrapped__
    return make(locale, face, code, decimals)


@lru_cache(maxsize=_KEPT_STYLES)
def _make_money_style(locale: Locale, face: Face, code: str, decimals: int) -> Style:
    shown = max(usual_decimals(code), decimals)
    return Style(face, GENERAL if shown > FORMAT_DECIMALS else locale.excel_money_format(code, decimals=shown))


def decimal_format(decimals: int) -> str:
    """Return the number format with so many decimals and without marks between groups: 2024 may be a year."""
    if decimals > FORMAT_DECIMALS:
        return GENERAL
    return "0." + "0" * decimals if decimals else "0"
