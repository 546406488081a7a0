"""Find the sections whose query has no index to go by, as the database itself would run it."""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.schema import CreateIndex

from customer_export.model.customer_map import CustomerMap, KeyType, Link, LinkStep, Lookup, Plugin, Section, TableName
from customer_export.model.scans import MANY_ROWS, FullScan
from customer_export.source.postgresql.sql import PostgresqlTexts
from customer_export.source.schema import inspect_tables
from customer_export.source.select import Bounds, Statements, key_parameters
from customer_export.source.sqlite.sql import SqliteTexts

Scanned: TypeAlias = tuple[str, TableName | None]
"""The alias of a table that a query reads in full, and its name where the plan has it."""

Plan: TypeAlias = Mapping[str, Any]
"""A node of a plan, as PostgreSQL's EXPLAIN gives it in JSON."""

Found: TypeAlias = tuple[TableName, str | None]
"""A table that is read in full, and the statement that helps, if one does."""

_WHOLE = Bounds(start=False, end=False)
_NOBODY = {KeyType.UUID: "00000000-0000-0000-0000-000000000000", KeyType.INTEGER: "0", KeyType.TEXT: ""}
_DIALECTS: Mapping[str, sa.Dialect] = {
    "postgresql": psycopg.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
    "sqlite": pysqlite.dialect(paramstyle="named"),
}
_STEP = re.compile(r"(?:t|p(\d+))(?:_\d+)?")  # as Statements calls a section's table and those that links lead through
_LOOKUP = re.compile(r"l_(\w+?)(?:_\d+)?")  # what PostgreSQL appends is the number of a partition
_LONGEST_NAME = 63  # PostgreSQL's; MySQL's is 64, and SQLite has none

_IGNORING_CASE = frozenset({"mysql", "mariadb"})  # their indexes do, in the collations that they have by default

_WITHOUT_A_CHOICE = tuple(f"enable_{way}" for way in ("seqscan", "indexscan", "indexonlyscan", "mergejoin", "hashjoin"))
"""What is turned off so that PostgreSQL is left with bitmaps, which need an index that serves the condition.

A table that is read in full all the same lacks an index, however small it is today.
"""


def full_scans(connection: sa.Connection, customer_map: CustomerMap) -> Sequence[FullScan]:
    """Ask for the plan of each section's query. Raises MapMismatchError if the map doesn't fit the database.

    Small tables are passed over, unless there are no customers yet: in a database that was made for a test, nobody
    knows what will be small.
    """
    plans: _PostgresqlPlans | _SqlitePlans | _MysqlIndexes
    match connection.dialect.name:
        case "postgresql":
            plans = _PostgresqlPlans(connection, customer_map)
        case "sqlite":
            plans = _SqlitePlans(connection, customer_map)
        case _:
            plans = _MysqlIndexes(connection, customer_map)
    least_rows = MANY_ROWS if _rows(connection, customer_map.customer.table) else 0
    found = [
        FullScan(section=section.name, table=table, rows=rows, remedy=remedy)
        for section in customer_map.sections
        if not isinstance(section.table, Plugin)
        for table, remedy in _read_in_full(connection, section, plans.scanned)
        if (rows := _rows(connection, table)) >= least_rows
    ]
    return tuple(dict.fromkeys(found))


