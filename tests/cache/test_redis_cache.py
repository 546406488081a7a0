"""The cache on a server: what stands there, for how long, and what happens when the server does not do well."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from cached_exports import BUSY_SECONDS, TTL, export_of, key_of, redis_cache, server_at
from structlog.testing import capture_logs

from customer_export.cache.interface import Kept
from customer_export.cache.redis import RedisCache
from customer_export.cache.sealing import Seal
from customer_export.errors import CacheUnavailableError
from customer_export.redis_server.server import CALL_TIME
from servers import wait_until
from valkey_servers import ValkeyServer

KEY, NEW_KEY = bytes(range(32)), bytes(range(32, 64))
CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
BODY = b"id,name\r\n1,Ada Lovelace\r\n"


@pytest.fixture
def cache(valkey: ValkeyServer) -> Iterator[RedisCache]:
    with redis_cache(valkey.url) as made:
        yield made


@pytest.fixture
def impatient(mortal_valkey: ValkeyServer) -> Iterator[RedisCache]:
    """A cache as it is in service, on a server that may be killed."""
    server = server_at(mortal_valkey.url, call_time=CALL_TIME, cooling=timedelta(milliseconds=200))
    with closing(server):
        yield RedisCache(server, seal=Seal(), ttl=TTL)


def names_on(server: ValkeyServer) -> list[str]:
    with closing(server.client()) as client:
        return sorted(name.decode() for name in client.scan_iter())


def entry_on(server: ValkeyServer) -> str:
    (name,) = [name for name in names_on(server) if not name.endswith((":generation", ":index"))]
    return name


def test_the_server_ends_an_export_by_itself(valkey: ValkeyServer) -> None:
    with redis_cache(valkey.url, ttl=timedelta(milliseconds=100)) as cache:
        assert cache.begin(key_of())(export_of()) is Kept.KEPT
        wait_until(lambda: cache.get(key_of()) is None, what="the export to expire")
        wait_until(lambda: len(names_on(valkey)) == 1, what="all but the generation to expire")
        assert cache.purge("42") == 0


def test_nothing_stays_for_ever(valkey: ValkeyServer, cache: RedisCache) -> None:
    cache.begin(key_of())(export_of())
    for name in names_on(valkey):
        left = valkey.command("PTTL", name)
        assert isinstance(left, int)
        assert 0 < left <= (TTL + timedelta(hours=1)) / timedelta(milliseconds=1)


def test_the_index_does_not_grow_with_what_has_expired(valkey: ValkeyServer) -> None:
    with redis_cache(valkey.url, ttl=timedelta(milliseconds=60)) as cache:
        for number in range(20):
            cache.begin(key_of(str(number)))(export_of())
            wait_until(lambda: cache.get(key_of(str(number))) is None, what="the export to expire")  # noqa: B023
        cache.begin(key_of("last"))(export_of())
        index = next((name for name in names_on(valkey) if name.endswith(":index")), "none")
        assert valkey.command("ZCARD", index) in (0, 1)


def test_a_purge_leaves_no_byte_behind(valkey: ValkeyServer, cache: RedisCache) -> None:
    late = cache.begin(key_of("late"))
    for text in ("csv", "pdf"):
        cache.begin(key_of(text))(export_of(BODY))
    cache.purge("42")
    late(export_of(BODY))
    (generation,) = names_on(valkey)
    assert generation.endswith(":generation")


def test_a_purge_that_broke_off_is_made_whole_by_the_next_one(mortal_valkey: ValkeyServer) -> None:
    with closing(server_at(mortal_valkey.url, cooling=timedelta(milliseconds=1))) as server:
        cache = RedisCache(server, seal=Seal(), ttl=TTL)
        cache.begin(key_of())(export_of(BODY))
        mortal_valkey.command("ACL", "SETUSER", "default", "-unlink")
        with pytest.raises(CacheUnavailableError):
            cache.purge("42")
        assert cache.get(key_of()) is None
        mortal_valkey.command("ACL", "SETUSER", "default", "+unlink")
        wait_until(lambda: purged(cache) == 1, what="the export to be dropped")
        assert all(name.endswith(":generation") for name in names_on(mortal_valkey))


def purged(cache: RedisCache) -> int | None:
    try:
        return cache.purge("42")
    except CacheUnavailableError:
        return None


@pytest.mark.parametrize("lost", ["index", "generation"])
def test_a_purge_holds_although_the_server_evicted_something(
    valkey: ValkeyServer, cache: RedisCache, lost: str
) -> None:
    cache.begin(key_of())(export_of())
    for name in names_on(valkey):
        if name.endswith(lost):
            valkey.command("DEL", name)
    cache.purge("42")
    cache.begin(key_of("another"))
    assert cache.get(key_of()) is None


def test_what_was_begun_before_the_server_lost_everything_is_not_kept(valkey: ValkeyServer, cache: RedisCache) -> None:
    """A purge may have been among what it lost."""
    keep = cache.begin(key_of())
    valkey.flush()
    assert keep(export_of()) is Kept.PURGED
    assert cache.get(key_of()) is None
    assert cache.begin(key_of())(export_of()) is Kept.KEPT


@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_nobody_is_named_on_the_server(valkey: ValkeyServer, keys: tuple[bytes, ...]) -> None:
    with redis_cache(valkey.url, keys=keys) as cache:
        cache.begin(key_of(customer=CUSTOMER))(export_of(BODY))
    assert not any(CUSTOMER in name or CUSTOMER[:8] in name for name in names_on(valkey))


def test_with_a_key_nothing_can_be_read_on_the_server(valkey: ValkeyServer) -> None:
    with redis_cache(valkey.url, keys=(KEY,)) as cache:
        cache.begin(key_of())(export_of(BODY))
        value = valkey.command("GET", entry_on(valkey))
    assert isinstance(value, bytes)
    assert not any(part in value for part in (BODY, b"Ada", b"customer-42", b"text/csv"))


def test_a_tampered_export_is_a_miss_and_one_log_event(valkey: ValkeyServer) -> None:
    with redis_cache(valkey.url, keys=(KEY,)) as cache:
        cache.begin(key_of())(export_of(BODY))
        valkey.command("SETRANGE", entry_on(valkey), 60, "x")
        with capture_logs() as logs:
            assert cache.get(key_of()) is None
        assert [entry["event"] for entry in logs] == ["cache_value_tampered"]
        assert cache.begin(key_of())(export_of(BODY)) is Kept.KEPT
        assert cache.get(key_of()) == export_of(BODY)


@pytest.mark.parametrize("foreign", ["", "x", "some other program's value", "x" * 17, "x" * 100])
@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_a_foreign_value_is_a_miss(valkey: ValkeyServer, keys: tuple[bytes, ...], foreign: str) -> None:
    with redis_cache(valkey.url, keys=keys) as cache:
        cache.begin(key_of())(export_of(BODY))
        generation = valkey.command("GET", next(name for name in names_on(valkey) if name.endswith(":generation")))
        assert isinstance(generation, bytes)
        for value in (foreign.encode(), generation + foreign.encode()):
            with closing(valkey.client()) as client:
                client.set(entry_on(valkey), value)
            assert cache.get(key_of()) is None


def test_keys_are_changed_without_losing_an_export_or_a_purge(valkey: ValkeyServer) -> None:
    with (
        redis_cache(valkey.url, keys=(KEY,)) as before,
        redis_cache(valkey.url, keys=(NEW_KEY, KEY)) as between,
        redis_cache(valkey.url, keys=(NEW_KEY,)) as after,
    ):
        before.begin(key_of("a"))(export_of(BODY))
        assert between.get(key_of("a")) == export_of(BODY)
        between.begin(key_of("b"))(export_of(BODY))
        assert before.get(key_of("b")) is None
        assert before.purge("42") == 2
        assert between.get(key_of("b")) is None
        after.begin(key_of("c"))(export_of(BODY))
        assert between.purge("42") == 1
        assert after.get(key_of("c")) is None


def test_another_kind_of_value_in_our_place_bypasses_the_cache(valkey: ValkeyServer, cache: RedisCache) -> None:
    cache.begin(key_of())(export_of())
    name = entry_on(valkey)
    valkey.command("DEL", name)
    valkey.command("LPUSH", name, "x")
    assert cache.get(key_of()) is None


def test_a_server_without_room_keeps_nothing_and_is_not_down(mortal_valkey: ValkeyServer) -> None:
    with redis_cache(mortal_valkey.url) as cache:
        cache.begin(key_of("small"))(export_of())
        keep = cache.begin(key_of("begun"))
        mortal_valkey.command("CONFIG", "SET", "maxmemory", "1mb")
        mortal_valkey.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        with capture_logs() as logs:
            assert cache.begin(key_of("large"))(export_of()) is Kept.NOT_KEPT
            assert keep(export_of()) is Kept.NOT_KEPT
        assert [entry["event"] for entry in logs] == ["redis_full"] * 2
        assert cache.get(key_of("small")) == export_of()
        cache.check()


def test_a_server_that_is_down_is_bypassed_and_found_again(mortal_valkey: ValkeyServer, impatient: RedisCache) -> None:
    impatient.begin(key_of())(export_of())
    keep = impatient.begin(key_of())
    mortal_valkey.kill()
    with capture_logs() as logs:
        assert impatient.get(key_of()) is None
        assert impatient.begin(key_of())(export_of()) is Kept.NOT_KEPT
        assert keep(export_of()) is Kept.NOT_KEPT
        for failing in (impatient.check, lambda: impatient.purge("42")):
            with pytest.raises(CacheUnavailableError, match="does not answer"):
                failing()
        assert [entry["event"] for entry in logs] == ["dependency_down"]
        mortal_valkey.start()
        wait_until(lambda: impatient.begin(key_of())(export_of()) is Kept.KEPT, what="the cache to be back")
        assert impatient.get(key_of()) == export_of()
        impatient.check()
        assert [entry["event"] for entry in logs] == ["dependency_down", "dependency_up"]


def test_a_server_that_hangs_costs_a_tenth_of_a_second_once(mortal_valkey: ValkeyServer, impatient: RedisCache) -> None:
    impatient.begin(key_of())(export_of())
    mortal_valkey.freeze()
    began = time.monotonic()
    assert impatient.get(key_of()) is None
    assert impatient.begin(key_of())(export_of(os.urandom(300_000))) is Kept.NOT_KEPT
    took_seconds = time.monotonic() - began
    mortal_valkey.thaw()
    assert CALL_TIME.total_seconds() * 0.6 < took_seconds < BUSY_SECONDS
    wait_until(lambda: impatient.get(key_of()) == export_of(), what="the cache to be back")


def test_connections_that_a_restart_broke_cost_nothing(mortal_valkey: ValkeyServer, impatient: RedisCache) -> None:
    impatient.begin(key_of())(export_of())
    mortal_valkey.restart()
    with capture_logs() as logs:
        assert impatient.get(key_of()) is None
        assert impatient.begin(key_of())(export_of()) is Kept.KEPT  # and the scripts, which it forgot, are sent again
    assert logs == []
