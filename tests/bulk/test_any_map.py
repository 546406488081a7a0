"""Keys of every type, links of every kind, SQL, look-ups and plug-ins: each customer is who they are alone."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from bulk_jobs import Bulk, Over, order_of, run_bulk, snapshot_of, synchronous

from customer_export.errors import InvalidRequestError
from customer_export.model.access import Principal, Scope
from customer_export.model.bulk import EVERYBODY, Chosen, Comparison, Condition, Layout
from customer_export.model.customer_map import CustomerMap
from customer_maps import column, make_map, section
from databases import Database, MariadbDatabase, PostgresqlDatabase, SqliteDatabase
from installed_plugins import installed
from mariadb_server import MariadbServer
from servers import PostgresqlServer

_numbers = count(1)
KEYS = {
    "integer": ("bigint", [7, 70, 8, -3, 700]),
    "text": ("varchar(40)", ["b", "a", "B", "ä", "a b", "07", "7"]),
    "uuid": ("varchar(36)", [f"{n:08d}-0000-4000-8000-00000000000{n}" for n in (3, 1, 2)]),
}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, once of each kind."""
    name = f"bulk_{next(_numbers)}"
    match request.param:
        case "sqlite":
            yield SqliteDatabase(tmp_path / "source.db")
        case "postgresql":
            postgresql: PostgresqlServer = request.getfixturevalue("postgresql")
            postgresql.create_database(name)
            yield PostgresqlDatabase(postgresql, name)
        case _:
            mariadb: MariadbServer = request.getfixturevalue("mariadb")
            mariadb.create_database(name, "SELECT 1")
            yield MariadbDatabase(mariadb, name)
            mariadb.execute("mysql", f"DROP DATABASE {name}")


def shop(database: Database, key_type: str) -> None:
    """Make customers with orders, their items, guest orders and notes."""
    sql_type, keys = KEYS[key_type]
    collated = " COLLATE utf8mb4_bin" if isinstance(database, MariadbDatabase) and key_type != "integer" else ""
    statements = [
        f"CREATE TABLE customers (id {sql_type}{collated} NOT NULL PRIMARY KEY, name varchar(40), email varchar(80),"
        " score integer, vip boolean, joined date, balance decimal(12,2))",
        f"CREATE TABLE orders (id integer NOT NULL PRIMARY KEY, customer_id {sql_type}{collated},"
        " email varchar(80), product integer, total decimal(10,2))",
        "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, order_id integer NOT NULL, what varchar(40))",
        "CREATE TABLE products (id integer NOT NULL PRIMARY KEY, title varchar(40))",
        "INSERT INTO products VALUES (1, 'one'), (2, 'two')",
    ]
    order = item = 0
    for number, key in enumerate(keys):
        vip = ("true", "false", "NULL")[number % 3]
        email = ("NULL", "'  '")[number % 2] if number > 3 else f"'C{number}@Example.com'"
        statements.append(
            f"INSERT INTO customers VALUES ({key!r}, 'Customer {number}', {email}, {number * 10}, {vip},"
            f" '2024-0{number + 1}-15', {number}.50)"
        )
        for _ in range(number % 4):
            order += 1
            statements.append(f"INSERT INTO orders VALUES ({order}, {key!r}, 'x@example.com', {order % 3}, {order}.25)")
            for _ in range(order % 3):
                item += 1
                statements.append(f"INSERT INTO items VALUES ({item}, {order}, 'item {item}')")
    for email in ("c0@example.com", "C1@EXAMPLE.COM", "", "  ", None):
        order += 1
        written = "NULL" if email is None else f"'{email}'"
        statements.append(f"INSERT INTO orders VALUES ({order}, NULL, {written}, NULL, {order}.75)")
    database.execute(";\n".join(statements))


ORDERS = section(
    "orders",
    [
        column("id", "integer"),
        column("total", "decimal"),
        column("title", source="product.title"),
    ],
    links=[
        [{"columns": "customer_id"}],
        [{"columns": "email", "to": "email", "ignore_case": True, "only_if_null": ["customer_id"]}],
    ],
    lookups=[{"name": "product", "columns": "product", "table": "products", "to": "id"}],
)
ITEMS = section(
    "items",
    {"id": "integer", "what": "text"},
    links=[[{"columns": "order_id", "table": "orders", "to": "id"}, {"columns": "customer_id"}]],
)
PROFILE = section(
    "customers",
    {
        "id": "identifier",
        "name": "text",
        "score": "integer",
        "vip": "boolean",
        "joined": "date",
        "balance": "decimal",
        "email": "email",
    },
    links=[[{"columns": "id"}]],
)
SUMS = {
    "name": "sums",
    "sql": "SELECT count(*) AS n, 'x:y' AS label FROM orders c WHERE c.customer_id = :customer GROUP BY c.customer_id",
    "order": ["n"],
    "unique": ["n"],
    "columns": [column("n", "integer"), column("label")],
}


def shop_map(key_type: str, *more: dict[str, object]) -> CustomerMap:
    return make_map(PROFILE, ORDERS, ITEMS, SUMS, *more, key_type=key_type)


