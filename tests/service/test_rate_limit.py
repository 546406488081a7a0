"""The rate limit of a running server: five in any minute for each client, whatever they send and wherever they are."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from visitors import BELIEVED, CONTRACT, Visitor, new_visitor, redis_of

from customer_export.demo.customers import TYPICAL
from server_process import ServerProcess, StartServer, export_path
from servers import wait_until
from valkey_servers import ValkeyCluster, ValkeyServer

WINDOW_SECONDS = 2.5
SMALL = {"format": "json", "sections": "profile"}


def ask(visitor: Visitor) -> int:
    """Make a small export and give the status."""
    return visitor.get(TYPICAL.id, **SMALL).status_code


def until(moment: float) -> None:
    """Wait for a moment of the monotonic clock."""
    wait_until(lambda: time.monotonic() >= moment, what="a moment")


@pytest.fixture(scope="module", params=[None, "_shared_valkey", "_shared_valkey_cluster"], ids=str)
def hasty_service(request: pytest.FixtureRequest, shared_servers: StartServer) -> ServerProcess:
    """A server whose window is short enough to wait for."""
    keeper: ValkeyServer | ValkeyCluster | None = request.param and request.getfixturevalue(request.param)
    window_ms = str(int(WINDOW_SECONDS * 1000))
    return shared_servers(**{**CONTRACT, "EXPORT_RATE_LIMIT_WINDOW_MS": window_ms}, **redis_of(keeper))


def test_the_window_slides_and_retry_after_is_true(hasty_service: ServerProcess) -> None:
    visitor = new_visitor(hasty_service)
    began = time.monotonic()
    assert ask(visitor) == 200
    first_counted_by = time.monotonic()
    until(first_counted_by + WINDOW_SECONDS / 2)
    second_asked = time.monotonic()
    assert [ask(visitor) for _ in range(4)] == [200] * 4
    refused = visitor.get(TYPICAL.id, **SMALL)
    refused_at = time.monotonic()
    assert refused.status_code == 429, "the machine is too slow for this window"
    wait_seconds = int(refused.headers["retry-after"])
    assert wait_seconds == refused.json()["retryAfter"]
    left_seconds = (began + WINDOW_SECONDS - refused_at, first_counted_by + WINDOW_SECONDS - second_asked)
    assert left_seconds[0] <= wait_seconds < left_seconds[1] + 1
    until(refused_at + wait_seconds)
    assert [ask(visitor), ask(visitor)] == [200, 429], "one has left the window, not all"


def test_refusals_do_not_make_the_wait_longer(hasty_service: ServerProcess) -> None:
    visitor = new_visitor(hasty_service)
    assert [ask(visitor) for _ in range(5)] == [200] * 5
    counted_by = time.monotonic()
    wait_until(lambda: ask(visitor) == 200, what="the window to slide", patience_seconds=3 * WINDOW_SECONDS)
    assert visitor.records()[-1].event in {"started", "completed"}
    assert time.monotonic() - counted_by < 2 * WINDOW_SECONDS


def test_no_sixth_gets_through_at_once(service: ServerProcess) -> None:
    visitor = new_visitor(service)
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: ask(visitor), range(20)))
    assert (statuses.count(200), statuses.count(429)) == (5, 15)
    limited = [record for record in visitor.records() if record.event == "limited"]
    assert len(limited) == 15
    assert {record.code for record in limited} == {"RATE_LIMIT_EXCEEDED"}


def test_two_processes_never_let_a_sixth_through(valkey_service: ServerProcess, start_server: StartServer) -> None:
    other = start_server(**CONTRACT, REDIS_URL=valkey_service.environment["REDIS_URL"])
    visitor = new_visitor(valkey_service)
    twins = [visitor, Visitor(other, visitor.address)]
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda number: ask(twins[number % 2]), range(20)))
    assert (statuses.count(200), statuses.count(429)) == (5, 15)
    looked = twins[1].get(TYPICAL.id, format="doc")
    assert looked.headers["x-ratelimit-remaining"] == "0"


def test_clients_do_not_share_an_allowance_but_a_v6_subscriber_does(service: ServerProcess) -> None:
    first, second = new_visitor(service), new_visitor(service)
    assert [ask(first) for _ in range(6)] == [200] * 5 + [429]
    assert ask(second) == 200
    network = f"2001:db8:{first.address.rpartition('.')[2]}:1"
    subscriber = [Visitor(service, f"{network}::{number}") for number in range(1, 8)]
    assert [ask(visitor) for visitor in subscriber] == [200] * 5 + [429] * 2
    assert ask(Visitor(service, f"{network[:-1]}2::1")) == 200


def test_estimates_manifests_and_schemas_are_not_counted(service: ServerProcess) -> None:
    visitor = new_visitor(service)
    export_id = visitor.get(TYPICAL.id, **SMALL).headers["x-export-id"]
    for path in (
        f"{export_path(TYPICAL.id)}/estimate?format=csv",
        f"/api/admin/exports/{export_id}/manifest",
        "/api/admin/schemas/document.json",
        "/healthz",
        "/readyz",
    ):
        answers = [visitor.ask(path) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 6, path
        assert "x-ratelimit-remaining" not in answers[0].headers
    assert visitor.get(TYPICAL.id, **SMALL).headers["x-ratelimit-remaining"] == "3"


@pytest.fixture(scope="module")
def guarded(shared_servers: StartServer) -> ServerProcess:
    """A server that lets nobody try many tokens."""
    return shared_servers(**{**CONTRACT, "EXPORT_AUTH_FAILURE_MAX": "3"})


@pytest.mark.parametrize(
    "path",
    [
        f"{export_path(TYPICAL.id)}?format=json",
        f"{export_path(TYPICAL.id)}/estimate?format=json",
        f"/api/admin/exports/{'0' * 32}/manifest",
        "/api/admin/schemas/document.json",
        "/api/admin/audit",
    ],
)
def test_whoever_tries_one_token_after_another_is_told_to_wait_and_right_ones_go_on(
    guarded: ServerProcess, path: str
) -> None:
    guesser, bystander = new_visitor(guarded), new_visitor(guarded)
    answers = [guesser.ask(path, headers={"Authorization": f"Bearer cex_{number}"}) for number in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
    refused = answers[-1].json()
    assert (refused["code"], refused["error"]) == ("RATE_LIMIT_EXCEEDED", "Too many failed authentications")
    assert answers[-1].headers.get_list("retry-after") == [str(refused["retryAfter"])]
    assert 1 <= refused["retryAfter"] <= 60
    assert bystander.ask(path, headers={"Authorization": "Bearer cex_0"}).status_code == 401
    assert ask(guesser) == 200


@pytest.mark.parametrize(("count_by", "statuses"), [("principal", [200, 200, 429]), ("ip+principal", [200, 200, 200])])
def test_clients_can_be_told_apart_by_who_they_are(
    shared_servers: StartServer, count_by: str, statuses: list[int]
) -> None:
    service = shared_servers(**{**CONTRACT, "EXPORT_RATE_LIMIT_MAX": "2", "EXPORT_RATE_LIMIT_KEY": count_by})
    seen: list[httpx.Response] = [new_visitor(service).get(TYPICAL.id, **SMALL) for _ in range(3)]
    assert [answer.status_code for answer in seen] == statuses
    last = new_visitor(service)
    other = {"Authorization": f"Bearer {service.new_token(name='other')}"}
    assert last.get(TYPICAL.id, headers=other, **SMALL).status_code == 200
    wrong = last.get(TYPICAL.id, format="doc")
    assert wrong.headers["x-ratelimit-remaining"] == ("0" if count_by == "principal" else "2")
    assert "x-ratelimit-remaining" not in last.get(TYPICAL.id, headers={}, **SMALL).headers


FORGED = [
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Real-IP": "203.0.113.7"},
    {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.8"},
    {"Forwarded": "for=203.0.113.7"},
]


def test_a_forged_address_is_believed_of_nobody_whom_the_operator_does_not_trust(shared_servers: StartServer) -> None:
    distant = {"EXPORT_TRUSTED_PROXIES": "192.0.2.0/24"}
    service = shared_servers(**{**CONTRACT, **distant, "EXPORT_RATE_LIMIT_MAX": "4"})
    path = f"{export_path(TYPICAL.id)}?format=json&sections=profile"
    answers = [service.ask(path, headers={**service.bearer, **forged}) for forged in [*FORGED, *FORGED]]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 4
    for answer in answers:
        assert {record.client for record in service.audit(answer.headers["x-request-id"])} == {"127.0.0.1"}


@pytest.mark.parametrize(
    "forged", ["8.8.8.8, {0}", "unknown, {0}", "{0}", ", , {0}", "1.1.1.1,2.2.2.2 ,\t{0}, 127.0.0.9", "{0}:4711"]
)
def test_behind_a_trusted_proxy_what_stands_left_of_the_client_changes_nothing(
    memory_service: ServerProcess, forged: str
) -> None:
    visitor = new_visitor(memory_service)
    headers = {**memory_service.bearer, "X-Forwarded-For": forged.format(visitor.address), "X-Real-IP": "9.9.9.9"}
    path = f"{export_path(TYPICAL.id)}?format=json&sections=profile"
    for remaining in ("4", "3"):
        answer = memory_service.ask(path, headers=headers)
        assert answer.headers["x-ratelimit-remaining"] == remaining
    assert len(visitor.records()) >= 3


def test_the_limit_is_what_the_operator_says(shared_servers: StartServer) -> None:
    service = shared_servers(EXPORT_RATE_LIMIT_MAX="2", EXPORT_RATE_LIMIT_WINDOW_MS="90500", **BELIEVED)
    visitor = new_visitor(service)
    answers = [visitor.get(TYPICAL.id, **SMALL) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["x-ratelimit-limit"] == "2"
    assert answers[2].headers["ratelimit-policy"] == '"exports";q=2;w=91'
    assert 60 < int(answers[2].headers["retry-after"]) <= 91
