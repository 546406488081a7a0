"""Redis down, slow, restarted or flushed: the operator's policy holds, nobody waits long, and it heals by itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from limiters import FIVE_A_MINUTE, PATIENT, limiters
from structlog.testing import capture_logs

from customer_export.errors import LimiterUnavailableError
from customer_export.limits.interface import RateLimiter, WhenDown
from customer_export.observability.breaker import CircuitBreaker
from customer_export.redis_server.server import CALL_TIME
from servers import wait_until
from valkey_servers import ValkeyCluster, ValkeySentinel, ValkeyServer

LONGEST_SECONDS = 0.1  # that a request may lose
TRIES = 5  # of which the best counts, as a busy machine delays some


@contextmanager
def opened(url: str, *, when_down: WhenDown = WhenDown.OPEN, call_time: timedelta = PATIENT) -> Iterator[RateLimiter]:
    with limiters(url, when_down=when_down, call_time=call_time) as make:
        yield make(FIVE_A_MINUTE)


def is_counting(limiter: RateLimiter) -> bool:
    return limiter.look("somebody").enforced


def least_delay_of_a_probe(url: str) -> float:
    """Give how long a call takes that does go to a server which does not answer: no breaker spares it."""
    delays = []
    for _ in range(TRIES):
        breaker = CircuitBreaker(name="redis", monotonic=iter(range(0, 1_000, 10)).__next__)
        with limiters(url, breaker=breaker) as make:
            limiter = make(FIVE_A_MINUTE)
            for _ in range(2):
                began = time.monotonic()
                assert not limiter.take("ada").enforced
                delays.append(time.monotonic() - began)
    assert min(delays) > 0.05, "no call has waited for the server"
    return min(delays)


def test_open_lets_everybody_through_and_says_that_it_did_not_count(mortal_valkey: ValkeyServer) -> None:
    with opened(mortal_valkey.url) as limiter:
        mortal_valkey.kill()
        told = [limiter.take("ada") for _ in range(9)]
    assert all(allowance.allowed and not allowance.enforced for allowance in told)
    assert {allowance.remaining for allowance in told} == {5}


def test_closed_lets_nobody_through(mortal_valkey: ValkeyServer) -> None:
    with opened(mortal_valkey.url, when_down=WhenDown.CLOSED) as limiter:
        assert limiter.take("ada").allowed
        mortal_valkey.kill()
        for ask in (limiter.take, limiter.look):
            with pytest.raises(LimiterUnavailableError, match="check REDIS_URL"):
                ask("ada")


def test_whether_it_counts_can_be_checked_under_either_policy(mortal_valkey: ValkeyServer) -> None:
    with opened(mortal_valkey.url) as limiter:
        limiter.check()
        mortal_valkey.kill()
        with pytest.raises(LimiterUnavailableError):
            limiter.check()


def test_an_outage_is_logged_once_and_its_end_once(mortal_valkey: ValkeyServer) -> None:
    with capture_logs() as logs, opened(mortal_valkey.url) as limiter:
        mortal_valkey.kill()
        for _ in range(20):
            limiter.take("ada")
        mortal_valkey.start()
        wait_until(lambda: is_counting(limiter), what="the limiter to find the server")
    assert [entry["event"] for entry in logs] == ["dependency_down", "dependency_up"]


@pytest.mark.parametrize("when_down", WhenDown)
def test_a_server_that_is_down_at_start_is_found_later(mortal_valkey: ValkeyServer, when_down: WhenDown) -> None:
    mortal_valkey.kill()
    with opened(mortal_valkey.url, when_down=when_down) as limiter:
        mortal_valkey.start()

        def counts() -> bool:
            try:
                return is_counting(limiter)
            except LimiterUnavailableError:
                return False

        wait_until(counts, what="the limiter to find the server")
        assert [limiter.take("ada").remaining for _ in range(5)] == [4, 3, 2, 1, 0]


def test_who_meets_a_frozen_server_waits_no_longer_than_allowed(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.freeze()
    assert least_delay_of_a_probe(mortal_valkey.url) < LONGEST_SECONDS


def test_while_a_server_is_frozen_only_probes_wait(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.freeze()
    with limiters(mortal_valkey.url, breaker=CircuitBreaker(name="redis", monotonic=lambda: 7.0)) as make:
        limiter = make(FIVE_A_MINUTE)
        began = time.monotonic()
        for _ in range(1_000):
            assert not limiter.take("ada").enforced
        assert time.monotonic() - began < LONGEST_SECONDS * 10  # 1,000 that waited would take 45 s


def test_a_frozen_server_that_goes_on_is_used_again(mortal_valkey: ValkeyServer) -> None:
    with opened(mortal_valkey.url, call_time=CALL_TIME) as limiter:
        mortal_valkey.freeze()
        assert not limiter.take("ada").enforced
        mortal_valkey.thaw()
        wait_until(lambda: is_counting(limiter), what="the limiter to find the server")


def test_after_a_restart_the_next_request_is_counted_anew(mortal_valkey: ValkeyServer) -> None:
    with capture_logs() as logs, opened(mortal_valkey.url) as limiter:
        for _ in range(6):
            limiter.take("ada")
        mortal_valkey.restart()
        first = limiter.take("ada")
    assert (first.enforced, first.remaining) == (True, 4)
    assert not logs  # it broke no request, so it is no news


@pytest.mark.parametrize("command", ["FLUSHALL", "SCRIPT FLUSH"])
def test_a_flush_is_no_error(mortal_valkey: ValkeyServer, command: str) -> None:
    with opened(mortal_valkey.url) as limiter:
        limiter.take("ada")
        mortal_valkey.command(*command.split())
        told = limiter.take("ada")
    assert told.enforced
    assert told.remaining == (4 if command == "FLUSHALL" else 3)


def test_a_server_that_refuses_to_write_is_as_good_as_down(mortal_valkey: ValkeyServer) -> None:
    with opened(mortal_valkey.url) as limiter:
        mortal_valkey.command("CONFIG", "SET", "maxmemory", "1")
        assert not limiter.take("ada").enforced
        mortal_valkey.command("CONFIG", "SET", "maxmemory", "0")
        wait_until(lambda: limiter.take("ada").enforced, what="the limiter to count again")


def test_a_wrong_password_is_told_in_the_log(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.command("CONFIG", "SET", "requirepass", "right")
    url = mortal_valkey.url.replace("redis://", "redis://:wrong@")
    with capture_logs() as logs, opened(url) as limiter:
        assert not limiter.take("ada").enforced
    assert "AuthenticationError" in logs[0]["failure"]
    assert "wrong@" not in str(logs)


def test_a_cluster_that_hangs_delays_nobody_for_long_and_is_used_again() -> None:
    cluster = ValkeyCluster()
    try:
        cluster.start()
        with opened(cluster.url, call_time=CALL_TIME) as limiter:
            wait_until(lambda: is_counting(limiter), what="the limiter to meet the cluster")
            for node in cluster.nodes:
                node.freeze()
            assert least_delay_of_a_probe(cluster.url) < LONGEST_SECONDS
            assert not limiter.take("ada").enforced
            for node in cluster.nodes:
                node.thaw()
            cluster.wait_until_ready()
            wait_until(lambda: is_counting(limiter), what="the limiter to find the cluster")
    finally:
        cluster.remove()


def test_a_primary_behind_a_sentinel_may_restart(mortal_valkey: ValkeyServer) -> None:
    sentinel = ValkeySentinel(mortal_valkey)
    try:
        sentinel.start()
        with opened(sentinel.url) as limiter:
            assert limiter.take("ada").remaining == 4
            mortal_valkey.restart()
            wait_until(lambda: is_counting(limiter), what="the limiter to find the primary")
            assert limiter.take("ada").remaining == 4
            sentinel.freeze()
            assert limiter.take("ada").remaining == 3  # who is connected needs no Sentinel
            assert least_delay_of_a_probe(sentinel.url) < LONGEST_SECONDS
    finally:
        sentinel.remove()
