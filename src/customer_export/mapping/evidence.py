"""What the data says: a few values of each column, and whether values are found in another table."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.customer_map import TableName
from customer_export.model.evidence import Match

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

    def match(
        self,
        table: TableName,
        columns: Sequence[str],
        *,
        target: TableName,
        to: Sequence[str],
        ignore_case: bool = False,
        only_if_null: Sequence[str] = (),
        only_if_zero: Sequence[str] = (),
    ) -> Match | None:
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
        """Give a column's values of many rows: of names that tell rows apart, nearly all that there are."""
        read = self._sampler.rows(table, [column], most_rows=MANY_ROWS)
        return [value for value in (read[0] if read else ()) if value is not None]

    def match(
        self,
        table: TableName,
        columns: Sequence[str],
        *,
        target: TableName,
        to: Sequence[str],
        ignore_case: bool = False,
        only_if_null: Sequence[str] = (),
        only_if_zero: Sequence[str] = (),
    ) -> Match | None:
        """Say how many of a sample of different values another table has. None where that cannot be said."""
        return self._sampler.match(
            table,
            columns,
            target=target,
            to=to,
            ignore_case=ignore_case,
            only_if_null=only_if_null,
            only_if_zero=only_if_zero,
        )

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
