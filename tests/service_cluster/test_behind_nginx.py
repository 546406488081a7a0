"""Two server processes behind nginx keep one limit, one cache and one audit, and no failure looks like a whole file."""

import hashlib
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from os import kill
from pathlib import Path

import httpx
import pytest
from export_cluster import FORGED, Cluster, encoded, figure_of, locked, new_addresses, outcomes

from customer_export.model.audit import AuditEvent, CacheUse
from server_process import export_path
from servers import wait_until
from whale_shop import HOSTILE_KEYS, SMALL, WHALE

LIMIT = 5
SOME_ORDERS = "2020-01-05"  # up to here the whale has some 7,000 orders, one a minute
MANY_ORDERS = "2020-01-15"


def test_each_client_gets_as_many_as_the_limit_and_no_more(cluster: Cluster) -> None:
    clients, tries = new_addresses(3), 9
    answers = cluster.rush([SMALL] * len(clients) * tries, addresses=clients * tries, format="csv", fresh="true")
    asked = zip(clients * tries, answers, strict=True)
    allowed = Counter(client for client, answer in asked if answer.status_code == 200)
    assert allowed == dict.fromkeys(clients, LIMIT)
    assert outcomes(answers) == {200: LIMIT * len(clients), 429: (tries - LIMIT) * len(clients)}
    made = {cluster.server_of(answer.headers["x-export-id"]) for answer in answers if answer.status_code == 200}
    assert len(made) == 2, "both servers had a part in it"


def test_a_client_is_who_the_proxy_says_and_not_who_they_say(cluster: Cluster) -> None:
    (client,) = new_addresses(1)
    export_id = cluster.get(SMALL, address=client, format="csv").headers["x-request-id"]
    assert {record.client for record in cluster.servers[0].audit(export_id)} == {client}
    assert FORGED not in {record.client for record in cluster.records()}


def test_what_one_server_has_made_the_other_has_in_its_cache(cluster: Cluster) -> None:
    answers = [cluster.get(WHALE, format="json", to=SOME_ORDERS, tz="Europe/Paris") for _ in range(4)]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "HIT", "HIT", "HIT"]
    assert len({answer.content for answer in answers}) == 1
    requests = [answer.headers["x-request-id"] for answer in answers]
    assert {cluster.server_of(request) for request in requests} == set(cluster.servers)


def test_identical_requests_at_the_same_time_make_one_rendering(cluster: Cluster) -> None:
    clients = new_addresses(8)
    joined = cluster.figure("single_flight_joins_total")
    with ThreadPoolExecutor(1) as thread:
        with locked(cluster.source, "orders"):
            rushing = thread.submit(cluster.rush, [WHALE] * 8, addresses=clients, format="json", to=SOME_ORDERS)
            wait_until(
                lambda: cluster.figure("single_flight_joins_total") == joined + 7, what="seven to wait for the first"
            )
            assert sum(figure_of(server, "single_flight_joins_total") > 0 for server in cluster.servers) == 2
        answers = rushing.result()
    assert outcomes(answers) == {200: 8}
    assert Counter(answer.headers["x-cache"] for answer in answers) == {"MISS": 1, "HIT": 7}
    assert len({answer.content for answer in answers}) == 1
    ends = [cluster.servers[0].outcome(answer.headers["x-request-id"]) for answer in answers]
    (made,) = [end.export_id for end in ends if end.cache is CacheUse.MISS]
    assert {end.source_export_id for end in ends if end.cache is CacheUse.HIT} == {made}


def test_the_audit_of_a_rush_is_one_chain_with_a_start_and_an_end_of_each_export(
    cluster: Cluster, tmp_path: Path
) -> None:
    customers = [encoded(customer) for customer in (*HOSTILE_KEYS, SMALL, "nobody")]
    tries = LIMIT + 1
    clients = [client for client in new_addresses(len(customers)) for _ in range(tries)]
    before = len(cluster.records())
    answers = cluster.rush(customers * tries, addresses=clients, format="csv")
    counted = outcomes(answers)
    assert counted.keys() == {200, 404, 429}
    assert counted[429] == len(customers), "each client was over the limit once"
    events: dict[str, list[AuditEvent]] = {answer.headers["x-request-id"]: [] for answer in answers}
    assert len(events) == len(answers)
    expected = 2 * counted[200] + counted[404] + counted[429]
    wait_until(lambda: len(cluster.records()) >= before + expected, what="the ends of all to be on record")
    for record in cluster.records()[before:]:
        events[record.export_id].append(record.event)
    assert Counter(tuple(of_one) for of_one in events.values()) == {
        (AuditEvent.STARTED, AuditEvent.COMPLETED): counted[200],
        (AuditEvent.STARTED, AuditEvent.FAILED): counted[404],
        (AuditEvent.LIMITED,): counted[429],
    }
    code, said = cluster.verify_audit(tmp_path)
    assert code == 0, said
    assert "no end on record" not in said


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_any_key_reaches_the_server_as_it_was_sent(cluster: Cluster, key: str) -> None:
    answer = cluster.get(encoded(key), format="json")
    assert answer.status_code == 200
    assert answer.json()["customer"]["id"] == key


def test_a_stream_comes_through_in_chunks_and_whole(cluster: Cluster) -> None:
    with (
        cluster.client() as client,
        client.stream("GET", export_path(WHALE), params={"format": "csv", "to": MANY_ORDERS}) as answer,
    ):
        assert answer.headers["transfer-encoding"] == "chunked"
        assert "content-length" not in answer.headers
        digest = hashlib.sha256()
        for piece in answer.iter_bytes():
            digest.update(piece)
    manifest = cluster.servers[0].manifest(answer.headers["x-export-id"]).json()
    assert manifest["file"]["sha256"] == digest.hexdigest()


def test_the_figures_are_nothing_for_the_world_and_the_log_names_no_customer(cluster: Cluster) -> None:
    cluster.get("nobody-else", format="csv")
    with cluster.client() as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/readyz").status_code == 200
    assert "nobody-else" not in cluster.nginx.log
    assert " 404 " in cluster.nginx.log


def test_a_server_that_is_killed_breaks_its_downloads_off_and_the_other_goes_on(
    mortal_cluster: Cluster, tmp_path: Path
) -> None:
    servers = mortal_cluster.servers
    with (
        mortal_cluster.client() as client,
        client.stream("GET", export_path(WHALE), params={"format": "csv"}) as answer,
    ):
        assert answer.status_code == 200
        pieces = answer.iter_bytes()
        next(pieces)
        (busy,) = [server for server in servers if figure_of(server, "exports_in_flight") == 1]
        kill(busy.pid, signal.SIGKILL)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            b"".join(pieces)
    (record,) = busy.audit(answer.headers["x-export-id"])
    assert record.event == AuditEvent.STARTED
    busy.ended()
    answers = mortal_cluster.rush([SMALL] * 8, addresses=new_addresses(8), format="csv", fresh="true")
    assert outcomes(answers) == {200: 8}
    code, said = mortal_cluster.verify_audit(tmp_path)
    assert code == 0, said
    assert "1 exports have a start and no end on record" in said
