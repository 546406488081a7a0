"""Every table and column that reaches the customer is in the map, left out with a reason, or told."""

from collections.abc import Mapping

import pytest

from catalogues import CUSTOMERS, catalogue_of
from customer_export.errors import MapMismatchError
from customer_export.mapping.coverage.report import coverage_of
from customer_export.model.coverage import Coverage, Standing
from customer_export.model.customer_map import CustomerMap, TableName
from customer_export.source.map_file import parse_map
from customer_maps import column, make_map, section, toml

PROFILE = section("customers", {"name": "text", "email": "email"}, links=[[{"columns": "id"}]])
ORDERS = "CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers, total TEXT);"
ITEMS = """CREATE TABLE items (
    order_id INTEGER NOT NULL REFERENCES orders, place INTEGER NOT NULL, product_id INTEGER REFERENCES products,
    quantity INTEGER, PRIMARY KEY (order_id, place)
); CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY, title TEXT);"""
ORDERS_SECTION = section("orders", {"total": "text"})
TO_ORDER = {"columns": "order_id", "table": "orders", "to": "id"}
ITEMS_SECTION = section(
    "items",
    [column("quantity", "integer"), column("product", source="product.title")],
    links=[[TO_ORDER, {"columns": "customer_id"}]],
    order=["order_id", "place"],
    lookups=[{"name": "product", "columns": "product_id", "table": "products", "to": "id"}],
)


def map_of(*sections: dict[str, object], exclude: list[dict[str, object]] = [], **customer: object) -> CustomerMap:  # noqa: B006
    parts = {
        "map": 1,
        "name": "Test",
        "customer": {"table": "customers", "key": "id", "key_type": "integer", "title": "name", **customer},
        "sections": [PROFILE, *sections],
        "exclude": exclude,
    }
    return as_map(parts)


def as_map(parts: Mapping[str, object]) -> CustomerMap:
    return parse_map("".join(f"{key} = {toml(value)}\n" for key, value in parts.items()).encode(), file="test.toml")


def covered(statements: str, customer_map: CustomerMap) -> Coverage:
    return coverage_of(customer_map, catalogue_of(statements))


def standings(coverage: Coverage) -> Mapping[str, Standing]:
    return {str(table.table): table.standing for table in coverage.tables}


def columns(coverage: Coverage, standing: Standing) -> set[str]:
    return {f"{table.table}.{column.name}" for table in coverage.tables for column in table.of(standing)}


def uncovered(coverage: Coverage) -> set[str]:
    """Name tables, and columns of the tables that the map knows."""
    tables = {str(table.table) for table in coverage.uncovered_tables}
    return tables | {
        f"{table.table}.{column.name}" for table in coverage.partly_covered_tables
        for column in table.of(Standing.UNCOVERED)
    }  # fmt: skip


def perhaps(coverage: Coverage) -> Mapping[str, str]:
    return {str(one.table): one.why for one in coverage.perhaps}


def test_a_map_that_names_everything_is_whole() -> None:
    coverage = covered(ORDERS + ITEMS, map_of(ORDERS_SECTION, ITEMS_SECTION))
    assert coverage.whole
    assert uncovered(coverage) == set()
    assert [str(table) for table in coverage.beside] == ["products"]
    assert {str(one.table): one.path for one in coverage.tables} == {
        "customers": ("customers",),
        "orders": ("orders.customer_id", "customers"),
        "items": ("items.order_id", "orders.customer_id", "customers"),
    }


def test_what_the_text_of_a_query_names_is_read() -> None:
    sql = "SELECT i.Place, p.title FROM orders o JOIN items i ON i.order_id = o.id JOIN products p ON p.id = product_id"
    columns = [column("place", "integer"), column("title")]
    sums = {"name": "sums", "sql": f"{sql} WHERE o.customer_id = :customer", "order": ["place"], "columns": columns}
    coverage = covered(ORDERS + ITEMS, map_of(sums))
    assert standings(coverage) == dict.fromkeys(("customers", "orders", "items"), Standing.MAPPED)
    assert uncovered(coverage) == {"orders.total", "items.quantity"}
    everything = {**sums, "sql": "SELECT * FROM orders JOIN items ON order_id = id WHERE customer_id = :customer"}
    assert uncovered(covered(ORDERS + ITEMS, map_of(everything))) == set()


def test_children_and_grandchildren_that_no_section_knows_are_uncovered() -> None:
    coverage = covered(ORDERS + ITEMS, map_of())
    assert not coverage.whole
    assert uncovered(coverage) == {"orders", "items"}
    assert perhaps(coverage) == {"products": "the customer's rows point at it: items.product_id"}


def test_a_column_that_nothing_names_is_uncovered_and_one_that_a_link_or_an_order_names_is_not() -> None:
    coverage = covered(ORDERS.replace("total TEXT", "total TEXT, note TEXT"), map_of(ORDERS_SECTION))
    assert uncovered(coverage) == {"orders.note"}
    assert columns(coverage, Standing.MAPPED) >= {"orders.id", "orders.customer_id", "orders.total"}


