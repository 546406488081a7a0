"""Calls to a server: how long they may take, what ends an outage, and what is none."""

import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from customer_export.observability.breaker import COOLING, CircuitBreaker, DependencyDownError
from customer_export.redis_server.client import Script
from customer_export.redis_server.server import BULK_BYTES, CALL_TIME, RedisServer, ServerFullError, open_server
from servers import wait_until
from valkey_servers import ValkeyCluster, ValkeyServer

PATIENT = timedelta(seconds=10)  # a busy machine is not a server that is down
BUSY_SECONDS = 0.2  # what a server that is down may cost is half of it; the rest is for a machine that is busy

DOUBLE = Script("return ARGV[1] * 2")


@contextmanager
def opened(
    url: str, *, call_time: timedelta = PATIENT, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[RedisServer]:
    with open_server(url, breaker=CircuitBreaker(name="redis", monotonic=monotonic), call_time=call_time) as server:
        yield server


def set_name(server: RedisServer) -> None:
    server.call(lambda client: client.execute_command("SET", "name", "value"))


def answers(server: RedisServer) -> bool:
    with suppress(DependencyDownError):
        server.check()
        return True
    return False


def events(logs: list[MutableMapping[str, Any]]) -> list[str]:
    return [entry["event"] for entry in logs]


@pytest.mark.parametrize("kind", ["valkey", "valkey_cluster"])
def test_a_script_is_sent_once_and_again_where_it_has_been_forgotten(kind: str, request: pytest.FixtureRequest) -> None:
    place: ValkeyServer | ValkeyCluster = request.getfixturevalue(kind)
    with opened(place.url) as server:
        for flushed in (True, False):
            if flushed:
                place.flush()
            assert server.call(lambda client: DOUBLE.run(client, keys=("name",), values=(21,))) == 42


def test_a_call_on_a_connection_that_was_closed_is_sent_again(valkey: ValkeyServer) -> None:
    with capture_logs() as logs, opened(valkey.url) as server:
        for _ in range(3):
            set_name(server)
            valkey.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            server.transfer(
                lambda client: client.execute_command("SET", "name", bytes(BULK_BYTES)), sent_bytes=BULK_BYTES
            )
            valkey.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert logs == []


def test_who_is_late_is_not_asked_again(mortal_valkey: ValkeyServer) -> None:
    with opened(mortal_valkey.url, call_time=CALL_TIME) as server:
        set_name(server)
        mortal_valkey.freeze()
        began = time.monotonic()
        with pytest.raises(DependencyDownError):
            set_name(server)
        took_seconds = time.monotonic() - began
        mortal_valkey.thaw()
    assert CALL_TIME.total_seconds() * 0.6 < took_seconds < BUSY_SECONDS


def test_a_large_value_has_more_time_to_be_stored_than_a_small_one(valkey: ValkeyServer) -> None:
    with opened(valkey.url, call_time=CALL_TIME) as server:
        told = [_time_of(server, sent_bytes) for sent_bytes in (BULK_BYTES - 1, BULK_BYTES)]
    assert told == [CALL_TIME.total_seconds() * 3 / 4, 0.75]


def _time_of(server: RedisServer, sent_bytes: int) -> float:
    def look(client: object) -> float:
        pool = client.connection_pool  # type: ignore[attr-defined]
        return float(pool.connection_kwargs["socket_timeout"])

    return server.transfer(look, sent_bytes=sent_bytes)


def test_a_full_server_is_told_of_and_is_not_down(mortal_valkey: ValkeyServer) -> None:
    with capture_logs() as logs, opened(mortal_valkey.url) as server:
        mortal_valkey.command("CONFIG", "SET", "maxmemory", "1")
        for call in (server.call, server.transfer):
            with pytest.raises(ServerFullError):
                call(lambda client: client.execute_command("SET", "name", "value"))
        server.check()
    assert events(logs) == ["redis_full"] * 2


def test_a_server_that_is_down_at_start_is_logged_then(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.kill()
    with capture_logs() as logs, opened(mortal_valkey.url):
        assert events(logs) == ["dependency_down"]


def test_a_value_of_a_cluster_that_is_only_late_is_no_outage(valkey_cluster: ValkeyCluster) -> None:
    """As a large export is on a slow network."""
    arrived, asked = threading.Event(), threading.Event()
    with capture_logs() as logs, opened(valkey_cluster.url, call_time=timedelta(seconds=1)) as server:
        with pytest.raises(DependencyDownError):
            server.transfer(lambda _client: arrived.wait())
        server.check()  # what is small goes on meanwhile
        with pytest.raises(DependencyDownError):
            server.transfer(lambda _client: asked.set())
        arrived.set()
        wait_until(lambda: transfers(server), what="values to be transferred again")
    assert not asked.is_set()
    assert logs == []


def transfers(server: RedisServer) -> bool:
    with suppress(DependencyDownError):
        return server.transfer(lambda client: client.execute_command("GET", "name")) is None
    return False


def test_a_small_call_to_a_cluster_that_is_late_is_an_outage_at_once(valkey_cluster: ValkeyCluster) -> None:
    arrived = threading.Event()
    with capture_logs() as logs, opened(valkey_cluster.url, call_time=CALL_TIME, monotonic=lambda: 7.0) as server:
        with pytest.raises(DependencyDownError):
            server.call(lambda _client: arrived.wait())
        arrived.set()
        assert not answers(server)  # nobody asks until the clock goes on
    assert events(logs) == ["dependency_down"]


def test_a_cluster_that_hangs_or_lost_a_node_costs_a_tenth_of_a_second_at_a_time() -> None:
    """With a node lost, the others answer CLUSTERDOWN, on which the client library sleeps a quarter of a second."""
    cluster = ValkeyCluster()
    clock = [1_000.0]

    def seconds_of_a_call(name: str) -> float:
        began = time.monotonic()
        with suppress(DependencyDownError):
            server.call(lambda client: client.execute_command("GET", name))
        return time.monotonic() - began

    def answers_by_now() -> bool:
        clock[0] += 2 * COOLING.total_seconds()
        return answers(server)

    try:
        cluster.start()
        with opened(cluster.url, call_time=CALL_TIME, monotonic=lambda: clock[0]) as server:
            wait_until(answers_by_now, what="the cluster to answer")
            for node in cluster.nodes:
                node.freeze()
            first_seconds = seconds_of_a_call("name")
            assert CALL_TIME.total_seconds() * 0.8 < first_seconds < BUSY_SECONDS
            assert seconds_of_a_call("name") < first_seconds / 4  # nobody asks
            for node in cluster.nodes:
                node.thaw()
            wait_until(answers_by_now, what="the cluster to answer again")
            cluster.nodes[0].kill()
            wait_until(lambda: "cluster_state:fail" in _cluster_info(cluster.nodes[1]), what="the others to notice")
            for name in "abcdefgh":
                clock[0] += 2 * COOLING.total_seconds()
                assert seconds_of_a_call(name) < BUSY_SECONDS
    finally:
        cluster.remove()


def _cluster_info(node: ValkeyServer) -> str:
    told = node.command("CLUSTER", "INFO")
    return told.decode() if isinstance(told, bytes) else str(told)


def test_what_the_first_call_opens_is_one_client_for_all_threads(valkey: ValkeyServer) -> None:
    breaker = CircuitBreaker(name="redis", monotonic=time.monotonic)
    together = threading.Barrier(8)
    seen: list[object] = []

    with closing(RedisServer(valkey.url, breaker=breaker, call_time=PATIENT)) as server:

        def ask() -> None:
            together.wait()
            seen.append(server.call(id))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
