"""PostgreSQL: one REPEATABLE READ READ ONLY transaction for each export, read as text or by COPY.

Over 300 lines, since source, snapshot and section share one connection's life: who may use it, and who ends it.
"""

import select
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias, cast

import psycopg
import sqlalchemy as sa
import structlog
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.types.string import TextLoader

from customer_export.errors import (
    ExportCancelledError,
    ExportError,
    ExportTimeoutError,
    MapMismatchError,
    SourceFailedError,
    SourceUnavailableError,
)
from customer_export.model.columns import Batch, Cell, Column
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.document import CsvLayout, JsonBatch
from customer_export.model.request import Period
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.postgresql_copy import CopiedRows, copied_rows
from customer_export.source.postgresql_json import json_batch
from customer_export.source.postgresql_pipeline import Pipeline, Rows, Statement
from customer_export.source.postgresql_sql import PostgresqlTexts
from customer_export.source.reading import (
    FIRST_ROWS,
    batch_rows,
    bounds_of,
    check_rows,
    counted,
    period_parameters,
    title_and_counts,
)
from customer_export.source.schema import Tables, inspect_tables
from customer_export.source.select import Bounds, Reach, key_parameters

log = structlog.get_logger()

Connection: TypeAlias = psycopg.Connection[tuple[Cell, ...]]
Parameters: TypeAlias = Mapping[str, str | int | None]

SMALL_ROWS = 100  # a section up to here is read at once with the others like it, in one round trip
CHUNK_ROWS = 256  # rows that libpq hands over at a time: fewer cost time, more cost memory where rows are wide
CONNECT_SECONDS = 5  # a database that needs longer to say hello is down as far as a download is concerned
KEPT_ZONES = 32  # prepared texts are kept for as many time zones

_SESSION = """
SET default_transaction_read_only = on; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex'; SET extra_float_digits = 1; SET jit = off; SET client_encoding = 'UTF8'
"""
_BEGIN = Statement(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
_COMMIT = Statement(b"COMMIT")
_SET = "SELECT set_config('TimeZone', %s, false), set_config('statement_timeout', %s, false)"


class PostgresqlSource:
    """Customers' data in PostgreSQL. `url` is a libpq URI; at most `connections` are open at a time."""

    def __init__(self, url: str, customer_map: CustomerMap, *, connections: int) -> None:
        self._url = url
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
        connection = psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_SECONDS)
        connection.prepare_threshold = 2
        for kind in psycopg.adapters.types:  # every cell arrives as the text that the server wrote
            for oid in filter(None, (kind.oid, kind.array_oid)):
                connection.adapters.register_loader(oid, TextLoader)
        connection.execute(_SESSION)
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
        engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(self._url, connect_timeout=CONNECT_SECONDS),
            poolclass=sa.pool.NullPool,
        )
        try:
            with engine.connect() as connection:
                return inspect_tables(connection, self._map)
        except sa.exc.OperationalError as failure:
            raise _unavailable(failure.orig or failure) from failure
        except sa.exc.DBAPIError as failure:
            raise SourceFailedError(f"The database cannot be described: {_reason(failure.orig)}") from failure

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
            raise _unavailable(failure) from failure
        except sa.exc.TimeoutError as failure:
            raise SourceUnavailableError(
                "All connections to the database are in use; try again, or raise EXPORT_SOURCE_CONNECTIONS"
            ) from failure
        return pooled

    def close(self) -> None:
        """Close all connections."""
        self._pool.dispose()


def _ended(pooled: sa.pool.PoolProxiedConnection) -> bool:
    """Whether the server has closed an idle connection: only then is there something to read on it."""
    connection: Connection = pooled.driver_connection  # type: ignore[assignment]
    try:
        arrival = select.poll()
        arrival.register(connection.fileno(), select.POLLIN)
        return bool(arrival.poll(0))
    except psycopg.OperationalError:
        return True


