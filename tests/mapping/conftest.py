"""Fixtures for the tests of drafts: an empty database of each kind."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from databases import Database, MariadbDatabase, PostgresqlDatabase, SqliteDatabase
from mariadb_server import MariadbServer
from servers import PostgresqlServer, run_statements

_numbers = count(1)


@pytest.fixture(scope="session")
def drafts_database(postgresql: PostgresqlServer) -> str:
    """The name of the database in which each test has a schema."""
    postgresql.create_database("drafts")
    return "drafts"


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> SqliteDatabase:
    database = SqliteDatabase(tmp_path / "shop.db")
    database.execute("")
    return database


@pytest.fixture(scope="session")
def drafts_hand(postgresql: PostgresqlServer, drafts_database: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to it that stays open."""
    with postgresql.connect(drafts_database) as connection:
        yield connection


@pytest.fixture
def empty_postgresql(
    postgresql: PostgresqlServer, drafts_database: str, drafts_hand: psycopg.Connection[tuple[object, ...]]
) -> Iterator[PostgresqlDatabase]:
    database = PostgresqlDatabase(postgresql, drafts_database, f"draft_{next(_numbers)}", drafts_hand)
    run_statements(drafts_hand, f"CREATE SCHEMA {database.schema}")
    yield database
    run_statements(drafts_hand, f"DROP SCHEMA {database.schema} CASCADE")


@pytest.fixture
def empty_mariadb(mariadb: MariadbServer) -> Iterator[MariadbDatabase]:
    database = MariadbDatabase(mariadb, f"draft_{next(_numbers)}")
    mariadb.create_database(database.name)
    yield database
    mariadb.execute("mysql", f"DROP DATABASE {database.name}")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def empty_database(request: pytest.FixtureRequest) -> Database:
    """An empty database, once of each kind."""
    fixture: Database = request.getfixturevalue(f"empty_{request.param}")
    return fixture
