"""Databases of our own at the newest schema, as copies of one that was migrated: that takes a third of a second."""

import tempfile
from functools import cache
from pathlib import Path

from customer_export.store.database import open_database, upgrade
from servers import PostgresqlServer

_MIGRATED = "own_store_to_copy"


def new_store(postgresql: PostgresqlServer, name: str) -> str:
    """Make a database of our own in PostgreSQL (anew, if it is there), and give its URL."""
    return postgresql.create_database(name, template=_migrated_in(postgresql))


def new_sqlite_store(path: Path) -> str:
    """Make a database of our own in a file that is not there yet, and give its URL."""
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


@cache
def _migrated_in(postgresql: PostgresqlServer) -> str:
    _migrate(postgresql.create_database(_MIGRATED))
    return _MIGRATED


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.db"
        _migrate(f"sqlite:///{path}")
        return path.read_bytes()


def _migrate(url: str) -> None:
    engine = open_database(url)
    upgrade(engine)
    engine.dispose()
