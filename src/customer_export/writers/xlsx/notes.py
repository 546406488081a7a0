"""What the cells of a sheet change, on its way to the ledger, which counts the rows of the section."""

from collections.abc import Sequence

from customer_export.model.columns import Column
from customer_export.model.ledger import AlterationKind, Limit, SectionLedger


class SheetNotes:
    """Collects what is changed in a block of rows: columns by their indexes, rows by those of the sheet."""

    def __init__(self, ledger: SectionLedger, columns: Sequence[Column]) -> None:
        self._ledger = ledger
        self._columns = columns
        self._noted: dict[tuple[int, AlterationKind], list[int]] = {}

    def add(self, column: int, kind: AlterationKind, row: int) -> None:
        """Note a change of one cell; a column's rows come in their order."""
        self._noted.setdefault((column, kind), []).append(row)

    def reach(self, limit: Limit, value: int) -> None:
        """Note that a limit was reached."""
        self._ledger.reach(limit, value=value)

    def flush(self, *, first_row: int, rows: int) -> None:
        """Put a block of rows into the ledger, given the sheet's row of the first."""
        for (column, kind), noted in self._noted.items():
            self._ledger.add(self._columns[column].name, kind, [row - first_row for row in noted])
        self._noted.clear()
        self._ledger.advance(rows)
