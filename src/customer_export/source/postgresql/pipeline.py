"""Statements that are sent together and answered together, straight through libpq's pipeline mode.

psycopg's own pipeline looks for answers after each statement, which takes a third of the time of a small export.
"""

import select
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeAlias

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy.dialects.postgresql import psycopg as dialects

from customer_export.model.columns import Cell

Rows: TypeAlias = list[tuple[Cell, ...]]
Values: TypeAlias = Mapping[str, str | int | None]

MOST_PREPARED = 512  # statements of a connection; a map of 20 sections has some 50 in use
STALE = ("0A000", "26000")
"""The SQLSTATEs of a prepared statement whose columns have changed since, and of one that somebody else has ended."""

_DIALECT = dialects.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_ABORTED = (ExecStatus.PIPELINE_ABORTED, ExecStatus.FATAL_ERROR)


class Statement(NamedTuple):
    """A statement in the server's own form, `$1` and so on, and the names of its parameters in that order."""

    text: bytes
    names: tuple[str, ...] = ()


def statement_of(selected: sa.Select[Any]) -> Statement:
    """Compile a statement."""
    compiled = selected.compile(dialect=_DIALECT)
    return Statement(str(compiled).encode(), tuple(compiled.positiontup or ()))


class Pipeline:
    """Runs statements on one connection, each prepared when it first comes."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._prepared: dict[bytes, bytes] = {}
        self._numbers = count()
        self._reading = Transformer(connection)  # in C, by the connection's own loaders: a twentieth of a loop of ours
        self._arrival = select.poll()
        self._arrival.register(connection.pgconn.socket, select.POLLIN)

    def run(self, statements: Sequence[Statement], values: Values) -> list[Rows]:
        """Send all and give the rows of each, in one round trip. The first that fails ends all, as psycopg.Error."""
        if len(self._prepared) > MOST_PREPARED:
            self._connection.execute("DEALLOCATE ALL")
            self._prepared.clear()
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        new = [self._send(pgconn, statement, values) for statement in statements]
        pgconn.pipeline_sync()
        results = self._results(pgconn)
        pgconn.exit_pipeline_mode()
        failed = next((result for result in results if result.status in _ABORTED), None)
        if failed is not None:
            failure = error_from_result(failed)
            if failure.sqlstate in STALE:
                self._prepared.clear()
            raise failure
        answers = iter(results)
        rows = []
        for statement, name in zip(statements, new, strict=True):
            if name is not None:
                self._prepared[statement.text] = name
                next(answers)  # that it is prepared
            rows.append(self._rows(next(answers)))
        return rows

    def _send(self, pgconn: PGconn, statement: Statement, values: Values) -> bytes | None:
        """Send a statement; give its name if it was prepared just now."""
        known = self._prepared.get(statement.text)
        name = known or b"customer_export_%d" % next(self._numbers)
        if known is None:
            pgconn.send_prepare(name, statement.text)
        given = [values[parameter] for parameter in statement.names]
        pgconn.send_query_prepared(name, [None if value is None else str(value).encode() for value in given])
        return name if known is None else None

    def _results(self, pgconn: PGconn) -> list[PGresult]:
        """Take all answers up to the synchronisation point; None stands between them."""
        results: list[PGresult] = []
        while True:
            while pgconn.is_busy():
                self._arrival.poll()
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)

    def _rows(self, result: PGresult) -> Rows:
        self._reading.set_pgresult(result)
        return self._reading.load_rows(0, result.ntuples, tuple)
