"""Limiters of each kind for tests, on clocks that move when told to where there is one."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from customer_export.limits.interface import WhenDown
from customer_export.limits.memory import MemoryRateLimiter
from customer_export.limits.registry import MakeLimiter, open_limiters
from customer_export.model.allowance import RateLimit
from customer_export.observability.breaker import CircuitBreaker
from customer_export.redis_server.server import CALL_TIME, open_server

MINUTE = timedelta(minutes=1)
FIVE_A_MINUTE = RateLimit(name="exports", limit=5, window=MINUTE)
SHORT_COOLING = timedelta(milliseconds=100)  # tests of recovery wait for it
PATIENT = timedelta(seconds=20)  # for tests of counting, which must not fail because the machine is busy


class Clock:
    """Both clocks of a limiter, moved together."""

    def __init__(self) -> None:
        self.moment = datetime(2024, 1, 1, 10, 0, 0, 250_000, tzinfo=UTC)
        self.seconds = 5_000.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def pass_(self, time_: timedelta) -> None:
        self.moment += time_
        self.seconds += time_.total_seconds()


def memory_limiter(clock: Clock, rate: RateLimit = FIVE_A_MINUTE) -> MemoryRateLimiter:
    return MemoryRateLimiter(rate, now=clock.now, monotonic=clock.monotonic)


@contextmanager
def limiters(
    url: str | None,
    *,
    when_down: WhenDown = WhenDown.OPEN,
    breaker: CircuitBreaker | None = None,
    call_time: timedelta = CALL_TIME,
) -> Iterator[MakeLimiter]:
    """Open what makes limiters, on real clocks."""
    guard = breaker or CircuitBreaker(name="redis", monotonic=time.monotonic, cooling=SHORT_COOLING)
    with ExitStack() as held:
        server = None if url is None else held.enter_context(open_server(url, breaker=guard, call_time=call_time))
        yield open_limiters(server, now=lambda: datetime.now(UTC), monotonic=time.monotonic, when_down=when_down)
