"""The rows of a section as a report draws them: in portions of its own, written as people of a locale read them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.writers.locale import Locale
from customer_export.writers.pdf.cover import plain_blanks

ROWS_AT_ONCE = 500
"""Rows that are set and then drawn: about 5 MB of settings, and a child has work for a tenth of a second."""
CHARACTERS_AT_ONCE = 1 << 20
"""Of wide rows fewer are: what a batch may hold, too."""

_FORMATTED = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY, ColumnType.TIMESTAMP})


def in_portions(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Cut batches anew, by their rows alone: a portion's look must not depend on how the database gave them."""
    rows: list[tuple[Cell, ...]] = []
    characters = 0
    for row in chain.from_iterable(zip(*batch, strict=True) for batch in batches):
        rows.append(row)
        characters += sum(map(len, filter(None, row)))
        if len(rows) == ROWS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield list(zip(*rows, strict=True))
            rows, characters = [], 0
    if rows:
        yield list(zip(*rows, strict=True))


def write_for_people(batch: Batch, columns: Sequence[Column], locale: Locale) -> list[list[Cell]]:
    """Write the cells of some rows as people of a locale read them."""
    index = {column.name: number for number, column in enumerate(columns)}
    written = []
    for column, cells in zip(columns, batch, strict=True):
        currencies: Sequence[Cell] | str | None = column.currency_code
        if column.type is ColumnType.MONEY and column.currency in index:
            currencies = batch[index[column.currency]]
        texts = locale.format_column(cells, column.type, currencies)
        if column.type in _FORMATTED:
            texts = [None if text is None else plain_blanks(text) for text in texts]
        written.append(texts)
    return written
