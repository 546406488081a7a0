"""Less work for Python's collector of cycles while a partition is made."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS = 50_000
"""New objects between two looks for cycles. Exports leave none, and looking took a tenth of a partition's time."""

_lock = threading.Lock()
_running = 0
_before = gc.get_threshold()


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for cycles more rarely within, in the whole process; the last one to leave restores what was before."""
    global _running, _before  # noqa: PLW0603  (the collector is the process's, too)
    with _lock:
        if _running == 0:
            _before = gc.get_threshold()
            gc.set_threshold(OBJECTS, *_before[1:])
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                gc.set_threshold(*_before)
