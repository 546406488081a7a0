"""Valkey stopped, frozen or restarted while a server works: not one 500, the policy holds, and it passes."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import pytest
from visitors import CONTRACT, Visitor, new_visitor

from customer_export.demo.customers import TYPICAL
from customer_export.model.access import Scope
from server_process import ALL_OK, ServerProcess, StartServer
from servers import wait_until
from valkey_servers import ValkeyServer

SMALL = {"format": "json", "sections": "profile"}
RECOVERS_WITHIN_SECONDS = 10  # a probe a second at least; the machine may be busy
UNHURRIED = {**CONTRACT, "EXPORT_RATE_LIMIT_MAX": "100000"}

Outage = Callable[[ValkeyServer], None]


@dataclass
class Load:
    """What several clients who ask without a pause were told."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest_seconds: float = 0.0

    def ask(self, visitor: Visitor, *, until: Event) -> None:
        while not until.is_set():
            began = time.monotonic()
            self.statuses[visitor.get(TYPICAL.id, **SMALL).status_code] += 1
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)


@contextmanager
def under_load(server: ServerProcess, clients: int = 4) -> Iterator[Load]:
    """Let clients ask all the time; the figures may be read afterwards."""
    load, enough = Load(), Event()
    with ThreadPoolExecutor(clients) as pool:
        asking = [pool.submit(load.ask, new_visitor(server), until=enough) for _ in range(clients)]
        try:
            yield load
        finally:
            enough.set()
        for each in asking:
            each.result()


def checks(server: ServerProcess) -> dict[str, str]:
    """Give what /readyz says; exports need neither limits nor cache."""
    answer = server.ask("/readyz")
    assert answer.status_code == 200
    told: dict[str, str] = answer.json()["checks"]
    return told


def redis_is_up(server: ServerProcess) -> bool:
    """Read the metric of the dependency."""
    return 'customer_export_dependency_up{dependency="redis"} 1.0' in server.ask("/metrics").text


def kept(server: ServerProcess) -> bool:
    """Say whether the cache serves."""
    return new_visitor(server).get(TYPICAL.id, **SMALL).headers["x-cache"] == "HIT"


@pytest.mark.parametrize(
    ("break_off", "mend"),
    [
        pytest.param(ValkeyServer.stop, ValkeyServer.start, id="stopped"),
        pytest.param(ValkeyServer.freeze, ValkeyServer.thaw, id="frozen"),
    ],
)
@pytest.mark.parametrize(("when_down", "down_status"), [("open", 200), ("closed", 503)])
def test_an_outage_under_load(
    start_server: StartServer,
    mortal_valkey: ValkeyServer,
    break_off: Outage,
    mend: Outage,
    when_down: str,
    down_status: int,
) -> None:
    server = start_server(**UNHURRIED, REDIS_URL=mortal_valkey.url, EXPORT_RATE_LIMIT_WHEN_DOWN=when_down)
    assert checks(server) == ALL_OK
    wait_until(lambda: kept(server), what="the cache to serve")
    assert redis_is_up(server)
    with under_load(server) as load:
        break_off(mortal_valkey)
        wait_until(lambda: not redis_is_up(server), what="the outage to be seen")
        told_down = checks(server)
        statuses_when_down = {new_visitor(server).get(TYPICAL.id, **SMALL).status_code for _ in range(5)}
        seen = Counter(load.statuses)
        wait_until(lambda: (load.statuses - seen).total() > 20, what="the load to go on")
        mend(mortal_valkey)
        began = time.monotonic()
        wait_until(lambda: redis_is_up(server), what="recovery")
        wait_until(lambda: kept(server), what="the cache to serve again")
        assert time.monotonic() - began < RECOVERS_WITHIN_SECONDS
    assert told_down == {**ALL_OK, "limits": "LIMITER_UNAVAILABLE", "cache": "CACHE_UNAVAILABLE"}
    assert statuses_when_down == {down_status}
    assert set(load.statuses) <= {200, down_status}, "not one failure"
    assert load.slowest_seconds < 5
    assert checks(server) == ALL_OK
    events = [line for line in server.log.splitlines() if "dependency_" in line]
    assert {"dependency_down" in line for line in events} == {True, False}
    assert '"INTERNAL_ERROR"' not in server.log
    assert "Traceback" not in server.log
    assert server.store.verify_chain().whole


def test_what_a_closed_limiter_says(start_server: StartServer, mortal_valkey: ValkeyServer) -> None:
    server = start_server(**CONTRACT, REDIS_URL=mortal_valkey.url, EXPORT_RATE_LIMIT_WHEN_DOWN="closed")
    mortal_valkey.stop()
    visitor = new_visitor(server)
    refused = visitor.get(TYPICAL.id, **SMALL)
    assert (refused.status_code, refused.json()["code"]) == (503, "LIMITER_UNAVAILABLE")
    assert int(refused.headers["retry-after"]) == refused.json()["retryAfter"] > 0
    assert [(record.event, record.code) for record in visitor.records()] == [("failed", "LIMITER_UNAVAILABLE")]
    root = {"Authorization": f"Bearer {server.new_token(Scope.ADMIN, name='root')}"}
    purged = visitor.ask(f"/api/admin/customers/{TYPICAL.id}/purge", method="POST", headers=root)
    assert (purged.status_code, purged.json()["code"]) == (503, "PURGE_INCOMPLETE")
    assert "[CACHE_UNAVAILABLE]" in purged.json()["error"]


def test_a_restart_that_loses_everything_begins_anew_and_breaks_nothing(
    start_server: StartServer, mortal_valkey: ValkeyServer
) -> None:
    server = start_server(**CONTRACT, REDIS_URL=mortal_valkey.url)
    visitor = new_visitor(server)
    assert [visitor.get(TYPICAL.id, **SMALL).status_code for _ in range(6)] == [200] * 5 + [429]
    mortal_valkey.restart()
    wait_until(lambda: visitor.get(TYPICAL.id, **SMALL).headers.get("x-cache") == "MISS", what="an empty cache")
    wait_until(lambda: redis_is_up(server), what="recovery")
    statuses = [visitor.get(TYPICAL.id, **SMALL).status_code for _ in range(7)]
    assert set(statuses) <= {200, 429}
    assert statuses[-1] == 429


def test_a_server_starts_without_valkey_and_finds_it(start_server: StartServer, mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.stop()
    server = start_server(**UNHURRIED, REDIS_URL=mortal_valkey.url)
    assert new_visitor(server).get(TYPICAL.id, **SMALL).status_code == 200
    assert not redis_is_up(server)
    mortal_valkey.start()
    wait_until(lambda: kept(server), what="the cache to serve")
    assert redis_is_up(server)