class PostgresqlSnapshot:
    """One transaction, begun when the customer is looked for.

    `session` is what the connection still has to be told: a time zone, and how long a statement may take (ms).
    """

    def __init__(
        self,
        connection: Connection,
        texts: PostgresqlTexts,
        customer_map: CustomerMap,
        *,
        pipeline: Pipeline,
        session: tuple[str, str] | None,
        time_zone: str,
        time_limit: timedelta,
    ) -> None:
        self._connection = connection
        self._texts = texts
        self._map = customer_map
        self._pipeline = pipeline
        self._session = session
        self._time_zone = time_zone
        self._time_limit = time_limit
        self._cancelled = False

    def answer(self) -> None:
        """Raise SourceUnavailableError unless the database answers."""
        with self._translating():
            self._connection.execute("SELECT 1")

    def find(
        self,
        customer_id: str,
        sections: Sequence[Section],
        period: Period,
        *,
        tenant: str | None = None,
        titled: bool = True,
    ) -> FoundCustomer | None:
        """Begin, find the customer and count every section in one round trip; read the small sections in another."""
        bounds = bounds_of(period)
        reach = Reach(one_tenant=tenant is not None, titled=titled)
        parameters: Parameters = {
            **key_parameters(customer_id, tenant=tenant),
            **period_parameters(period, time_zone=self._time_zone),
        }
        with self._translating():
            try:
                row = self._open(self._texts.opening(tuple(sections), bounds, reach), parameters)
            except errors.DataError:  # an id outside the key's type, such as an integer of 30 digits
                return None
            if row is None:
                return None
            taken_at, version, identity, *cells = row
            title, counts = title_and_counts(self._map, cells)
            read = self._read_small(sections, counts, bounds, parameters)
        return FoundCustomer(
            title=title,
            snapshot=SnapshotInfo(taken_at=str(taken_at), server=f"PostgreSQL {version}", identity=identity),
            sections=[
                PostgresqlSection(self, section, rows, bounds, parameters, read=read.get(section.name))
                for section, rows in zip(sections, counts, strict=True)
            ],
        )

    def _open(self, opening: Statement, parameters: Parameters) -> tuple[Cell, ...] | None:
        if self._session is not None:
            self._connection.execute(_SET, self._session)
        _, found = self._pipeline.run([_BEGIN, opening], parameters)
        return found[0] if found else None

    def _read_small(
        self, sections: Sequence[Section], counts: Sequence[int], bounds: Bounds, parameters: Parameters
    ) -> Mapping[str, Rows]:
        """Read the sections of one batch at once. If there are no others, the transaction ends with them."""
        small = [section for section, rows in zip(sections, counts, strict=True) if 0 < rows <= SMALL_ROWS]
        statements = [self._texts.small_rows(section, bounds) for section in small]
        if max(counts) <= SMALL_ROWS:
            statements.append(_COMMIT)
        read = self._pipeline.run(statements, parameters) if statements else []
        return dict(zip((section.name for section in small), read, strict=False))

    def stream(self, section: Section, bounds: Bounds, parameters: Parameters) -> Iterator[Batch]:
        """Read a section's rows while the database goes on sending them."""
        with self._translating():
            text = self._texts.rows(section, bounds)
            rows = self._connection.cursor().stream(text, parameters, size=CHUNK_ROWS)
            wanted = FIRST_ROWS
            while batch := list(islice(rows, wanted)):
                yield list(zip(*batch, strict=True))
                wanted = batch_rows(batch)

    def copy(
        self,
        section: Section,
        bounds: Bounds,
        parameters: Parameters,
        layout: CsvLayout | None,
        *,
        expected_rows: int,
    ) -> Iterator[CopiedRows]:
        """Give the rows that COPY writes as CSV, or without a layout as JSON texts, as many as make a piece."""
        read_rows = 0
        last: CopiedRows = []
        with self._translating():
            texts = self._texts
            text = texts.json_copy(section, bounds) if layout is None else texts.copy(section, bounds, layout)
            for piece in copied_rows(self._connection, text, parameters):
                if last:
                    yield last
                last = piece
                read_rows += len(piece)
        # the last piece leaves when COPY has let go of the connection: the reader may stop at it, and a ROLLBACK
        # would wait for ever
        check_rows(section, read_rows=read_rows, expected_rows=expected_rows)
        if last:
            yield last

    def cancel(self) -> None:
        """End whatever statement is running, from another thread."""
        self._cancelled = True
        try:
            self._connection.cancel_safe(timeout=CONNECT_SECONDS)
        except psycopg.Error as failure:
            log.warning("source_cancel_failed", reason=_reason(failure))

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as failure:
            raise _translated(failure, self._map, cancelled=self._cancelled, time_limit=self._time_limit) from failure


