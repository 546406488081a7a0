"""What PostgreSQL lets a role see: the grants that it lacks, and the tables of which it is shown a part of the rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.sql import visitors

from customer_export.model.customer_map import CustomerMap, TableName
from customer_export.source.comparing import Expression
from customer_export.source.postgresql.literals import sql_constant, sql_text

_LACKING = """
WITH needed AS (
  SELECT DISTINCT n.oid AS schema, n.nspname, c.oid AS relation, c.relname, a.attnum, a.attname
  FROM ROWS FROM (unnest(%(schemas)s::text[]), unnest(%(tables)s::text[]), unnest(%(columns)s::text[]))
    w(space, name, attname)
  JOIN pg_catalog.pg_class c ON c.relname = w.name
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    AND CASE WHEN w.space IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = w.space END
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.attname
)
SELECT DISTINCT pg_catalog.format('GRANT USAGE ON SCHEMA %%I TO %%I', nspname, current_user)
FROM needed WHERE NOT pg_catalog.has_schema_privilege(schema, 'USAGE')
UNION ALL
SELECT pg_catalog.format('GRANT SELECT (%%s) ON %%I.%%I TO %%I',
  pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum), nspname, relname, current_user)
FROM needed WHERE NOT pg_catalog.has_column_privilege(relation, attnum, 'SELECT') GROUP BY nspname, relname
"""

_CLOSED = sa.text("""
SELECT DISTINCT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = ANY(CAST(:names AS text[])) AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND n.nspname NOT LIKE 'pg\\_%'
""")


def closed_schemas(connection: sa.Connection, customer_map: CustomerMap) -> list[str]:
    """Give the statements that would open schemas which the role may not look into, and which have such tables."""
    tables: set[object] = {customer_map.customer.table}
    for section in customer_map.sections:
        steps = (step.table for link in section.links for step in link)
        tables |= {section.table, *(lookup.table for lookup in section.lookups), *steps}
    names = [table.name for table in tables if isinstance(table, TableName)]
    return [str(statement) for (statement,) in connection.execute(_CLOSED, {"names": names})]


def lacking_grants(connection: psycopg.Connection[Any], columns: Mapping[TableName, Iterable[str]]) -> list[str]:
    """Give the statements that would let the role read these columns; none if it may."""
    needed = [(table, column) for table, named in columns.items() for column in named]
    parameters = {
        "schemas": [table.schema for table, _ in needed],
        "tables": [table.name for table, _ in needed],
        "columns": [column for _, column in needed],
    }
    return [str(statement) for (statement,) in connection.execute(_LACKING, parameters)]


def read_columns(selects: Iterable[sa.Select[Any]]) -> Mapping[TableName, set[str]]:
    """Collect the columns of tables that statements read; what queries of the map's own read, they alone know."""
    found: dict[TableName, set[str]] = {}
    for part in (part for select in selects for part in visitors.iterate(select)):
        table = part.table.element if isinstance(part, sa.ColumnClause) and isinstance(part.table, sa.Alias) else None
        if isinstance(table, sa.TableClause):
            found.setdefault(TableName(table.schema, table.name), set()).add(part.name)  # type: ignore[attr-defined]
    return found


def partly_shown(guards: Iterable[int]) -> Expression:
    """Name the role and those of these tables whose rows a policy picks for it; NULL if there are none."""
    shown = [
        sa.case(
            (
                sa.func.pg_catalog.row_security_active(sql_constant(str(oid)), type_=sa.Boolean()),
                sa.cast(sa.cast(sql_constant(str(oid)), REGCLASS), sa.Text),
            )
        )
        for oid in guards
    ]
    named = sa.func.nullif(sa.func.pg_catalog.concat_ws(sql_text(", "), *shown), sql_text(""), type_=sa.Text())
    role = sa.cast(sql_constant("current_user"), sa.Text)
    return sql_text("; row-level security shows ").concat(role).concat(sql_text(" a part of ")).concat(named)
