"""SQLite: one read transaction on a read-only connection for each export.

Over 300 lines, since source, snapshot and section share one connection's life: who may use it, and who ends it.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.types import TypeEngine

from customer_export.errors import (
    ExportCancelledError,
    ExportError,
    ExportTimeoutError,
    MapMismatchError,
    SourceFailedError,
    SourceUnavailableError,
)
from customer_export.model.columns import Batch, Column
from customer_export.model.customer_map import CustomerMap, KeyType, Section
from customer_export.model.document import CsvLayout
from customer_export.model.request import Period
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.reading import (
    FIRST_ROWS,
    batch_rows,
    bounds_of,
    counted,
    period_parameters,
    title_and_counts,
)
from customer_export.source.schema import Tables, inspect_tables
from customer_export.source.select import Bounds, Expression, Statements, key_parameters, parameter
from customer_export.source.sqlite_cells import ToText, Value, columns_of, comparable_instant, to_text

Parameters = Mapping[str, str | int | None]

KEPT_TEXTS = 512  # as for PostgreSQL
LOOK_EVERY_STEPS = 20_000  # of SQLite's virtual machine, about a millisecond: how often time and cancelling are checked
BUSY_SECONDS = 5

LENIENT_TEXT = partial(str, encoding="utf-8", errors="replace")
"""Reads text with U+FFFD in place of bytes that are not UTF-8, which SQLite does not forbid."""

_WHITE_SPACE: Expression = sa.literal_column("char(9, 10, 11, 12, 13, 32, 160)")
_INFO: Sequence[Expression] = [
    sa.literal_column(sql) for sql in ("strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')", "sqlite_version()")
]
_DIALECT = pysqlite.dialect(paramstyle="named")
_LARGEST_INTEGER = 2**63 - 1


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
        if not self._path.is_file():
            raise SourceUnavailableError(f"There is no SQLite file {self._path}; set SOURCE_URL to one that exists")
        # a pooled connection serves one thread at a time, though not always the same one
        connection = sqlite3.connect(
            f"file:{quote(str(self._path.absolute()))}?mode=ro",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA query_only = ON")
        connection.create_function(
            "ce_instant", 1, partial(comparable_instant, naive_zone=self._map.time_zone), deterministic=True
        )
        return connection

    def check(self) -> None:
        """Raise SourceUnavailableError or MapMismatchError unless exports can be read now."""
        with self.snapshot(time_zone="UTC", time_limit=timedelta(seconds=BUSY_SECONDS)) as snapshot:
            snapshot.answer()

    def texts(self) -> "SqliteTexts":
        """Give the SQL for the map, made once until the schema proves to have changed."""
        with self._inspecting:
            if self._texts is None:
                engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.pool.NullPool)
                try:
                    with engine.connect() as connection:
                        tables = inspect_tables(connection, self._map)
                except sa.exc.DBAPIError as failure:
                    raise _unavailable(failure.orig) from failure
                self._texts = SqliteTexts(self._map, tables)
            return self._texts

    @contextmanager
    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> Iterator["SqliteSnapshot"]:
        """Open a snapshot; leaving it ends the transaction and frees the connection."""
        texts = self.texts()
        try:
            pooled = self._pool.connect()
        except sqlite3.Error as failure:
            raise _unavailable(failure) from failure
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


class SqliteTexts:
    """The SQL texts for one map, made once for each shape of request and kept. Shared by threads."""

    def __init__(self, customer_map: CustomerMap, tables: Tables) -> None:
        self.statements = Statements(customer_map, tables, _SqliteCells())
        self.opening = lru_cache(KEPT_TEXTS)(self._opening)
        self.rows = lru_cache(KEPT_TEXTS)(self._rows)

    def _opening(self, sections: Sequence[Section], bounds: Bounds) -> str:
        return _text_of(self.statements.opening(sections, bounds, _INFO))

    def _rows(self, section: Section, bounds: Bounds) -> str:
        return _text_of(self.statements.rows(section, bounds))


class _SqliteCells:
    """Values leave SQLite as they are stored and become text in `sqlite_cells`."""

    def cell(self, column: Column, value: Expression, stored: TypeEngine[object]) -> Expression:  # noqa: ARG002
        return value

    def bound(self, value: Expression, stored: TypeEngine[object], bounds: Bounds) -> list[Expression]:
        day = isinstance(stored, sa.Date)
        compared = value if day else sa.func.ce_instant(value)
        conditions: list[Expression] = []
        if bounds.start:
            conditions.append(compared >= parameter("start_date" if day else "start"))
        if bounds.end:
            conditions.append(compared < parameter("end_date" if day else "end"))
        return conditions

    def is_blank(self, value: Expression) -> Expression:
        return sa.func.trim(value, _WHITE_SPACE) == sa.literal_column("''")


def _text_of(statement: sa.Select[Any]) -> str:
    return str(statement.compile(dialect=_DIALECT))


class SqliteSnapshot:
    """One open read transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        texts: SqliteTexts,
        customer_map: CustomerMap,
        *,
        time_zone: str,
        time_limit: timedelta,
    ) -> None:
        self._connection = connection
        self._texts = texts
        self._map = customer_map
        self._time_zone = time_zone
        self._time_limit = time_limit
        self._cancelled = threading.Event()
        self._deadline = time.monotonic() + time_limit.total_seconds()
        connection.set_progress_handler(self._must_end, LOOK_EVERY_STEPS)

    def answer(self) -> None:
        """Raise SourceUnavailableError unless the file can be read."""
        with self._translating():
            self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()

    def find(self, customer_id: str, sections: Sequence[Section], period: Period) -> FoundCustomer | None:
        """Begin the transaction, find the customer and count every section, in one statement."""
        key: str | int = customer_id
        if self._map.customer.key_type is KeyType.INTEGER:
            key = int(customer_id)
            if abs(key) > _LARGEST_INTEGER:
                return None
        bounds = bounds_of(period)
        parameters: Parameters = {**key_parameters(key), **period_parameters(period, time_zone=self._time_zone)}
        self._connection.text_factory = LENIENT_TEXT  # a name in another encoding is no reason not to be found
        with self._translating():
            self._connection.execute("BEGIN")
            row = self._connection.execute(self._texts.opening(tuple(sections), bounds), parameters).fetchone()
        self._connection.text_factory = str
        if row is None:
            return None
        taken_at, version, *cells = row
        title, counts = title_and_counts(self._map, cells)
        return FoundCustomer(
            title=title,
            snapshot=SnapshotInfo(taken_at=taken_at, server=f"SQLite {version}", identity=None),
            sections=[
                SqliteSection(self, section, rows, bounds, parameters)
                for section, rows in zip(sections, counts, strict=True)
            ],
        )

    def stream(self, section: Section, bounds: Bounds, parameters: Parameters) -> Iterator[Batch]:
        """Read a section's rows as canonical text."""
        texts = self._column_texts(section)
        for rows in self._rows(self._texts.rows(section, bounds), parameters):
            yield [text(values) for text, values in zip(texts, columns_of(rows), strict=True)]

    def _column_texts(self, section: Section) -> list[ToText]:
        stored = self._texts.statements.stored_types(section)
        return [
            to_text(column, kind, time_zone=self._time_zone, naive_zone=self._map.time_zone)
            for column, kind in zip(section.exported_columns, stored, strict=True)
        ]

    def _rows(self, text: str, parameters: Parameters) -> Iterator[list[tuple[Value, ...]]]:
        """Read rows, and where a text is not UTF-8, read on with U+FFFD in place of the bytes that are not."""
        delivered = 0
        with self._translating():
            cursor = self._connection.execute(text, parameters)
            wanted = FIRST_ROWS
            try:
                while rows := cursor.fetchmany(wanted):
                    delivered += len(rows)
                    yield rows
                    wanted = batch_rows(rows)
            except sqlite3.OperationalError as failure:
                if "decode" not in str(failure):
                    raise
            else:
                return
            self._connection.text_factory = LENIENT_TEXT
            cursor = self._connection.execute(text, parameters)  # the same rows: one snapshot, a total order
            for _ in range(delivered):
                cursor.fetchone()
            while rows := cursor.fetchmany(wanted):
                yield rows

    def cancel(self) -> None:
        """End whatever statement is running, from another thread."""
        self._cancelled.set()

    def _must_end(self) -> int:
        return int(self._cancelled.is_set() or time.monotonic() > self._deadline)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as failure:
            raise self._translated(failure) from failure

    def _translated(self, failure: sqlite3.Error) -> ExportError:
        text = str(failure)
        if self._cancelled.is_set():
            return ExportCancelledError()
        if text == "interrupted":
            return ExportTimeoutError(self._time_limit)
        if text.startswith(("no such column", "no such table")):
            return MapMismatchError(self._map.name, [text])
        if isinstance(failure, sqlite3.OperationalError | sqlite3.DatabaseError):
            return _unavailable(failure)
        return SourceFailedError(f"The database could not answer: {type(failure).__name__}")


def _unavailable(failure: BaseException | None) -> SourceUnavailableError:
    return SourceUnavailableError(f"The customers' database cannot be read ({failure}); check SOURCE_URL and the file")


class SqliteSection:
    """One section, read when asked for."""

    def __init__(
        self,
        snapshot: SqliteSnapshot,
        section: Section,
        rows: int,
        bounds: Bounds,
        parameters: Parameters,
    ) -> None:
        self._snapshot = snapshot
        self._section = section
        self._bounds = bounds
        self._parameters = parameters
        self.rows = rows
        self.name = section.name
        self.label = section.label
        self.columns: tuple[Column, ...] = section.exported_columns

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        if self.rows == 0:
            return iter(())
        batches = self._snapshot.stream(self._section, self._bounds, self._parameters)
        return counted(self._section, batches, expected_rows=self.rows)

    def csv_records(self, layout: CsvLayout) -> Iterator[bytes] | None:  # noqa: ARG002
        """SQLite does not write CSV."""
        return None
