"""Single flight in one process."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cached_exports import STORED_AT, Clock, export_of, key_of, manifest_of

from customer_export.cache.exports import CacheFill, ExportCache
from customer_export.cache.flights import LocalFlights, LocalLead
from customer_export.cache.interface import Follow
from customer_export.cache.memory import MemoryCache
from customer_export.model.cached_export import CachedExport, CacheKey
from servers import wait_until


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flights(clock: Clock) -> LocalFlights:
    return LocalFlights(monotonic=clock, longest_wait=timedelta(seconds=10))


def leading(flights: LocalFlights) -> LocalLead:
    place = flights.lead_or_follow(key_of())
    assert isinstance(place, LocalLead)
    return place


def following(flights: LocalFlights) -> Follow:
    place = flights.lead_or_follow(key_of())
    assert isinstance(place, Follow)
    return place


def test_the_first_leads_and_the_others_follow(flights: LocalFlights) -> None:
    lead = leading(flights)
    follows = [following(flights) for _ in range(3)]
    assert isinstance(flights.lead_or_follow(key_of("another")), LocalLead)
    lead.done(export_of())
    assert [follow.wait() for follow in follows] == [export_of()] * 3
    leading(flights)


def test_what_is_not_shared_sends_everybody_on(flights: LocalFlights) -> None:
    lead = leading(flights)
    follow = following(flights)
    lead.not_shared()
    assert follow.wait() is None
    lead.done(export_of())  # too late
    assert follow.wait() is None


def test_a_flight_keeps_nobody_waiting_for_longer_than_it_may(flights: LocalFlights, clock: Clock) -> None:
    slow = leading(flights)
    clock.seconds += 9
    assert following(flights).longest_seconds == pytest.approx(1)
    clock.seconds += 1
    fast = leading(flights)
    follow = following(flights)
    slow.done(export_of(b"slow"))
    assert not follow.made.done()
    fast.done(export_of(b"fast"))
    assert follow.wait() == export_of(b"fast")


def test_whoever_waits_in_a_thread_goes_on_in_time(clock: Clock) -> None:
    flights = LocalFlights(monotonic=clock, longest_wait=timedelta(milliseconds=20))
    leading(flights)
    assert following(flights).wait() is None


def test_any_number_can_wait_without_a_thread_and_one_who_leaves_takes_nobody_along(flights: LocalFlights) -> None:
    lead = leading(flights)
    threads = threading.active_count()

    async def wait() -> CachedExport | None:
        return await asyncio.wrap_future(following(flights).made)

    async def wait_all() -> list[CachedExport | BaseException | None]:
        waiting = [asyncio.ensure_future(wait()) for _ in range(100)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        assert threading.active_count() == threads
        lead.done(export_of())
        return await asyncio.gather(*waiting, return_exceptions=True)

    first, *others = asyncio.run(wait_all())
    assert isinstance(first, asyncio.CancelledError)
    assert others == [export_of()] * 99


def test_many_at_once_make_one_export() -> None:
    memory = MemoryCache(budget_bytes=1 << 20, ttl=timedelta(minutes=5), monotonic=time.monotonic)
    exports = ExportCache(memory, LocalFlights(monotonic=time.monotonic), largest_bytes=100)
    everybody = 32
    at_the_start = threading.Barrier(everybody)
    places: list[object] = []

    def ask() -> bytes | None:
        at_the_start.wait()
        place = exports.look(key_of())
        places.append(place)
        match place:
            case CacheFill():
                wait_until(lambda: len(places) == everybody, what="all to have asked")
                place.add(b"made once")
                place.commit(manifest_of(b"made once"), stored_at=STORED_AT)
                return b"made once"
            case Follow():
                entry = place.wait()
                return None if entry is None else entry.body
            case CachedExport():
                return place.body

    with ThreadPoolExecutor(everybody) as pool:
        bodies = [asked.result() for asked in [pool.submit(ask) for _ in range(everybody)]]
    assert bodies == [b"made once"] * everybody
    assert sum(isinstance(place, CacheFill) for place in places) == 1


class LateFlights(LocalFlights):
    """Flights that let somebody else finish just before they are asked."""

    def __init__(self) -> None:
        super().__init__(monotonic=time.monotonic)
        self.before: list[Callable[[], None]] = []

    def lead_or_follow(self, key: CacheKey) -> LocalLead | Follow:
        while self.before:
            self.before.pop()()
        return super().lead_or_follow(key)


def test_whoever_asks_just_when_a_flight_ends_gets_what_it_brought() -> None:
    memory = MemoryCache(budget_bytes=1 << 20, ttl=timedelta(minutes=5), monotonic=time.monotonic)
    flights = LateFlights()
    exports = ExportCache(memory, flights, largest_bytes=100)
    fill = exports.look(key_of())
    assert isinstance(fill, CacheFill)
    flights.before.append(lambda: fill.commit(manifest_of(b""), stored_at=STORED_AT))
    assert exports.look(key_of()) == export_of(b"")
    assert isinstance(flights.lead_or_follow(key_of()), LocalLead)  # nobody is waited for any more
