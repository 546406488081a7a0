"""A section holds every row that belongs to the customer and no other, once, in its order; on every database."""

import pytest

from customer_export.model.customer_map import CustomerMap
from customer_maps import column, make_map, section
from databases import Database, MariadbDatabase, finding, opened, read, read_once

ORDERS = """
CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, email TEXT, payer_id INTEGER, total INTEGER);
INSERT INTO orders VALUES
    (1, 1, 'ada@example.com', NULL, 10), (2, 2, 'bob@example.com', NULL, 20), (3, 1, 'x@example.com', 1, 30),
    (4, NULL, 'ADA@Example.com', NULL, 40), (5, NULL, 'bob@example.com', 1, 50), (6, 2, 'ada@example.com', 2, 60),
    (7, NULL, NULL, NULL, 70), (8, NULL, '', NULL, 80), (9, NULL, ' ', NULL, 90);
"""
BY_ACCOUNT = [{"columns": "customer_id"}]
AS_GUEST = [{"columns": "email", "to": "email", "ignore_case": True, "only_if_null": "customer_id"}]
AS_PAYER = [{"columns": "payer_id"}]
ITEMS = """
CREATE TABLE items (
    order_id INTEGER NOT NULL, place INTEGER NOT NULL, product_id INTEGER, note TEXT, PRIMARY KEY (order_id, place)
);
CREATE TABLE parts (id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL, place INTEGER NOT NULL, name TEXT);
CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY, title TEXT, category_id INTEGER);
CREATE TABLE categories (id INTEGER NOT NULL PRIMARY KEY, title TEXT);
INSERT INTO categories VALUES (1, 'Tea'), (2, NULL);
INSERT INTO products VALUES (1, 'Assam', 1), (2, 'Mystery', NULL), (3, 'Unsorted', 2), (4, NULL, 1);
INSERT INTO items VALUES
    (1, 1, 1, 'a'), (1, 2, 2, 'b'), (2, 1, 1, 'c'), (4, 1, 3, 'd'), (4, 2, NULL, 'e'), (5, 1, 4, 'f'), (6, 1, 1, 'g');
INSERT INTO parts VALUES (1, 1, 1, 'leaf'), (2, 1, 2, 'box'), (3, 2, 1, 'foreign'), (4, 6, 1, 'foreign');
"""


def orders(*links: object) -> dict[str, object]:
    return section("orders", {"id": "integer"}, links=list(links))


def ids(rows: list[tuple[str | None, ...]]) -> list[str | None]:
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([BY_ACCOUNT], ["1", "3"]),
        ([AS_GUEST], ["4"]),
        ([AS_PAYER], ["3", "5"]),
        ([BY_ACCOUNT, AS_GUEST], ["1", "3", "4"]),
        ([BY_ACCOUNT, AS_PAYER, AS_GUEST], ["1", "3", "4", "5"]),
    ],
    ids=["account", "guest", "payer", "account or guest", "all three"],
)
def test_links_reach_each_row_once(database: Database, links: list[object], expected: list[str]) -> None:
    database.execute(ORDERS)
    assert ids(read_once(database.url, make_map(orders(*links)))["orders"]) == expected


def test_the_case_of_an_email_address_matters_only_where_the_map_says_so(database: Database) -> None:
    database.execute(ORDERS)
    exact = [{"columns": "email", "to": "email"}]
    assert ids(read_once(database.url, make_map(orders(exact)))["orders"]) == ["1", "6"]


def test_where_nobody_is_written_as_zero_a_guest_has_zero_or_null(database: Database) -> None:
    database.execute(ORDERS)
    database.execute("UPDATE orders SET customer_id = 0 WHERE id IN (4, 5, 8)")
    database.execute("INSERT INTO orders VALUES (10, NULL, 'ada@example.com', NULL, 0)")
    as_guest = [{"columns": "email", "to": "email", "ignore_case": True, "only_if_zero": "customer_id"}]
    assert ids(read_once(database.url, make_map(orders(as_guest)))["orders"]) == ["4", "10"]
    assert ids(read_once(database.url, make_map(orders(BY_ACCOUNT, as_guest)))["orders"]) == ["1", "3", "4", "10"]


COMMENTS = r"""
CREATE TABLE comments (
    id INTEGER NOT NULL PRIMARY KEY, about_type VARCHAR(40), about_kind INTEGER, about_id VARCHAR(20), body TEXT
);
INSERT INTO comments VALUES
    (1, 'App\Order', 7, '1', 'on Ada''s order'), (2, 'App\Order', 7, '2', 'on Bob''s'),
    (3, 'App\Customer', 8, '1', 'on Ada'), (4, 'App\Customer', 8, '2', 'on Bob'),
    (5, 'app\order', 9, '1', 'of another kind'), (6, NULL, NULL, '1', 'of none'),
    (7, 'App\Order', 7, NULL, 'of no order');
"""


