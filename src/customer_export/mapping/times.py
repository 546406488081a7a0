"""Which column says when a row's event was: what `from` and `to` filter by, and rows are sorted by."""

from collections.abc import Mapping

from customer_export.mapping import vocabulary
from customer_export.mapping.column_types import TypeGuess
from customer_export.mapping.words import words_of
from customer_export.model.catalogue import CatalogueTable
from customer_export.model.columns import ColumnType

_MOMENTS = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP})


def time_of(table: CatalogueTable, guesses: Mapping[str, TypeGuess]) -> str | None:
    """Give the column of a table's event; None if no column is of one."""
    ranked = [
        (rank, column.nullable, place, column.name)
        for place, column in enumerate(table.columns)
        if column.name in guesses
        and guesses[column.name].type in _MOMENTS
        and (rank := _rank(words_of(column.name))) is not None
    ]
    return min(ranked)[-1] if ranked else None


def _rank(words: tuple[str, ...]) -> int | None:
    if vocabulary.EVENT_TIMES.names(words) or vocabulary.EVENT_TIMES.names(words[-2:]):
        return 0
    if vocabulary.CREATED_TIMES.said_in(words):
        return 1
    if vocabulary.OTHER_TIMES.said_in(words):
        return None
    return 2 if vocabulary.EVENT_TIMES.said_in(words) else 3
