"""The cache of a running server: five minutes, byte for byte, told apart by every parameter, and never in the way."""

import time

import pytest
from visitors import CONTRACT, Visitor, new_period, new_visitor, redis_of

from customer_export.demo.customers import ABOVE_STREAMING, ONE_ORDER, TYPICAL
from customer_export.model.access import Scope
from server_process import ServerProcess, StartServer
from servers import wait_until
from valkey_servers import ValkeyCluster, ValkeyServer

UNHURRIED = {**CONTRACT, "EXPORT_RATE_LIMIT_MAX": "100000"}


@pytest.fixture(scope="module", params=[None, "_shared_valkey", "_shared_valkey_cluster"], ids=str)
def keeper(request: pytest.FixtureRequest) -> ValkeyServer | ValkeyCluster | None:
    """Where files are kept."""
    return request.param and request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def caching(shared_servers: StartServer, keeper: ValkeyServer | ValkeyCluster | None) -> ServerProcess:
    """A server that keeps files as the contract says, and lets everybody ask as often as they like."""
    return shared_servers(
        **UNHURRIED, EXPORT_CACHE_KEYS="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", **redis_of(keeper)
    )


@pytest.fixture
def reader(caching: ServerProcess) -> Visitor:
    """A client of that server."""
    return new_visitor(caching)


ASKED: list[dict[str, str]] = [
    {"format": "json"},
    {"format": "csv"},
    {"format": "ndjson"},
    {"format": "csv", "sections": "orders"},
    {"format": "csv", "sections": "orders,payments"},
    {"format": "csv", "delimiter": "tab"},
    {"format": "csv", "bom": "true"},
    {"format": "csv", "profile": "raw"},
    {"format": "json", "tz": "Asia/Tokyo"},
    {"format": "json", "to": "2999-12-31"},
    {"format": "xlsx", "sections": "profile"},
    {"format": "xlsx", "sections": "profile", "locale": "de"},
]


def test_every_parameter_and_the_customer_are_in_the_key(reader: Visitor) -> None:
    period = new_period()
    for customer in (TYPICAL, ONE_ORDER):
        misses = [reader.get(customer.id, **asked, **period) for asked in ASKED]
        assert [miss.headers["x-cache"] for miss in misses] == ["MISS"] * len(ASKED)
        hits = [reader.get(customer.id, **asked, **period) for asked in ASKED]
        assert [hit.headers["x-cache"] for hit in hits] == ["HIT"] * len(ASKED)
        assert [hit.content for hit in hits] == [miss.content for miss in misses]


def test_how_parameters_are_spelled_makes_no_difference(reader: Visitor) -> None:
    period = new_period()
    made = reader.get(TYPICAL.id, format="csv", sections="orders,payments", **period)
    same = reader.get(TYPICAL.id.upper(), **period, sections="payments,orders", tz="UTC", format="csv", bom="false")
    assert (made.headers["x-cache"], same.headers["x-cache"]) == ("MISS", "HIT")
    assert same.content == made.content


