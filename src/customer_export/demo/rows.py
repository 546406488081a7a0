"""Rows on their way into the demo shop's file."""

import sqlite3
from collections import defaultdict

Value = str | int | bytes | None
"""What a cell of the shop may hold. No float: none of its numbers is one."""

# Rows held back before they are written: enough that executemany's fixed cost vanishes, and a few MB at most.
HELD_ROWS = 20_000


class Rows:
    """Collects rows by table and writes them in large strokes.

    `flush()` must be called at the end; the caller owns the connection and its transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._held: defaultdict[str, list[tuple[Value, ...]]] = defaultdict(list)
        self._held_rows = 0
        self._last_id: defaultdict[str, int] = defaultdict(int)

    def next_id(self, table: str) -> int:
        """Give out the next integer key of a table whose rows others refer to; the first is 1."""
        self._last_id[table] += 1
        return self._last_id[table]

    def add(self, table: str, *values: Value) -> None:
        """Add a row: one value a column, in the schema's order; an `id` of None is numbered by SQLite."""
        self._held[table].append(values)
        self._held_rows += 1
        if self._held_rows >= HELD_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write all rows that are held back."""
        for table, rows in self._held.items():
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our names
        self._held.clear()
        self._held_rows = 0
