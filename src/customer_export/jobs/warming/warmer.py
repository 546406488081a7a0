"""Keep the files warm that are asked for most, in a thread of its own that stands back for every export."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from customer_export.errors import (
    ExportCancelledError,
    ExportError,
    RendererBusyError,
    SourceUnavailableError,
    StoreUnavailableError,
)
from customer_export.export.admission import Admission, ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.warming import admit_warming, warm_export
from customer_export.jobs.services import Jobs
from customer_export.jobs.warming.budget import Budget, WarmFiles
from customer_export.jobs.warming.candidates import Candidate, find_candidates, purged_lately
from customer_export.model.warming import Pause, Standing, WarmingLimits
from customer_export.observability.load import Load

ROUND_SECONDS = 10.0
"""How often it looks what is asked for: that takes some 30 ms, and a file lives for minutes."""

AHEAD = 5
"""A file is renewed in the last fifth of its life; if that is short, it looks twice in it."""

MOST_UNASKED = 2  # times that a file is made without anybody asking for it

AGAIN_AFTER = timedelta(hours=1)
"""When a file is tried again that could not be made: what stands against that is hardly ever over in a minute."""

_PASSING = (SourceUnavailableError, StoreUnavailableError, RendererBusyError)

log = structlog.get_logger()


class PausedError(Exception):
    """Nothing more is made in this round."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(pause.value)
        self.pause = pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the last round found: each file with its standing, and why nothing is made, None if it could be."""

    at: datetime
    files: Sequence[tuple[Candidate, Standing]]
    pause: Pause | None


class Warmer:
    """Keeps files warm from `start` to `stop`. `monotonic` gives seconds that never run backwards."""

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
        self.files = WarmFiles(limits)
        self._reasons: dict[str, Standing] = {}
        self._stopping = threading.Event()
        self._give_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)
        self.looked: Looked | None = None
        """What the last round found; None before the first."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End at once: what is being made is given up."""
        self._stopping.set()
        self._give_up.set()
        if self._thread.is_alive():
            self._thread.join()
        self._lease.release()

    def _run(self) -> None:
        round_seconds = min(ROUND_SECONDS, self._limits.kept.total_seconds() / AHEAD / 2)
        while not self._stopping.wait(round_seconds):
            try:
                self.look()
            except ExportError as failure:
                log.warning("warming_delayed", code=failure.code)
            except Exception:
                log.exception("warming_failed")

    def look(self) -> None:
        """Do a round: see what is asked for most, and make what is due. Raises StoreUnavailableError."""
        now = self._jobs.services.now()
        pause = self._pause()
        if pause is None or self.looked is None:
            candidates = find_candidates(self._jobs, self._limits, now=now)
        else:  # nothing is looked up while there is no time for it
            candidates = [candidate for candidate, _ in self.looked.files]
        names = frozenset(candidate.name for candidate in candidates)
        self.files.forget(names, now=now)
        self._reasons = {name: reason for name, reason in self._reasons.items() if name in names}
        standings: list[tuple[Candidate, Standing]] = []
        for candidate in candidates:
            standing = self._standing(candidate)
            if standing is Standing.DUE and pause is None:
                try:
                    standing = self._make(candidate)
                except PausedError as paused:
                    pause = paused.pause
            self._tell(candidate, standing)
            standings.append((candidate, standing))
        self.looked = Looked(at=now, files=standings, pause=pause)

    def _pause(self) -> Pause | None:
        """Say why nothing may be made just now."""
        if self._jobs.services.load.exports > self._limits.exports_beside:
            return Pause.EXPORTS
        lack = self._budget.lack()
        if lack is not None:
            return lack
        return None if self._lease.holds() else Pause.LEASE

    def _source_is_quick(self) -> bool:
        """Measure how quickly the source gives a snapshot and an answer: whoever else keeps it busy, it shows."""
        began = self._monotonic()
        try:
            self._services.source.check()
        except ExportError:
            return False
        return self._monotonic() - began <= self._limits.latency.total_seconds()

    def _standing(self, candidate: Candidate) -> Standing:
        """Say what is to become of a file."""
        if candidate.key is None:
            return candidate.standing
        name, asked, now = candidate.name, candidate.asked, self._jobs.services.now()
        until = self.files.until(name)
        if until is not None and not self._ends_soon(until, now):
            return Standing.KEPT
        if self.files.has_failed(name, now=now):
            return Standing.FAILED
        if self.files.unasked(name, last_at=asked.last_at) >= MOST_UNASKED:
            return Standing.UNASKED
        fits = asked.bytes <= self._jobs.services.cache.largest_bytes
        if not fits or not self.files.has_room_for(name, asked.bytes, now=now):
            return Standing.TOO_LARGE
        return Standing.DUE

    def _ends_soon(self, until: datetime, now: datetime) -> bool:
        return until - now <= self._limits.kept / AHEAD

    def _make(self, candidate: Candidate) -> Standing:
        """Make a file, unless somebody else has by now. Raises PausedError."""
        assert candidate.key is not None
        name, cache = candidate.name, self._jobs.services.cache
        found = cache.find(candidate.key)
        if found is not None:
            self.files.found(name, until=found.stored_at + self._limits.kept)
            if not self._ends_soon(found.stored_at + self._limits.kept, self._jobs.services.now()):
                return Standing.KEPT
        try:
            standing = self.make(candidate.call(), name)
        except StoreUnavailableError:
            raise
        except ExportError:  # on record, if anything was read
            standing = Standing.FAILED
        if standing is Standing.FAILED:
            self.files.failed(name, until=self._jobs.services.now() + AGAIN_AFTER)
        return standing

    def make(self, call: ExportCall, name: str) -> Standing:
        """Make a file now, if there is room for it. Raises PausedError if there is not, or no more by then."""
        pause = self._pause() or (None if self._source_is_quick() else Pause.SOURCE)
        if pause is not None:
            raise PausedError(pause)
        admission = admit_warming(self._services, call)
        cancellation = Cancellation()
        try:
            with self._budget.spending(), self._standing_back(cancellation):
                kept = warm_export(
                    self._services,
                    admission,
                    cancellation=cancellation,
                    may_begin=partial(self._may_begin, admission),
                )
        except ExportCancelledError:
            raise PausedError(Pause.EXPORTS) from None
        except _PASSING as failure:
            log.warning("warming_delayed", code=failure.code)
            raise PausedError(Pause.SOURCE) from failure
        found = self._jobs.services.cache.find(admission.key) if kept else None
        if found is None:
            return Standing.FAILED
        self.files.warmed(name, at=self._jobs.services.now(), size_bytes=found.size_bytes)
        return Standing.KEPT

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

    def _tell(self, candidate: Candidate, standing: Standing) -> None:
        """Count a file that is left out, once for each reason."""
        if standing in (Standing.KEPT, Standing.DUE):
            self._reasons.pop(candidate.name, None)
        elif self._reasons.get(candidate.name) is not standing:
            self._reasons[candidate.name] = standing
            self._jobs.services.metrics.not_warmed(standing.value)
