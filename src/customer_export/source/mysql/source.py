"""MySQL and MariaDB: their connections, and a snapshot on one of them for each export."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any, cast

import pymysql
import sqlalchemy as sa
import structlog

from customer_export.errors import MapMismatchError, SourceUnavailableError
from customer_export.model.customer_map import CustomerMap
from customer_export.source.mysql.connection import MysqlConnection
from customer_export.source.mysql.failures import translated, unavailable
from customer_export.source.mysql.schema import inspect_schema
from customer_export.source.mysql.snapshot import MysqlSnapshot
from customer_export.source.mysql.sql import MysqlTexts
from customer_export.source.mysql.url import MysqlAddress

log = structlog.get_logger()


class MysqlSource:
    """Customers' data in MySQL or MariaDB; at most `connections` are open at a time, but for those that cancel."""

    def __init__(self, address: MysqlAddress, customer_map: CustomerMap, *, connections: int) -> None:
        self._address = address
        self._map = customer_map
        self._pool = sa.pool.QueuePool(
            cast("Any", self._connect), pool_size=connections, max_overflow=0, timeout=address.connect_seconds
        )
        self._inspecting = threading.Lock()
        self._texts: MysqlTexts | None = None

    @property
    def map(self) -> CustomerMap:
        """The map that says what to read."""
        return self._map

    def _connect(self) -> MysqlConnection:
        connection = MysqlConnection(self._address)
        connection.begin_session()
        return connection

    def check(self) -> None:
        """Raise SourceUnavailableError or MapMismatchError unless exports can be read now."""
        limit = timedelta(seconds=self._address.connect_seconds)
        with self.snapshot(time_zone="UTC", time_limit=limit) as snapshot:
            snapshot.answer()

    def texts(self) -> MysqlTexts:
        """Give the SQL for the map, made once until the schema proves to have changed."""
        with self._inspecting:
            if self._texts is None:
                limit = timedelta(seconds=self._address.connect_seconds)
                try:
                    with closing(self._connect()) as connection:
                        schema = inspect_schema(connection, self._map)
                except pymysql.Error as failure:
                    raise translated(failure, self._map, cancelled=False, late=False, time_limit=limit) from failure
                if schema.unsteady:
                    log.warning("source_not_transactional", tables=sorted(map(str, schema.unsteady)))
                self._texts = MysqlTexts(self._map, schema)
            return self._texts

    def _forget_schema(self) -> None:
        with self._inspecting:
            self._texts = None

    @contextmanager
    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> Iterator[MysqlSnapshot]:
        """Open a snapshot; leaving it ends the transaction and frees the connection."""
        texts = self.texts()
        pooled = self._checked_out()
        connection = _connection_of(pooled)
        snapshot = MysqlSnapshot(
            connection, texts, self._map, address=self._address, time_zone=time_zone, time_limit=time_limit
        )
        try:
            yield snapshot
        except (MapMismatchError, SourceUnavailableError):  # a server that comes back may have another schema
            self._forget_schema()
            raise
        finally:
            try:
                usable = snapshot.end()
            except pymysql.Error:
                usable = False
            if usable:
                pooled.close()
            else:
                connection.abandon()  # else the driver would read what nobody will take
                pooled.invalidate()

    def _checked_out(self) -> sa.pool.PoolProxiedConnection:
        """Take a connection out of the pool, a new one if the database has ended those that it knew."""
        try:
            while _connection_of(pooled := self._pool.connect()).has_ended():
                pooled.invalidate()
        except pymysql.Error as failure:
            raise unavailable(failure) from failure
        except sa.exc.TimeoutError as failure:
            raise SourceUnavailableError(
                "All connections to the database are in use; try again, or raise EXPORT_SOURCE_CONNECTIONS"
            ) from failure
        return pooled

    def close(self) -> None:
        """Close all connections."""
        self._pool.dispose()


def mysql_engine(address: MysqlAddress, *, statement_limit: timedelta) -> sa.Engine:
    """Make an engine for looking at a database without an export: read-only, and its statements end in time.

    Raises SourceUnavailableError, since the server has to be asked whether it is a MariaDB.
    """

    def connect() -> MysqlConnection:
        connection = MysqlConnection(address, decoded=True)
        connection.begin_session()
        connection.hold_to(statement_limit)
        return connection

    try:
        with closing(connect()) as connection:
            dialect = "mariadb" if connection.is_mariadb else "mysql"
    except pymysql.Error as failure:
        raise unavailable(failure) from failure
    return sa.create_engine(f"{dialect}+pymysql://", creator=connect, poolclass=sa.pool.NullPool)


def _connection_of(pooled: sa.pool.PoolProxiedConnection) -> MysqlConnection:
    return cast("MysqlConnection", pooled.driver_connection)
