"""What SQLAlchemy's description of PostgreSQL's columns leaves out, and SELECTs go wrong without.

A column of an unknown type keeps the server's own output. What has to be known of it is whether it can be sorted by,
whether different texts are equal in it, and whether it is padded.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine, UserDefinedType

from customer_export.model.customer_map import Relation, TableName
from customer_export.source.schema import DatabaseTable, Tables

_TRAITS = sa.text(r"""
WITH RECURSIVE wanted AS (
  SELECT w.place, a.attname, a.atttypid, a.attcollation, CASE WHEN c.relrowsecurity THEN c.oid END AS guarded
  FROM ROWS FROM (unnest(CAST(:schemas AS text[])), unnest(CAST(:names AS text[])))
    WITH ORDINALITY w(space, name, place)
  JOIN pg_catalog.pg_class c ON c.relname = w.name
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    AND CASE WHEN w.space IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = w.space END
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
), parts(place, attname, type, itself) AS (
  SELECT place, attname, atttypid, true FROM wanted
  UNION
  SELECT p.place, p.attname, inner_type.oid, p.itself AND t.typtype = 'd'
  FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.type CROSS JOIN LATERAL (
    SELECT t.typbasetype WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem WHERE t.typcategory = 'A' AND t.typelem <> 0
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
      WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
  ) inner_type(oid)
), orderable AS (
  SELECT o.opcintype AS type FROM pg_catalog.pg_opclass o
  JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree' WHERE o.opcdefault
)
SELECT w.place - 1, w.attname, w.guarded, pg_catalog.bool_or(p.itself AND t.typname = 'bpchar'),
  pg_catalog.bool_or(p.itself AND t.oid = CAST('xml' AS pg_catalog.regtype)),
  pg_catalog.max(pg_catalog.format_type(t.oid, NULL)) FILTER (WHERE p.itself AND t.typname = 'citext'),
  EXISTS (SELECT FROM pg_catalog.pg_collation c WHERE c.oid = w.attcollation AND NOT c.collisdeterministic),
  pg_catalog.bool_or(t.typtype IN ('b', 'p') AND NOT (t.typcategory = 'A' AND t.typelem <> 0)
    AND NOT EXISTS (SELECT FROM orderable o WHERE o.type = t.oid)
    AND NOT EXISTS (SELECT FROM orderable o JOIN pg_catalog.pg_cast c ON c.casttarget = o.type
      WHERE c.castsource = t.oid AND c.castmethod = 'b' AND c.castcontext = 'i'))
FROM wanted w JOIN parts p USING (place, attname) JOIN pg_catalog.pg_type t ON t.oid = p.type
GROUP BY w.place, w.attname, w.guarded, w.attcollation
""")
"""Of each column of some tables: its table if that has row-level security; whether it is padded, and XML; its citext
type; whether values may be equal without being the same, and whether it cannot be sorted by.

Domains, arrays and composite types are looked through; ranges and enumerations can always be sorted by.
"""


class LooseText(sa.Text):
    """A text that may equal another: `citext` (whose name is `citext`), or under a nondeterministic collation."""

    def __init__(self, *, collation: str | None = None, citext: str | None = None) -> None:
        super().__init__(collation=collation)
        self.citext = citext


class LooseChar(sa.CHAR):
    """A padded text under a nondeterministic collation."""


class Unordered(UserDefinedType[str]):
    """A type without an ordering operator, or made of such types: `json`, `xml`, `point`."""

    cache_ok = True


class Xml(Unordered):
    """XML, whose output leaves out the declaration that a cast to text keeps."""


class NamedType(UserDefinedType[str]):
    """A type by the name that the server gives it, already quoted."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **options: object) -> str:  # noqa: ARG002
        """Spell the type in a cast."""
        return self.name


BPCHAR = NamedType("bpchar")
"""A padded text of any length: `CHAR` alone is of one character."""


def with_traits(connection: sa.Connection, tables: Tables) -> Tables:
    """Give the tables with the types of columns that need it replaced; of queries the types are all that is known."""
    names = [name for name in tables if isinstance(name, TableName)]
    named = {"schemas": [name.schema for name in names], "names": [name.name for name in names]}
    changed: dict[Relation, dict[str, TypeEngine[Any]]] = {name: {} for name in names}
    guards: dict[Relation, int | None] = {}
    for place, column, guarded, padded, xml, citext, loose, unordered in connection.execute(_TRAITS, named):
        guards[names[place]] = guarded
        if unordered:
            changed[names[place]][column] = Xml() if xml else Unordered()
        elif citext is not None or loose:
            collation = getattr(tables[names[place]].types[column], "collation", None)
            changed[names[place]][column] = (
                LooseChar(collation=collation) if padded else LooseText(collation=collation, citext=citext)
            )
        elif padded:
            changed[names[place]][column] = sa.CHAR()
    return {name: _with_types(table, changed.get(name, {}), guards.get(name)) for name, table in tables.items()}


def _with_types(table: DatabaseTable, changed: Mapping[str, TypeEngine[Any]], guarded: int | None) -> DatabaseTable:
    return replace(table, types={**table.types, **changed}, guarded=guarded)