@pytest.mark.parametrize(
    ("statements", "reached"),
    [
        ("CREATE TABLE a (x INTEGER REFERENCES customers); CREATE TABLE b (y INTEGER REFERENCES c);"
         "CREATE TABLE c (z INTEGER PRIMARY KEY)", {"a"}),
        ("CREATE TABLE a (id INTEGER PRIMARY KEY, x INTEGER REFERENCES customers, up INTEGER REFERENCES a)", {"a"}),
        ("CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b, x INTEGER REFERENCES customers);"
         "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a)", {"a", "b"}),
        ("CREATE TABLE a (s INTEGER, n INTEGER, x INTEGER REFERENCES customers, PRIMARY KEY (s, n));"
         "CREATE TABLE b (s INTEGER, n INTEGER, FOREIGN KEY (s, n) REFERENCES a)", {"a", "b"}),
        ("CREATE TABLE a (billing INTEGER REFERENCES customers, shipping INTEGER REFERENCES customers)", {"a"}),
        ('CREATE TABLE "Order Lines" ("größe" INTEGER REFERENCES customers)', {"Order Lines"}),
    ],
    ids=["child", "itself", "circle", "composite", "several", "quoted"],
)  # fmt: skip
def test_foreign_keys_are_followed_to_the_customer_whatever_their_shape(statements: str, reached: set[str]) -> None:
    assert uncovered(covered(statements, map_of())) == reached


def test_the_far_side_of_a_table_that_only_joins_must_be_named() -> None:
    joined = """CREATE TABLE addresses (id INTEGER PRIMARY KEY, street TEXT);
    CREATE TABLE customer_addresses (customer_id INTEGER REFERENCES customers, address_id INTEGER REFERENCES addresses,
        PRIMARY KEY (customer_id, address_id));"""
    assert uncovered(covered(joined, map_of())) == {"customer_addresses", "addresses"}
    link = [
        {"columns": "id", "table": "customer_addresses", "to": "address_id"},
        {"columns": "customer_id"},
    ]
    addresses = section("addresses", {"street": "text"}, links=[link])
    assert covered(joined, map_of(addresses)).whole
    without_street = covered(joined.replace("street TEXT", "street TEXT, city TEXT"), map_of(addresses))
    assert uncovered(without_street) == {"addresses.city"}


def test_without_foreign_keys_tables_are_reached_by_columns_called_like_those_that_the_map_links_by() -> None:
    loose = """CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, total TEXT);
    CREATE TABLE items (order_id INTEGER, place INTEGER, product_id INTEGER, PRIMARY KEY (order_id, place));
    CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT);
    CREATE TABLE carts (id INTEGER PRIMARY KEY, customer_id INTEGER);
    CREATE TABLE shipments (id INTEGER PRIMARY KEY, order_id INTEGER);"""
    coverage = covered(loose, map_of(ORDERS_SECTION, ITEMS_SECTION))
    assert uncovered(coverage) == {"carts", "shipments"}
    assert {str(one.table): one.path for one in coverage.uncovered_tables}["shipments"] == (
        "shipments.order_id", "orders.customer_id", "customers",
    )  # fmt: skip


def test_a_column_of_that_name_which_leads_elsewhere_is_another_thing() -> None:
    other = "CREATE TABLE firms (id INTEGER PRIMARY KEY); CREATE TABLE deals (customer_id INTEGER REFERENCES firms);"
    assert covered(ORDERS + other, map_of(ORDERS_SECTION)).whole


@pytest.mark.parametrize(
    "column", ["customer_id", "CustomerId", "user_id", "userid", "buyer", "email", "contact_email", "e_mail", "UserID"]
)
def test_names_that_may_mean_a_customer_are_told_as_perhaps(column: str) -> None:
    coverage = covered(f'CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, "{column}" TEXT)', map_of())
    assert coverage.whole
    assert f"its column {column}" in perhaps(coverage)["subscriptions"]


@pytest.mark.parametrize("column", ["id", "title", "username_hint", "email_sent_at", "mailbox", "grid", "amount"])
def test_other_names_are_not(column: str) -> None:
    assert perhaps(covered(f'CREATE TABLE things ("{column}" TEXT)', map_of())) == {}


def test_what_is_left_out_with_a_reason_is_excluded_and_not_followed_further() -> None:
    left_out = [{"table": "orders", "reason": "kept by the warehouse"}]
    carts = "CREATE TABLE carts (customer_id INTEGER REFERENCES customers);"
    coverage = covered(ORDERS + ITEMS + carts, map_of(exclude=left_out))
    assert standings(coverage) == {
        "customers": Standing.MAPPED,
        "carts": Standing.UNCOVERED,
        "orders": Standing.EXCLUDED,
        "items": Standing.EXCLUDED,
    }
    reasons = {str(one.table): one.reason for one in coverage.tables}
    assert reasons["orders"] == "kept by the warehouse"
    assert reasons["items"] == "reaches the customer only through orders, which is left out"
    assert perhaps(coverage) == {}


