"""A look at a database without a map: what it holds, on one connection that only reads and whose statements end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.types import NullType

from customer_export.errors import SourceFailedError, SourceUnavailableError
from customer_export.model.catalogue import Catalogue, Kind
from customer_export.model.customer_map import CustomerMap, TableName
from customer_export.model.evidence import Comparison, Match
from customer_export.model.scans import FullScan
from customer_export.source.catalogue import UUID_IN_BYTES, read_catalogue
from customer_export.source.comparing import constant, is_zero
from customer_export.source.grants import grant_statements, sees_all
from customer_export.source.mysql.comparing import uuid_text
from customer_export.source.scans import full_scans
from customer_export.source.statistics import without_statistics

SAMPLED_LETTERS = 300  # of a value: more than any form has by which a kind of value is known
SAMPLED_ROWS = 2_000  # that a match is measured on: enough to tell 95 % from 90 %, and read in milliseconds

_NOTHING = ("", "0")
"""What databases that do without NULL write for nobody."""

_SEES = "the role needs to see every table, as the one of `customer-export map grants` does"
_READS = "the role needs SELECT on what the map names (customer-export map grants)"

_TIME_ZONES = {"postgresql": "SELECT current_setting('TimeZone')"}


class SqlSurvey:
    """A survey of any database that SQLAlchemy has a connection to."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._uuids_in_bytes: frozenset[tuple[TableName, str]] = frozenset()

    def catalogue(self) -> Catalogue:
        """Describe all tables and views that the role may see. Raises SourceFailedError."""
        with _explained("The database cannot be described", _SEES):
            catalogue = read_catalogue(self._connection)
        self._uuids_in_bytes = frozenset(
            (table.name, column.name)
            for table in catalogue.tables.values()
            for column in table.columns
            if column.kind is Kind.UUID and column.type == UUID_IN_BYTES
        )
        return catalogue

    def sees_all(self) -> bool:
        """Whether the role sees every table, whatever its rights. Raises SourceFailedError."""
        with _explained("The database cannot be described", _SEES):
            return sees_all(self._connection)

    def grants(self, needed: Mapping[TableName, Iterable[str]], *, role: str) -> Sequence[str]:
        """Write the statements that make a role which can read these columns and nothing else."""
        return tuple(grant_statements(self._connection, needed, role=role))

    def full_scans(self, customer_map: CustomerMap) -> Sequence[FullScan]:
        """Find the sections whose query has no index to go by. Raises MapMismatchError and SourceFailedError."""
        with _explained("The database does not tell how it would run the map's queries", _READS):
            return full_scans(self._connection, customer_map)

    def without_statistics(self, tables: Iterable[TableName]) -> Sequence[str]:
        """Give the statement that helps for each table with many rows and no statistics. Raises SourceFailedError."""
        with _explained("The database does not tell what it knows of its tables", _READS):
            return without_statistics(self._connection, tables)

    def time_zone(self) -> str | None:
        """Name the zone that the server writes time stamps in; None where it has none of its own."""
        query = _TIME_ZONES.get(self._connection.dialect.name)
        return None if query is None else str(self._connection.execute(sa.text(query)).scalar_one())

    def rows(
        self, table: TableName, columns: Sequence[str], *, most_rows: int
    ) -> Sequence[Sequence[str | None]] | None:
        """Give the beginning of each value of some rows as text, column by column; None where it cannot be had."""
        source = _table(table, columns)
        texts = [
            sa.func.substr(self._text(table, source.c[column]), 1, SAMPLED_LETTERS).label(f"v{number}")
            for number, column in enumerate(columns)
        ]
        rows = self._read(sa.select(*texts).select_from(source).limit(most_rows))
        return None if rows is None else [[row[number] for row in rows] for number in range(len(columns))]

    def different(self, table: TableName, column: str, *, most_values: int) -> Sequence[str | None] | None:
        """Give the different values of a column, cut like those of `rows`. None where they cannot be had in time."""
        source = _table(table, [column])
        text = sa.func.substr(self._text(table, source.c[column]), 1, SAMPLED_LETTERS).label("v0")
        rows = self._read(sa.select(text).select_from(source).distinct().limit(most_values))
        return None if rows is None else [row[0] for row in rows]

    def match(self, comparison: Comparison) -> Match | None:
        """Say how many of a sample of different values another table has. None where that cannot be said in time."""
        columns, given = comparison.columns, [column for column, _ in comparison.only_if]
        named = [*columns, *comparison.only_if_null, *comparison.only_if_zero, *given]
        source = _table(comparison.table, named)
        other = _table(comparison.target, comparison.to).alias("other")
        there: list[sa.ColumnElement[bool]] = [source.c[column].is_not(None) for column in columns]
        there += [sa.cast(source.c[column], sa.Text).not_in(_NOTHING) for column in columns]
        nulls: list[sa.ColumnElement[bool]] = [source.c[column].is_(None) for column in comparison.only_if_null]
        nulls += [is_zero(source.c[column]) for column in comparison.only_if_zero]
        nulls += [self._text(comparison.table, source.c[column]) == text for column, text in comparison.only_if]
        labelled = [source.c[column].label(f"v{number}") for number, column in enumerate(columns)]
        some = sa.select(*labelled).where(*there, *nulls).limit(SAMPLED_ROWS).subquery()
        compared = sa.select(some).distinct().subquery()
        here: list[sa.ColumnElement[Any]] = list(compared.c)
        known: list[sa.ColumnElement[Any]] = [other.c[column] for column in comparison.to]
        if comparison.as_text:
            here, known = [sa.cast(one, sa.Text) for one in here], [sa.cast(one, sa.Text) for one in known]
        if comparison.ignore_case:
            here, known = [sa.func.lower(one) for one in here], [sa.func.lower(one) for one in known]
        value = here[0] if len(here) == 1 else sa.tuple_(*here)
        found = sa.select(sa.func.count()).select_from(compared).where(value.in_(sa.select(*known)))
        counts = self._read(
            sa.select(sa.select(sa.func.count()).select_from(compared).scalar_subquery(), found.scalar_subquery())
        )
        if counts is None:
            return None
        ((compared_values, found_values),) = counts
        return Match(compared=compared_values, found=found_values)

    def has_rows(self, table: TableName, *, null: Sequence[str], given: Sequence[str]) -> bool | None:
        """Say whether rows have NULL in some columns and values in others. None where that cannot be said in time."""
        source = _table(table, [*null, *given])
        conditions = [source.c[column].is_(None) for column in null] + [
            source.c[column].is_not(None) for column in given
        ]
        rows = self._read(sa.select(sa.literal_column("1")).select_from(source).where(*conditions).limit(1))
        return None if rows is None else bool(rows)

    def has_zeros(self, table: TableName, column: str) -> bool | None:
        """Say whether rows have 0 in a column. None where that cannot be said in time."""
        source = _table(table, [column])
        rows = self._read(
            sa.select(constant("1")).select_from(source).where(source.c[column] == constant("0")).limit(1)
        )
        return None if rows is None else bool(rows)

    def _text(self, table: TableName, column: sa.ColumnClause[Any]) -> sa.ColumnElement[Any]:
        """Give a value as text, as its cell is in an export."""
        return uuid_text(column) if (table, column.name) in self._uuids_in_bytes else sa.cast(column, sa.Text)

    def _read(self, statement: sa.Select[Any]) -> Sequence[Any] | None:
        try:
            return self._connection.execute(statement).all()
        except sa.exc.DBAPIError:
            return None


