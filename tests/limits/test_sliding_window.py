"""The window slides exactly: in memory and in the script, both held against the plain meaning of the limit."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limiters import FIVE_A_MINUTE, MINUTE, Clock, memory_limiter
from redis import Redis

from customer_export.limits.redis import SLIDING_WINDOW
from customer_export.model.allowance import RateLimit
from valkey_servers import ValkeyServer

WINDOW_US = 60_000_000
START_US = 1_704_103_200_000_000
MICROSECOND = timedelta(microseconds=1)

CLOCKED_SCRIPT = SLIDING_WINDOW.text.replace("redis.call('TIME')", "{ARGV[5], ARGV[6]}")
"""The true script, told the time instead of asking for it."""


@dataclass(frozen=True)
class Step:
    """After `pause_us`, ask for `cost`, or only look."""

    pause_us: int
    cost: int
    counting: bool


@dataclass
class PlainMeaning:
    """The limit as one would explain it: a request fits if with it, at most `limit` are younger than a window."""

    limit: int
    counted: list[int] = field(default_factory=list)

    def ask(self, now_us: int, *, cost: int, counting: bool) -> tuple[bool, int, int]:
        young = [moment for moment in self.counted if now_us - moment < WINDOW_US]
        excess = len(young) + cost - self.limit
        if excess > 0:
            return False, len(young), young[excess - 1] + WINDOW_US - now_us
        if counting:
            young += [now_us] * cost
            self.counted += [now_us] * cost
        return True, len(young), young[0] + WINDOW_US - now_us if young else 0


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[Step]]:
    limit = draw(st.integers(1, 7))
    pauses = st.one_of(st.integers(0, WINDOW_US // 4), st.sampled_from([0, 1, WINDOW_US - 1, WINDOW_US, WINDOW_US + 1]))
    steps = st.builds(Step, pause_us=pauses, cost=st.integers(1, limit), counting=st.booleans())
    return limit, draw(st.lists(steps, max_size=40))


@pytest.fixture(scope="module")
def client(_shared_valkey: ValkeyServer) -> Iterator[Redis]:
    with closing(_shared_valkey.client()) as client:
        yield client


serial = count()


def ask_script(
    client: Redis, key: str, *, limit: int, now_us: int, cost: int = 1, counting: bool = True
) -> tuple[bool, int, int]:
    seconds, microseconds = divmod(now_us, 1_000_000)
    words = (limit, WINDOW_US, cost, int(counting), seconds, microseconds)
    allowed, used, resets_in_us = cast("list[int]", client.eval(CLOCKED_SCRIPT, 1, key, *words))
    return bool(allowed), used, resets_in_us


def test_the_script_asks_for_the_time_in_one_place() -> None:
    assert SLIDING_WINDOW.text.count("redis.call('TIME')") == 1


@given(history=histories())
def test_memory_counts_as_the_limit_means(history: tuple[int, list[Step]]) -> None:
    limit, steps = history
    clock, meaning = Clock(), PlainMeaning(limit)
    limiter = memory_limiter(clock, replace(FIVE_A_MINUTE, limit=limit))
    now_us = 0
    for step in steps:
        now_us += step.pause_us
        clock.pass_(timedelta(microseconds=step.pause_us))
        clock.seconds = 5_000 + now_us / 1_000_000
        told = limiter.take("ada", cost=step.cost) if step.counting else limiter.look("ada")
        allowed, used, resets_in_us = meaning.ask(
            now_us, cost=step.cost if step.counting else 1, counting=step.counting
        )
        assert (told.allowed, told.remaining) == (allowed, limit - used)
        assert told.resets_in == timedelta(microseconds=resets_in_us)


@given(history=histories())
def test_the_script_counts_as_the_limit_means(client: Redis, history: tuple[int, list[Step]]) -> None:
    limit, steps = history
    meaning, key, now_us = PlainMeaning(limit), f"history {next(serial)}", START_US
    for step in steps:
        now_us += step.pause_us
        told = ask_script(client, key, limit=limit, now_us=now_us, cost=step.cost, counting=step.counting)
        assert told == meaning.ask(now_us, cost=step.cost, counting=step.counting)


@given(pauses_us=st.lists(st.integers(0, 3 * WINDOW_US // 5), min_size=5, max_size=30))
def test_waiting_as_told_is_enough_and_hardly_more_than_needed(pauses_us: list[int]) -> None:
    clock = Clock()
    limiter = memory_limiter(clock)
    for pause_us in pauses_us:
        clock.pass_(timedelta(microseconds=pause_us))
        told = limiter.take("ada")
        if told.retry_after_seconds is None:
            continue
        assert told.retry_after is not None
        waited = timedelta(seconds=told.retry_after_seconds)
        assert timedelta() <= waited - told.retry_after < timedelta(seconds=1)
        clock.pass_(told.retry_after - MICROSECOND)
        assert not limiter.look("ada").allowed
        clock.pass_(waited - told.retry_after + MICROSECOND)
        assert limiter.take("ada").allowed


def test_the_window_slides_and_does_not_start_anew() -> None:
    clock = Clock()
    limiter = memory_limiter(clock)
    clock.pass_(timedelta(seconds=55))
    assert all(limiter.take("ada").allowed for _ in range(5))
    clock.pass_(timedelta(seconds=10))  # a fixed window of the minute would begin anew here
    assert not limiter.take("ada").allowed


def test_what_left_the_window_makes_room_one_by_one() -> None:
    clock = Clock()
    limiter = memory_limiter(clock)
    for _ in range(5):
        limiter.take("ada")
        clock.pass_(timedelta(seconds=10))
    told = limiter.take("ada")
    assert told.retry_after == timedelta(seconds=10)
    clock.pass_(timedelta(seconds=10))
    assert [limiter.take("ada").allowed for _ in range(2)] == [True, False]


def test_windows_may_be_shorter_than_a_second() -> None:
    clock = Clock()
    limiter = memory_limiter(clock, RateLimit(name="exports", limit=1, window=timedelta(milliseconds=250)))
    assert limiter.take("ada").allowed
    refused = limiter.take("ada")
    assert refused.retry_after == timedelta(milliseconds=250)
    assert refused.retry_after_seconds == 1
    clock.pass_(timedelta(milliseconds=250))
    assert limiter.take("ada").allowed


def test_memory_does_not_mind_a_wall_clock_that_is_set() -> None:
    clock = Clock()
    limiter = memory_limiter(clock)
    for _ in range(5):
        limiter.take("ada")
    clock.moment = datetime(1999, 1, 1, tzinfo=UTC)
    told = limiter.take("ada")
    assert told.retry_after == MINUTE
    assert told.resets_at == clock.moment + MINUTE


def test_memory_forgets_idle_clients() -> None:
    clock = Clock()
    limiter = memory_limiter(clock)
    for number in range(1_000):
        limiter.take(f"client {number}")
    assert limiter.clients == 1_000
    clock.pass_(MINUTE)
    for _ in range(600):
        limiter.look("ada")
    assert limiter.clients == 0


def test_memory_never_keeps_many_more_clients_than_a_window_sees() -> None:
    clock = Clock()
    limiter = memory_limiter(clock)
    most = 0
    for number in range(5_000):
        limiter.take(f"client {number}")
        limiter.take("who never rests")
        clock.pass_(timedelta(seconds=0.5))
        most = max(most, limiter.clients)
    assert most <= 2 * 120 + 2


def test_memory_keeps_no_more_moments_than_the_limit_of_a_busy_client() -> None:
    clock = Clock()
    limiter = memory_limiter(clock, RateLimit(name="exports", limit=2_000, window=timedelta(seconds=1)))
    for _ in range(50):
        for _ in range(1_000):
            assert limiter.take("ada").allowed
        clock.pass_(timedelta(seconds=0.5))
    ((_, moments),) = limiter._clients.items()
    assert moments.count <= 2_000
    assert len(moments._times) <= 2 * 2_000


def test_valkey_forgets_idle_clients_and_nothing_sooner(client: Redis) -> None:
    ask_script(client, "idle", limit=5, now_us=START_US)
    assert 59_000 < cast("int", client.pttl("idle")) <= 60_000


def test_a_server_whose_clock_was_ahead_locks_nobody_out(client: Redis) -> None:
    for _ in range(5):
        ask_script(client, "ahead", limit=5, now_us=START_US + WINDOW_US * 100)
    assert ask_script(client, "ahead", limit=5, now_us=START_US) == (True, 1, WINDOW_US)
