"""Fixtures for the tests of sources."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from databases import CUSTOMERS, Database, MariadbDatabase, PostgresqlDatabase, SqliteDatabase
from mariadb_server import MariadbServer
from servers import PostgresqlServer, run_statements

_numbers = count(1)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> SqliteDatabase:
    database = SqliteDatabase(tmp_path / "source.db")
    database.execute(CUSTOMERS)
    return database


@pytest.fixture(scope="session")
def full_postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL with ICU and libxml, which the wheel's is built without: the newest that the system has."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not installed:
        pytest.skip("no PostgreSQL with ICU is installed: apt-get install postgresql")
    server = PostgresqlServer(bin_folder=installed[-1].parent)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def source_database(postgresql: PostgresqlServer) -> str:
    """The name of the database in which each test has a schema."""
    postgresql.create_database("source")
    return "source"


@pytest.fixture(scope="session")
def source_hand(postgresql: PostgresqlServer, source_database: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to it that stays open."""
    with postgresql.connect(source_database) as connection:
        yield connection


@pytest.fixture
def postgresql_database(
    postgresql: PostgresqlServer, source_database: str, source_hand: psycopg.Connection[tuple[object, ...]]
) -> PostgresqlDatabase:
    database = PostgresqlDatabase(postgresql, source_database, f"test_{next(_numbers)}", source_hand)
    run_statements(source_hand, f"CREATE SCHEMA {database.schema}")
    database.execute(CUSTOMERS)
    return database


@pytest.fixture
def mariadb_database(mariadb: MariadbServer) -> Iterator[MariadbDatabase]:
    database = MariadbDatabase(mariadb, f"test_{next(_numbers)}")
    mariadb.create_database(database.name, CUSTOMERS)
    yield database
    mariadb.execute("mysql", f"DROP DATABASE {database.name}")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database with two customers, once of each kind."""
    fixture: Database = request.getfixturevalue(f"{request.param}_database")
    return fixture
