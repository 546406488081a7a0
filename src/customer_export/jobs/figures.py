"""Figures of the background for `/metrics`, asked for now and then, however often they are shown."""

import threading
from collections.abc import Callable

import structlog

from customer_export.errors import StoreUnavailableError
from customer_export.observability.background import BackgroundFigures

FRESH_SECONDS = 10.0
"""How old figures may be: of several servers, each asked every 15 seconds, every one counts once between two."""

REST = 20
"""After a count there is a rest of so many times what it took: with 50,000 parts and 80,000 files it takes 0.5 s."""

PATIENCE_SECONDS = 1.0
"""How long whoever shows them waits for new ones: a database that hangs must not take the other figures along."""

OVERDUE_SECONDS = 60.0
"""How long figures are shown after they should have been counted anew: a line that ends says more than a flat one."""

log = structlog.get_logger()


class KeptFigures:
    """The newest figures. Shared by all threads; one of them counts, in a thread of its own."""

    def __init__(self, count: Callable[[], BackgroundFigures], *, monotonic: Callable[[], float]) -> None:
        self._count = count
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._counting: threading.Thread | None = None
        self._figures: BackgroundFigures | None = None
        self._due_at = float("-inf")

    def newest(self) -> BackgroundFigures | None:
        """Give them; None if our database has not answered for a while."""
        with self._lock:
            is_due = self._monotonic() >= self._due_at
            if is_due and (self._counting is None or not self._counting.is_alive()):
                self._counting = threading.Thread(target=self._count_now, daemon=True)
                self._counting.start()
            counting = self._counting if is_due else None
        if counting is not None:
            counting.join(PATIENCE_SECONDS)
        with self._lock:
            return self._figures if self._monotonic() < self._due_at + OVERDUE_SECONDS else None

    def _count_now(self) -> None:
        began_at = self._monotonic()
        try:
            figures = self._count()
        except StoreUnavailableError as failure:
            log.warning("figures_unavailable", code=failure.code)
            return
        with self._lock:
            now = self._monotonic()
            self._figures, self._due_at = figures, now + max(FRESH_SECONDS, REST * (now - began_at))
