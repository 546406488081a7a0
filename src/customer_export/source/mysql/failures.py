"""What MySQL's errors mean, and what may be told of them."""

from datetime import timedelta

import pymysql
from pymysql.constants import ER

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

_READ_ONLY = 1792  # the transaction only reads, and a function that a view or a query calls writes
_STATEMENT_TIMEOUTS = frozenset({ER.STATEMENT_TIMEOUT, ER.QUERY_TIMEOUT, ER.LOCK_WAIT_TIMEOUT})
_MISMATCHES = frozenset({ER.BAD_FIELD_ERROR, ER.NO_SUCH_TABLE, ER.VIEW_INVALID, ER.BAD_TABLE_ERROR})
_REFUSALS = frozenset({ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR, ER.PROCACCESS_DENIED_ERROR})
_QUOTED = _MISMATCHES | _REFUSALS | {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR, _READ_ONLY}
"""Errors whose message holds names of tables, columns and users, and nothing that is stored."""
_SHUT = frozenset(
    {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR, ER.HOST_IS_BLOCKED, ER.HOST_NOT_PRIVILEGED}
    | {ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, ER.USER_LIMIT_REACHED}
)
"""The server lets us not in."""
_KILLED = 1927  # by MariaDB, of a connection that somebody ended
_LOST = frozenset({ER.SERVER_SHUTDOWN, ER.NORMAL_SHUTDOWN, ER.QUERY_INTERRUPTED, _KILLED})
"""The server goes away, or somebody else ended the statement or the connection."""
_OF_STATEMENT = frozenset({ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR, ER.SP_DOES_NOT_EXIST, ER.NON_UNIQ_ERROR, *_REFUSALS})
_LEAST_OF_CLIENT = 2000  # errors from here on are the client's own: the connection is lost


def translated(
    failure: pymysql.Error, customer_map: CustomerMap, *, cancelled: bool, late: bool, time_limit: timedelta
) -> ExportError:
    """Say what a failure of the driver means; `late`, if the export's time is over anyway."""
    code = _code(failure)
    if cancelled:
        return ExportCancelledError()
    if code in _STATEMENT_TIMEOUTS or (late and code >= _LEAST_OF_CLIENT):
        return ExportTimeoutError(time_limit)
    if code in _MISMATCHES:
        return MapMismatchError(customer_map.name, [reason_of(failure)])
    if code in _REFUSALS:
        return SourceFailedError(f"The database refuses to be read: {reason_of(failure)}; grant SELECT on it")
    if code == _READ_ONLY:
        return asks_to_write(reason_of(failure))
    if code == ER.TABLE_DEF_CHANGED:
        return SourceUnavailableError("A table of the customers' database changed while it was read; try again")
    if code in _LOST | _SHUT or code >= _LEAST_OF_CLIENT or isinstance(failure, pymysql.InterfaceError):
        return unavailable(failure)
    return SourceFailedError(f"The database could not answer: {reason_of(failure)}")


def unavailable(failure: BaseException) -> SourceUnavailableError:
    """Say that the database does not answer."""
    return SourceUnavailableError(
        f"The customers' database does not answer ({reason_of(failure)}); check SOURCE_URL and the server"
    )


def reason_of(failure: BaseException) -> str:
    """Say what went wrong in words that cannot hold data: only errors of names and access quote the server."""
    if not isinstance(failure, pymysql.Error):
        return type(failure).__name__
    code = _code(failure)
    return str(failure.args[1]) if code in _QUOTED else f"{type(failure).__name__} {code}"


def _code(failure: pymysql.Error) -> int:
    return failure.args[0] if failure.args and isinstance(failure.args[0], int) else 0


def is_of_statement(failure: pymysql.Error) -> bool:
    """Whether the statement itself is wrong: its syntax, or a name in it."""
    return isinstance(failure, pymysql.ProgrammingError) or _code(failure) in _OF_STATEMENT
