"""The cache in Redis or Valkey, shared by all processes.

For each customer there are, in one slot of a cluster: a generation, which a purge renews; an index of the customer's
exports; and the exports, each with the generation it was made under before it. An export counts only under the
generation of the moment. So a purge ends all exports at once, whatever else the server has lost or evicted.
"""

import secrets
from datetime import timedelta
from functools import partial

from customer_export.cache.interface import Keep, Kept, Reach
from customer_export.cache.packing import pack, unpack
from customer_export.cache.sealing import Seal
from customer_export.errors import CacheUnavailableError
from customer_export.model.cached_export import CachedExport, CacheKey
from customer_export.observability.breaker import DependencyDownError
from customer_export.redis_server.client import Client, Script
from customer_export.redis_server.server import RedisServer

PREFIX = "customer-export:cache:"
GENERATION_BYTES = 16
GENERATION_SPARE = timedelta(hours=1)
"""How much longer than an export a generation lives. An export that takes longer to make is not kept."""

# KEYS: generation; ARGV: a new one, its life in ms. Gives the generation of the moment.
_BEGIN = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('GET', KEYS[1])
""")

# KEYS: generation, index, export; ARGV: the generation it was made under, the value, its life in ms.
_KEEP = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + ARGV[3], KEYS[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
""")

# KEYS: generation, index; ARGV: a new generation, its life in ms. Gives the names of the exports there may be.
_PURGE = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('ZRANGE', KEYS[2], 0, -1)
""")


class RedisCache:
    """Keeps exports on a server until `ttl` is over. While the server is down, nothing is found and nothing kept."""

    reach = Reach.SHARED

    def __init__(self, server: RedisServer, *, seal: Seal, ttl: timedelta) -> None:
        self._server = server
        self._seal = seal
        self._ttl_ms = ttl // timedelta(milliseconds=1)
        self._generation_ms = (ttl + GENERATION_SPARE) // timedelta(milliseconds=1)

    def get(self, key: CacheKey) -> CachedExport | None:
        """Give the export, or None: unknown, expired, purged, unreadable, or the server is down."""
        try:
            return self.find(key)
        except DependencyDownError:
            return None

    def find(self, key: CacheKey) -> CachedExport | None:
        """Give the export as `get` does. Raises DependencyDownError where it cannot be known."""
        generation_name, _, name = self._names(key)
        generation, value = self._server.transfer(partial(_read, names=(generation_name, name)))
        if generation is None or value is None or not value.startswith(generation):
            return None
        packed = self._seal.open(memoryview(value)[GENERATION_BYTES:], name=name)
        return None if packed is None else unpack(packed)

    def begin(self, key: CacheKey) -> Keep:
        """Give what keeps the export, unless its customer is purged until then."""
        generation_name, _, _ = self._names(key)
        values = (secrets.token_bytes(GENERATION_BYTES), self._generation_ms)
        try:
            generation = self._server.call(partial(_BEGIN.run, keys=(generation_name,), values=values))
        except DependencyDownError:
            return _keep_nothing
        return partial(self._put, key, generation)

    def _put(self, key: CacheKey, generation: bytes, export: CachedExport) -> Kept:
        names = self._names(key)
        value = generation + self._seal.seal(pack(export), name=names[2])
        run = partial(_KEEP.run, keys=names, values=(generation, value, self._ttl_ms))
        try:
            kept = self._server.transfer(run, sent_bytes=len(value))
        except DependencyDownError:
            return Kept.NOT_KEPT
        return Kept.KEPT if kept else Kept.PURGED

    def purge(self, customer_id: str) -> int:
        """Drop everything of a customer, also what is being made; give how many exports were dropped.

        Raises CacheUnavailableError if that cannot be done.
        """
        tags = self._seal.names(customer_id)
        try:
            return sum(self._server.call(partial(self._purge, tag=tag)) for tag in tags)
        except DependencyDownError as failure:
            raise CacheUnavailableError(
                "The cache does not answer, so the customer's exports could not be dropped; try again in a moment"
            ) from failure

    def _purge(self, client: Client, *, tag: str) -> int:
        values = (secrets.token_bytes(GENERATION_BYTES), self._generation_ms)
        keys = (f"{PREFIX}{{{tag}}}:generation", f"{PREFIX}{{{tag}}}:index")
        names = _PURGE.run(client, keys=keys, values=values)
        if not names:
            return 0
        dropped = int(client.execute_command("UNLINK", *names))
        client.execute_command("ZREM", keys[1], *names)  # last: until they are gone, who purges again finds them
        return dropped

    def check(self) -> None:
        """Raise CacheUnavailableError unless the server answers."""
        try:
            self._server.check()
        except DependencyDownError as failure:
            raise CacheUnavailableError("The cache does not answer; exports are made anew each time") from failure

    def close(self) -> None:
        """Free nothing: whoever opened the server closes it."""

    def _names(self, key: CacheKey) -> tuple[str, str, str]:
        """Name the customer's generation, their index, and the export; the braces keep all in one slot."""
        customer = f"{PREFIX}{{{self._seal.name(key.customer_id)}}}:"
        return f"{customer}generation", f"{customer}index", customer + self._seal.name(key.digest)


def _read(client: Client, *, names: tuple[str, str]) -> list[bytes | None]:
    return list(client.execute_command("MGET", *names))


def _keep_nothing(export: CachedExport) -> Kept:  # noqa: ARG001
    return Kept.NOT_KEPT
