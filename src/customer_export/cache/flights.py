"""Single flight in one process: of identical exports that are asked for at the same time, one is made."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta

from customer_export.cache.interface import Follow
from customer_export.model.cached_export import CachedExport, CacheKey

LONGEST_WAIT = timedelta(seconds=10)
"""How long a flight may keep others waiting: who leads may be sending to a slow client. Most exports of the size that
is kept are made in less than a second."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalLead:
    """Leads all who ask in this process. `took_off_seconds` is when it began."""

    flights: "LocalFlights"
    digest: str
    made: "Future[CachedExport | None]"
    took_off_seconds: float

    def done(self, entry: CachedExport) -> None:
        """Give the export to all who wait."""
        self.flights.land(self, entry)

    def not_shared(self) -> None:
        """Let all who wait go on by themselves."""
        self.flights.land(self, None)


class LocalFlights:
    """Knows the exports that are being made in this process.

    A flight longer than `longest_wait` is given up: who waits goes on, and who comes leads another one.
    `monotonic` gives seconds that never run backwards.
    """

    def __init__(self, *, monotonic: Callable[[], float], longest_wait: timedelta = LONGEST_WAIT) -> None:
        self.longest_seconds = longest_wait.total_seconds()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._leads: dict[str, LocalLead] = {}

    def lead_or_follow(self, key: CacheKey) -> LocalLead | Follow:
        """Take the lead if nobody makes this export, else follow."""
        with self._lock:
            lead = self._leads.get(key.digest)
            if lead is not None and self.left_seconds(lead) > 0:
                return self.follow(lead)
            lead = LocalLead(self, key.digest, Future(), self._monotonic())
            lead.made.set_running_or_notify_cancel()  # from here on nobody who waits can cancel it for the others
            self._leads[key.digest] = lead
            return lead

    def follow(self, lead: LocalLead) -> Follow:
        """Give a place behind a lead."""
        return Follow(made=lead.made, longest_seconds=max(0.0, self.left_seconds(lead)))

    def left_seconds(self, lead: LocalLead) -> float:
        """Say for how long a flight may still keep others waiting."""
        return lead.took_off_seconds + self.longest_seconds - self._monotonic()

    def land(self, lead: LocalLead, entry: CachedExport | None) -> None:
        """End a flight; a second time changes nothing."""
        with self._lock:
            if self._leads.get(lead.digest) is lead:
                del self._leads[lead.digest]
            if lead.made.done():
                return
            lead.made.set_result(entry)

    def close(self) -> None:
        """Free nothing: whoever leads ends the flight."""
