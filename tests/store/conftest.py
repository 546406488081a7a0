"""Empty databases of each kind, and stores on them."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_export.store.database import open_database, upgrade
from customer_export.store.sql import SqlStore
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
def engine(new_database: NewDatabase) -> Iterator[sa.Engine]:
    """An empty database."""
    engine = open_database(new_database())
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> SqlStore:
    """A store on it, at the newest schema."""
    upgrade(engine)
    return SqlStore(engine)