@pytest.mark.parametrize(
    ("order", "customer"),
    [({"about_type": "App\\Order"}, {"about_type": "App\\Customer"}), ({"about_kind": 7}, {"about_kind": 8})],
    ids=["names", "numbers"],
)
def test_a_row_says_in_another_column_what_its_key_is_of(
    database: Database, order: dict[str, object], customer: dict[str, object]
) -> None:
    database.execute(ORDERS + COMMENTS)
    about_order = [{"columns": "about_id", "table": "orders", "to": "id", "only_if": order}, *BY_ACCOUNT]
    about_customer = [{"columns": "about_id", "only_if": customer}]
    comments = section("comments", {"id": "integer"}, links=[about_order, about_customer])
    assert ids(read_once(database.url, make_map(comments))["comments"]) == ["1", "3"]


def test_a_name_is_looked_up_in_one_language(database: Database) -> None:
    database.execute(
        ORDERS
        + ITEMS
        + """
CREATE TABLE product_names (
    product_id INTEGER NOT NULL, language VARCHAR(5) NOT NULL, name VARCHAR(20), PRIMARY KEY (product_id, language)
);
INSERT INTO product_names VALUES (1, 'de', 'Assam-Tee'), (1, 'en', 'Assam tea'), (2, 'de', 'Rätsel');
"""
    )
    looked_up = {"name": "named", "columns": "product_id", "table": "product_names", "to": "product_id"}
    items = section(
        "items",
        [column("note"), column("product", source="named.name")],
        links=through_orders(BY_ACCOUNT),
        lookups=[{**looked_up, "only_if": {"language": "en"}}],
        order=["order_id", "place"],
    )
    assert read_once(database.url, make_map(items))["items"] == [("a", "Assam tea"), ("b", None)]


@pytest.mark.parametrize("email", ["NULL", "''", "' '"], ids=["NULL", "empty", "blank"])
def test_a_customer_without_an_email_address_has_no_guest_orders(database: Database, email: str) -> None:
    database.execute(ORDERS)
    database.execute(f"UPDATE customers SET email = {email} WHERE id = 1")
    assert ids(read_once(database.url, make_map(orders(BY_ACCOUNT, AS_GUEST)))["orders"]) == ["1", "3"]


def through_orders(*ends: object) -> list[list[object]]:
    return [[{"columns": "order_id", "table": "orders", "to": "id"}, *end] for end in ends]


def test_links_lead_through_parents_by_any_of_their_links(database: Database) -> None:
    database.execute(ORDERS + ITEMS)
    items = section(
        "items", {"note": "text"}, links=through_orders(BY_ACCOUNT, AS_GUEST, AS_PAYER), order=["order_id", "place"]
    )
    assert ids(read_once(database.url, make_map(items))["items"]) == ["a", "b", "d", "e", "f"]


def test_a_link_may_join_several_columns_and_lead_through_two_parents(database: Database) -> None:
    database.execute(ORDERS + ITEMS)
    to_item = {"columns": ["order_id", "place"], "table": "items", "to": ["order_id", "place"]}
    links = [[to_item, *link] for link in through_orders(BY_ACCOUNT)]
    parts = section("parts", {"name": "text"}, links=links)
    assert ids(read_once(database.url, make_map(parts))["parts"]) == ["leaf", "box"]


def test_lookups_join_one_row_even_where_there_is_none(database: Database) -> None:
    database.execute(ORDERS + ITEMS)
    items = section(
        "items",
        [
            column("note"),
            column("product", source="product.title"),
            column("category", source="category.title"),
            column("ordered_by", source="order.email", type="email"),
        ],
        links=through_orders(BY_ACCOUNT, AS_GUEST, AS_PAYER),
        order=["order_id", "place"],
        lookups=[
            {"name": "product", "columns": "product_id", "table": "products", "to": "id"},
            {"name": "category", "columns": "product.category_id", "table": "categories", "to": "id"},
            {"name": "order", "columns": "order_id", "table": "orders", "to": "id"},
        ],
    )
    assert read_once(database.url, make_map(items))["items"] == [
        ("a", "Assam", "Tea", "ada@example.com"),
        ("b", "Mystery", None, "ada@example.com"),
        ("d", "Unsorted", None, "ADA@Example.com"),
        ("e", None, None, "ADA@Example.com"),
        ("f", None, "Tea", "bob@example.com"),
    ]


def test_a_table_may_be_looked_up_twice_and_be_the_sections_own(database: Database) -> None:
    database.execute(ORDERS)
    lookup = {"table": "customers", "to": "id"}
    both = section(
        "orders",
        [column("id", "integer"), column("buyer", source="buyer.name"), column("payer", source="payer.name")],
        links=[BY_ACCOUNT, AS_PAYER],
        lookups=[
            {"name": "buyer", "columns": "customer_id", **lookup},
            {"name": "payer", "columns": "payer_id", **lookup},
        ],
    )
    assert read_once(database.url, make_map(both))["orders"] == [
        ("1", "Ada", None),
        ("3", "Ada", "Ada"),
        ("5", None, "Ada"),
    ]


