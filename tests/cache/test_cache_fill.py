"""How an export gets into the cache, or does not."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cached_exports import STORED_AT, export_of, key_of, manifest_of

from customer_export.cache.exports import CacheFill, ExportCache
from customer_export.cache.flights import LocalFlights
from customer_export.cache.interface import Follow
from customer_export.cache.memory import MemoryCache
from customer_export.cache.registry import open_cache
from customer_export.model.cached_export import CachedExport, CacheKey

LARGEST_BYTES = 100


@pytest.fixture
def exports() -> ExportCache:
    memory = MemoryCache(budget_bytes=1 << 20, ttl=timedelta(minutes=5), monotonic=time.monotonic)
    return ExportCache(memory, LocalFlights(monotonic=time.monotonic), largest_bytes=LARGEST_BYTES)


def filling(exports: ExportCache, key: CacheKey | None = None) -> CacheFill:
    found = exports.look(key or key_of())
    assert isinstance(found, CacheFill)
    return found


def following(exports: ExportCache) -> Follow:
    found = exports.look(key_of())
    assert isinstance(found, Follow)
    return found


def pieces_of(body: bytes) -> Iterator[bytes]:
    return (body[start : start + 7] for start in range(0, len(body), 7))


def fill_with(fill: CacheFill, body: bytes) -> None:
    assert b"".join(fill.tee(pieces_of(body))) == body
    fill.commit(manifest_of(body), stored_at=STORED_AT)


@pytest.mark.parametrize("size_bytes", [0, 1, 7, LARGEST_BYTES])
def test_a_whole_export_is_a_hit_from_then_on(exports: ExportCache, size_bytes: int) -> None:
    body = bytes(size_bytes)
    fill_with(filling(exports), body)
    assert exports.look(key_of()) == export_of(body)


def test_until_it_is_whole_nobody_gets_it(exports: ExportCache) -> None:
    fill = filling(exports)
    assert b"".join(fill.tee(pieces_of(bytes(50)))) == bytes(50)
    assert not following(exports).made.done()
    fill.commit(manifest_of(bytes(50)), stored_at=STORED_AT)
    assert isinstance(exports.look(key_of()), CachedExport)


def test_one_byte_too_many_drops_all_and_still_passes_everything_on(exports: ExportCache) -> None:
    fill = filling(exports)
    follow = following(exports)
    body = bytes(LARGEST_BYTES + 1)
    passed = []
    for piece in fill.tee(pieces_of(body)):
        passed.append(piece)
        assert follow.made.done() == (sum(map(len, passed)) > LARGEST_BYTES)
    assert b"".join(passed) == body
    assert follow.wait() is None
    fill.commit(manifest_of(body), stored_at=STORED_AT)
    assert isinstance(exports.look(key_of()), CacheFill)


def test_an_export_of_which_pieces_are_missing_is_not_kept(exports: ExportCache) -> None:
    fill = filling(exports)
    follow = following(exports)
    next(fill.tee(pieces_of(bytes(50))))
    fill.commit(manifest_of(bytes(50)), stored_at=STORED_AT)
    assert follow.wait() is None
    assert isinstance(exports.look(key_of()), CacheFill)


def test_a_failed_export_is_not_kept_and_whoever_waits_goes_on(exports: ExportCache) -> None:
    fill = filling(exports)
    follows = [following(exports) for _ in range(3)]
    next(fill.tee(pieces_of(bytes(50))))
    fill.drop()
    assert [follow.wait() for follow in follows] == [None] * 3
    assert isinstance(exports.look(key_of()), CacheFill)


def test_after_the_end_neither_end_does_anything(exports: ExportCache) -> None:
    fill = filling(exports)
    fill_with(fill, b"whole")
    fill.drop()
    fill.commit(manifest_of(b""), stored_at=STORED_AT)
    assert exports.look(key_of()) == export_of(b"whole")


def test_whoever_waits_gets_what_is_made(exports: ExportCache) -> None:
    fill = filling(exports)
    follow = following(exports)
    fill_with(fill, b"whole")
    assert follow.wait() == export_of(b"whole")


def test_whoever_waits_gets_nothing_from_before_a_purge(exports: ExportCache) -> None:
    fill = filling(exports)
    assert exports.purge("42") == 0
    follow = following(exports)  # asks after the purge, behind somebody who read before it
    fill_with(fill, b"from before")
    assert follow.wait() is None
    assert isinstance(exports.look(key_of()), CacheFill)


def test_a_fresh_export_is_made_beside_the_flight_and_kept(exports: ExportCache) -> None:
    fill_with(filling(exports), b"old")
    fill_with(exports.make(key_of()), b"new")
    assert exports.look(key_of()) == export_of(b"new")


def test_no_time_to_live_keeps_nothing_and_makes_nobody_wait() -> None:
    exports = open_cache(
        None,
        ttl=timedelta(),
        largest_bytes=LARGEST_BYTES,
        memory_bytes=1 << 20,
        keys="",
        monotonic=time.monotonic,
    )
    other = filling(exports)
    fill_with(filling(exports), b"whole")
    assert isinstance(exports.look(key_of()), CacheFill)
    other.drop()
    assert exports.purge("42") == 0
    exports.check()
    exports.close()
