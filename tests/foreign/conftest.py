"""The databases of products that nobody here designed, each made once a session and only read."""

import advertising_shop
import chinook_shop
import oscar_shop
import pytest
import vendure_shop
import wordpress_site
from foreign_database import ForeignDatabase

from mariadb_server import MariadbServer
from servers import PostgresqlServer


@pytest.fixture(scope="session")
def oscar_sqlite(tmp_path_factory: pytest.TempPathFactory) -> ForeignDatabase:
    """A shop of django-oscar in SQLite."""
    return oscar_shop.make_sqlite(tmp_path_factory.mktemp("oscar"))


@pytest.fixture(scope="session")
def oscar_postgresql(postgresql: PostgresqlServer) -> ForeignDatabase:
    """A shop of django-oscar in PostgreSQL."""
    return oscar_shop.make_postgresql(postgresql)


@pytest.fixture(scope="session")
def chinook_sqlite(tmp_path_factory: pytest.TempPathFactory) -> ForeignDatabase:
    """The Chinook sample in SQLite."""
    return chinook_shop.make_sqlite(tmp_path_factory.mktemp("chinook"))


@pytest.fixture(scope="session")
def advertising_postgresql(postgresql: PostgresqlServer) -> ForeignDatabase:
    """Software for many tenants, with composite keys, in PostgreSQL."""
    return advertising_shop.make_postgresql(postgresql)


@pytest.fixture(scope="session")
def chinook_postgresql(postgresql: PostgresqlServer) -> ForeignDatabase:
    """The Chinook sample in PostgreSQL."""
    return chinook_shop.make_postgresql(postgresql)


@pytest.fixture(scope="session")
def vendure_postgresql(postgresql: PostgresqlServer) -> ForeignDatabase:
    """A shop of Vendure in PostgreSQL."""
    return vendure_shop.make_postgresql(postgresql)


@pytest.fixture(scope="session")
def wordpress_mariadb(mariadb: MariadbServer) -> ForeignDatabase:
    """A WordPress site in MariaDB, which has no foreign keys."""
    return wordpress_site.make_mariadb(mariadb)