def test_columns_are_left_out_by_name_or_by_being_hidden() -> None:
    orders = ORDERS.replace("total TEXT", "total TEXT, note TEXT, score TEXT, rank TEXT")
    sections = section("orders", [column("total"), column("note", hidden=True)])
    left_out = [{"table": "orders", "columns": ["score", "rank"], "reason": "not of the customer"}]
    coverage = covered(orders, map_of(sections, exclude=left_out))
    assert coverage.whole
    assert columns(coverage, Standing.EXCLUDED) == {"orders.note", "orders.score", "orders.rank"}
    assert coverage.summary().excluded == (
        (TableName(None, "orders"), ("note",), "hidden"),
        (TableName(None, "orders"), ("score", "rank"), "not of the customer"),
    )


def test_exclusions_of_what_is_gone_and_of_what_is_exported_are_told() -> None:
    left_out = [
        {"table": "visits", "reason": "technical"},
        {"table": "orders", "columns": ["total", "note"], "reason": "private"},
        {"table": "items", "reason": "technical"},
    ]
    coverage = covered(ORDERS + ITEMS, map_of(ORDERS_SECTION, ITEMS_SECTION, exclude=left_out))
    assert not coverage.whole
    assert coverage.gone == (
        "exclude: there is no table 'visits' any more; remove the exclusion",
        "exclude: the table 'orders' has no column 'note' any more; remove it from the exclusion",
    )
    assert coverage.contradicted == (
        "exclude: orders.total is exported by a section; remove the exclusion or the column",
        "exclude: items is left out, and a section is of it; remove the exclusion or the section",
    )


def test_a_second_key_to_the_customer_that_is_exported_and_not_followed_is_told() -> None:
    gifts = """CREATE TABLE gifts (
        id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers, receiver INTEGER REFERENCES customers
    );"""
    exported = section("gifts", {"receiver": "integer"})
    (told,) = covered(gifts, map_of(exported)).unfollowed
    assert told.startswith("gifts.receiver leads to the customer, too, and no link follows it")
    both = section("gifts", {"receiver": "integer"}, links=[[{"columns": "customer_id"}], [{"columns": "receiver"}]])
    assert covered(gifts, map_of(both)).unfollowed == ()


def test_views_are_read_where_the_map_says_so_and_else_repeat_what_tables_hold() -> None:
    views = ORDERS + "CREATE VIEW big_orders AS SELECT * FROM orders;"
    assert uncovered(covered(views, map_of(ORDERS_SECTION))) == set()
    by_view = section("orders", {"total": "text"}, table="big_orders", unique=["id"])
    assert uncovered(covered(views, map_of(by_view))) == {"orders"}


def test_a_customer_table_that_is_a_view_leads_to_the_table_behind_it() -> None:
    statements = (
        ORDERS
        + """CREATE VIEW active AS SELECT * FROM customers;
    CREATE TABLE carts (owner INTEGER REFERENCES customers);"""
    )
    profile = {**PROFILE, "table": "active", "unique": "id"}
    behind = [{"table": "customers", "reason": "read through the view active"}]
    customer = {"table": "active", "key": "id", "key_type": "integer", "title": "name", "unique": True}
    parts = {"map": 1, "name": "Test", "customer": customer, "sections": [profile, ORDERS_SECTION]}
    assert uncovered(covered(statements, as_map(parts))) == {"customers", "carts"}
    coverage = covered(statements, as_map({**parts, "exclude": behind}))
    assert standings(coverage) == {
        "active": Standing.MAPPED,
        "customers": Standing.EXCLUDED,
        "orders": Standing.MAPPED,
        "carts": Standing.UNCOVERED,
    }


def test_a_map_of_another_database_is_refused_with_what_this_one_has() -> None:
    customer_map = make_map(ORDERS_SECTION, table="clients")
    with pytest.raises(MapMismatchError, match=r"no table 'clients'; SOURCE_URL may name another.*customers, orders"):
        covered(ORDERS, customer_map)


def test_the_summary_counts_and_names_what_a_manifest_says() -> None:
    statements = (
        ORDERS.replace("total TEXT", "total TEXT, note TEXT") + ITEMS + CUSTOMERS.replace("customers", "guests")
    )
    summary = covered(statements, map_of(ORDERS_SECTION)).summary()
    assert summary.tables == {Standing.MAPPED: 2, Standing.EXCLUDED: 0, Standing.UNCOVERED: 1}
    assert summary.columns == {Standing.MAPPED: 6, Standing.EXCLUDED: 0, Standing.UNCOVERED: 5}
    assert summary.uncovered == ((TableName(None, "items"), ()), (TableName(None, "orders"), ("note",)))
    assert summary.perhaps == (TableName(None, "guests"), TableName(None, "products"))