def _table(name: TableName, columns: Sequence[str]) -> sa.TableClause:
    described = [sa.column(column, type_=NullType()) for column in dict.fromkeys(columns)]
    return sa.table(name.name, *described, schema=name.schema)


@contextmanager
def surveying(engine: sa.Engine) -> Iterator[SqlSurvey]:
    """Open a survey. Raises SourceUnavailableError where there is no connection to be had."""
    try:
        connection = engine.connect()
    except sa.exc.DBAPIError as failure:
        raise SourceUnavailableError(
            f"The customers' database does not answer ({_first_line(failure)}); check SOURCE_URL and the server"
        ) from failure
    with connection:
        # a statement that ran out of time must not spoil the next
        yield SqlSurvey(connection.execution_options(isolation_level="AUTOCOMMIT"))


@contextmanager
def _explained(problem: str, remedy: str) -> Iterator[None]:
    """Say by SourceFailedError what the database refuses."""
    try:
        yield
    except sa.exc.DBAPIError as failure:
        raise SourceFailedError(f"{problem}: {_first_line(failure)}; {remedy}") from failure


def _first_line(failure: sa.exc.DBAPIError) -> str:
    """Say what the driver said, in one line; of a URL it might quote it says nothing, for the password in it."""
    text = str(cast("object", failure.orig)).strip().partition("\n")[0]
    return type(failure.orig).__name__ if "://" in text else text
