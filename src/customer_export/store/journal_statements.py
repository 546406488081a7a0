"""What each database has of its own to write the audit: how a transaction goes, and how many rows do in few calls."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.sql import ClauseElement

from customer_export.store.connections import DriverCursor, Parameters
from customer_export.store.tables import AUDIT, AUDIT_OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStatements:
    """`known` selects what is on record of `export_ids`, given as `listed` gives them; `pairs` reads its rows.

    `insert` makes the statement that adds rows to a table and `close` the one that takes open exports away; `run` runs
    either for many rows.
    """

    transaction: Callable[[Any], AbstractContextManager[None]]
    known: ClauseElement
    listed: Callable[[list[str]], object]
    pairs: Callable[[Sequence[tuple[Any, ...]]], Iterable[tuple[str, str]]]
    insert: Callable[[sa.Table], ClauseElement]
    close: ClauseElement
    run: Callable[[DriverCursor, str, Sequence[Parameters]], object]


@contextmanager
def _sqlite_transaction(connection: Any) -> Iterator[None]:
    """Be the only one to write: IMMEDIATE waits for other processes before anything is read."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()  # closing would not end it before the last cursor is gone
        raise


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _listed_cell(listed: Any, column: str) -> sa.ColumnElement[Any]:
    return sa.func.json_extract(listed.c.value, sa.literal_column(f"'$.{column}'"))


def _insert_listed(table: sa.Table) -> ClauseElement:
    listed = sa.func.json_each(sa.bindparam("rows")).table_valued("value")
    names = [column.name for column in table.columns]
    return table.insert().from_select(names, sa.select(*(_listed_cell(listed, name) for name in names)))


_ids = sa.func.json_each(sa.bindparam("export_ids")).table_valued("value")
_closed = sa.func.json_each(sa.bindparam("rows")).table_valued("value")

SQLITE = JournalStatements(
    transaction=_sqlite_transaction,
    known=sa.select(sa.func.json_group_array(sa.func.json_array(AUDIT.c.export_id, AUDIT.c.event))).where(
        AUDIT.c.export_id.in_(sa.select(_ids.c.value))
    ),
    listed=_json,
    pairs=lambda rows: orjson.loads(rows[0][0]),
    insert=_insert_listed,
    close=AUDIT_OPEN.delete().where(AUDIT_OPEN.c.export_id.in_(sa.select(_listed_cell(_closed, "export_id")))),
    run=lambda cursor, statement, rows: cursor.execute(statement, {"rows": _json(rows)}),
)
"""Rows go in and come out as one JSON text: at each row that the driver handles, Python lets another thread go first,
which on a busy server keeps everybody waiting for the commit."""


@contextmanager
def _postgresql_transaction(connection: Any) -> Iterator[None]:
    """Send statements without waiting for the answer of each. Who has waited for the head sees all that it guarded."""
    with connection.pipeline():
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        yield
        connection.execute("COMMIT")


POSTGRESQL = JournalStatements(
    transaction=_postgresql_transaction,
    known=sa.select(AUDIT.c.export_id, AUDIT.c.event).where(AUDIT.c.export_id == sa.any_(sa.bindparam("export_ids"))),
    listed=list,
    pairs=lambda rows: ((export_id, event) for export_id, event in rows),
    insert=lambda table: table.insert(),
    close=AUDIT_OPEN.delete().where(AUDIT_OPEN.c.export_id == sa.bindparam("export_id")),
    run=lambda cursor, statement, rows: cursor.executemany(statement, rows),
)
