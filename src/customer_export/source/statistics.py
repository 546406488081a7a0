"""Find tables that PostgreSQL has no statistics of. The other databases keep theirs, or need none, by themselves."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from customer_export.model.customer_map import TableName
from customer_export.model.scans import MANY_ROWS

# Of a table with row security pg_stats shows nothing to those it holds for. A partitioned table's own statistics are
# made by hand alone, and hardly matter: plans are made for its partitions.
_WITHOUT = sa.text("""
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(:name) AND c.relkind IN ('r', 'm') AND NOT c.relrowsecurity
AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)
""")


def without_statistics(connection: sa.Connection, tables: Iterable[TableName]) -> Sequence[str]:
    """Give the statement that helps for each of these tables which has many rows and no statistics."""
    return tuple(_remedies(connection, tables)) if connection.dialect.name == "postgresql" else ()


def _remedies(connection: sa.Connection, tables: Iterable[TableName]) -> Iterable[str]:
    quoted = connection.dialect.identifier_preparer.format_table
    for table in dict.fromkeys(tables):
        there = sa.table(table.name, schema=table.schema)
        if connection.execute(_WITHOUT, {"name": quoted(there)}).first() is None:
            continue
        some = sa.select(sa.literal_column("1")).select_from(there).limit(MANY_ROWS).subquery()
        if connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one() >= MANY_ROWS:
            yield f"ANALYZE {quoted(there)};"
