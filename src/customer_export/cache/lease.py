"""A lease: of all processes that share a cache, one does what has to be done once."""

import secrets
from datetime import timedelta
from functools import partial

from customer_export.cache.interface import Lease
from customer_export.observability.breaker import DependencyDownError
from customer_export.redis_server.client import Script
from customer_export.redis_server.server import RedisServer

PREFIX = "customer-export:lease:"
LIFE = timedelta(seconds=60)
"""How long a lease outlives who last asked for it: the others wait so long for a process that died."""

TOKEN_BYTES = 16

# KEYS: lease; ARGV: whose it is, its life in ms. Run twice, it gives the same.
_HOLD = Script("""
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

# KEYS: lease; ARGV: whose it is.
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")


class OwnLease:
    """The lease of a process that shares with nobody."""

    def holds(self) -> bool:
        """Say yes."""
        return True

    def release(self) -> None:
        """Free nothing."""


def own_lease(_name: str) -> Lease:
    """Make the lease of a process that shares with nobody."""
    return OwnLease()


class RedisLease:
    """A lease on a server. While that is down nobody has it."""

    def __init__(self, server: RedisServer, name: str, *, life: timedelta = LIFE) -> None:
        self._server = server
        self._key = f"{PREFIX}{name}"
        self._token = secrets.token_hex(TOKEN_BYTES)
        self._life_ms = life // timedelta(milliseconds=1)

    def holds(self) -> bool:
        """Take it, or go on having it; False if another process has it, or the server is down."""
        run = partial(_HOLD.run, keys=(self._key,), values=(self._token, self._life_ms))
        try:
            return bool(self._server.call(run))
        except DependencyDownError:
            return False

    def release(self) -> None:
        """Let another process have it."""
        try:
            self._server.call(partial(_RELEASE.run, keys=(self._key,), values=(self._token,)))
        except DependencyDownError:
            return  # it runs out
