"""Hold the customer map against the database: every table, column and key that the map relies on must be there."""

import difflib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Inspector
from sqlalchemy.types import TypeEngine

from customer_export.errors import MapMismatchError
from customer_export.model.columns import Column, SourceColumn
from customer_export.model.customer_map import CustomerMap, Link, Lookup, Plugin, Query, Relation, Section, TableName
from customer_export.source.comparing import family_of
from customer_export.source.keys import index_options, unique_keys
from customer_export.source.query import QueryError
from customer_export.source.query_columns import QueryColumns, describe_query
from customer_export.source.stored_types import stored_type


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseTable:
    """A table as the database describes it. `unique_keys` have no nullable column, so they order rows totally.

    `sql` is of a query: its text, made ready to be selected from (source/query_columns.py). `guarded` is the OID of a
    table of PostgreSQL, if row-level security may hide rows of it.
    """

    types: Mapping[str, TypeEngine[object]]
    unique_keys: tuple[frozenset[str], ...]
    sql: str | None = None
    guarded: int | None = None


Tables = Mapping[Relation, DatabaseTable]
StoredType: TypeAlias = TypeEngine[Any] | None


def inspect_tables(connection: sa.Connection, customer_map: CustomerMap) -> Tables:
    """Describe the tables that the map names. Raises MapMismatchError with everything that does not fit."""
    with warnings.catch_warnings():
        # an index on an expression is no key, and of a type unknown to SQLAlchemy the database's own text is right
        warnings.filterwarnings("ignore", "Skipped unsupported reflection", sa.exc.SAWarning)
        warnings.filterwarnings("ignore", "Did not recognize type", sa.exc.SAWarning)
        warnings.filterwarnings("ignore", "Could not instantiate type", sa.exc.SAWarning)  # SQLite's TINYINT(1)
        return _inspect_tables(connection, customer_map)


def _inspect_tables(connection: sa.Connection, customer_map: CustomerMap) -> Tables:
    inspector = sa.inspect(connection)

    def describe(name: TableName) -> DatabaseTable | None:
        return _describe(inspector, name) if inspector.has_table(name.name, schema=name.schema) else None

    def names(schema: str | None) -> Sequence[str]:
        return [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]

    query = partial(describe_query, connection)
    return fitting_tables(customer_map, describe=describe, names=names, query=query)


def fitting_tables(
    customer_map: CustomerMap,
    *,
    describe: Callable[[TableName], DatabaseTable | None],
    names: Callable[[str | None], Sequence[str]],
    query: Callable[[Query, StoredType], QueryColumns],
) -> Tables:
    """Describe the tables that the map names, given the names in a schema. Raises MapMismatchError with all faults.

    `query` describes a query, given the stored type of the customer's key, and raises QueryError.
    """
    tables: dict[Relation, DatabaseTable] = {}
    problems: list[str] = []
    for name, place in _named_tables(customer_map):
        if name in tables:
            continue
        table = describe(name)
        if table is not None:
            tables[name] = table
        else:
            problems.append(f"{place}: there is no table {str(name)!r}; {_nearest_table(names(name.schema), name)}")
    problems.extend(_describe_queries(customer_map, tables, query))
    problems.extend(_mismatches(customer_map, tables))
    if problems:
        raise MapMismatchError(customer_map.name, problems)
    return tables


def _describe_queries(
    customer_map: CustomerMap,
    tables: dict[Relation, DatabaseTable],
    describe: Callable[[Query, StoredType], QueryColumns],
) -> Iterator[str]:
    """Add the maps' queries to its tables, and say what is wrong with the others."""
    customer = customer_map.customer
    described = tables.get(customer.table)
    key = None if described is None else described.types.get(customer.key)
    for section in customer_map.sections:
        if isinstance(section.table, Query) and section.table not in tables:
            try:
                columns = describe(section.table, key)
            except QueryError as problem:
                yield f"sections[{section.name}].sql {problem}"
            else:
                tables[section.table] = DatabaseTable(types=columns.types, unique_keys=(), sql=columns.sql)


def _named_tables(customer_map: CustomerMap) -> Iterator[tuple[TableName, str]]:
    yield customer_map.customer.table, "customer.table"
    for section in customer_map.sections:
        place = f"sections[{section.name}]"
        if isinstance(section.table, TableName):
            yield section.table, f"{place}.table"
        for lookup in section.lookups:
            yield lookup.table, f"{place}.lookups[{lookup.name}].table"
        for link in section.links:
            yield from ((step.table, f"{place}.links") for step in link if step.table is not None)


def _describe(inspector: Inspector, name: TableName) -> DatabaseTable:
    columns = inspector.get_columns(name.name, schema=name.schema)
    primary = inspector.get_pk_constraint(name.name, schema=name.schema)["constrained_columns"]
    constraints = inspector.get_unique_constraints(name.name, schema=name.schema)
    indexes = inspector.get_indexes(name.name, schema=name.schema, **index_options(inspector))
    keys = unique_keys(columns, tuple(primary), constraints, indexes)
    return DatabaseTable(
        types={column["name"]: stored_type(column["type"]) for column in columns},
        unique_keys=tuple(dict.fromkeys(frozenset(key) for key in keys)),
    )


