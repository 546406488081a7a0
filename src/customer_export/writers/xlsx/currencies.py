"""Which currency the amounts of a money column are in."""

from collections.abc import Sequence
from dataclasses import dataclass

from customer_export.model.columns import Cell, Column


@dataclass(frozen=True, slots=True)
class RowCurrencies:
    """The currencies of some rows: those of `cells`, or `only` that of them all if there are no cells."""

    only: Cell
    cells: Sequence[Cell] | None = None

    def of_each(self, rows: int) -> Sequence[Cell]:
        """Return the currency of each of the rows."""
        return [self.only] * rows if self.cells is None else self.cells


@dataclass(frozen=True, slots=True)
class CurrencySource:
    """Where a money column has its currency from: the index of a column, or one code (None: unknown)."""

    code: str | None = None
    column: int | None = None

    @classmethod
    def of(cls, column: Column, columns: Sequence[Column]) -> "CurrencySource":
        """Find the source for a column among the exported ones; a hidden currency is unknown."""
        names = [other.name for other in columns]
        if column.currency in names:
            return cls(column=names.index(column.currency))
        return cls(code=column.currency_code)

    def read(self, columns: Sequence[Sequence[Cell]]) -> RowCurrencies:
        """Return the currencies of a block's rows, as one if they are all alike."""
        if self.column is None:
            return RowCurrencies(self.code)
        cells = columns[self.column]
        alike = cells.count(cells[0]) == len(cells)
        return RowCurrencies(cells[0], None if alike else cells)