def ids_of(bulk: Bulk) -> list[str]:
    return [line["customer"] for line in bulk.index()]


@pytest.mark.parametrize("key_type", list(KEYS))
@pytest.mark.parametrize("part_customers", [1, 2, 100])
def test_every_customer_is_who_they_are_alone(
    database: Database, over: Over, key_type: str, part_customers: int
) -> None:
    shop(database, key_type)
    services = over(database.url, shop_map(key_type))
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson", part_customers=part_customers))
    assert sorted(ids_of(bulk)) == sorted(map(str, KEYS[key_type][1]))
    planned = [partition.customers for partition in bulk.partitions]
    whole, rest = divmod(len(KEYS[key_type][1]), part_customers)
    assert planned == [part_customers] * whole + [rest] * (rest > 0)
    assert planned == [result.customers for result in bulk.results]
    for result in bulk.results:
        expected = [
            synchronous(services, bulk.order, json.loads(line)["customer"], snapshot_of(result))
            for line in bulk.files[result.index.name].splitlines()
        ]
        assert bulk.files[result.files[0].name] == b"".join(expected)


@pytest.mark.parametrize("key_type", list(KEYS))
def test_ids_are_compared_as_alone_and_the_missing_are_told(database: Database, over: Over, key_type: str) -> None:
    shop(database, key_type)
    keys = list(map(str, KEYS[key_type][1]))
    missing = {
        "integer": ["123456789012345678901234567890", "71"],
        "text": ["A", "a ", "Ä"],
        "uuid": ["00000000-0000-4000-8000-000000000009"],
    }[key_type]
    services = over(database.url, shop_map(key_type))
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson", Chosen(ids=(keys[1], *missing, keys[0], keys[1]))))
    assert sorted(line["customer"] for line in bulk.index() if "sha256" in line) == sorted(keys[:2])
    failed = [failure for result in bulk.results for failure in result.failures]
    assert {failure.customer_id for failure in failed} == set(missing)
    assert {failure.code for failure in failed} == {"CUSTOMER_NOT_FOUND"}


@pytest.mark.parametrize(
    ("column_name", "comparison", "values", "places"),
    [
        ("name", Comparison.EQUALS, ("Customer 1", "Customer 2", "customer 3"), {1, 2}),
        ("score", Comparison.EQUALS, ("10", "011"), {1}),
        ("score", Comparison.FROM, ("10",), {1, 2, 3, 4}),
        ("score", Comparison.BEFORE, ("10",), {0}),
        ("vip", Comparison.EQUALS, ("true",), {0, 3}),
        ("vip", Comparison.IS_NULL, (), {2}),
        ("joined", Comparison.FROM, ("2024-04-15",), {3, 4}),
        ("joined", Comparison.BEFORE, ("2024-02-15",), {0}),
        ("balance", Comparison.EQUALS, ("2.5",), {2}),
        ("balance", Comparison.BEFORE, ("1.51",), {0, 1}),
    ],
)
def test_a_filter_on_the_customers_row(
    database: Database, over: Over, column_name: str, comparison: Comparison, values: tuple[str, ...], places: set[int]
) -> None:
    shop(database, "integer")
    condition = Condition(column=column_name, comparison=comparison, values=values)
    services = over(database.url, shop_map("integer"))
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson", Chosen(conditions=(condition,)), part_customers=1))
    assert set(ids_of(bulk)) == {str(KEYS["integer"][1][place]) for place in places}


def test_a_filter_names_what_can_be_compared(database: Database, over: Over) -> None:
    shop(database, "integer")
    services = over(database.url, shop_map("integer"))
    wrong = (
        Condition(column="nome", comparison=Comparison.EQUALS, values=("x",)),
        Condition(column="score", comparison=Comparison.EQUALS, values=("ten",)),
        Condition(column="name", comparison=Comparison.FROM, values=("x",)),
    )
    with pytest.raises(InvalidRequestError) as problem:
        run_bulk(services, order_of(Layout.LINES, "ndjson", Chosen(conditions=wrong)))
    for told in ("'nome' is no column", "'ten', which is no integer", "has no from; use equals"):
        assert told in problem.value.message


