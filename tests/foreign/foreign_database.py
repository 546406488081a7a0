"""A database that nobody here designed, and what hand-written SQL says it holds on a customer."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import psycopg
import pymysql


class Connection(Protocol):
    """As much of DB-API as counting needs."""

    def cursor(self) -> "Cursor":
        """Open a cursor."""

    def close(self) -> None:
        """Close the connection."""


class Cursor(Protocol):
    """As much of DB-API as counting needs."""

    def execute(self, query: str) -> object:
        """Run a query."""

    def fetchone(self) -> tuple[int, ...]:
        """Give the next row."""


@dataclass(frozen=True, kw_only=True)
class ForeignDatabase:
    """A filled database. `owned` gives, for each table that holds something on customers, the condition that its rows
    of the customer `:customer` meet; it is written by hand, and is what exports are measured against."""

    url: str
    customers: Sequence[int]
    owned: Mapping[str, str]

    def rows_of(self, customer: int) -> dict[str, int]:
        """Count the customer's rows in each table, by SQL that no code of ours has made."""
        with closing(self._connect()) as connection:
            return {table: self._count(connection, table, customer) for table in self.owned}

    def _count(self, connection: Connection, table: str, customer: int) -> int:
        condition = self.owned[table].replace(":customer", str(customer))
        cursor = connection.cursor()
        cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {condition}')
        return cursor.fetchone()[0]

    def _connect(self) -> Connection:
        if self.url.startswith("sqlite"):
            return sqlite3.connect(self.url.removeprefix("sqlite:///"))
        if self.url.startswith("postgresql"):
            return psycopg.connect(self.url)
        parts = urlsplit(self.url)
        (socket,) = parse_qs(parts.query)["socket"]
        return pymysql.connect(unix_socket=socket, user=parts.username, database=parts.path[1:], charset="utf8mb4")
