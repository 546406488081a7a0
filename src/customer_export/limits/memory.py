"""Counting in the memory of one process."""

import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta

from customer_export.limits.interface import allowance_of, check_cost
from customer_export.model.allowance import Allowance, RateLimit

MICROSECOND = timedelta(microseconds=1)
SWEPT_AT_A_TIME = 2  # a request adds at most one client, so taking away two keeps idle ones from piling up
WORTH_COMPACTING = 512  # moments; below it, what has left the window is cheaper kept (4 KiB) than moved away


class MemoryRateLimiter:
    """Keeps the moment of each counted request for as long as the window: exact, and eight bytes a request.

    `now` gives an aware moment, `monotonic` seconds that never run backwards; windows go by the latter.
    """

    def __init__(self, rate: RateLimit, *, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self.rate = rate
        self._window_us = rate.window // MICROSECOND
        self._now = now
        self._monotonic = monotonic
        self._turn = threading.Lock()
        self._clients: dict[str, _Moments] = {}  # whoever was counted last stands last

    @property
    def clients(self) -> int:
        """How many clients are remembered."""
        return len(self._clients)

    def take(self, key: str, *, cost: int = 1) -> Allowance:
        """Count a request, if it fits."""
        check_cost(self.rate, cost)
        with self._turn:
            moment = self._moment()
            moments = self._clients.pop(key, None) or _Moments()
            self._sweep(moment)
            self._clients[key] = moments
            moments.leave(moment - self._window_us)
            excess = moments.count + cost - self.rate.limit
            if excess <= 0:
                moments.enter(moment, cost)
            return self._allowance(moments, moment, excess=excess)

    def look(self, key: str) -> Allowance:
        """Tell what is left."""
        with self._turn:
            moment = self._moment()
            self._sweep(moment)
            moments = self._clients.get(key) or _Moments()
            moments.leave(moment - self._window_us)
            return self._allowance(moments, moment, excess=moments.count + 1 - self.rate.limit)

    def check(self) -> None:
        """Do nothing: memory does not fail."""

    def _moment(self) -> int:
        return round(self._monotonic() * 1_000_000)

    def _allowance(self, moments: "_Moments", moment: int, *, excess: int) -> Allowance:
        frees = moments.at(max(excess, 1) - 1)
        return allowance_of(
            self.rate,
            allowed=excess <= 0,
            used=moments.count,
            resets_in_us=0 if frees is None else frees + self._window_us - moment,
            now=self._now(),
        )

    def _sweep(self, moment: int) -> None:
        """Forget clients of whom nothing is in the window any more, those first who were counted longest ago."""
        for _ in range(SWEPT_AT_A_TIME):
            oldest = next(iter(self._clients), None)
            if oldest is None or self._clients[oldest].last > moment - self._window_us:
                return
            del self._clients[oldest]


class _Moments:
    """When a client's requests were counted, in microseconds, oldest first."""

    __slots__ = ("_first", "_times")

    def __init__(self) -> None:
        self._times = array("q")
        self._first = 0  # index of the oldest that still counts

    @property
    def count(self) -> int:
        return len(self._times) - self._first

    @property
    def last(self) -> int:
        return self._times[-1] if self._times else 0

    def at(self, index: int) -> int | None:
        """Give one of those that count, or None if there are not so many."""
        place = self._first + index
        return self._times[place] if place < len(self._times) else None

    def enter(self, moment: int, count: int) -> None:
        self._times.extend([moment] * count)

    def leave(self, until: int) -> None:
        """Stop counting what is as old as `until`, or older."""
        self._first = bisect_right(self._times, until, lo=self._first)
        if self._first > WORTH_COMPACTING and self._first * 2 > len(self._times):
            del self._times[: self._first]
            self._first = 0
