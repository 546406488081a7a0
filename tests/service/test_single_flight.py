"""Identical exports that are asked for at once are made once, and a purge reaches every process."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from visitors import CONTRACT, Visitor, new_period, new_visitor, redis_of

from customer_export.demo.customers import MOST_ORDERS, TYPICAL
from customer_export.model.access import Scope
from own_databases import new_store
from server_process import ServerProcess, StartServer
from servers import PostgresqlServer
from valkey_servers import ValkeyServer

AT_ONCE = 12
UNHURRIED = {**CONTRACT, "EXPORT_RATE_LIMIT_MAX": "100000"}

Twins = tuple[ServerProcess, ServerProcess]


@pytest.fixture(scope="module")
def statements(postgresql: PostgresqlServer) -> str:
    """The name of a database that sees what is asked of all of them."""
    postgresql.create_database("watching", "CREATE EXTENSION pg_stat_statements")
    return "watching"


@pytest.fixture(scope="module")
def twins(
    shared_servers: StartServer, postgresql: PostgresqlServer, postgresql_shop: str, _shared_valkey: ValkeyServer
) -> Twins:
    """Two processes on one shop, one store and one Valkey."""
    environment = {
        **UNHURRIED,
        **redis_of(_shared_valkey),
        "SOURCE_URL": postgresql_shop,
        "DATABASE_URL": new_store(postgresql, "twins"),
    }
    first, second = shared_servers(**environment), shared_servers(**environment)
    return first, second


def ask_at_once(visitors: list[Visitor], customer_id: str, **asked: str) -> list[httpx.Response]:
    """Send the same request by all visitors at once."""
    with ThreadPoolExecutor(len(visitors)) as pool:
        return list(pool.map(lambda visitor: visitor.get(customer_id, **asked), visitors))


def readings_of(postgresql: PostgresqlServer, statements: str, table: str) -> int:
    """Count how often the rows of a table of the shop were read since the counting began."""
    asked = (
        "SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid "
        f"WHERE d.datname = 'demo_shop' AND query ILIKE '%FROM%{table}%' AND query ILIKE 'COPY%'"
    )
    ((count,),) = postgresql.execute(statements, asked)
    assert isinstance(count, int)
    return count


def test_identical_requests_in_two_processes_make_one_rendering(
    twins: Twins, postgresql: PostgresqlServer, statements: str
) -> None:
    visitors = [new_visitor(twins[number % 2]) for number in range(AT_ONCE)]
    asked = {"format": "json", **new_period()}
    postgresql.execute(statements, "SELECT pg_stat_statements_reset()")
    answers = ask_at_once(visitors, MOST_ORDERS.id, **asked)
    assert {answer.status_code for answer in answers} == {200}, answers[0].text[:1000]
    assert len({answer.headers["x-export-id"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers["x-cache"] for answer in answers) == ["HIT"] * (AT_ONCE - 1) + ["MISS"]
    assert len({answer.headers["x-request-id"] for answer in answers}) == AT_ONCE


def test_the_shop_is_read_once_for_all_of_them(twins: Twins, postgresql: PostgresqlServer, statements: str) -> None:
    alone = [new_visitor(twins[0])]
    postgresql.execute(statements, "SELECT pg_stat_statements_reset()")
    ask_at_once(alone, MOST_ORDERS.id, format="csv", sections="payments", **new_period())
    for_one = readings_of(postgresql, statements, "payments")
    assert for_one > 0
    postgresql.execute(statements, "SELECT pg_stat_statements_reset()")
    together = [new_visitor(twins[number % 2]) for number in range(AT_ONCE)]
    answers = ask_at_once(together, MOST_ORDERS.id, format="csv", sections="payments", **new_period())
    assert len({answer.headers["x-export-id"] for answer in answers}) == 1
    assert readings_of(postgresql, statements, "payments") == for_one


def test_different_requests_do_not_wait_for_each_other(twins: Twins) -> None:
    formats = ("json", "csv", "ndjson")
    period = new_period()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda one: new_visitor(twins[0]).get(TYPICAL.id, format=one, **period), formats))
    assert len({answer.headers["x-export-id"] for answer in answers}) == 3


def test_in_memory_identical_requests_make_one_rendering_too(shared_servers: StartServer) -> None:
    service = shared_servers(**UNHURRIED)
    answers = ask_at_once([new_visitor(service) for _ in range(AT_ONCE)], MOST_ORDERS.id, format="xlsx")
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-export-id"] for answer in answers}) == 1
    metrics = service.ask("/metrics").text
    joined = float(metrics.partition("\ncustomer_export_single_flight_joins_total ")[2].split("\n")[0])
    assert 0 < joined < AT_ONCE


def test_those_who_wait_for_one_who_fails_go_on_by_themselves(twins: Twins) -> None:
    missing = "12345678-0000-4000-8000-000000000000"
    visitors = [new_visitor(twins[number % 2]) for number in range(AT_ONCE)]
    answers = ask_at_once(visitors, missing, format="json", **new_period())
    assert {answer.status_code for answer in answers} == {404}


def test_a_purge_in_one_process_holds_in_the_other(twins: Twins) -> None:
    period = new_period()
    first, second = (new_visitor(twin) for twin in twins)
    made = first.get(TYPICAL.id, format="json", **period)
    kept = second.get(TYPICAL.id, format="json", **period)
    assert (made.headers["x-cache"], kept.headers["x-cache"]) == ("MISS", "HIT")
    root = {"Authorization": f"Bearer {twins[1].new_token(Scope.ADMIN, name='root')}"}
    purged = second.ask(f"/api/admin/customers/{TYPICAL.id}/purge", method="POST", headers=root)
    assert purged.json()["destroyed"]["cacheFiles"] >= 1
    again = first.get(TYPICAL.id, format="json", **period)
    assert again.headers["x-cache"] == "MISS"
    assert again.headers["x-export-id"] != made.headers["x-export-id"]


def test_the_chain_of_the_audit_holds_with_two_processes(twins: Twins) -> None:
    visitors = [new_visitor(twins[number % 2]) for number in range(AT_ONCE)]
    ask_at_once(visitors, TYPICAL.id, format="json", sections="profile")
    verified = twins[0].store.verify_chain()
    assert verified.whole, verified.findings