def test_a_plugin_is_asked_for_each_customer_and_may_fail_for_one(
    database: Database, over: Over, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(database, "integer")
    folder = tmp_path / "packages"
    folder.mkdir()
    code = """
from customer_export.source.plugins.interface import PluginError

def rows(request):
    if request.customer_key == "70":
        raise PluginError("the help desk knows nobody of that name")
    yield {"said": f"hello {request.customer_title}, {request.given['score']}"}
"""
    name = installed(folder, monkeypatch, code)
    tickets: dict[str, object] = {"name": "tickets", "plugin": name, "given": ["score"], "columns": [column("said")]}
    services = over(database.url, shop_map("integer", tickets))
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson"))
    (result,) = bulk.results
    assert [(failure.customer_id, failure.code) for failure in result.failures] == [("70", "PLUGIN_FAILED")]
    good = [line["customer"] for line in bulk.index() if "sha256" in line]
    assert sorted(good) == ["-3", "7", "700", "8"]
    expected = [synchronous(services, bulk.order, one, snapshot_of(result)) for one in good]
    assert bulk.files[result.files[0].name] == b"".join(expected)
    tables = run_bulk(services, order_of(Layout.TABLES, "csv"))
    said = next(content for name, content in tables.files.items() if "/tickets/" in name).decode()
    assert sorted(said.splitlines()) == sorted(
        [
            "customer_key,said",
            *(f'{key},"hello Customer {n}, {n * 10}"' for n, key in ((0, 7), (2, 8), (3, -3), (4, 700))),
        ]
    )
    assert tables.results[0].failed == 1


def test_a_lookup_that_doubles_rows_fails_those_customers_alone(database: Database, over: Over) -> None:
    shop(database, "integer")
    database.execute(
        "CREATE TABLE names (product integer, name varchar(20));INSERT INTO names VALUES (1, 'a'), (1, 'b'), (2, 'c')"
    )
    named = section(
        "orders",
        [column("id", "integer"), column("product_name", source="names.name")],
        lookups=[{"name": "names", "columns": "product", "table": "names", "to": "product", "unique": True}],
    )
    services = over(database.url, make_map(named))
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson"))
    outcome = {line["customer"]: line.get("code") for line in bulk.index()}
    assert outcome == {"-3": "SOURCE_FAILED", "7": None, "8": None, "70": "SOURCE_FAILED", "700": None}


def test_what_had_to_be_changed_to_be_read_is_told_of_its_customer(over: Over, tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "source.db")
    shop(database, "integer")
    database.execute(
        "UPDATE items SET what = CAST(x'41FF' AS TEXT) WHERE id % 2 = 0;"
        "UPDATE customers SET name = CAST(x'42FE' AS TEXT) WHERE id = 8"
    )
    services = over(database.url, shop_map("integer"))
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson"))
    (result,) = bulk.results
    content = bulk.files[result.files[0].name]
    assert content.count(b"invalid_text_replaced") > 1
    assert content == b"".join(synchronous(services, bulk.order, one, snapshot_of(result)) for one in ids_of(bulk))


def test_a_tenant_and_masks_hold(database: Database, over: Over) -> None:
    shop(database, "integer")
    customer_map = make_map(PROFILE, ORDERS, key_type="integer", tenant="score")
    services = over(database.url, customer_map)
    principal = Principal(name="one", scopes=frozenset({Scope.EXPORT}), tenant="20")
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson", EVERYBODY, part_customers=1), principal=principal)
    assert ids_of(bulk) == ["8"]
    others = run_bulk(services, order_of(Layout.LINES, "ndjson", Chosen(ids=("7", "8"))), principal=principal)
    assert {line["customer"]: "sha256" in line for line in others.index()} == {"7": False, "8": True}


@pytest.mark.parametrize("layout", [Layout.LINES, Layout.FILES])
def test_what_has_changed_since_an_earlier_job(database: Database, over: Over, layout: Layout) -> None:
    shop(database, "integer")
    services = over(database.url, shop_map("integer"))
    first = run_bulk(services, order_of(layout, "ndjson", part_customers=2))
    since = {"since": first.order.job_id}
    same = run_bulk(services, order_of(layout, "ndjson", part_customers=2, **since), earlier=first)
    assert {line["change"] for line in same.index()} == {"unchanged"}
    assert sum(result.customers for result in same.results) == 0
    database.execute(
        "UPDATE items SET what = 'another' WHERE id = 1; DELETE FROM customers WHERE id = 700;"
        "INSERT INTO customers (id, name) VALUES (9999, 'New'), (-9999, 'Also new')"
    )
    again = order_of(Layout.LINES, "ndjson")
    snapshot = snapshot_of(first.results[0])
    (owner,) = [key for key in ("7", "70", "8", "-3") if b"another" in synchronous(services, again, key, snapshot)]
    delta = run_bulk(services, order_of(layout, "ndjson", part_customers=2, **since), earlier=same)
    changes = {line["customer"]: line["change"] for line in delta.index()}
    rest = dict.fromkeys(("7", "70", "8", "-3"), "unchanged") | {owner: "changed"}
    assert changes == {**rest, "700": "gone", "9999": "added", "-9999": "added"}
    wanted = [line["customer"] for line in delta.index() if "file" in line]
    assert sorted(wanted) == sorted([owner, "9999", "-9999"])
    assert [result.members()["gone"] for result in delta.results if result.gone] == [1]
    if layout is Layout.LINES:
        content = b"".join(delta.files[result.files[0].name] for result in delta.results)
        heads = [json.loads(line)["header"] for line in content.splitlines() if line.startswith(b'{"header"')]
        assert [head["customer"]["id"] for head in heads] == wanted
    last = run_bulk(services, order_of(layout, "ndjson", part_customers=2, since=delta.order.job_id), earlier=delta)
    assert {line["change"] for line in last.index()} == {"unchanged"}


def test_tables_have_no_differences(database: Database, over: Over) -> None:
    shop(database, "integer")
    services = over(database.url, shop_map("integer"))
    with pytest.raises(InvalidRequestError, match="since"):
        run_bulk(services, order_of(Layout.TABLES, "csv", since="0" * 32))
