"""Our own database: opened, and brought to the newest schema by Alembic."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from customer_export.errors import ConfigurationError, StoreFullError, StoreUnavailableError

NEWEST_REVISION = "0011"
MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_MS = 5_000
"""How long a writer waits for another process's write, which takes a few milliseconds, and how long PostgreSQL lets a
process hold the others up without a word: one that was frozen must not stop them all."""


DISK_FULL = "53100"
"""PostgreSQL's SQLSTATE."""


def open_database(url: str) -> Engine:
    """Make the engine for DATABASE_URL; nothing is connected to yet. Raises ConfigurationError for a wrong one."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as failure:
        raise ConfigurationError(
            f"DATABASE_URL is no URL: {url!r}; use sqlite:///customer-export.db or postgresql://user@host/database"
        ) from failure
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed)
        case "postgresql" | "postgres":
            return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        case other:
            raise ConfigurationError(f"DATABASE_URL begins with {other!r}; use sqlite:/// or postgresql://")


def is_sqlite(url: str) -> bool:
    """Whether DATABASE_URL, which is a right one, names a SQLite file."""
    return sa.make_url(url).get_backend_name() == "sqlite"


def _open_sqlite(url: URL) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise ConfigurationError("DATABASE_URL names no file; use sqlite:///customer-export.db")
    folder = Path(str(url.database)).absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise ConfigurationError(
            f"DATABASE_URL names a file in {folder}, which cannot be made ({failure.strerror}); choose another folder"
        ) from failure
    engine = sa.create_engine(url.set(drivername="sqlite+pysqlite"))
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # FULL: an audit record that was reported as written survives a loss of power
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {BUSY_MS}",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision. Raises StoreUnavailableError, or ConfigurationError for a newer one."""
    # imported here: Alembic takes a tenth of a second that only the first start needs
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":  # whose driver begins no transaction for a change of the schema
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as failure:
        raise ConfigurationError(
            f"The database of DATABASE_URL has schema revision {revision(engine)}, which this version does not know; "
            "it was made by a newer version: run that one"
        ) from failure
    except sa.exc.DBAPIError as failure:
        raise unavailable(failure) from failure


def require_newest(engine: Engine) -> None:
    """Make sure that the schema is the newest: a SQLite file is upgraded, for PostgreSQL the command is named."""
    if revision(engine) == NEWEST_REVISION:
        return
    if engine.dialect.name == "sqlite":
        upgrade(engine)
        return
    raise ConfigurationError(
        f"The database of DATABASE_URL has schema revision {revision(engine)}, this version needs "
        f"{NEWEST_REVISION}; run: customer-export db upgrade"
    )


def revision(engine: Engine) -> str | None:
    """Read the schema's revision, None for an empty database. Raises StoreUnavailableError."""
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    except sa.exc.DBAPIError as failure:
        raise unavailable(failure) from failure


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction, and commit it unless something is raised. Raises StoreUnavailableError."""
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DBAPIError as failure:
        raise unavailable(failure) from failure


def let_nobody_else_write(connection: Connection, table: sa.Table) -> None:
    """Let one after the other count what is in a table before they add to it: until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
    else:  # whose driver begins no transaction for what only reads
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def unavailable(failure: Exception) -> StoreUnavailableError:
    """Say that our own database fails, or is full, without quoting what it was about to keep."""
    reason = failure.orig if isinstance(failure, sa.exc.DBAPIError) else failure
    if _is_full(reason):
        return StoreFullError(
            "There is no room left for the database of DATABASE_URL; free some on the disk that it lies on: nothing is "
            "exported that cannot be put on record"
        )
    return StoreUnavailableError(
        f"The database of DATABASE_URL does not answer ({type(reason).__name__}); nothing is exported that "
        "cannot be put on record"
    )


def _is_full(failure: BaseException | None) -> bool:
    """Whether the disk is full: SQLite's own code, or PostgreSQL's SQLSTATE disk_full."""
    by_sqlite = getattr(failure, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return by_sqlite or getattr(failure, "sqlstate", None) == DISK_FULL
