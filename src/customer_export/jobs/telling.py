"""How far a part is, on record now and then, and whether it is still wanted."""

import threading
from collections.abc import Callable

from customer_export.export.cancellation import Cancellation

TELL_SECONDS = 0.5  # as often as whoever follows a job looks: a short write for each part under way


class PartTelling:
    """Takes the figures of a part under way; `tell` puts them on record and says whether the part is still wanted.

    A part that tells nothing for a while is looked after all the same, so that it ends when its job is cancelled.
    `stopping` is set when this process is to end.
    """

    def __init__(
        self, tell: Callable[[int, int], bool], cancellation: Cancellation, *, stopping: threading.Event
    ) -> None:
        self._tell = tell
        self._cancellation = cancellation
        self._stopping = stopping
        self._figures = (0, 0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="part-telling", daemon=True)
        self.is_unwanted = False

    def __call__(self, customers: int, rows: int) -> None:
        """Take the figures."""
        self._figures = (customers, rows)

    def __enter__(self) -> "PartTelling":
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(TELL_SECONDS):
            if self._stopping.is_set():
                self._cancellation.ask()
                return
            try:
                self.is_unwanted = not self._tell(*self._figures)
            except Exception:  # noqa: BLE001, S112  (our database is down: the part itself finds out at its end)
                continue
            if self.is_unwanted:
                self._cancellation.ask()
                return