def test_a_hit_is_the_miss_with_the_same_headers_and_manifest(reader: Visitor) -> None:
    period = new_period()
    miss, hit = (reader.get(TYPICAL.id, format="csv", **period) for _ in range(2))
    its_own = {"date", "x-cache", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit"}
    kept = [{name: value for name, value in one.headers.items() if name not in its_own} for one in (miss, hit)]
    assert kept[0] == kept[1]
    assert hit.content == miss.content
    manifests = [reader.ask(one.headers["link"].split(">")[0][1:]).json() for one in (miss, hit)]
    assert manifests[0] == manifests[1]
    assert manifests[0]["exportId"] == miss.headers["x-request-id"]


def test_fresh_makes_the_file_anew_and_keeps_it(reader: Visitor) -> None:
    period = new_period()
    first = reader.get(TYPICAL.id, format="json", **period)
    fresh = reader.get(TYPICAL.id, format="json", fresh="true", **period)
    after = reader.get(TYPICAL.id, format="json", **period)
    assert [one.headers["x-cache"] for one in (first, fresh, after)] == ["MISS", "MISS", "HIT"]
    assert fresh.headers["x-export-id"] != first.headers["x-export-id"]
    assert after.headers["x-export-id"] == fresh.headers["x-export-id"]
    assert after.content == fresh.content
    assert {record.cache for record in reader.records()} == {"miss", "bypass", "hit"}


def test_a_stream_is_kept_while_it_is_sent_and_comes_back_whole(reader: Visitor) -> None:
    period = new_period()
    miss = reader.get(ABOVE_STREAMING.id, format="csv", **period)
    assert miss.headers["transfer-encoding"] == "chunked"
    wait_until(lambda: reader.records()[-1].event == "completed", what="the end of the stream")
    hit = reader.get(ABOVE_STREAMING.id, format="csv", **period)
    assert (miss.headers["x-cache"], hit.headers["x-cache"]) == ("MISS", "HIT")
    assert hit.content == miss.content
    assert int(hit.headers["content-length"]) == int(hit.headers["x-export-size"]) == len(miss.content)


def test_a_hit_is_compressed_for_whoever_reads_that(reader: Visitor) -> None:
    period = new_period()
    plain = reader.get(ABOVE_STREAMING.id, format="json", **period)
    for encoding in ("gzip", "zstd"):
        accepting = {**reader.headers, "Accept-Encoding": encoding}
        hit = reader.get(ABOVE_STREAMING.id, headers=accepting, format="json", **period)
        assert hit.headers["x-cache"] == "HIT"
        assert hit.headers["content-encoding"] == encoding
        assert "Accept-Encoding" in hit.headers["vary"]
        assert int(hit.headers["x-export-size"]) == len(plain.content) > int(hit.headers["content-length"])
        assert hit.content == plain.content


def test_a_purge_drops_all_of_a_customer_and_nothing_of_others(reader: Visitor) -> None:
    service, period = reader.server, new_period()
    root = {"Authorization": f"Bearer {service.new_token(Scope.ADMIN, name='root')}"}
    purge = f"/api/admin/customers/{TYPICAL.id.upper()}/purge"
    service.ask(purge, method="POST", headers=root)
    for file_format in ("csv", "json"):
        for customer in (TYPICAL, ONE_ORDER):
            reader.get(customer.id, format=file_format, **period)
    assert reader.ask(purge, method="POST").status_code == 403
    purged = reader.ask(purge, method="POST", headers=root)
    assert (purged.status_code, purged.json()["destroyed"]["cacheFiles"]) == (200, 2)
    assert reader.ask(purge, method="POST", headers=root).json()["destroyed"]["cacheFiles"] == 0
    assert reader.get(TYPICAL.id, format="csv", **period).headers["x-cache"] == "MISS"
    assert reader.get(ONE_ORDER.id, format="csv", **period).headers["x-cache"] == "HIT"
    events = [(record.event, record.principal, record.customer_id) for record in reader.records()]
    assert ("purged", "root", TYPICAL.id) in events
    assert ("denied", "admin", TYPICAL.id.upper()) in events


def test_a_file_that_failed_is_not_kept(reader: Visitor) -> None:
    missing = "12345678-0000-4000-8000-000000000000"
    assert [reader.get(missing, format="json").status_code for _ in range(2)] == [404, 404]


def test_a_kept_file_is_still_only_for_those_who_may_have_it(reader: Visitor) -> None:
    period = new_period()
    assert reader.get(TYPICAL.id, format="json", **period).status_code == 200
    auditor = {"Authorization": f"Bearer {reader.server.new_token(Scope.AUDIT, name='auditor')}"}
    assert reader.get(TYPICAL.id, headers={}, format="json", **period).status_code == 401
    assert reader.get(TYPICAL.id, headers=auditor, format="json", **period).status_code == 403


def test_files_expire_by_themselves(shared_servers: StartServer, keeper: ValkeyServer | ValkeyCluster | None) -> None:
    life_seconds = 1.5
    service = shared_servers(**{**UNHURRIED, "EXPORT_CACHE_TTL_MS": str(int(life_seconds * 1000))}, **redis_of(keeper))
    visitor, asked = new_visitor(service), {"format": "json", "sections": "profile", **new_period()}
    began = time.monotonic()
    assert visitor.get(TYPICAL.id, **asked).headers["x-cache"] == "MISS"
    kept_by = time.monotonic()
    wait_until(lambda: visitor.get(TYPICAL.id, **asked).headers["x-cache"] == "MISS", what="the file to expire")
    assert time.monotonic() - began >= life_seconds
    hits = [record for record in visitor.records() if record.cache == "hit"]
    assert hits or time.monotonic() - kept_by > life_seconds


def test_only_files_up_to_the_largest_size_are_kept(shared_servers: StartServer) -> None:
    service = shared_servers(**UNHURRIED, EXPORT_CACHE_MAX_SIZE="20000")
    visitor = new_visitor(service)
    for sections, cache in (("profile", "HIT"), ("orders,order_items,payments", "MISS")):
        answers = [visitor.get(ABOVE_STREAMING.id, format="json", sections=sections) for _ in range(2)]
        assert (len(answers[0].content) <= 20_000) == (cache == "HIT")
        assert answers[1].headers["x-cache"] == cache


def test_the_cache_can_be_turned_off(shared_servers: StartServer) -> None:
    visitor = new_visitor(shared_servers(**{**UNHURRIED, "EXPORT_CACHE_TTL_MS": "0"}))
    answers = [visitor.get(TYPICAL.id, format="json") for _ in range(2)]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "MISS"]
