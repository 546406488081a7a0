"""The SQL texts that a PostgreSQL source sends, made once for each shape of request and kept."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg

from customer_export.model.customer_map import CustomerMap, ReconcileRule, Section, TableName
from customer_export.model.document import CsvLayout
from customer_export.source.comparing import Expression
from customer_export.source.postgresql.cells import PostgresqlCells
from customer_export.source.postgresql.json import JSON_COPY_OPTIONS
from customer_export.source.postgresql.pipeline import Statement, statement_of
from customer_export.source.postgresql.reconcile import PostgresqlSums
from customer_export.source.postgresql.rights import partly_shown, read_columns
from customer_export.source.postgresql.types import LooseText
from customer_export.source.reconcile import rule_statement
from customer_export.source.schema import Tables
from customer_export.source.select import Bounds, Reach, Statements

KEPT_TEXTS = 512  # texts of some kilobytes each; a request of 20 sections uses 21 of them

_DIALECT = psycopg.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_INFO: Sequence[Expression] = [
    sa.literal_column(sql)
    for sql in (
        """pg_catalog.to_char(pg_catalog.statement_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM')""",
        "pg_catalog.current_setting('server_version')",
    )
]
_SNAPSHOT = sa.literal_column("CAST(pg_catalog.pg_current_snapshot() AS text)", type_=sa.Text())
_NULL: Expression = sa.literal_column("NULL::text")


def text_of(statement: sa.Select[Any]) -> str:
    """Compile a statement to psycopg's own parameter style."""
    return str(statement.compile(dialect=_DIALECT))


def _identity(tables: Tables) -> Expression:
    """Name the snapshot, and what row-level security keeps out of it."""
    guarded = [table.guarded for table in tables.values() if table.guarded is not None]
    if not guarded:
        return _SNAPSHOT
    return _SNAPSHOT.concat(sa.func.coalesce(partly_shown(guarded), sa.literal_column("''", type_=sa.Text())))


class PostgresqlTexts:
    """The texts for one map and one time zone. Shared by threads."""

    def __init__(self, customer_map: CustomerMap, tables: Tables, *, time_zone: str) -> None:
        customer = customer_map.customer
        self._map = customer_map
        self._info = [*_INFO, _identity(tables)]
        self._key = tables[customer.table].types[customer.key]
        self.tables = tables
        self.cells = PostgresqlCells(time_zone=time_zone, naive_zone=customer_map.time_zone, key=self._key)
        self.statements = Statements(customer_map, tables, self.cells)
        self.opening = lru_cache(KEPT_TEXTS)(self._opening)
        self.small_rows = lru_cache(KEPT_TEXTS)(self._small_rows)
        self.rows = lru_cache(KEPT_TEXTS)(self._rows)
        self.copy = lru_cache(KEPT_TEXTS)(self._copy)
        self.json_copy = lru_cache(KEPT_TEXTS)(self._json_copy)
        self.totals = lru_cache(KEPT_TEXTS)(self._totals)

    def is_key(self, customer_id: str, stored_key: str) -> bool:
        """Whether an id is the key as it is stored: a `citext` equals other spellings, and a padded text shorter ones.

        What is kept of a customer is kept by the id, so there must be one spelling only.
        """
        if isinstance(self._key, sa.CHAR):
            return customer_id == stored_key.rstrip(" ")
        return not isinstance(self._key, LooseText) or customer_id == stored_key

    def info(self) -> Statement:
        """Select what is said of a snapshot."""
        return statement_of(sa.select(*(cell.label(f"v{number}") for number, cell in enumerate(self._info))))

    def read_columns(self) -> Mapping[TableName, set[str]]:
        """Give the columns of each table that exports by the map read."""
        ever, reach = Bounds(start=True, end=True), Reach(one_tenant=self._map.customer.tenant is not None, titled=True)
        sections = self._map.sections
        opening = self.statements.opening(sections, ever, self._info, reach)
        return read_columns([opening, *(self.statements.rows(section, ever) for section in sections)])

    def _opening(self, sections: Sequence[Section], bounds: Bounds, reach: Reach) -> Statement:
        return statement_of(self.statements.opening(sections, bounds, self._info, reach))

    def _small_rows(self, section: Section, bounds: Bounds) -> Statement:
        return statement_of(self.statements.rows(section, bounds))

    def _totals(self, rule: ReconcileRule, sections: Sequence[Section], bounds: Bounds) -> Statement:
        return statement_of(rule_statement(self.statements, PostgresqlSums(), rule, sections, bounds))

    def _rows(self, section: Section, bounds: Bounds) -> str:
        return text_of(self.statements.rows(section, bounds))

    def _copy(self, section: Section, bounds: Bounds, layout: CsvLayout) -> str:
        stored = self.statements.stored_types(section)
        cells = [
            self.cells.csv_cell(column, cell, kind, layout)
            for column, cell, kind in zip(section.exported_columns, self.statements.cells(section), stored, strict=True)
        ]
        placed = [_NULL if place is None else cells[place] for place in layout.places]
        if layout.section is not None:
            placed.insert(0, sa.literal_column(f"'{layout.section}'"))  # a name of the map: [a-z0-9_]+
        select = text_of(self.statements.select(section, placed, bounds))
        delimiter = "E'\\t'" if layout.delimiter == "\t" else f"'{layout.delimiter}'"
        return f"COPY ({select}) TO STDOUT (FORMAT csv, DELIMITER {delimiter})"

    def _json_copy(self, section: Section, bounds: Bounds) -> str:
        return f"COPY ({self.rows(section, bounds)}) TO STDOUT ({JSON_COPY_OPTIONS})"
