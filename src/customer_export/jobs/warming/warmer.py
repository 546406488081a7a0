"""Keep the files warm that are asked for most, or named by a schedule, in a thread that stands back for exports."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from customer_export.errors import ExportError, StoreUnavailableError
from customer_export.jobs.services import Jobs
from customer_export.jobs.warming.candidates import Candidate, find_candidates
from customer_export.jobs.warming.maker import AHEAD, Maker, PausedError
from customer_export.jobs.warming.scheduled import ScheduledWarming
from customer_export.model.warming import Pause, Standing, WarmingLimits

ROUND_SECONDS = 10.0
"""How often it looks what is asked for: a file lives for minutes. If the time in which it is renewed is short, it looks
twice in it."""

REST = 50
"""Times what a look took it rests at least: with 20,000 records it takes 50 ms of a core, most of it our database's."""

MOST_UNASKED = 2  # times that a file is made without anybody asking for it

AGAIN_AFTER = timedelta(hours=1)
"""When a file is tried again that could not be made: what stands against that is hardly ever over in a minute."""

log = structlog.get_logger()


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
        self._maker = Maker(jobs, limits, monotonic=monotonic)
        self._scheduled = ScheduledWarming(jobs, limits, self._maker)
        self._reasons: dict[str, Standing] = {}
        self._looking_seconds = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)
        self.looked: Looked | None = None
        """What the last round found; None before the first."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End at once: what is being made is given up."""
        self._stopping.set()
        self._maker.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._maker.close()

    def _run(self) -> None:
        round_seconds = min(ROUND_SECONDS, self._limits.kept.total_seconds() / AHEAD / 2)
        while not self._stopping.wait(max(round_seconds, REST * self._looking_seconds)):
            try:
                self.look()
            except ExportError as failure:
                log.warning("warming_delayed", code=failure.code)
            except Exception:
                log.exception("warming_failed")

    def look(self) -> None:
        """Do a round: make what schedules name, then what is asked for most. Raises StoreUnavailableError."""
        now = self._jobs.services.now()
        pause = self._maker.pause()
        if pause is not Pause.LEASE:
            pause = self._scheduled.look(pause)
        if pause is None or self.looked is None:
            began = self._monotonic()
            candidates = find_candidates(self._jobs, self._limits, now=now)
            self._looking_seconds = self._monotonic() - began
        else:  # nothing is looked up while there is no time for it
            candidates = [candidate for candidate, _ in self.looked.files]
        names = frozenset(candidate.name for candidate in candidates)
        self._maker.files.forget(names, now=now)
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

    def _standing(self, candidate: Candidate) -> Standing:
        """Say what is to become of a file."""
        if candidate.key is None:
            return candidate.standing
        name, asked, now = candidate.name, candidate.asked, self._jobs.services.now()
        files = self._maker.files
        if self._maker.is_kept(candidate.key):
            return Standing.KEPT
        if files.has_failed(name, now=now):
            return Standing.FAILED
        if files.unasked(name, last_at=asked.last_at) >= MOST_UNASKED:
            return Standing.UNASKED
        fits = asked.bytes <= self._jobs.services.cache.largest_bytes
        return Standing.DUE if fits and files.has_room_for(name, asked.bytes, now=now) else Standing.TOO_LARGE

    def _make(self, candidate: Candidate) -> Standing:
        """Make a file. Raises PausedError and StoreUnavailableError."""
        try:
            self._maker.make(candidate.call())
        except StoreUnavailableError:
            raise
        except ExportError:
            self._maker.files.failed(candidate.name, until=self._jobs.services.now() + AGAIN_AFTER)
            return Standing.FAILED
        return Standing.KEPT

    def _tell(self, candidate: Candidate, standing: Standing) -> None:
        """Count a file that is left out, once for each reason."""
        if standing in (Standing.KEPT, Standing.DUE):
            self._reasons.pop(candidate.name, None)
        elif self._reasons.get(candidate.name) is not standing:
            self._reasons[candidate.name] = standing
            self._jobs.services.metrics.not_warmed(standing.value)
