"""Empty databases of each kind, and stores on them."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_export.store.database import open_database
from customer_export.store.sql import SqlStore
from own_databases import new_sqlite_store, new_store
from servers import PostgresqlServer

NewDatabase = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Make empty databases and give their URLs."""
    number = count()
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'store{next(number)}.db'}"
    postgresql = request.getfixturevalue("postgresql")
    assert isinstance(postgresql, PostgresqlServer)
    return lambda: postgresql.create_database(f"store{next(number)}")


@pytest.fixture
def empty_engine(new_database: NewDatabase) -> Iterator[sa.Engine]:
    """An empty database."""
    engine = open_database(new_database())
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database at the newest schema, with nothing in it."""
    if request.param == "sqlite":
        url = new_sqlite_store(tmp_path / "own.db")
    else:
        url = new_store(request.getfixturevalue("postgresql"), "own_store")
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> SqlStore:
    """A store on it."""
    return SqlStore(engine)
