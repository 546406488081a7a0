"""PostgreSQL: its connections, and a snapshot on one of them for each export."""

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.string import TextLoader

from customer_export.errors import (
    ConfigurationError,
    MapMismatchError,
    SourceFailedError,
    SourceUnavailableError,
)
from customer_export.model.customer_map import CustomerMap
from customer_export.source.postgresql.encoding import AnyTextLoader, knows_encoding
from customer_export.source.postgresql.failures import reason_of, unavailable
from customer_export.source.postgresql.pipeline import Pipeline
from customer_export.source.postgresql.rights import closed_schemas, lacking_grants
from customer_export.source.postgresql.snapshot import CONNECT_SECONDS, Connection, PostgresqlSnapshot
from customer_export.source.postgresql.sql import PostgresqlTexts
from customer_export.source.postgresql.types import with_traits
from customer_export.source.schema import Tables, inspect_tables

KEPT_ZONES = 32  # prepared texts are kept for as many time zones

_SESSION = """
SET default_transaction_read_only = on; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex'; SET extra_float_digits = 1; SET jit = off
"""


class PostgresqlSource:
    """Customers' data in PostgreSQL. `url` is a libpq URI; at most `connections` are open at a time.

    Raises ConfigurationError if the URL cannot be understood.
    """

    def __init__(self, url: str, customer_map: CustomerMap, *, connections: int) -> None:
        self._url = _understood(url)
        self._map = customer_map
        self._pool = self._new_pool(connections)
        self._inspecting = threading.Lock()
        self._tables: Tables | None = None
        self._texts = lru_cache(KEPT_ZONES)(self._make_texts)

    @property
    def map(self) -> CustomerMap:
        """The map that says what to read."""
        return self._map

    def _new_pool(self, connections: int) -> sa.pool.QueuePool:
        return sa.pool.QueuePool(
            cast("Any", self._connect), pool_size=connections, max_overflow=0, timeout=CONNECT_SECONDS
        )

    def _connect(self) -> Connection:
        connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_SECONDS, client_encoding="UTF8"
        )
        connection.prepare_threshold = None  # psycopg would end our statements with its own, at every ROLLBACK
        known = knows_encoding(connection)
        loader = TextLoader if known else AnyTextLoader
        for kind in psycopg.adapters.types:  # every cell arrives as the text that the server wrote
            for oid in filter(None, (kind.oid, kind.array_oid)):
                connection.adapters.register_loader(oid, loader)
        connection.execute(_SESSION)
        if not known:  # asked for UTF-8, the server would fail at what is none
            connection.execute("SET client_encoding = 'SQL_ASCII'")
        return connection

    def check(self) -> None:
        """Raise SourceUnavailableError or MapMismatchError unless exports can be read now."""
        with self.snapshot(time_zone="UTC", time_limit=timedelta(seconds=CONNECT_SECONDS)) as snapshot:
            snapshot.answer()

    def tables(self) -> Tables:
        """Describe the map's tables, once until the schema proves to have changed."""
        with self._inspecting:
            if self._tables is None:
                self._tables = self._inspect()
            return self._tables

    def _inspect(self) -> Tables:
        try:
            with postgresql_engine(self._url).connect() as connection:
                try:
                    return with_traits(connection, inspect_tables(connection, self._map))
                except MapMismatchError as mismatch:
                    if grants := closed_schemas(connection, self._map):
                        raise SourceFailedError(
                            f"Tables of the map may be in a schema that the role may not use; run {'; '.join(grants)}"
                        ) from mismatch
                    raise
        except sa.exc.OperationalError as failure:
            raise unavailable(failure.orig or failure) from failure
        except sa.exc.DBAPIError as failure:
            raise SourceFailedError(f"The database cannot be described: {reason_of(failure.orig)}") from failure

    def _make_texts(self, time_zone: str) -> PostgresqlTexts:
        return PostgresqlTexts(self._map, self.tables(), time_zone=time_zone)

    def _forget_schema(self) -> None:
        with self._inspecting:
            self._tables = None
        self._texts.cache_clear()

    @contextmanager
    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> Iterator["PostgresqlSnapshot"]:
        """Open a snapshot; leaving it ends the transaction and frees the connection."""
        texts = self._texts(time_zone)
        pooled = self._checked_out()
        connection: Connection = pooled.driver_connection  # type: ignore[assignment]
        if "pipeline" not in pooled.info:
            pooled.info["pipeline"] = Pipeline(connection)
        session = (time_zone, str(max(1, int(time_limit.total_seconds() * 1000))))
        try:
            yield PostgresqlSnapshot(
                connection,
                texts,
                self._map,
                pipeline=pooled.info["pipeline"],
                session=None if pooled.info.get("session") == session else session,
                time_zone=time_zone,
                time_limit=time_limit,
            )
            pooled.info["session"] = session
        except MapMismatchError:
            self._forget_schema()
            raise
        except SourceFailedError as failure:
            if isinstance(failure.__cause__, psycopg.errors.InsufficientPrivilege):
                raise SourceFailedError(f"{failure}; {_remedy(connection, texts)}") from failure
            raise
        finally:
            try:
                if connection.info.transaction_status is TransactionStatus.ACTIVE:
                    pooled.invalidate()  # a statement was left in the middle of its rows, which nobody will take
                else:
                    if connection.info.transaction_status is not TransactionStatus.IDLE:
                        connection.execute("ROLLBACK")
                    pooled.close()
            except psycopg.Error:
                pooled.invalidate()

    def _checked_out(self) -> sa.pool.PoolProxiedConnection:
        """Take a connection out of the pool, a new one if the database has ended those that it knew."""
        try:
            while _ended(pooled := self._pool.connect()):
                pooled.invalidate()
        except psycopg.Error as failure:
            raise unavailable(failure) from failure
        except sa.exc.TimeoutError as failure:
            raise SourceUnavailableError(
                "All connections to the database are in use; try again, or raise EXPORT_SOURCE_CONNECTIONS"
            ) from failure
        return pooled

    def close(self) -> None:
        """Close all connections."""
        self._pool.dispose()


