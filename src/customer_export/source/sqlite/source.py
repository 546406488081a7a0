"""SQLite: one read transaction on a read-only connection for each export."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import sqlalchemy as sa

from customer_export.errors import MapMismatchError, SourceUnavailableError
from customer_export.model.customer_map import CustomerMap
from customer_export.source.schema import inspect_tables
from customer_export.source.sqlite.cells import comparable_day, comparable_instant
from customer_export.source.sqlite.comparing import COLLATES
from customer_export.source.sqlite.failures import unavailable
from customer_export.source.sqlite.reconcile import register_sums
from customer_export.source.sqlite.snapshot import LENIENT_TEXT, LOOK_EVERY_STEPS, SqliteSnapshot
from customer_export.source.sqlite.sql import SqliteTexts

BUSY_SECONDS = 5


class SqliteSource:
    """Customers' data in the SQLite file at `path`; at most `connections` exports read at a time."""

    def __init__(self, path: Path, customer_map: CustomerMap, *, connections: int) -> None:
        self._path = path
        self._map = customer_map
        self._pool = sa.pool.QueuePool(
            cast("Any", self._connect), pool_size=connections, max_overflow=0, timeout=BUSY_SECONDS
        )
        self._inspecting = threading.Lock()
        self._texts: SqliteTexts | None = None

    @property
    def map(self) -> CustomerMap:
        """The map that says what to read."""
        return self._map

    def _connect(self) -> sqlite3.Connection:
        connection = _connect_read_only(self._path)
        instant = partial(comparable_instant, naive_zone=self._map.time_zone)
        connection.create_function("ce_instant", -1, instant, deterministic=True)
        connection.create_function("ce_day", 2, comparable_day, deterministic=True)
        register_sums(connection)
        return connection

    def check(self) -> None:
        """Raise SourceUnavailableError or MapMismatchError unless exports can be read now."""
        with self.snapshot(time_zone="UTC", time_limit=timedelta(seconds=BUSY_SECONDS)) as snapshot:
            snapshot.answer()

    def texts(self) -> SqliteTexts:
        """Give the SQL for the map, made once until the schema proves to have changed."""
        with self._inspecting:
            if self._texts is None:
                engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.pool.NullPool)
                try:
                    with engine.connect() as connection:
                        tables = inspect_tables(connection, self._map)
                        collates = connection.exec_driver_sql(COLLATES).scalar_one() > 0
                except sa.exc.DBAPIError as failure:
                    raise unavailable(failure.orig) from failure
                self._texts = SqliteTexts(self._map, tables, collates=collates)
            return self._texts

    @contextmanager
    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> Iterator["SqliteSnapshot"]:
        """Open a snapshot; leaving it ends the transaction and frees the connection."""
        texts = self.texts()
        try:
            pooled = self._pool.connect()
        except sqlite3.Error as failure:
            raise unavailable(failure) from failure
        except sa.exc.TimeoutError as failure:
            raise SourceUnavailableError(
                "All connections to the database are in use; try again, or raise EXPORT_SOURCE_CONNECTIONS"
            ) from failure
        connection: sqlite3.Connection = pooled.driver_connection  # type: ignore[assignment]
        try:
            snapshot = SqliteSnapshot(connection, texts, self._map, time_zone=time_zone, time_limit=time_limit)
            yield snapshot
        except MapMismatchError:
            self._texts = None
            raise
        finally:
            connection.set_progress_handler(None, 0)
            connection.text_factory = str
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            pooled.close()

    def close(self) -> None:
        """Close all connections."""
        self._pool.dispose()


def sqlite_engine(path: Path, *, statement_limit: timedelta) -> sa.Engine:
    """Make an engine for looking at a file without an export: read-only, and its statements end in time."""

    def connect() -> sqlite3.Connection:
        connection = _connect_read_only(path)
        connection.text_factory = LENIENT_TEXT
        return connection

    def begin(connection: sa.Connection, *_statement: object) -> None:
        deadline = time.monotonic() + statement_limit.total_seconds()
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(lambda: time.monotonic() > deadline, LOOK_EVERY_STEPS)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "before_cursor_execute", begin)
    return engine


def _connect_read_only(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise SourceUnavailableError(f"There is no SQLite file {path}; set SOURCE_URL to one that exists")
    # a pooled connection serves one thread at a time, though not always the same one
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection
