"""The coverage that manifests tell: looked up beside the exports, so that none waits for it."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog

from customer_export.errors import ExportError
from customer_export.mapping.coverage.report import coverage_of
from customer_export.model.customer_map import CustomerMap
from customer_export.source.interface import Survey

RENEWED_AFTER = timedelta(minutes=5)
"""A migration shows in manifests as soon as it would in files out of the cache, by its default time to live."""

RETRIED_AFTER = timedelta(seconds=10)
"""A database that was down for a moment is known soon after it is up again."""

CLOSE_SECONDS = 5  # as long as a database may take to say hello

log = structlog.get_logger()


class KeptCoverage:
    """What is known of a map's coverage. Shared by threads.

    The first export after RENEWED_AFTER starts a new look and takes what is known. Only while nothing is known yet is a
    look waited for, `patience` long: a server has none, since it looks at its start.
    """

    def __init__(
        self,
        customer_map: CustomerMap,
        survey: Callable[[], AbstractContextManager[Survey]],
        *,
        patience: timedelta,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._map = customer_map
        self._survey = survey
        self._patience_seconds = patience.total_seconds()
        self._now = now
        self._monotonic = monotonic
        self._known: Mapping[str, object] | None = None
        self._due = monotonic()
        self._starting = threading.Lock()
        self._looking: threading.Thread | None = None

    def known(self) -> Mapping[str, object] | None:
        """Give the coverage as a manifest's members, or None as long as there is none. Does not block for long."""
        if self._monotonic() >= self._due:
            looking = self.look()
            if self._known is None and self._patience_seconds:
                looking.join(self._patience_seconds)
        return self._known

    def look(self) -> threading.Thread:
        """Look in the background, unless somebody is at it; give the thread that does."""
        with self._starting:
            if self._looking is None or not self._looking.is_alive():
                self._due = self._monotonic() + RENEWED_AFTER.total_seconds()
                self._looking = threading.Thread(target=self._look, name="coverage", daemon=True)
                self._looking.start()
            return self._looking

    def _look(self) -> None:
        try:
            with self._survey() as survey:
                coverage = coverage_of(self._map, survey.catalogue())
                self._known = coverage.summary().members(checked_at=self._now(), sees_all=survey.sees_all())
        except ExportError as failure:
            self._due = self._monotonic() + RETRIED_AFTER.total_seconds()
            # exports need none of it, and say so: the manifest has the last coverage with its date, or null
            log.warning("coverage_unknown", code=failure.code)

    def close(self) -> None:
        """Wait for a look that is under way, so that it leaves no connection behind."""
        if self._looking is not None:
            self._looking.join(CLOSE_SECONDS)