def _nearest_table(names: Sequence[str], name: TableName) -> str:
    near = difflib.get_close_matches(name.name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else "name one that exists, or write its schema: schema.table"


def _mismatches(customer_map: CustomerMap, tables: Tables) -> Iterator[str]:
    customer = customer_map.customer
    if customer.table in tables:
        named = [("key", customer.key), *(("title", one) for one in customer.title)]
        named += [("search", one) for one in customer.search]
        named += [("given", one) for one in customer.given]
        named += [("tenant", one) for one in (customer.tenant,) if one is not None]
        for key, column in named:
            place = "sections.given" if key == "given" else f"customer.{key}"
            yield from _missing(tables, customer.table, [column], place)
        if not customer.unique and frozenset([customer.key]) not in tables[customer.table].unique_keys:
            yield (
                f"customer.key: {customer.key!r} is no unique key of {str(customer.table)!r}; name its primary key, "
                "add a unique constraint, or say unique = true where you know that it is (a view)"
            )
    for section in customer_map.sections:
        if not isinstance(section.table, Plugin) and section.table in tables:
            yield from _section_mismatches(section, tables, customer.table)


def _section_mismatches(section: Section, tables: Tables, customer_table: TableName) -> Iterator[str]:
    place, table = f"sections[{section.name}]", section.relation
    scope: dict[str | None, Relation] = {None: table} | {lookup.name: lookup.table for lookup in section.lookups}
    for column in section.columns:
        yield from _missing_source(tables, scope, column.source, f"{place}.columns[{column.name}]")
        yield from _not_counting(tables, scope, column, f"{place}.columns[{column.name}]")
    for source in section.order:
        yield from _missing_source(tables, scope, source, f"{place}.order")
    if section.time is not None:
        yield from _missing_source(tables, scope, section.time, f"{place}.time")
    for lookup in section.lookups:
        at = f"{place}.lookups[{lookup.name}]"
        for source in lookup.columns:
            yield from _missing_source(tables, scope, source, at)
        yield from _missing(tables, lookup.table, (*lookup.to, *(column for column, _ in lookup.only_if)), at)
        yield from _not_unique(tables, lookup, at)
    for link in section.links:
        yield from _link_mismatches(link, tables, table, customer_table, f"{place}.links")
    yield from _missing(tables, table, section.unique, f"{place}.unique")
    if not _orders_totally(section, tables[table]):
        keys = _keys(table, tables[table])
        yield f"{place}.order does not end in a unique key of {_told(table)}; {keys}"


def _orders_totally(section: Section, table: DatabaseTable) -> bool:
    """Whether no two rows tie; of a table without a key, whether rows that tie are exported alike."""
    own = {source.name for source in section.order if source.lookup is None}
    keys = [*table.unique_keys, *([frozenset(section.unique)] if section.unique else [])]
    if not keys:
        return {column.source for column in section.exported_columns} <= set(section.order)
    return any(key <= own for key in keys)


def _link_mismatches(
    link: Link, tables: Tables, table: Relation, customer_table: TableName, place: str
) -> Iterator[str]:
    for step in link:
        target = step.table or customer_table
        asked = (*step.only_if_null, *step.only_if_zero, *(column for column, _ in step.only_if))
        yield from _missing(tables, table, (*step.columns, *asked), place)
        yield from _not_numbers(tables, table, step.only_if_zero, place)
        yield from _missing(tables, target, step.to, place)
        table = target


def _not_numbers(tables: Tables, table: Relation, columns: Iterable[str], place: str) -> Iterator[str]:
    types = tables[table].types if table in tables else {}
    for column in columns:
        if column in types and family_of(types[column]) not in {"integer", "numeric"}:
            yield f"{place}: only_if_zero names {column!r}, which is no number; use only_if_null"


def _missing_source(
    tables: Tables, scope: Mapping[str | None, Relation], source: SourceColumn, place: str
) -> Iterator[str]:
    yield from _missing(tables, scope[source.lookup], [source.name], place)


def _not_counting(tables: Tables, scope: Mapping[str | None, Relation], column: Column, place: str) -> Iterator[str]:
    table = tables.get(scope[column.source.lookup])
    stored = None if table is None else table.types.get(column.source.name)
    if column.counted_in is not None and isinstance(stored, sa.String):
        yield f"{place} is stored as text, which counts nothing; remove counted_in, or make the column a number"


def _missing(tables: Tables, table: Relation, columns: Iterable[str], place: str) -> Iterator[str]:
    if table not in tables:  # reported once, where the table is named
        return
    known = list(tables[table].types)
    for column in columns:
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
            what = "the query" if isinstance(table, Query) else f"the table {_told(table)}"
            yield f"{place}: {what} has no column {column!r}; {remedy}"


def _not_unique(tables: Tables, lookup: Lookup, place: str) -> Iterator[str]:
    if lookup.unique or lookup.table not in tables:
        return
    table = tables[lookup.table]
    told = {*lookup.to, *(column for column, _ in lookup.only_if)}
    if not any(key <= told for key in table.unique_keys):
        yield (
            f"{place}: {', '.join(lookup.to)} is no unique key of {str(lookup.table)!r}, so rows would be doubled; "
            f"{_keys(lookup.table, table)}"
        )


def _keys(relation: Relation, table: DatabaseTable) -> str:
    if not table.unique_keys:
        where = (
            "the database knows none" if isinstance(relation, Query) else "the table has none that the database knows"
        )
        return f"{where}: say which columns are unique (unique = …), or name them all"
    return f"add {' or '.join(', '.join(sorted(key)) for key in table.unique_keys)}"


def _told(table: Relation) -> str:
    return "the query" if isinstance(table, Query) else repr(str(table))
