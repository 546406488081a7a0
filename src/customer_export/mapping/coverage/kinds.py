"""The kinds of rows that a database has: the values of columns that say which rows a link is for (`only_if`)."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from customer_export.mapping.coverage.names import find_table, named_parts
from customer_export.model.catalogue import Catalogue
from customer_export.model.customer_map import CustomerMap, TableName

MOST_KINDS = 300  # of a column; one with more says something else than a kind

KindsOfTables: TypeAlias = Mapping[TableName, Mapping[str, Sequence[str]]]
"""Of each table the columns that links go by, with their values."""


class Different(Protocol):
    """Reads the different values of a column."""

    def different(self, table: TableName, column: str, *, most_values: int) -> Sequence[str | None] | None:
        """Give the different values of a column. None where they cannot be had in time."""


def kinds_of(customer_map: CustomerMap, catalogue: Catalogue, sampler: Different) -> KindsOfTables:
    """Read which kinds there are. Those that were recorded stay: another database may have fewer."""
    known = {find_table(catalogue, name): one.kinds for name, one in (customer_map.recorded or {}).items()}
    return {
        table: {
            column: sorted({*known.get(table, {}).get(column, ()), *_values(sampler, table, column)})
            for column in sorted(columns)
        }
        for table, columns in named_parts(customer_map, catalogue).kinds.items()
        if columns
    }


def _values(sampler: Different, table: TableName, column: str) -> list[str]:
    found = sampler.different(table, column, most_values=MOST_KINDS + 1)
    if found is None or len(found) > MOST_KINDS:
        return []
    return [value for value in found if value is not None]
