"""What SQLite's errors mean."""

import sqlite3
import tempfile
from datetime import timedelta

from customer_export.errors import (
    ExportCancelledError,
    ExportError,
    ExportTimeoutError,
    MapMismatchError,
    SourceFailedError,
    SourceUnavailableError,
    SpoolFullError,
)
from customer_export.model.customer_map import CustomerMap


def translated(
    failure: sqlite3.Error, customer_map: CustomerMap, *, cancelled: bool, time_limit: timedelta
) -> ExportError:
    """Say what a failure of the driver means."""
    text = str(failure)
    if cancelled:
        return ExportCancelledError()
    if text == "interrupted":
        return ExportTimeoutError(time_limit)
    if text.startswith(("no such column", "no such table")):
        return MapMismatchError(customer_map.name, [text])
    if failure.sqlite_errorcode == sqlite3.SQLITE_FULL:  # nothing is written to the database: it sorts in a file
        return SpoolFullError(tempfile.gettempdir())
    if isinstance(failure, sqlite3.OperationalError | sqlite3.DatabaseError):
        return unavailable(failure)
    return SourceFailedError(f"The database could not answer: {type(failure).__name__}")


def unavailable(failure: BaseException | None) -> SourceUnavailableError:
    """Make the error of a file that cannot be opened or read."""
    return SourceUnavailableError(f"The customers' database cannot be read ({failure}); check SOURCE_URL and the file")
