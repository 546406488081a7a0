"""Takes a plug-in's rows in a thread of its own, so that one that hangs can be left behind when its time is up."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from queue import Empty, Full, Queue
from typing import Protocol, TypeAlias

from customer_export.source.plugins.interface import PluginRow

HANDED_ROWS = 256  # rows that change threads at a time: fewer cost time, more cost memory
LOOK_SECONDS = 0.1  # how soon a cancelled export ends; a turn of the loop takes microseconds


class OutOfTimeError(Exception):
    """The time was up, or the export was cancelled, before the plug-in was done."""


class Cancelled(Protocol):
    """Whether somebody has cancelled."""

    def is_set(self) -> bool:
        """Say so."""


Handed: TypeAlias = "list[PluginRow] | BaseException | None"
"""Some rows, what the plug-in raised, or None at its end."""


def rows_in_time(
    rows: Callable[[], Iterable[PluginRow]], *, ends_at: float, cancelled: Cancelled
) -> Generator[PluginRow]:
    """Give a plug-in's rows until `ends_at` (time.monotonic). Raises OutOfTimeError, or what the plug-in raised."""
    handed: Queue[Handed] = Queue(maxsize=2)
    left = threading.Event()
    threading.Thread(target=_hand_over, args=(rows, handed, left), name="section-plugin", daemon=True).start()
    try:
        while (some := _next(handed, ends_at, cancelled)) is not None:
            if isinstance(some, BaseException):
                raise some
            yield from some
    finally:
        left.set()


def _next(handed: "Queue[Handed]", ends_at: float, cancelled: Cancelled) -> Handed:
    while not cancelled.is_set() and (remaining := ends_at - time.monotonic()) > 0:
        with suppress(Empty):
            return handed.get(timeout=min(remaining, LOOK_SECONDS))
    raise OutOfTimeError


def _hand_over(rows: Callable[[], Iterable[PluginRow]], handed: "Queue[Handed]", left: threading.Event) -> None:
    end: BaseException | None = None
    iterator: Iterator[PluginRow] = iter(())
    try:
        iterator = iter(rows())
        while some := list(islice(iterator, HANDED_ROWS)):
            if not _put(some, handed, left):
                break
    except BaseException as failure:  # noqa: BLE001  (it is raised where the rows are wanted)
        end = failure
    with suppress(Exception):
        getattr(iterator, "close", lambda: None)()
    _put(end, handed, left)


def _put(some: Handed, handed: "Queue[Handed]", left: threading.Event) -> bool:
    """Hand over, and say whether somebody is still there to take it."""
    while not left.is_set():
        with suppress(Full):
            handed.put(some, timeout=LOOK_SECONDS)
            return True
    return False
