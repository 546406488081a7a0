"""Single flight across processes, on a real server."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from cached_exports import PATIENT, STORED_AT, export_of, key_of, manifest_of, server_at, shared_exports
from sharing_process import ask_in_threads, lead_and_die
from structlog.testing import capture_logs

from customer_export.cache.exports import CacheFill, ExportCache
from customer_export.cache.interface import Follow
from customer_export.cache.redis_flights import PREFIX, TAKE
from customer_export.model.cached_export import CachedExport, CacheKey
from customer_export.redis_server.server import CALL_TIME
from program import forked
from servers import wait_until
from valkey_servers import ValkeyServer

SHORT_LIFE = timedelta(milliseconds=600)
PROCESSES, THREADS = 2, 12


@pytest.fixture(params=["valkey", "cluster"])
def two(request: pytest.FixtureRequest) -> Iterator[tuple[ExportCache, ExportCache]]:
    """What two processes have, here in one: they share nothing but the server."""
    if request.param == "valkey":
        url = request.getfixturevalue("valkey").url
    else:
        url = request.getfixturevalue("valkey_cluster").url
    with shared_exports(server_at(url)) as one, shared_exports(server_at(url)) as other:
        yield one, other


def filling(exports: ExportCache, key: CacheKey | None = None) -> CacheFill:
    place = exports.look(key or key_of())
    assert isinstance(place, CacheFill)
    return place


def following(exports: ExportCache) -> Follow:
    place = exports.look(key_of())
    assert isinstance(place, Follow)
    return place


def commit(fill: CacheFill, body: bytes = b"made") -> None:
    fill.add(body)
    fill.commit(manifest_of(body), stored_at=STORED_AT)


def locks_on(server: ValkeyServer) -> list[bytes]:
    with closing(server.client()) as client:
        return list(client.scan_iter(f"{PREFIX}*"))


def test_another_process_follows_and_gets_what_the_first_made(two: tuple[ExportCache, ExportCache]) -> None:
    one, other = two
    fill = filling(one)
    follows = [following(one), following(other), following(other)]
    commit(fill)
    assert [follow.wait() for follow in follows] == [export_of(b"made")] * 3
    assert isinstance(other.look(key_of()), CachedExport)


def test_different_exports_do_not_wait_for_each_other(two: tuple[ExportCache, ExportCache]) -> None:
    one, other = two
    fills = [filling(one, key_of(str(number))) for number in range(5)]
    fills += [filling(other, key_of(str(number))) for number in range(5, 10)]
    for fill in fills:
        commit(fill)


def test_many_exports_can_be_waited_for_by_one_thread(two: tuple[ExportCache, ExportCache]) -> None:
    one, other = two
    keys = [key_of(str(number)) for number in range(40)]
    fills = [filling(one, key) for key in keys]
    follows = [other.look(key) for key in keys]
    assert [thread.name for thread in threading.enumerate()].count("cache-flights") == 2  # of one and of the other
    for fill in fills:
        commit(fill)
    for follow in follows:
        assert isinstance(follow, Follow)
        assert follow.wait() == export_of(b"made")


@pytest.mark.parametrize("end", ["failed", "too large"])
def test_without_a_shared_export_the_other_process_makes_its_own(
    two: tuple[ExportCache, ExportCache], end: str
) -> None:
    one, other = two
    fill = filling(one)
    follow = following(other)
    if end == "failed":
        fill.drop()
    else:
        fill.add(bytes(1 << 21))
    assert follow.wait() is None
    commit(other.make(key_of()))
    assert isinstance(one.look(key_of()), CachedExport)


def test_nobody_elsewhere_gets_what_was_begun_before_a_purge(two: tuple[ExportCache, ExportCache]) -> None:
    one, other = two
    fill = filling(one)
    other.purge("42")
    follow = following(other)
    commit(fill)
    assert follow.wait() is None


def test_waiting_elsewhere_has_an_end(valkey: ValkeyServer) -> None:
    with (
        shared_exports(server_at(valkey.url)) as one,
        shared_exports(server_at(valkey.url), longest_wait=timedelta(milliseconds=200)) as other,
    ):
        fill = filling(one)
        follow = following(other)
        made = asyncio.run(asyncio.wait_for(_await(follow), PATIENT.total_seconds()))  # without a limit of its own
        assert made is None
        fill.drop()


async def _await(follow: Follow) -> CachedExport | None:
    return await asyncio.wrap_future(follow.made)


def test_a_lead_is_kept_for_as_long_as_its_process_lives(valkey: ValkeyServer) -> None:
    life = 4 * SHORT_LIFE  # a busy machine may be late to renew it

    def outlived() -> bool:
        assert valkey.command("EXISTS", lock.decode())
        return time.monotonic() - began > life.total_seconds() * 1.1

    with (
        shared_exports(server_at(valkey.url), lock_life=life) as one,
        shared_exports(server_at(valkey.url)) as other,
    ):
        fill = filling(one)
        (lock,) = locks_on(valkey)
        began = time.monotonic()
        wait_until(outlived, what="the lock's first life to be over")
        follow = following(other)
        commit(fill)
        assert follow.wait() == export_of(b"made")
    assert locks_on(valkey) == []


def test_nobody_gives_back_a_lead_that_is_somebody_elses_by_now(valkey: ValkeyServer) -> None:
    with shared_exports(server_at(valkey.url)) as one, shared_exports(server_at(valkey.url)) as other:
        late = filling(one)
        valkey.flush()  # as when the lock ran out
        second = filling(other)
        late.drop()
        assert len(locks_on(valkey)) == 1
        commit(second)
        assert locks_on(valkey) == []


def test_a_lead_whose_taking_was_sent_twice_is_taken(valkey: ValkeyServer) -> None:
    """As when the answer to the first got lost."""
    with closing(server_at(valkey.url)) as server:

        def take(token: str) -> int:
            return server.call(lambda client: int(TAKE.run(client, keys=(f"{PREFIX}a",), values=(token, 60_000))))

        assert [take("mine"), take("mine"), take("another")] == [1, 1, 0]


def test_when_it_ends_a_process_lets_those_go_who_wait_in_it(valkey: ValkeyServer) -> None:
    with shared_exports(server_at(valkey.url)) as one:
        fill = filling(one)
        with shared_exports(server_at(valkey.url)) as other:
            follow = following(other)
        assert follow.made.result(0) is None
        fill.drop()


def test_without_the_server_identical_exports_are_made_once_in_a_process(mortal_valkey: ValkeyServer) -> None:
    with shared_exports(server_at(mortal_valkey.url, call_time=CALL_TIME)) as exports:
        mortal_valkey.kill()
        fill = filling(exports)
        follow = following(exports)
        commit(fill)
        assert follow.wait() == export_of(b"made")
        assert isinstance(exports.look(key_of()), CacheFill)


@pytest.mark.parametrize(("how", "lock_life"), [("kill", PATIENT), ("freeze", SHORT_LIFE), ("flush", PATIENT)])
def test_whoever_waits_for_another_process_goes_on_when_the_server_is_gone(
    mortal_valkey: ValkeyServer, how: str, lock_life: timedelta
) -> None:
    url = mortal_valkey.url
    with (
        shared_exports(server_at(url, call_time=CALL_TIME)) as one,
        shared_exports(server_at(url, call_time=CALL_TIME), lock_life=lock_life) as other,
    ):
        fill = filling(one)
        follow = following(other)
        getattr(mortal_valkey, how)()
        assert follow.wait() is None
        commit(fill)


def test_a_server_that_is_late_for_a_while_sends_nobody_on_who_waits_for_another_process(
    mortal_valkey: ValkeyServer,
) -> None:
    hasty = server_at(mortal_valkey.url, call_time=CALL_TIME)
    with (
        shared_exports(server_at(mortal_valkey.url), lock_life=PATIENT) as one,
        shared_exports(hasty, lock_life=PATIENT) as other,
    ):
        fill = filling(one)
        follows = [following(other) for _ in range(3)]
        with capture_logs() as logs:
            mortal_valkey.freeze()
            wait_until(lambda: logs, what="the other process to call the server down")
            mortal_valkey.thaw()
            wait_until(lambda: len(logs) > 1, what="the other process to call it up again")
        commit(fill)
        assert [follow.wait() for follow in follows] == [export_of(b"made")] * 3
    assert [entry["event"] for entry in logs] == ["dependency_down", "dependency_up"]


def test_two_processes_full_of_threads_make_one_export(valkey: ValkeyServer) -> None:
    everybody = PROCESSES * THREADS
    started = [forked().Process(target=ask_in_threads, args=(valkey.url, THREADS, everybody)) for _ in range(PROCESSES)]
    for process in started:
        process.start()
    for process in started:
        process.join(PATIENT.total_seconds() * 3)
    assert [process.exitcode for process in started] == [0] * PROCESSES
    with closing(valkey.client()) as client:
        how = Counter(word.decode() for word in client.lrange("how", 0, -1))
    assert how == {"made": 1, "waited": everybody - 1}


def test_when_a_process_dies_others_go_on_as_soon_as_its_lead_has_run_out(valkey: ValkeyServer) -> None:
    process = forked().Process(target=lead_and_die, args=(valkey.url, SHORT_LIFE // timedelta(milliseconds=1)))
    process.start()
    wait_until(lambda: valkey.command("GET", "leading"), what="the other process to lead")
    with shared_exports(server_at(valkey.url)) as exports:
        follow = following(exports)
        valkey.command("SET", "die", 1)
        process.join(PATIENT.total_seconds())
        assert process.exitcode == -9
        assert follow.wait() is None
        commit(filling(exports))