class _PostgresqlPlans:
    def __init__(self, connection: sa.Connection, customer_map: CustomerMap) -> None:
        tables = inspect_tables(connection, customer_map)
        self._connection = connection
        self._statements = PostgresqlTexts(customer_map, tables, time_zone="UTC").statements
        self._parameters = _parameters(customer_map)
        self._begins_with = cache(self._first_of_index)

    def scanned(self, section: Section) -> Iterator[Scanned]:
        with _without_a_choice(self._connection):
            explain = f"EXPLAIN (FORMAT JSON, VERBOSE) {_text_of(self._connection, self._statements, section)}"
            ((plans,),) = self._connection.exec_driver_sql(explain, self._parameters).all()
        yield from self._read_in_full(plans[0]["Plan"])

    def _read_in_full(self, node: Plan) -> Iterator[Scanned]:
        """Give the scans of all rows, and of all whose column is NULL: those would be every guest's orders."""
        below_it = node.get("Plans", ())
        bitmaps = [one for one in below_it if "Bitmap" in one["Node Type"] and one["Parent Relationship"] == "Outer"]
        kind = node["Node Type"]
        if kind == "Seq Scan" or (kind == "Bitmap Heap Scan" and not self._is_served(node, bitmaps[0])):
            yield node["Alias"], TableName(node["Schema"], node["Relation Name"])
        for below in below_it:
            yield from self._read_in_full(below)

    def _is_served(self, scan: Plan, bitmap: Plan) -> bool:
        """Whether a bitmap is made by comparing what its index begins with to a value."""
        match bitmap["Node Type"]:
            case "BitmapAnd":
                return any(self._is_served(scan, below) for below in bitmap["Plans"])
            case "BitmapOr":
                return all(self._is_served(scan, below) for below in bitmap["Plans"])
            case _:
                first = self._begins_with(scan["Schema"], bitmap["Index Name"])
                compared = _bare(bitmap.get("Index Cond", "").replace(f"{scan['Alias']}.", ""))
                return f"{first}=" in compared

    def _first_of_index(self, schema: str, name: str) -> str:
        return _bare(str(self._connection.execute(_FIRST_OF_INDEX, {"schema": schema, "name": name}).scalar_one()))


_FIRST_OF_INDEX = sa.text("""
SELECT pg_get_indexdef(c.oid, 1, false) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relname = :name
""")


def _bare(expression: str) -> str:
    """Spell an expression without blanks and parentheses, which PostgreSQL sets differently in plans and indexes."""
    return re.sub(r"[\s()]", "", expression)


@contextmanager
def _without_a_choice(connection: sa.Connection) -> Iterator[None]:
    for setting in _WITHOUT_A_CHOICE:
        connection.exec_driver_sql(f"SET {setting} = off")
    try:
        yield
    finally:
        for setting in _WITHOUT_A_CHOICE:
            connection.exec_driver_sql(f"RESET {setting}")


class _SqlitePlans:
    def __init__(self, connection: sa.Connection, customer_map: CustomerMap) -> None:
        self._connection = connection
        self._statements = SqliteTexts(customer_map, inspect_tables(connection, customer_map)).statements
        self._parameters = _parameters(customer_map)

    def scanned(self, section: Section) -> Iterator[Scanned]:
        explain = f"EXPLAIN QUERY PLAN {_text_of(self._connection, self._statements, section)}"
        # of several links nobody can tell whose column a condition is about
        conditional = section.links[0] if len(section.links) == 1 else ()
        many = {f"{column}=?" for step in conditional for column in (*step.only_if_null, *_given(step))}
        for *_, step in self._connection.exec_driver_sql(explain, self._parameters).all():
            way = _SQLITE_STEP.match(step)
            if way is None:
                continue
            conditions = set((way["conditions"] or "").split(" AND "))
            # an automatic index is one that SQLite makes of all rows for this query alone
            if way["how"] == "SCAN" or way["index"].startswith("AUTOMATIC") or conditions <= many:
                yield way["alias"], None


_SQLITE_STEP = re.compile(r"(?P<how>SCAN|SEARCH) (?P<alias>\w+)(?: USING (?P<index>[^(]*)(?:\((?P<conditions>.*)\))?)?")


class _MysqlIndexes:
    """What MySQL and MariaDB can follow by index: their EXPLAIN says nothing of a customer who is not there.

    A column that an index begins with serves, as comparisons keep the collation that it is sorted by.
    """

    def __init__(self, connection: sa.Connection, customer_map: CustomerMap) -> None:
        self._inspector = sa.inspect(connection)
        self._customer = customer_map.customer.table

    def scanned(self, section: Section) -> Iterator[Scanned]:
        for lookup in section.lookups:
            if not self._is_indexed(lookup.table, lookup.to):
                yield f"l_{lookup.name}", lookup.table
        for link in section.links:
            for depth, step in enumerate(link):
                alias = f"p{depth}" if depth else "t"
                table = _table_of(section, [link], alias)
                if table is not None and not self._is_indexed(table, step.columns, given=_given(step)):
                    yield alias, table

    def _is_indexed(self, table: TableName, columns: Sequence[str], *, given: Container[str] = ()) -> bool:
        indexes: list[Sequence[str | None]] = [
            self._inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
        ]
        indexes += [one["column_names"] for one in self._inspector.get_indexes(table.name, schema=table.schema)]
        first = {next((one for one in index if one not in given), None) for index in indexes}
        return not first.isdisjoint(columns)


