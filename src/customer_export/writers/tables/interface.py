"""What the format of a table is."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

from customer_export.model.columns import Batch, Column
from customer_export.model.ledger import SectionLedger

KeyedRows: TypeAlias = Iterator[tuple[Sequence[str], Batch]]
"""Rows, column by column, each some of one section, with the customer's key of every row."""


class TableWriter(Protocol):
    """Turns the rows of one section into the bytes of one file. Keeps no state between calls."""

    @property
    def media_type(self) -> str:
        """The Content-Type of the file."""

    def write(
        self, section: str, columns: Sequence[Column], rows: KeyedRows, *, ledger: SectionLedger
    ) -> Iterator[bytes]:
        """Give the file's bytes in order; the first of the columns is the key's. What `rows` raises passes through.

        What had to be changed is noted in `ledger`.
        """
