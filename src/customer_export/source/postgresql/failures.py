"""What PostgreSQL's errors mean, and what may be told of them."""

from datetime import timedelta

import psycopg
from psycopg import errors

from customer_export.errors import (
    ExportCancelledError,
    ExportError,
    ExportTimeoutError,
    MapMismatchError,
    SourceFailedError,
    SourceUnavailableError,
)
from customer_export.model.customer_map import CustomerMap
from customer_export.source.reading import asks_to_write


def translated(
    failure: psycopg.Error, customer_map: CustomerMap, *, cancelled: bool, time_limit: timedelta
) -> ExportError:
    """Say what a failure of the driver means."""
    match failure:
        case _ if cancelled:
            return ExportCancelledError()
        case errors.QueryCanceled():
            return ExportTimeoutError(time_limit)
        case errors.UndefinedColumn() | errors.UndefinedTable():
            return MapMismatchError(customer_map.name, [reason_of(failure)])
        case errors.ReadOnlySqlTransaction():
            return asks_to_write(reason_of(failure))
        case errors.InsufficientPrivilege():
            return SourceFailedError(f"The database refuses to be read: {reason_of(failure)}")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return unavailable(failure)
        case _:
            return SourceFailedError(f"The database could not answer: {reason_of(failure)}")


def unavailable(failure: BaseException) -> SourceUnavailableError:
    """Say that the database does not answer."""
    return SourceUnavailableError(
        f"The customers' database does not answer ({reason_of(failure)}); check SOURCE_URL and the server"
    )


def reason_of(failure: BaseException | None) -> str:
    """Say what went wrong in words that cannot hold data: of syntax, access and writing alone, the server's own."""
    if isinstance(failure, psycopg.Error) and failure.sqlstate is not None:
        quoted = failure.diag.message_primary if failure.sqlstate.startswith(("42", "25006")) else None
        return quoted or f"{type(failure).__name__}, SQLSTATE {failure.sqlstate}"
    return type(failure).__name__