def test_hidden_columns_stay_in_the_database(database: Database) -> None:
    database.execute(ORDERS)
    hiding = section("orders", [column("id", "integer"), column("total", "integer", hidden=True), column("email")])
    with opened(database.url, make_map(hiding)) as source:
        assert read(source)["orders"] == [("1", "ada@example.com"), ("3", "x@example.com")]


def test_rows_come_in_the_order_of_the_map_and_a_look_up_may_order(database: Database) -> None:
    database.execute(ORDERS + ITEMS)
    items = section(
        "items",
        {"note": "text"},
        links=through_orders(BY_ACCOUNT, AS_GUEST, AS_PAYER),
        order=["order.total", "place", "order_id"],
        lookups=[{"name": "order", "columns": "order_id", "table": "orders", "to": "id"}],
    )
    database.execute("UPDATE orders SET total = 100 - total")
    assert ids(read_once(database.url, make_map(items))["items"]) == ["f", "d", "e", "a", "b"]


def test_many_rows_arrive_in_order_and_none_is_lost(database: Database) -> None:
    database.execute("CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, text TEXT)")
    database.execute(
        "INSERT INTO events WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) "
        "SELECT i, i % 2 + 1, 'text of ' || i FROM n"
    )
    rows = read_once(database.url, make_map(section("events", {"id": "integer", "text": "text"})))["events"]
    assert rows == [(str(number), f"text of {number}") for number in range(2, 6001, 2)]


def test_an_unknown_customer_is_not_found(database: Database) -> None:
    database.execute(ORDERS)
    with opened(database.url, make_map(orders(BY_ACCOUNT))) as source:
        for customer_id in ("3", "-1", "0", "9223372036854775808", "9" * 40, "1"):
            with finding(source, customer_id) as (_, customer):
                assert (customer is not None) == (customer_id == "1"), customer_id


def test_a_customers_title_is_made_of_what_there_is_of_their_name(database: Database) -> None:
    database.execute(ORDERS)
    titled = make_map(orders(BY_ACCOUNT), title=["name", "email"])
    assert titles(database, titled) == ["Ada ada@example.com", "Bob bob@example.com"]
    database.execute("UPDATE customers SET name = ' ', email = NULL")
    assert titles(database, titled) == ["1", "2"]


def titles(database: Database, titled: CustomerMap) -> list[str]:
    found = []
    with opened(database.url, titled) as source:
        for customer_id in "12":
            with finding(source, customer_id) as (_, customer):
                assert customer is not None
                found.append(customer.title)
    return found


def test_a_link_may_compare_the_key_with_a_column_of_another_type(database: Database) -> None:
    database.execute(
        """
        CREATE TABLE legacy (id INTEGER NOT NULL PRIMARY KEY, customer_id TEXT);
        INSERT INTO legacy VALUES (1, '1'), (2, '2'), (3, 'x'), (4, NULL);
        """
        + ORDERS
    )
    legacy = section("legacy", {"id": "integer"}, links=[BY_ACCOUNT])
    assert read_once(database.url, make_map(orders(BY_ACCOUNT), legacy))["legacy"] == [("1",)]


NAMES_TO_QUOTE = """
CREATE TABLE "order" (
    "Id" INTEGER NOT NULL PRIMARY KEY, "select" INTEGER, "per cent %" TEXT, "quote "" it" TEXT, "colon:x" TEXT
);
INSERT INTO "order" VALUES (1, 1, '%s', '"', ':x'), (2, 2, 'no', 'no', 'no');
"""


def test_names_of_tables_and_columns_may_hold_anything(database: Database) -> None:
    database.execute(NAMES_TO_QUOTE)
    odd = section(
        "odd",
        [column("a", source="per cent %"), column("b", source='quote " it'), column("c", source="colon:x")],
        table="order",
        links=[[{"columns": "select"}]],
        order=["Id"],
    )
    assert read_once(database.url, make_map(odd))["odd"] == [("%s", '"', ":x")]


TEXT_KEYS = """
CREATE TABLE people (id {kind} NOT NULL PRIMARY KEY, name TEXT);
CREATE TABLE letters (id INTEGER NOT NULL PRIMARY KEY, person TEXT);
INSERT INTO people VALUES ('a''b"%s:x\\', 'Quoted'), ('A', 'Large'), ('a', 'Small');
INSERT INTO letters VALUES (1, 'a''b"%s:x\\'), (2, 'A'), (3, 'a');
"""


@pytest.mark.parametrize(("key", "letter"), [("a'b\"%s:x\\", "1"), ("A", "2"), ("a", "3")])
def test_keys_may_be_any_text(database: Database, key: str, letter: str) -> None:
    # the keys of MariaDB have a length, and of its collations few tell A from a
    maria = isinstance(database, MariadbDatabase)
    database.execute(TEXT_KEYS.format(kind="VARCHAR(50) COLLATE utf8mb4_bin" if maria else "TEXT"))
    letters = section("letters", {"id": "integer"}, links=[[{"columns": "person"}]])
    customer_map = make_map(letters, key_type="text", table="people")
    assert ids(read_once(database.url, customer_map, key)["letters"]) == [letter]
