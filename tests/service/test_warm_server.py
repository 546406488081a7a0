"""A server that keeps files warm: whoever goes on asking never meets a miss, and it ends when it is told to."""

import time

import pytest
from visitors import CONTRACT, new_visitor, redis_of

from customer_export.demo.customers import TYPICAL
from customer_export.model.access import Scope
from server_process import StartServer
from servers import wait_until

PATH = "/api/admin/warming"
WARMING = {
    **CONTRACT,
    "EXPORT_RATE_LIMIT_MAX": "100000",
    "EXPORT_CACHE_TTL_MS": "15000",  # it is made again in the last three seconds: time enough on a busy machine
    "EXPORT_WARM_PER_MINUTE": "60",
    "EXPORT_WARM_LATENCY_MS": "5000",
    "EXPORT_WARM_SOURCE_MS": "60000",
}


@pytest.mark.parametrize("keeper", [None, "valkey"], ids=str)
def test_whoever_goes_on_asking_never_meets_a_miss(
    start_server: StartServer, request: pytest.FixtureRequest, keeper: str | None
) -> None:
    redis = redis_of(keeper and request.getfixturevalue(keeper))
    server = start_server(**WARMING, **redis)
    visitor = new_visitor(server)
    first = visitor.get(TYPICAL.id, format="csv")
    makers: list[str] = []

    def asked() -> bool:
        hit = visitor.get(TYPICAL.id, format="csv")
        assert (hit.headers["x-cache"], hit.content) == ("HIT", first.content)
        source = server.audit(hit.headers["x-request-id"])[-1].source_export_id
        assert source is not None
        if source not in makers:
            makers.append(source)
        time.sleep(0.2)  # as often as somebody might ask
        return len(makers) > 2

    wait_until(asked, what="the file to be renewed twice", patience_seconds=90)
    assert makers[0] == first.headers["x-request-id"]
    warm = [server.audit(maker) for maker in makers[1:]]
    assert {(record.principal, record.cache) for records in warm for record in records} == {("warming:admin", "warm")}
    assert [record.event for record in warm[0]] == ["started", "completed"]
    asked = server.ask(PATH, headers=server.bearer)
    assert (asked.status_code, asked.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    boss = {"Authorization": f"Bearer {server.new_token(Scope.ADMIN, name='boss')}"}
    shown = server.ask(PATH, headers=boss).json()
    assert (shown["on"], [one["standing"] for one in shown["files"]]) == (True, ["kept"])
    (file,) = shown["files"]
    assert (file["customerId"], file["parameters"], file["askedBy"]) == (TYPICAL.id, "format=csv", "admin")
    assert file["bytes"] == len(first.content)
    figures = server.ask("/metrics").text
    assert 'customer_export_warmings_total{format="csv",outcome="completed"}' in figures
    server.terminate()
    began = time.monotonic()
    server.ended()
    assert time.monotonic() - began < 10


def test_where_nothing_is_kept_warm_it_says_so(start_server: StartServer) -> None:
    server = start_server(**CONTRACT)
    boss = {"Authorization": f"Bearer {server.new_token(Scope.ADMIN, name='boss')}"}
    assert server.ask(PATH, headers=boss).json() == {"on": False, "lookedAt": None, "pause": None, "files": []}
