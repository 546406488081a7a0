"""How somebody on another thread ends an export."""

import threading
from collections.abc import Callable

from customer_export.errors import ExportCancelledError


class Cancellation:
    """Asked for once; whatever is running then is told, and what comes after raises."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._tell: Callable[[], None] | None = None

    def ask(self) -> None:
        """End the export, from any thread."""
        with self._lock:
            tell, self._tell = self._tell, None
            self._asked = True
            if tell is not None:
                tell()

    def while_running(self, tell: Callable[[], None]) -> None:
        """Say what has to be told when somebody asks. Raises ExportCancelledError if somebody has."""
        with self._lock:
            self._tell = tell
        self.check()

    def finished(self) -> None:
        """Say that there is nothing to tell any more."""
        with self._lock:
            self._tell = None

    def check(self) -> None:
        """Raise ExportCancelledError if somebody asked."""
        if self._asked:
            raise ExportCancelledError
