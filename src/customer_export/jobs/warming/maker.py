"""Make one file for the cache: within the budget, while the source is quick, and no longer than exports allow."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from uuid import uuid4

import structlog

from customer_export.errors import (
    ExportCancelledError,
    ExportError,
    ExportTooLargeError,
    RendererBusyError,
    SourceUnavailableError,
    StoreUnavailableError,
)
from customer_export.export.admission import Admission, ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.warming import admit_warming, warm_export
from customer_export.jobs.services import Jobs
from customer_export.jobs.warming.budget import Budget, WarmFiles
from customer_export.jobs.warming.candidates import purged_lately
from customer_export.model.cached_export import CacheKey
from customer_export.model.warming import Pause, WarmingLimits
from customer_export.observability.load import Load

AHEAD = 5
"""A file is renewed in the last fifth of its life."""

_PASSING = (SourceUnavailableError, StoreUnavailableError, RendererBusyError)

log = structlog.get_logger()


class PausedError(Exception):
    """Nothing more is made in this round."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(pause.value)
        self.pause = pause


class Maker:
    """Makes files, one at a time. `monotonic` gives seconds that never run backwards."""

    def __init__(self, jobs: Jobs, limits: WarmingLimits, *, monotonic: Callable[[], float]) -> None:
        self._jobs = jobs
        self._limits = limits
        self._monotonic = monotonic
        services = jobs.services
        # what is made here is no load that it has to stand back for, and takes no longer than the budget of a minute
        self._services = replace(
            services, load=Load(), limits=replace(services.limits, time=min(services.limits.time, limits.source_time))
        )
        self._lease = services.cache.lease(f"warming:{services.source_id}")
        self._budget = Budget(limits, monotonic=monotonic)
        self._stopping = threading.Event()
        self._give_up = threading.Event()
        self.files = WarmFiles(limits)

    def stop(self) -> None:
        """Give up what is being made, and make nothing more."""
        self._stopping.set()
        self._give_up.set()

    def close(self) -> None:
        """Let another process go on."""
        self._lease.release()

    def pause(self) -> Pause | None:
        """Say why nothing may be made just now; whether the source is quick is asked before each file."""
        if not self._lease.holds():
            return Pause.LEASE
        if self._stopping.is_set() or self._jobs.services.load.exports > self._limits.exports_beside:
            return Pause.EXPORTS
        return self._budget.lack()

    def is_kept(self, key: CacheKey) -> bool:
        """Whether a file is in the cache for a while, by what is known here, or else by a look."""
        now = self._jobs.services.now()
        ahead = self._limits.kept / AHEAD
        until = self.files.until(key.digest)
        if until is not None and until - now > ahead:
            return True
        found = self._jobs.services.cache.find(key)
        if found is None or found.stored_at + self._limits.kept - now <= ahead:
            return False
        self.files.found(key.digest, until=found.stored_at + self._limits.kept)
        return True

    def make(self, call: ExportCall) -> None:
        """Make a file now, whether or not it is there, under an id of its own.

        Raises PausedError if there is no room for it, or no more by then; ExportTooLargeError if the cache has not
        kept it; and whatever keeps an export from being made, which is on record if anything was read.
        """
        pause = self.pause() or (None if self._source_is_quick() else Pause.SOURCE)
        if pause is not None:
            raise PausedError(pause)
        admission = admit_warming(self._services, replace(call, export_id=uuid4().hex))
        cancellation = Cancellation()
        try:
            with self._budget.spending(), self._standing_back(cancellation):
                may_begin = partial(self._may_begin, admission)
                warm_export(self._services, admission, cancellation=cancellation, may_begin=may_begin)
        except ExportCancelledError:
            raise PausedError(Pause.EXPORTS) from None
        except _PASSING as failure:
            log.warning("warming_delayed", code=failure.code)
            raise PausedError(Pause.SOURCE) from failure
        found = self._jobs.services.cache.find(admission.key)
        if found is None and not self._lease.holds():  # the server of the cache went down meanwhile
            raise PausedError(Pause.LEASE)
        if found is None:  # it was purged meanwhile, or there is no room for it
            raise ExportTooLargeError(limit_bytes=self._jobs.services.cache.largest_bytes)
        self.files.warmed(admission.key.digest, at=self._jobs.services.now(), size_bytes=found.size_bytes)

    def _source_is_quick(self) -> bool:
        """Measure how quickly the source gives a snapshot and an answer: whoever else keeps it busy, it shows."""
        began = self._monotonic()
        try:
            self._services.source.check()
        except ExportError:
            return False
        return self._monotonic() - began <= self._limits.latency.total_seconds()

    def _may_begin(self, admission: Admission) -> bool:
        """Look once more who was purged: a purge that began before now is on record, and later ones reach the file."""
        now = self._jobs.services.now()
        return admission.request.customer_id not in purged_lately(self._jobs, self._limits, now=now)

    @contextmanager
    def _standing_back(self, cancellation: Cancellation) -> Iterator[None]:
        """End what is being made as soon as there are more exports than it may go on beside, or at the end of all."""
        over = threading.Event()
        give_up = self._give_up = threading.Event()

        def watch() -> None:
            give_up.wait()
            if not over.is_set():
                cancellation.ask()  # it may ask the database, which no export is to wait for

        def told(exports: int) -> None:
            if exports > self._limits.exports_beside or self._stopping.is_set():
                give_up.set()

        watching = threading.Thread(target=watch, name="warming-watch", daemon=True)
        watching.start()
        try:
            with self._jobs.services.load.telling(told):
                yield
        finally:
            over.set()
            give_up.set()
            watching.join()