class PostgresqlSection:
    """One section, already read if it is small."""

    def __init__(
        self,
        snapshot: PostgresqlSnapshot,
        section: Section,
        rows: int,
        bounds: Bounds,
        parameters: Parameters,
        *,
        read: Rows | None,
    ) -> None:
        self._snapshot = snapshot
        self._section = section
        self._bounds = bounds
        self._parameters = parameters
        self._read = read
        self.rows = rows
        self.name = section.name
        self.label = section.label
        self.columns: tuple[Column, ...] = section.exported_columns

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        if self.rows == 0:
            return iter(())
        if self._read is not None:
            batches: Iterator[Batch] = iter([list(zip(*self._read, strict=True))])
        else:
            batches = self._snapshot.stream(self._section, self._bounds, self._parameters)
        return counted(self._section, batches, expected_rows=self.rows)

    def csv_records(self, layout: CsvLayout) -> Iterator[bytes] | None:
        r"""Let COPY write the records, unless the rows are here already or a record has a single cell.

        PostgreSQL quotes a lone `\.`, which no reader of CSV needs.
        """
        if self.rows <= SMALL_ROWS or len(layout.places) + (layout.section is not None) == 1:
            return None
        return (b"\r\n".join([*rows, b""]) for rows in self._copied(layout))  # RFC 4180 ends records by CRLF

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """Let COPY write the JSON texts, unless the rows are here already."""
        if self.rows <= SMALL_ROWS:
            return None
        columns = len(self.columns)
        return (json_batch(rows, columns=columns) for rows in self._copied(layout=None))

    def _copied(self, layout: CsvLayout | None) -> Iterator[CopiedRows]:
        return self._snapshot.copy(self._section, self._bounds, self._parameters, layout, expected_rows=self.rows)


def _translated(
    failure: psycopg.Error, customer_map: CustomerMap, *, cancelled: bool, time_limit: timedelta
) -> ExportError:
    match failure:
        case _ if cancelled:
            return ExportCancelledError()
        case errors.QueryCanceled():
            return ExportTimeoutError(time_limit)
        case errors.UndefinedColumn() | errors.UndefinedTable():
            return MapMismatchError(customer_map.name, [_reason(failure)])
        case errors.InsufficientPrivilege():
            return SourceFailedError(f"The database refuses to be read: {_reason(failure)}; grant SELECT on it")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return _unavailable(failure)
        case _:
            return SourceFailedError(f"The database could not answer: {_reason(failure)}")


def _unavailable(failure: BaseException) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"The customers' database does not answer ({_reason(failure)}); check SOURCE_URL and the server"
    )


def _reason(failure: BaseException | None) -> str:
    """Say what went wrong in words that cannot hold data: only errors of syntax and access quote the server."""
    if isinstance(failure, psycopg.Error) and failure.sqlstate is not None:
        quoted = failure.diag.message_primary if failure.sqlstate.startswith("42") else None
        return quoted or f"{type(failure).__name__}, SQLSTATE {failure.sqlstate}"
    return type(failure).__name__
