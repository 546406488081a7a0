"""How many exports a process is busy with just now, for work that has to stand back for them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Load:
    """Counts exports that are being made, or wait for their turn. Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exports = 0
        self._told: Callable[[int], None] | None = None

    @property
    def exports(self) -> int:
        """How many there are."""
        return self._exports

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count one, and tell whoever stands back for it."""
        with self._lock:
            self._exports += 1
            if self._told is not None:
                self._told(self._exports)
        try:
            yield
        finally:
            with self._lock:
                self._exports -= 1

    @contextmanager
    def telling(self, told: Callable[[int], None]) -> Iterator[None]:
        """Tell how many there are now, and each time that one more comes; `told` must not take long, nor raise."""
        with self._lock:
            self._told = told
            told(self._exports)
        try:
            yield
        finally:
            with self._lock:
                self._told = None
