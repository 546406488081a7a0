"""Databases for the tests of sources, and what is read from them."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import psycopg

from customer_export.model.columns import Cell
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import SectionStream
from customer_export.model.request import Period
from customer_export.source.interface import FoundCustomer, Snapshot, Source
from customer_export.source.registry import open_source
from mariadb_server import MariadbServer
from servers import PostgresqlServer, run_statements

CUSTOMERS = """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name TEXT, email TEXT);
INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com'), (2, 'Bob', 'bob@example.com');
"""
LONG = timedelta(seconds=60)


class Database(Protocol):
    """A database of the test's own."""

    url: str

    def execute(self, statements: str) -> None:
        """Run statements and commit."""


@dataclass(frozen=True)
class SqliteDatabase:
    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def execute(self, statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(statements)


@dataclass(frozen=True)
class PostgresqlDatabase:
    """A schema of its own in a database, which is made in a hundredth of the time of a database.

    `hand` is a connection that stays open, as new as each time: to open one costs six times as much as to make a table.
    """

    server: PostgresqlServer
    name: str
    schema: str = "public"
    hand: psycopg.Connection[tuple[object, ...]] | None = None

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, user: str) -> str:
        """Give the URL for a user."""
        return f"{self.server.url(self.name, user=user)}&options=-csearch_path%3D{self.schema}"

    def execute(self, statements: str) -> None:
        self._run(statements)

    def one(self, query: str) -> object:
        """Give the one value that a query gives."""
        ((value,),) = self._run(query)
        return value

    def _run(self, statements: str) -> list[tuple[object, ...]]:
        statements = f"SET search_path = {self.schema}; {statements}"
        if self.hand is None:
            return self.server.execute(self.name, statements)
        self.hand.execute("DISCARD ALL")
        return run_statements(self.hand, statements)


@dataclass(frozen=True)
class MariadbDatabase:
    """A database of its own in the MariaDB that all tests share."""

    server: MariadbServer
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def url_of(self, user: str) -> str:
        """Give the URL for a user."""
        return self.server.url(self.name, user=user)

    def execute(self, statements: str) -> None:
        self.server.execute(self.name, statements)

    def one(self, query: str) -> object:
        """Give the one value that a query gives."""
        ((value,),) = self.server.execute(self.name, query)
        return value


@contextmanager
def opened(url: str, customer_map: CustomerMap, *, connections: int = 2) -> Iterator[Source]:
    """Open a source and close it again."""
    source = open_source(url, customer_map, connections=connections)
    try:
        yield source
    finally:
        source.close()


@contextmanager
def streaming(
    source: Source,
    customer_id: str = "1",
    *,
    sections: Sequence[str] | None = None,
    period: Period | None = None,
    time_zone: str = "UTC",
    time_limit: timedelta = LONG,
) -> Iterator[tuple[Snapshot, Sequence[SectionStream]]]:
    """Open a snapshot and the sections of a customer who exists; all of the map's if none are named."""
    with finding(source, customer_id, sections=sections, period=period, time_zone=time_zone, time_limit=time_limit) as (
        snapshot,
        customer,
    ):
        assert customer is not None
        yield snapshot, customer.sections


@contextmanager
def finding(
    source: Source,
    customer_id: str = "1",
    *,
    sections: Sequence[str] | None = None,
    period: Period | None = None,
    time_zone: str = "UTC",
    time_limit: timedelta = LONG,
) -> Iterator[tuple[Snapshot, FoundCustomer | None]]:
    """Open a snapshot and look for a customer and the sections of these names, or all of the map's."""
    wanted = [section for section in source.map.sections if sections is None or section.name in sections]
    with source.snapshot(time_zone=time_zone, time_limit=time_limit) as snapshot:
        yield snapshot, snapshot.find(customer_id, wanted, period or Period())


def rows_of(stream: SectionStream) -> list[tuple[Cell, ...]]:
    """Read a section to its end."""
    return [row for batch in stream.batches() for row in zip(*batch, strict=True)]


def read(
    source: Source,
    customer_id: str = "1",
    *,
    sections: Sequence[str] | None = None,
    period: Period | None = None,
    time_zone: str = "UTC",
) -> dict[str, list[tuple[Cell, ...]]]:
    """Export a customer as rows, and insist that the counts are right."""
    with streaming(source, customer_id, sections=sections, period=period, time_zone=time_zone) as (_, streams):
        read_rows = {stream.name: rows_of(stream) for stream in streams}
        assert {stream.name: stream.rows for stream in streams} == {name: len(rows) for name, rows in read_rows.items()}
        return read_rows


def read_once(url: str, customer_map: CustomerMap, customer_id: str = "1") -> dict[str, list[tuple[Cell, ...]]]:
    """Open a source, export a customer as rows, and close it."""
    with opened(url, customer_map) as source:
        return read(source, customer_id)
