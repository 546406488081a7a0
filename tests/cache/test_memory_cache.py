"""The cache in memory: its time, its budget, and what it holds on to."""

import gc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cached_exports import Clock, export_of, key_of

from customer_export.cache.interface import Kept
from customer_export.cache.memory import ENTRY_BYTES, MemoryCache

TTL = timedelta(minutes=5)
BODY_BYTES = 1_000
ROOM = 3  # exports of that size in the budget


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> MemoryCache:
    return MemoryCache(budget_bytes=ROOM * (BODY_BYTES + ENTRY_BYTES), ttl=TTL, monotonic=clock)


def put(cache: MemoryCache, text: str, *, size_bytes: int = BODY_BYTES, customer: str = "42") -> Kept:
    key = key_of(text, customer=customer)
    return cache.begin(key)(export_of(bytes(size_bytes)))


def there(cache: MemoryCache, *texts: str) -> list[str]:
    return [text for text in texts if cache.get(key_of(text)) is not None]


def test_an_export_is_there_until_its_time_is_over(cache: MemoryCache, clock: Clock) -> None:
    put(cache, "a")
    clock.seconds += TTL.total_seconds() - 0.001
    assert there(cache, "a") == ["a"]
    clock.seconds += 0.001
    assert there(cache, "a") == []


def test_being_used_makes_nothing_live_longer(cache: MemoryCache, clock: Clock) -> None:
    put(cache, "a")
    for _ in range(10):
        clock.seconds += TTL.total_seconds() / 10
        cache.get(key_of("a"))
    assert there(cache, "a") == []


def test_being_put_again_does(cache: MemoryCache, clock: Clock) -> None:
    put(cache, "a")
    clock.seconds += 200
    put(cache, "a")
    clock.seconds += 200
    assert there(cache, "a") == ["a"]
    clock.seconds += 100
    assert there(cache, "a") == []


def test_the_one_unused_longest_makes_room(cache: MemoryCache) -> None:
    for text in ("a", "b", "c"):
        put(cache, text)
    cache.get(key_of("a"))
    put(cache, "d")
    assert there(cache, "a", "b", "c", "d") == ["a", "c", "d"]


def test_as_many_go_as_room_is_needed(cache: MemoryCache) -> None:
    for text in ("a", "b", "c"):
        put(cache, text)
    put(cache, "large", size_bytes=2 * BODY_BYTES + ENTRY_BYTES)
    assert there(cache, "a", "b", "c", "large") == ["c", "large"]


def test_what_exceeds_the_budget_by_itself_is_not_kept_and_drives_nobody_out(cache: MemoryCache) -> None:
    put(cache, "a")
    fits_bytes = ROOM * BODY_BYTES + (ROOM - 1) * ENTRY_BYTES
    assert put(cache, "larger", size_bytes=fits_bytes + 1) is Kept.NOT_KEPT
    assert there(cache, "a", "larger") == ["a"]
    assert put(cache, "large", size_bytes=fits_bytes) is Kept.KEPT
    assert there(cache, "a", "large") == ["large"]


def test_replacing_an_export_takes_its_room_once(cache: MemoryCache) -> None:
    for text in ("a", "b", "c"):
        put(cache, text)
    for _ in range(10):
        put(cache, "c")
    assert there(cache, "a", "b", "c") == ["a", "b", "c"]


def test_the_room_of_what_is_purged_or_expired_is_free_again(cache: MemoryCache, clock: Clock) -> None:
    for text in ("a", "b", "c"):
        put(cache, text)
    cache.purge("42")
    for text in ("d", "e", "f"):
        put(cache, text)
    assert there(cache, "d", "e", "f") == ["d", "e", "f"]
    clock.seconds += TTL.total_seconds()
    for text in ("g", "h", "i"):
        put(cache, text)
    assert there(cache, "g", "h", "i") == ["g", "h", "i"]


def test_a_purge_counts_nothing_that_has_expired(cache: MemoryCache, clock: Clock) -> None:
    put(cache, "a")
    clock.seconds += TTL.total_seconds()
    put(cache, "b")
    assert cache.purge("42") == 1


def test_memory_holds_no_more_than_what_is_found(cache: MemoryCache, clock: Clock) -> None:
    """What was evicted, purged or has expired is let go at once, or with the next call, whomever it is about."""

    def held() -> set[str]:
        gc.collect()
        return {one.export_id for one in gc.get_objects() if type(one).__name__ == "CachedExport"}

    for text in ("a", "b", "c", "d"):
        key = key_of(text)
        cache.begin(key)(export_of(bytes(BODY_BYTES), export_id=f"memory-{text}"))
    assert {one for one in held() if one.startswith("memory-")} == {"memory-b", "memory-c", "memory-d"}
    clock.seconds += TTL.total_seconds()
    cache.get(key_of("z", customer="another"))
    assert not {one for one in held() if one.startswith("memory-")}
    cache.begin(key_of("e"))(export_of(export_id="memory-e"))
    cache.purge("42")
    assert not {one for one in held() if one.startswith("memory-")}


def test_threads_may_all_use_it_at_once(clock: Clock) -> None:
    cache = MemoryCache(budget_bytes=20 * (BODY_BYTES + ENTRY_BYTES), ttl=TTL, monotonic=clock)

    def work(thread: int) -> None:
        for turn in range(500):
            customer = str((thread + turn) % 3)
            text = str(turn % 17)
            found = cache.get(key_of(text, customer=customer))
            assert found is None or found.export_id == f"{customer} {text}"
            keep = cache.begin(key_of(text, customer=customer))
            if turn % 50 == 0:
                cache.purge(customer)
            keep(export_of(bytes(BODY_BYTES), export_id=f"{customer} {text}"))

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, thread) for thread in range(8)]:
            done.result()
    assert cache._used_bytes == sum(entry.size_bytes for entry in cache._entries.values())
    for customer in "012":
        cache.purge(customer)
    assert cache._used_bytes == 0
