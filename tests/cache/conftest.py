"""Every kind of cache, to hold against the same rules."""

import time
from collections.abc import Iterator

import pytest
from cached_exports import TTL, redis_cache

from customer_export.cache.interface import Cache
from customer_export.cache.memory import MemoryCache
from valkey_servers import ValkeyCluster, ValkeyServer

KEY = bytes(range(32))


@pytest.fixture(params=["memory", "valkey", "valkey, sealed", "cluster"])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    """An empty cache."""
    match request.param:
        case "memory":
            yield MemoryCache(budget_bytes=1 << 26, ttl=TTL, monotonic=time.monotonic)
        case "cluster":
            cluster: ValkeyCluster = request.getfixturevalue("valkey_cluster")
            with redis_cache(cluster.url) as made:
                yield made
        case kind:
            server: ValkeyServer = request.getfixturevalue("valkey")
            with redis_cache(server.url, keys=(KEY,) if "sealed" in kind else ()) as made:
                yield made