def _given(step: LinkStep) -> tuple[str, ...]:
    """Give the columns whose value a step names, by which an index finds the rows of all customers."""
    return tuple(column for column, _ in step.only_if)


def _text_of(connection: sa.Connection, statements: Statements, section: Section) -> str:
    """Write a section's query without its order, which might make another index look better than the link's."""
    return str(statements.rows(section, _WHOLE).order_by(None).compile(dialect=_DIALECTS[connection.dialect.name]))


def _parameters(customer_map: CustomerMap) -> dict[str, str | int | None]:
    return key_parameters(_NOBODY[customer_map.customer.key_type], tenant=None)


def _read_in_full(
    connection: sa.Connection, section: Section, scanned: Callable[[Section], Iterator[Scanned]]
) -> Iterator[Found]:
    """Say which tables a section's query reads in full, and what would spare it."""
    together: list[TableName] = []
    for alias, name in scanned(section):
        lookup = _lookup_of(section, alias)
        if lookup is not None:
            yield lookup.table, _create_index(connection, lookup.table, lookup.to, ignore_case=False)
        elif (step_table := _table_of(section, section.links[:1], alias)) is not None:
            together.append(step_table if name is None else name)
        elif name is not None:  # what a view reads, or a query of the map's own
            yield name, None
    apart = [found for link in section.links for found in _read_by_link(connection, section, link, scanned)]
    yield from apart
    if not apart:  # each link alone is served by an index, and the database can't follow all of them at once
        yield from ((table, None) for table in together)


def _read_by_link(
    connection: sa.Connection, section: Section, link: Link, scanned: Callable[[Section], Iterator[Scanned]]
) -> Iterator[Found]:
    alone = replace(section, links=(link,))
    for alias, _ in scanned(alone):
        table = _table_of(alone, [link], alias)
        if table is not None:
            step = link[_depth(alias)]
            yield table, _create_index(connection, table, step.columns, ignore_case=step.ignore_case)


def _lookup_of(section: Section, alias: str) -> Lookup | None:
    called = _LOOKUP.fullmatch(alias)
    return next((one for one in section.lookups if called is not None and one.name == called[1]), None)


def _table_of(section: Section, links: Sequence[Link], alias: str) -> TableName | None:
    """Give the table that a step begins in, if that is what an alias stands for."""
    if _STEP.fullmatch(alias) is None or not links:
        return None
    depth = _depth(alias)
    if depth == 0:
        return section.table if isinstance(section.table, TableName) else None
    return links[0][depth - 1].table if depth <= len(links[0]) else None


def _depth(alias: str) -> int:
    called = _STEP.fullmatch(alias)
    return int(called[1] or 0) if called is not None else 0


def _rows(connection: sa.Connection, table: TableName) -> int:
    """Count rows, no further than matters."""
    some: sa.Select[Any] = (
        sa.select(sa.literal_column("1")).select_from(sa.table(table.name, schema=table.schema)).limit(MANY_ROWS)
    )
    return int(connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one())


def _create_index(
    connection: sa.Connection, name: TableName, columns: Sequence[str], *, ignore_case: bool
) -> str | None:
    """Write the statement, in the words and quotes of the database, and on PostgreSQL without stopping writers."""
    table = sa.Table(name.name, sa.MetaData(), *(sa.Column(column) for column in columns), schema=name.schema)
    lower = ignore_case and connection.dialect.name not in _IGNORING_CASE
    indexed = [sa.func.lower(column) if lower else column for column in table.columns]
    called = "_".join([name.name, *columns])[:_LONGEST_NAME]
    index = sa.Index(called, *indexed, postgresql_concurrently=True)
    return f"{CreateIndex(index).compile(dialect=connection.dialect)};"
