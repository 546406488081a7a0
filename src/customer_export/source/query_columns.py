"""A query as a table: its columns as the server describes them, and what a SELECT takes rows from.

Nothing is run for that on PostgreSQL, which describes a prepared statement; the others are asked for no row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import NullType, TypeEngine

from customer_export.model.customer_map import Query
from customer_export.source.postgresql.pipeline import statement_of
from customer_export.source.query import QueryError, read_query

QUERY_KEY = "customer_key_query"
"""The parameter that holds the customer's key in queries, apart from others: it is of the key's own type there."""

_TYPE = re.compile(
    r"(?P<name>[^(\[]+?)(?:\((?P<arguments>[\d,]+)\))?(?P<zone> with(?:out)? time zone)?(?P<array>(?:\[\])*)"
)
"""A type as PostgreSQL's format_type writes it: `numeric(12,2)`, `timestamp(3) with time zone`, `text[]`."""
_KINDS: Mapping[str, Any] = ischema_names
_BASE_TYPE = """
WITH RECURSIVE base(depth, oid, modifier) AS (
    SELECT 0, CAST(:oid AS oid), CAST(:modifier AS integer)
    UNION ALL
    SELECT depth + 1, typbasetype, typtypmod FROM base JOIN pg_type USING (oid) WHERE typtype = 'd'
)
SELECT format_type(oid, modifier) FROM base ORDER BY depth DESC LIMIT 1
"""
"""Looks through domains, as for the columns of tables."""


@dataclass(frozen=True, slots=True)
class QueryColumns:
    """A query's columns and their types, and its text for `query_table`."""

    sql: str
    types: Mapping[str, TypeEngine[Any]]


def query_table(sql: str, columns: Sequence[sa.ColumnClause[Any]]) -> sa.TextualSelect:
    """Give a query as what rows can be selected from, once it has an alias; `sql` is from `describe_query`."""
    return sa.text(f"{sql}\n").columns(*columns)  # a comment may be the last that it has


def describe_query(connection: sa.Connection, query: Query, key: TypeEngine[Any] | None) -> QueryColumns:
    """Ask the server for a query's columns; `key` is the stored type of the customer's key.

    Raises QueryError where the query is wrong or two of its columns have one name.
    """
    database = connection.dialect.name
    sql = read_query(query, database, key=_key_sql(connection.dialect, key))
    select = sa.select(sa.text("*")).select_from(query_table(sql, []).alias("t"))
    columns = list(
        _described_by_postgresql(connection, select) if database == "postgresql" else _asked(connection, select)
    )
    names = [name for name, _ in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise QueryError(f"gives several columns the name {twice[0]!r}; name them apart: … AS name")
    return QueryColumns(sql, dict(columns))


def _key_sql(dialect: sa.Dialect, key: TypeEngine[object] | None) -> str:
    """Give the key as SQL: PostgreSQL has to be told its type, wherever it stands; the others take it as it comes."""
    if dialect.name != "postgresql" or key is None or isinstance(key, NullType):
        return f":{QUERY_KEY}"
    return f"CAST(:{QUERY_KEY} AS {key.compile(dialect=dialect)})"


def _asked(connection: sa.Connection, select: sa.Select[Any]) -> Iterator[tuple[str, TypeEngine[Any]]]:
    """Take the columns of no rows; SQLite knows no type of a query's columns."""
    try:
        result = connection.execute(select.limit(0), {QUERY_KEY: None})
    except sa.exc.DBAPIError as failure:
        connection.rollback()
        raise QueryError(f"is refused by the database: {failure.orig}; correct it") from failure
    with result:
        return iter([(name, NullType()) for name in list(result.keys())])


def _described_by_postgresql(
    connection: sa.Connection, select: sa.Select[Any]
) -> Iterator[tuple[str, TypeEngine[Any]]]:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    pgconn = driver.pgconn
    connection.exec_driver_sql("SELECT 1")  # begins the transaction that SQLAlchemy knows of
    refused = pgconn.prepare(b"", statement_of(select).text)
    if refused.status != ExecStatus.COMMAND_OK:
        failure = error_from_result(refused)
        connection.rollback()
        raise QueryError(f"is refused by the database: {failure.diag.message_primary}; correct it")
    described = pgconn.describe_prepared(b"")
    for column in range(described.nfields):
        asked = {"oid": described.ftype(column), "modifier": described.fmod(column)}
        written = connection.execute(sa.text(_BASE_TYPE), asked).scalar_one()
        yield (described.fname(column) or b"").decode(), _type_of(written)


def _type_of(written: str) -> TypeEngine[Any]:
    """Give the type that PostgreSQL writes so; one that SQLAlchemy does not know is read as the server's own text."""
    parts = _TYPE.fullmatch(written)
    kind: Any = None if parts is None else _KINDS.get(parts["name"] + (parts["zone"] or ""))
    if parts is None or kind is None:
        return NullType()
    arguments = [int(one) for one in (parts["arguments"] or "").split(",") if one]
    found: TypeEngine[Any]
    if issubclass(kind, sa.DateTime | sa.Time):
        found = kind(timezone=parts["zone"] == " with time zone")
    elif issubclass(kind, sa.Numeric | sa.String):
        found = kind(*arguments)
    else:
        found = kind()
    return ARRAY(found) if parts["array"] else found
