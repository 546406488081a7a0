"""Counting in Redis or Valkey, for all processes together."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from customer_export.errors import LimiterUnavailableError
from customer_export.limits.interface import WhenDown, allowance_of, check_cost
from customer_export.model.allowance import Allowance, RateLimit
from customer_export.observability.breaker import DependencyDownError
from customer_export.redis_server.client import Script
from customer_export.redis_server.server import RedisServer

PREFIX = "customer-export:limit"
MICROSECOND = timedelta(microseconds=1)

SLIDING_WINDOW = Script("""
-- KEYS[1] is a client's list of moments, oldest first; moments and times are in microseconds.
-- The clock is the server's, as processes on several machines differ. A moment that is a window ahead of it comes from
-- a server whose clock was wrong, and says nothing.
-- Returns whether the cost fits, what is counted now, and the time until there is room.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local counting = ARGV[4] == '1'
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and math.abs(now - oldest) >= window do
  redis.call('LPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], 0)
end
local used = redis.call('LLEN', KEYS[1])
local excess = used + cost - limit
if excess > 0 then
  return {0, used, redis.call('LINDEX', KEYS[1], excess - 1) + window - now}
end
if counting then
  for _ = 1, cost do
    redis.call('RPUSH', KEYS[1], now)
  end
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
  used = used + cost
  oldest = oldest or now
end
return {1, used, oldest and oldest + window - now or 0}
""")


class RedisRateLimiter:
    """Keeps the moments of counted requests in a list for each client, which goes away when it is idle.

    One script call a request, on one key. `when_down` says what happens while the server does not answer.
    """

    def __init__(
        self, rate: RateLimit, *, server: RedisServer, when_down: WhenDown, now: Callable[[], datetime]
    ) -> None:
        self.rate = rate
        self._window_us = rate.window // MICROSECOND
        self._server = server
        self._when_down = when_down
        self._now = now

    def take(self, key: str, *, cost: int = 1) -> Allowance:
        """Count a request, if it fits."""
        check_cost(self.rate, cost)
        return self._ask(key, cost=cost, counting=True)

    def look(self, key: str) -> Allowance:
        """Tell what is left."""
        return self._ask(key, cost=1, counting=False)

    def check(self) -> None:
        """Ask the server whether it is there."""
        try:
            self._server.check()
        except DependencyDownError:
            raise _unavailable() from None

    def _ask(self, key: str, *, cost: int, counting: bool) -> Allowance:
        keys = (f"{PREFIX}:{self.rate.name}:{key}",)
        values = (self.rate.limit, self._window_us, cost, int(counting))
        try:
            allowed, used, resets_in_us = self._server.call(partial(SLIDING_WINDOW.run, keys=keys, values=values))
        except DependencyDownError:
            return self._uncounted()
        return allowance_of(self.rate, allowed=bool(allowed), used=used, resets_in_us=resets_in_us, now=self._now())

    def _uncounted(self) -> Allowance:
        """Apply the operator's choice for a server that is down."""
        if self._when_down is WhenDown.CLOSED:
            raise _unavailable() from None
        return Allowance(
            rate=self.rate,
            allowed=True,
            remaining=self.rate.limit,
            resets_in=timedelta(),
            resets_at=self._now(),
            enforced=False,
        )


def _unavailable() -> LimiterUnavailableError:
    return LimiterUnavailableError("Requests cannot be counted just now; try again, and check REDIS_URL and its server")
