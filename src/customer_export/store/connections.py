"""Connections of the driver itself, for the statements that every export runs.

SQLAlchemy makes and prepares them; going through its layers for each statement would cost ten times the statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.sql import ClauseElement

from customer_export.store import database
from customer_export.store.database import unavailable

MOST_KEPT = 8  # idle connections: as many as export at a time by default; PostgreSQL has a hundred for everybody

Parameters = Mapping[str, object]
Result = TypeVar("Result")

NO_PARAMETERS: Parameters = MappingProxyType({})


class DriverCursor(Protocol):
    """What both drivers' cursors can do."""

    def execute(self, query: str, parameters: Parameters, /) -> Any:
        """Run a statement."""

    def executemany(self, query: str, parameters: Iterable[Parameters], /) -> Any:
        """Run a statement for each of the parameters."""

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """Give all rows; until then SQLite keeps its read transaction open."""


class DriverConnection(Protocol):
    """What both drivers' connections can do. Each statement is a transaction of its own, unless one was begun."""

    def cursor(self) -> DriverCursor:
        """Make a cursor."""

    def execute(self, query: str, parameters: Parameters = NO_PARAMETERS, /) -> DriverCursor:
        """Run a statement in a cursor of its own."""

    def close(self) -> None:
        """Close the connection."""


class Connections:
    """Connections to our own database that stay open and serve one thread at a time, the last used first.

    Whoever makes this closes it; used after that, it opens new ones.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[DriverConnection] = []
        driver = engine.dialect.loaded_dbapi
        self.driver_error: type[Exception] = driver.Error
        self.entry_errors: tuple[type[Exception], ...] = (driver.IntegrityError, driver.DataError)

    def sql(self, statement: ClauseElement) -> str:
        """Write a statement as the driver takes it, with parameters by name."""
        make_dialect: Callable[..., Dialect] = type(self._engine.dialect)
        named = make_dialect(paramstyle="named" if self._engine.dialect.name == "sqlite" else "pyformat")
        return str(statement.compile(dialect=named))

    def run(self, work: Callable[[DriverConnection], Result]) -> Result:
        """Do work on a connection. If a kept one has been lost, the work is begun again on a new one.

        Raises what the driver raises; `lost` tells whether the connection is to blame.
        """
        kept = self._idle.pop() if self._idle else None
        if kept is not None:
            try:
                return self._run_on(kept, work)
            except self.driver_error as failure:
                if not self.lost(failure, kept):
                    raise
        return self._run_on(self._open(), work)

    def rows(self, query: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
        """Read. Raises StoreUnavailableError."""
        try:
            return self.run(lambda connection: connection.execute(query, parameters).fetchall())
        except self.driver_error as failure:
            raise unavailable(failure) from failure

    def lost(self, failure: Exception, connection: DriverConnection) -> bool:
        """Whether the failure is that the server is not there any more."""
        return self._engine.dialect.is_disconnect(failure, connection, None)  # type: ignore[arg-type]  # a DBAPI one

    def close(self) -> None:
        """Close those that are not in use."""
        while self._idle:
            self._idle.pop().close()

    def _run_on(self, connection: DriverConnection, work: Callable[[DriverConnection], Result]) -> Result:
        try:
            result = work(connection)
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < MOST_KEPT:
            self._idle.append(connection)
        else:
            connection.close()
        return result

    def _open(self) -> DriverConnection:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        if self._engine.dialect.name == "sqlite":
            connection.isolation_level = None
        else:
            connection.autocommit = True
            connection.execute(f"SET lock_timeout = {database.BUSY_MS}")
            connection.execute(f"SET idle_in_transaction_session_timeout = {database.BUSY_MS}")
        made: DriverConnection = connection
        return made
