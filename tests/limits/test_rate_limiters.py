"""What holds for every limiter: in memory, on Valkey, on a cluster, and on Valkey behind a Sentinel."""

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from limiters import FIVE_A_MINUTE, MINUTE, PATIENT, limiters

from customer_export.limits.interface import RateLimiter
from customer_export.limits.registry import MakeLimiter
from valkey_servers import ValkeyCluster, ValkeySentinel, ValkeyServer


def urls(request: pytest.FixtureRequest) -> Iterator[str | None]:
    match request.param:
        case "memory":
            yield None
        case "valkey":
            valkey: ValkeyServer = request.getfixturevalue("valkey")
            yield valkey.url
        case "cluster":
            cluster: ValkeyCluster = request.getfixturevalue("valkey_cluster")
            yield cluster.url
        case "sentinel":
            sentinel = ValkeySentinel(request.getfixturevalue("valkey"))
            try:
                sentinel.start()
                yield sentinel.url
            finally:
                sentinel.remove()


server_url = pytest.fixture(params=["memory", "valkey", "cluster", "sentinel"])(urls)


@pytest.fixture
def make(server_url: str | None) -> Iterator[MakeLimiter]:
    with limiters(server_url, call_time=PATIENT) as make:
        yield make


@pytest.fixture
def limiter(make: MakeLimiter) -> RateLimiter:
    return make(FIVE_A_MINUTE)


def test_the_sixth_is_refused(limiter: RateLimiter) -> None:
    told = [limiter.take("ada") for _ in range(7)]
    assert [allowance.allowed for allowance in told] == [True] * 5 + [False] * 2
    assert [allowance.remaining for allowance in told] == [4, 3, 2, 1, 0, 0, 0]
    assert all(allowance.enforced for allowance in told)


def test_the_first_leaves_after_a_window(limiter: RateLimiter) -> None:
    before = datetime.now(UTC)
    first = limiter.take("ada")
    assert first.resets_in == MINUTE
    assert before + MINUTE <= first.resets_at <= datetime.now(UTC) + MINUTE
    assert first.retry_after is None


def test_who_is_refused_is_told_how_long_to_wait(limiter: RateLimiter) -> None:
    allowances = [limiter.take("ada") for _ in range(6)]
    refused = allowances[-1]
    assert refused.retry_after is not None
    assert timedelta(seconds=50) < refused.retry_after <= MINUTE
    assert refused.retry_after == refused.resets_in
    assert refused.retry_after_seconds is not None
    assert 51 <= refused.retry_after_seconds <= 60
    assert abs(refused.resets_at - allowances[0].resets_at) < timedelta(seconds=1)


def test_clients_have_allowances_of_their_own(limiter: RateLimiter) -> None:
    for _ in range(6):
        limiter.take("ada")
    assert limiter.take("bob").remaining == 4


def test_limits_of_different_names_count_apart(make: MakeLimiter) -> None:
    exports, logins = make(FIVE_A_MINUTE), make(replace(FIVE_A_MINUTE, name="authentication", limit=2))
    for _ in range(3):
        logins.take("ada")
    assert exports.take("ada").remaining == 4
    assert logins.rate.limit == 2


def test_looking_counts_nothing(limiter: RateLimiter) -> None:
    assert [limiter.look("ada").remaining for _ in range(9)] == [5] * 9
    assert limiter.look("ada").resets_in == timedelta()
    limiter.take("ada")
    looked = limiter.look("ada")
    assert (looked.allowed, looked.remaining) == (True, 4)
    assert timedelta(seconds=50) < looked.resets_in <= MINUTE


def test_looking_says_when_the_next_would_be_refused(limiter: RateLimiter) -> None:
    for _ in range(5):
        limiter.take("ada")
    looked = limiter.look("ada")
    assert not looked.allowed
    assert looked.remaining == 0
    assert looked.retry_after is not None


def test_a_request_may_cost_more_and_then_counts_as_a_whole_or_not_at_all(limiter: RateLimiter) -> None:
    assert limiter.take("ada", cost=3).remaining == 2
    refused = limiter.take("ada", cost=3)
    assert (refused.allowed, refused.remaining) == (False, 2)
    assert limiter.take("ada", cost=2).remaining == 0


@pytest.mark.parametrize("cost", [-1, 0, 6])
def test_a_cost_that_never_fits_is_a_mistake(limiter: RateLimiter, cost: int) -> None:
    with pytest.raises(ValueError, match=f"a cost of {cost} never fits the limit 'exports' of 5"):
        limiter.take("ada", cost=cost)
    assert limiter.look("ada").remaining == 5


@pytest.fixture
def _restless_threads() -> Iterator[None]:
    """Change threads after nearly every step, so that what lacks a lock goes wrong."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_restless_threads")
def test_threads_never_get_one_too_many(make: MakeLimiter) -> None:
    limiter = make(replace(FIVE_A_MINUTE, limit=50))
    together = threading.Barrier(8)
    allowed: list[int] = []

    def run() -> None:
        together.wait()
        for _ in range(20):
            told = limiter.take("ada")
            allowed.extend([told.remaining] * told.allowed)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == list(range(50))


def test_a_limiter_that_works_passes_its_check(limiter: RateLimiter) -> None:
    limiter.check()
