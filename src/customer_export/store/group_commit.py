"""Group commit: what many threads want to have written at a time is written together, with one flush of the disk.

Who comes alone does not wait for company: a blocking caller writes at once, in its own thread. What arrives while
somebody writes is written together by a thread of ours, as soon as the disk is free.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

from customer_export.errors import StoreUnavailableError

Entry = TypeVar("Entry")

MOST_TOGETHER = 256  # entries in one transaction: a flush is long paid for, and no one waits for thousands


class _Written(Future[None]):
    """Whoever awaits it may be cancelled, and the entry is written all the same."""

    def cancel(self) -> bool:
        """Refuse."""
        return False


@dataclass(frozen=True, slots=True)
class Pending(Generic[Entry]):
    """An entry on its way. `written` ends when it is durable, or with the reason why it is not."""

    entry: Entry
    written: "Future[None]" = field(default_factory=_Written)

    def wait(self) -> None:
        """Return when the entry is durable. Raises StoreUnavailableError, or why this entry was refused."""
        self.written.result()


class GroupCommit(Generic[Entry]):
    """Hands entries to `commit` in the order they came, some at a time and never two calls at once.

    `commit` ends the `written` of each pending entry it is given. What it raises ends those it left open.
    """

    def __init__(self, commit: Callable[[Sequence[Pending[Entry]]], None]) -> None:
        self._commit = commit
        self._state = threading.Lock()
        self._waiting: list[Pending[Entry]] = []
        self._led = False  # whether somebody writes, who looks for more before leaving off
        self._handed_over: SimpleQueue[bool] = SimpleQueue()  # to the thread: write on, or end
        self._thread: threading.Thread | None = None

    def submit(self, entry: Entry) -> Pending[Entry]:
        """Have an entry written in the background."""
        pending = Pending(entry)
        if self._enqueue(pending):
            self._hand_over()
        return pending

    def write(self, entry: Entry) -> None:
        """Write an entry and return when it is durable; raises as `Pending.wait`."""
        pending = Pending(entry)
        if self._enqueue(pending):
            try:
                self._commit_some()
            finally:
                if self._goes_on():
                    self._hand_over()
        pending.wait()

    def close(self) -> None:
        """Write what waits and end the thread. What comes later begins another."""
        with self._state:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._handed_over.put(False)
            thread.join()

    def _enqueue(self, pending: Pending[Entry]) -> bool:
        """Let an entry wait; True if nobody writes, so that the caller must see to it."""
        with self._state:
            self._waiting.append(pending)
            leads = not self._led
            self._led = True
        return leads

    def _goes_on(self) -> bool:
        """Whether there is more to write; if not, the next to come must see to it."""
        with self._state:
            self._led = bool(self._waiting)
            return self._led

    def _hand_over(self) -> None:
        with self._state:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="group-commit", daemon=True)
                self._thread.start()
        self._handed_over.put(True)

    def _serve(self) -> None:
        while self._handed_over.get():
            self._commit_some()
            while self._goes_on():
                self._commit_some()

    def _commit_some(self) -> None:
        with self._state:
            some, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        try:
            self._commit(some)
        except Exception as failure:  # noqa: BLE001  (whoever waits is told, and the thread lives on)
            _end(some, failure)
        except BaseException:  # of this thread alone: the others get a reason of their own
            _end(some, StoreUnavailableError("Writing to the database of DATABASE_URL was interrupted"))
            raise


def _end(some: Sequence[Pending[Entry]], reason: Exception) -> None:
    for pending in some:
        if not pending.written.done():
            pending.written.set_exception(reason)
