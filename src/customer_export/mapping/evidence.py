"""What the data says: a few values of each column, and whether values are found in another table."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.customer_map import TableName
from customer_export.model.evidence import Comparison, Match

SAMPLED_ROWS = 300  # of a table that is looked into: a form that 300 values have is the column's form

MANY_ROWS = 20_000  # of one short column, where the rare value matters

_UNREADABLE = frozenset({Kind.BINARY})
"""Kinds whose values are no text."""


class Sampler(Protocol):
    """Reads a little of a database."""

    def rows(
        self, table: TableName, columns: Sequence[str], *, most_rows: int
    ) -> Sequence[Sequence[str | None]] | None:
        """Give the beginning of each value of some rows as text, column by column; None where it cannot be had."""

    def different(self, table: TableName, column: str, *, most_values: int) -> Sequence[str | None] | None:
        """Give the different values of a column, cut like those of `rows`. None where they cannot be had."""

    def match(self, comparison: Comparison) -> Match | None:
        """Say how many of a sample of different values another table has. None where that cannot be said."""

    def has_rows(self, table: TableName, *, null: Sequence[str], given: Sequence[str]) -> bool | None:
        """Say whether rows have NULL in some columns and values in others. None where that cannot be said."""

    def has_zeros(self, table: TableName, column: str) -> bool | None:
        """Say whether rows have 0 in a column. None where that cannot be said."""


class Evidence:
    """Samples of a catalogue's tables, each read once, when it is first asked for."""

    def __init__(self, catalogue: Catalogue, sampler: Sampler) -> None:
        self._catalogue = catalogue
        self._sampler = sampler
        self._samples: dict[TableName, Mapping[str, Sequence[str | None]] | None] = {}

    def is_readable(self, table: TableName) -> bool:
        """Whether some rows could be read."""
        return self._sample(table) is not None

    def rows(self, table: TableName) -> int:
        """Say how many rows were read."""
        return max((len(values) for values in (self._sample(table) or {}).values()), default=0)

    def column(self, table: TableName, column: str) -> Sequence[str | None]:
        """Give the values of a column, as many as rows were read."""
        return (self._sample(table) or {}).get(column, ())

    def values(self, table: TableName, column: str) -> tuple[str, ...]:
        """Give the values of a column that are there and not blank."""
        return tuple(value for value in self.column(table, column) if value is not None and value.strip())

    def many(self, table: TableName, column: str) -> Sequence[str]:
        """Give the values of a column of many rows, as often as they are there."""
        read = self._sampler.rows(table, [column], most_rows=MANY_ROWS)
        return [value for value in (read[0] if read else ()) if value is not None]

    def differ(self, table: TableName, columns: Sequence[str]) -> bool:
        """Whether no two rows have the same values; False where there are too many to say."""
        read = self._sampler.rows(table, columns, most_rows=MANY_ROWS)
        rows = [] if read is None else list(zip(*read, strict=True))
        return 0 < len(rows) < MANY_ROWS and len(set(rows)) == len(rows)

    def different(self, table: TableName, column: str) -> Sequence[str]:
        """Give a column's different values; of a table that is too large for it, those of many rows."""
        found = self._sampler.different(table, column, most_values=MANY_ROWS)
        if found is None:
            read = self._sampler.rows(table, [column], most_rows=MANY_ROWS)
            found = read[0] if read else ()
        return list(dict.fromkeys(value for value in found if value is not None))

    def match(self, comparison: Comparison) -> Match | None:
        """Say how many of a sample of different values another table has. None where that cannot be said."""
        return self._sampler.match(comparison)

    def has_rows(self, table: TableName, *, null: Sequence[str], given: Sequence[str]) -> bool:
        """Say whether rows have NULL in some columns and values in others; they may, where nobody can tell."""
        return self._sampler.has_rows(table, null=null, given=given) is not False

    def has_zeros(self, table: TableName, column: str) -> bool | None:
        """Say whether rows have 0 in a column. None where that cannot be said."""
        return self._sampler.has_zeros(table, column)

    def _sample(self, table: TableName) -> Mapping[str, Sequence[str | None]] | None:
        if table not in self._samples:
            self._samples[table] = self._read(self._catalogue.tables[table])
        return self._samples[table]

    def _read(self, table: CatalogueTable) -> Mapping[str, Sequence[str | None]] | None:
        columns = [column.name for column in table.columns if column.kind not in _UNREADABLE]
        if not columns:
            return {}
        rows = self._sampler.rows(table.name, columns, most_rows=SAMPLED_ROWS)
        return None if rows is None else dict(zip(columns, rows, strict=True))
