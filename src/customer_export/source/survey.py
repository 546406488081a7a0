"""A look at a database without a map: what it holds, on one connection that only reads and whose statements end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import sqlalchemy as sa

from customer_export.errors import SourceFailedError, SourceUnavailableError
from customer_export.model.catalogue import Catalogue
from customer_export.model.customer_map import CustomerMap, TableName
from customer_export.model.scans import FullScan
from customer_export.source.catalogue import read_catalogue
from customer_export.source.grants import grant_statements, sees_all
from customer_export.source.scans import full_scans


class SqlSurvey:
    """A survey of any database that SQLAlchemy has a connection to."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def catalogue(self) -> Catalogue:
        """Describe all tables and views that the role may see. Raises SourceFailedError."""
        try:
            return read_catalogue(self._connection)
        except sa.exc.DBAPIError as failure:
            raise SourceFailedError(
                f"The database cannot be described: {_first_line(failure)}; the role needs to see every table, as the "
                "one of `customer-export map grants` does"
            ) from failure

    def sees_all(self) -> bool:
        """Whether the role sees every table, whatever its rights. Raises SourceFailedError."""
        try:
            return sees_all(self._connection)
        except sa.exc.DBAPIError as failure:
            raise SourceFailedError(f"The database cannot be described: {_first_line(failure)}") from failure

    def grants(self, needed: Mapping[TableName, Iterable[str]], *, role: str) -> Sequence[str]:
        """Write the statements that make a role which can read these columns and nothing else."""
        return tuple(grant_statements(self._connection, needed, role=role))

    def full_scans(self, customer_map: CustomerMap) -> Sequence[FullScan]:
        """Find the sections whose query has no index to go by. Raises MapMismatchError and SourceFailedError."""
        try:
            return full_scans(self._connection, customer_map)
        except sa.exc.DBAPIError as failure:
            raise SourceFailedError(
                f"The database does not tell how it would run the map's queries: {_first_line(failure)}; "
                "the role needs SELECT on what the map names (customer-export map grants)"
            ) from failure


@contextmanager
def surveying(engine: sa.Engine) -> Iterator[SqlSurvey]:
    """Open a survey. Raises SourceUnavailableError where there is no connection to be had."""
    try:
        connection = engine.connect()
    except sa.exc.DBAPIError as failure:
        raise SourceUnavailableError(
            f"The customers' database does not answer ({_first_line(failure)}); check SOURCE_URL and the server"
        ) from failure
    with connection:
        # a statement that ran out of time must not spoil the next
        yield SqlSurvey(connection.execution_options(isolation_level="AUTOCOMMIT"))


def _first_line(failure: sa.exc.DBAPIError) -> str:
    """Say what the driver said, in one line; of a URL it might quote it says nothing, for the password in it."""
    text = str(cast("object", failure.orig)).strip().partition("\n")[0]
    return type(failure.orig).__name__ if "://" in text else text
