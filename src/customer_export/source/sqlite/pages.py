"""Pages: records of a section that SQLite joins to one value, so that it works while Python finishes the page before.

Each page begins after the last row of the one before, found by the section's order. SQLite's own code is entered and
left once a page and not once a row, and needs Python's global lock only there.
"""

import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from customer_export.source.reading import BATCH_BYTES, MOST_ROWS

PAGED_ROWS = 4096  # of a section: on fewer, asking for pages and starting a thread costs the millisecond that it spares

PAGE_ROWS, SKIPPED_ROWS, AFTER = "page_rows", "skipped_rows", "after_"
"""Parameters: the rows of a page, the rows before it, and (numbered) the sort key of the last row before it."""

Key: TypeAlias = tuple[str | int | float | bytes | None, ...]
Joined: TypeAlias = tuple[bytes, int]
"""Records with RECORD_END between them, and how many they are."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The SELECTs of pages: two sort keys after SKIPPED_ROWS rows, from the start or from AFTER a key; and a page."""

    first_key: str
    next_key: str
    page: str


def has_pages(connection: sqlite3.Connection, texts: PageTexts, parameters: Mapping[str, object]) -> bool:
    """Whether SQLite finds the rows after a key by an index of the customer and the order, without sorting any."""
    connection.text_factory = str  # the section before may have left it at bytes
    bound = {**parameters, SKIPPED_ROWS: 0, **_after((None,) * texts.next_key.count(f":{AFTER}"))}
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {texts.next_key}", bound)]
    searched = [step for step in plan if step.startswith("SEARCH t USING COVERING INDEX")]
    return len(searched) == 1 and "=? AND " in searched[0] and not any("TEMP B-TREE" in step for step in plan)


def read_pages(
    connection: sqlite3.Connection, texts: PageTexts, parameters: Mapping[str, object], *, read_rows: int, width: int
) -> Iterator[Joined]:
    """Read pages after the first `read_rows` rows, whose records have about `width` bytes.

    Ends early where there is no asking for what comes after a sort key: it has a NULL, is not UTF-8, or is shared.
    """
    key = _key(connection, texts.first_key, {**parameters, SKIPPED_ROWS: read_rows - 1})
    while key is not None:
        page_rows = max(1, min(MOST_ROWS, BATCH_BYTES // (width + 1)))
        bound = {**parameters, **_after(key), PAGE_ROWS: page_rows, SKIPPED_ROWS: page_rows - 1}
        key = _key(connection, texts.next_key, bound)
        connection.text_factory = bytes
        text, rows = connection.execute(texts.page, bound).fetchone()
        if rows:
            yield text, rows
            width = len(text) // rows


def _key(connection: sqlite3.Connection, text: str, bound: Mapping[str, object]) -> Key | None:
    """Give the sort key of a page's last row; None if nothing comes after it, or if that cannot be asked for."""
    connection.text_factory = str
    try:
        keys: list[Key] = connection.execute(text, bound).fetchall()
    except sqlite3.OperationalError as failure:
        if "decode" not in str(failure):
            raise
        return None
    match keys:
        case [last, following] if None not in last and _folded(last) != _folded(following):
            return last
        case _:
            return None


def _folded(key: Key) -> Key:
    """Give what keys have in common that any collation of SQLite's takes for equal (NOCASE ends at a NUL)."""
    return tuple(value.partition("\0")[0].rstrip(" ").lower() if isinstance(value, str) else value for value in key)


def _after(key: Key) -> dict[str, object]:
    return {f"{AFTER}{number}": value for number, value in enumerate(key)}


def read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Give what an iterator gives, while another thread already takes the next. Nothing runs there once this ends.

    Two are asked for in advance: the thread then goes from one to the next without waiting for Python's global lock,
    which whoever uses the item holds.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        upcoming = deque(thread.submit(next, items, None) for _ in range(2))
        while (item := upcoming.popleft().result()) is not None:
            upcoming.append(thread.submit(next, items, None))
            yield item
    finally:
        thread.shutdown(cancel_futures=True)