def postgresql_engine(url: str, *, statement_limit: timedelta | None = None) -> sa.Engine:
    """Make an engine for looking at a database without an export: read-only, and its statements end in time."""

    def connect() -> psycopg.Connection:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS, client_encoding="UTF8")
        connection.execute("SET default_transaction_read_only = on")
        if statement_limit is not None:
            limit_ms = str(int(statement_limit.total_seconds() * 1000))
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [limit_ms])
        connection.autocommit = False
        return connection

    return sa.create_engine("postgresql+psycopg://", creator=connect, poolclass=sa.pool.NullPool)


def _understood(url: str) -> str:
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError as failure:  # whose message quotes the URL, which may have a password
        raise ConfigurationError(
            "SOURCE_URL is not understood: use parameters that libpq knows, and write special characters of names and "
            "passwords as %XX"
        ) from failure
    return url


def _remedy(connection: Connection, texts: PostgresqlTexts) -> str:
    """Say which grants the role lacks, on a connection where a statement was refused."""
    connection.execute("ROLLBACK")
    if grants := lacking_grants(connection, texts.read_columns()):
        return f"as the owner, run {'; '.join(grants)}"
    return "the map's own tables may be read, so look at what lies behind views and queries, and at functions"


def _ended(pooled: sa.pool.PoolProxiedConnection) -> bool:
    """Whether the server has closed an idle connection: only then is there something to read on it."""
    connection: Connection = pooled.driver_connection  # type: ignore[assignment]
    try:
        arrival = select.poll()
        arrival.register(connection.fileno(), select.POLLIN)
        return bool(arrival.poll(0))
    except psycopg.OperationalError:
        return True
