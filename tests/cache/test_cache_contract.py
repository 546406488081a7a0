"""What every cache keeps to, in memory and on a server."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cached_exports import export_of, key_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.cache.interface import Cache, Keep, Kept
from customer_export.model.cached_export import CachedExport, CacheKey


def put(cache: Cache, key: CacheKey, export: CachedExport) -> Kept:
    return cache.begin(key)(export)


@pytest.mark.parametrize("body", [b"", b"\0\xff", b"id\r\n1\r\n", bytes(range(256)) * 40_000])
def test_what_is_put_comes_back_whole(cache: Cache, body: bytes) -> None:
    assert put(cache, key_of(), export_of(body)) is Kept.KEPT
    assert cache.get(key_of()) == export_of(body)


def test_what_nobody_put_is_not_there(cache: Cache) -> None:
    put(cache, key_of("csv"), export_of())
    assert cache.get(key_of("pdf")) is None
    assert cache.get(key_of("csv", customer="43")) is None


def test_the_last_one_put_counts(cache: Cache) -> None:
    put(cache, key_of(), export_of(b"old"))
    put(cache, key_of(), export_of(b"new"))
    found = cache.get(key_of())
    assert found is not None
    assert found.body == b"new"


def test_a_purge_drops_all_of_the_customer_and_nothing_else(cache: Cache) -> None:
    for text in ("csv", "pdf", "json"):
        put(cache, key_of(text), export_of())
    put(cache, key_of("csv", customer="43"), export_of())
    put(cache, key_of("csv", customer="4"), export_of())
    assert cache.purge("42") == 3
    assert [cache.get(key_of(text)) for text in ("csv", "pdf", "json")] == [None] * 3
    assert cache.get(key_of("csv", customer="43")) is not None
    assert cache.get(key_of("csv", customer="4")) is not None
    assert cache.purge("42") == 0


def test_what_was_begun_before_a_purge_is_not_kept(cache: Cache) -> None:
    keep = cache.begin(key_of())
    cache.purge("42")
    assert keep(export_of()) is Kept.PURGED
    assert cache.get(key_of()) is None
    assert put(cache, key_of(), export_of(b"after")) is Kept.KEPT
    assert cache.get(key_of()) == export_of(b"after")


def test_a_purge_of_somebody_else_does_not_matter(cache: Cache) -> None:
    keep = cache.begin(key_of())
    cache.purge("43")
    assert keep(export_of()) is Kept.KEPT


def test_a_cache_that_answers_is_well(cache: Cache) -> None:
    cache.check()


def test_nothing_begun_before_a_purge_survives_it_whatever_runs_at_the_time(cache: Cache) -> None:
    """Many fill while one purges: what is found after a purge was not begun before that purge began."""
    purges = 30
    started, finished = [0], [0]  # how many purges
    filled = threading.Event()

    def fill() -> None:
        while finished[0] < purges:
            keep = cache.begin(key_of())
            begun_by = started[0]  # read after it: those that had started when it was begun, or more
            keep(export_of(export_id=str(begun_by)))
            filled.set()

    def purge() -> list[int]:
        stale = []
        for count in range(1, purges + 1):
            filled.wait()
            filled.clear()
            started[0] = count
            cache.purge("42")
            finished[0] = count
            found = cache.get(key_of())
            if found is not None and int(found.export_id) < count:
                stale.append(count)
        return stale

    with ThreadPoolExecutor(4) as pool:
        fills = [pool.submit(fill) for _ in range(3)]
        assert pool.submit(purge).result() == []
        for one in fills:
            one.result()


CUSTOMERS, TEXTS = ("1", "2"), ("csv", "pdf")
ACTS = st.one_of(
    st.tuples(st.just("begin"), st.sampled_from(CUSTOMERS), st.sampled_from(TEXTS)),
    st.tuples(st.just("keep"), st.integers(0, 5), st.binary(max_size=3)),
    st.tuples(st.just("purge"), st.sampled_from(CUSTOMERS), st.none()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=20))
def test_a_cache_is_a_dictionary_that_purges_empty(cache: Cache, acts: list[tuple[str, object, object]]) -> None:
    """The oracle: an export is kept if its customer's count of purges is the one it was begun at."""
    for customer in CUSTOMERS:
        cache.purge(customer)  # the same cache serves all examples
    purges = dict.fromkeys(CUSTOMERS, 0)
    kept: dict[tuple[str, str], CachedExport] = {}
    begun: list[tuple[Keep, str, str, int]] = []
    for act, first, second in acts:
        match act, first, second:
            case "begin", str(customer), str(text):
                begun.append((cache.begin(key_of(text, customer=customer)), customer, text, purges[customer]))
            case "keep", int(index), bytes(body) if index < len(begun):
                keep, customer, text, count = begun[index]
                expected = Kept.KEPT if count == purges[customer] else Kept.PURGED
                assert keep(export_of(body)) is expected
                if expected is Kept.KEPT:
                    kept[customer, text] = export_of(body)
            case "purge", str(customer), None:
                mine = [place for place in kept if place[0] == customer]
                assert cache.purge(customer) == len(mine)
                purges[customer] += 1
                for place in mine:
                    del kept[place]
            case _:
                continue
        for customer in CUSTOMERS:
            for text in TEXTS:
                assert cache.get(key_of(text, customer=customer)) == kept.get((customer, text))
