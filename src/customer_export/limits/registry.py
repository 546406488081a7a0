"""Where requests are counted, by REDIS_URL."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from customer_export.limits.interface import RateLimiter, WhenDown
from customer_export.limits.memory import MemoryRateLimiter
from customer_export.limits.redis import RedisRateLimiter
from customer_export.model.allowance import RateLimit
from customer_export.redis_server.server import RedisServer

MakeLimiter = Callable[[RateLimit], RateLimiter]


def open_limiters(
    server: RedisServer | None,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    when_down: WhenDown,
) -> MakeLimiter:
    """Give what makes limiters, all on the server or, if there is none, each in this process' memory.

    Nothing of it needs closing. `when_down` does not matter in memory, nor does `monotonic` on the server.
    """
    if server is None:
        return partial(MemoryRateLimiter, now=now, monotonic=monotonic)
    return partial(RedisRateLimiter, server=server, when_down=when_down, now=now)
