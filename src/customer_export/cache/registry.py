"""From settings to a cache."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from customer_export.cache.exports import ExportCache
from customer_export.cache.flights import LocalFlights
from customer_export.cache.lease import RedisLease
from customer_export.cache.memory import MemoryCache
from customer_export.cache.off import NoCache, NoFlights
from customer_export.cache.redis import RedisCache
from customer_export.cache.redis_flights import RedisFlights
from customer_export.cache.sealing import Seal, parse_keys
from customer_export.redis_server.server import RedisServer


def open_cache(
    server: RedisServer | None,
    *,
    ttl: timedelta,
    largest_bytes: int,
    memory_bytes: int,
    keys: str,
    monotonic: Callable[[], float],
) -> ExportCache:
    """Make the cache: none if `ttl` is zero, in memory without a server, else on it; it need not be up.

    `keys` is the text of EXPORT_CACHE_KEYS. Raises ConfigurationError if they are wrong. The cache must be closed
    before the server.
    """
    seal = Seal(parse_keys(keys, variable="EXPORT_CACHE_KEYS"))
    if not ttl:
        return ExportCache(NoCache(), NoFlights(), largest_bytes=0)
    local = LocalFlights(monotonic=monotonic)
    if server is None:
        memory = MemoryCache(budget_bytes=memory_bytes, ttl=ttl, monotonic=monotonic)
        return ExportCache(memory, local, largest_bytes=largest_bytes)
    shared = RedisCache(server, seal=seal, ttl=ttl)
    flights = RedisFlights(server, seal=seal, local=local, read=shared.find, monotonic=monotonic)
    return ExportCache(shared, flights, largest_bytes=largest_bytes, make_lease=partial(RedisLease, server))
