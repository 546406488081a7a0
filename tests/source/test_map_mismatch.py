"""A map that does not fit the database is refused with the place, what is wrong and what to change."""

import pytest

from customer_export.errors import MapMismatchError, SourceFailedError
from customer_maps import column, make_map, section
from databases import CUSTOMERS, Database, MariadbDatabase, PostgresqlDatabase, opened, read
from servers import PostgresqlServer

TABLES = """
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, number TEXT NOT NULL, placed_on DATE, voucher TEXT UNIQUE
);
CREATE UNIQUE INDEX orders_number ON orders (number);
CREATE TABLE loose (customer_id INTEGER, text TEXT);
INSERT INTO orders VALUES (1, 1, 'A', '2024-01-01', NULL), (2, 2, 'B', '2024-01-02', NULL);
"""
ID = {"id": "integer"}
PARTIAL = "CREATE UNIQUE INDEX orders_live ON orders (placed_on) WHERE voucher IS NULL"
LOOKUP = {"name": "order", "columns": "id", "table": "orders", "to": "id"}


@pytest.mark.parametrize(
    ("sections", "customer", "problems"),
    [
        ([section("order", ID)], {}, ["sections[order].table: there is no table 'order'; did you mean 'orders'?"]),
        (
            [section("zzz", ID)],
            {},
            ["sections[zzz].table: there is no table 'zzz'; name one that exists, or write its schema: schema.table"],
        ),
        (
            [section("orders", {"nummer": "text"})],
            {},
            ["sections[orders].columns[nummer]: the table 'orders' has no column 'nummer'; did you mean 'number'?"],
        ),
        (
            [section("orders", {"zzz": "text"})],
            {},
            [
                "sections[orders].columns[zzz]: the table 'orders' has no column 'zzz'; "
                "it has id, customer_id, number, placed_on, voucher"
            ],
        ),
        (
            [section("orders", ID, time="placed")],
            {},
            ["sections[orders].time: the table 'orders' has no column 'placed'; did you mean 'placed_on'?"],
        ),
        (
            [section("orders", ID, order=["ids", "id"])],
            {},
            ["sections[orders].order: the table 'orders' has no column 'ids'; did you mean 'id'?"],
        ),
        (
            [section("orders", ID, links=[[{"columns": "customer"}]])],
            {},
            ["sections[orders].links: the table 'orders' has no column 'customer'; did you mean 'customer_id'?"],
        ),
        (
            [section("orders", ID, links=[[{"columns": "customer_id", "only_if_zero": ["number", "ids"]}]])],
            {},
            [
                "sections[orders].links: the table 'orders' has no column 'ids'; did you mean 'id'?",
                "sections[orders].links: only_if_zero names 'number', which is no number; use only_if_null",
            ],
        ),
        (
            [section("orders", ID, links=[[{"columns": "customer_id", "only_if": {"about": "Order"}}]])],
            {},
            [
                "sections[orders].links: the table 'orders' has no column 'about'; "
                "it has id, customer_id, number, placed_on, voucher"
            ],
        ),
        (
            [section("orders", ID, links=[[{"columns": "customer_id", "to": "mail"}]])],
            {},
            ["sections[orders].links: the table 'customers' has no column 'mail'; did you mean 'email'?"],
        ),
        (
            [section("orders", ID, links=[[{"columns": "id", "table": "order", "to": "id"}, {"columns": "id"}]])],
            {},
            ["sections[orders].links: there is no table 'order'; did you mean 'orders'?"],
        ),
        (
            [section("orders", ID, order=["placed_on"])],
            {},
            ["sections[orders].order does not end in a unique key of 'orders'; add id or number"],
        ),
        (
            [section("orders", ID, order=["voucher"])],
            {},
            ["sections[orders].order does not end in a unique key of 'orders'; add id or number"],
        ),
        (
            [section("loose", {"text": "text", "customer_id": "integer"}, order=["text"])],
            {},
            [
                "sections[loose].order does not end in a unique key of 'loose'; the table has none that the database "
                "knows: say which columns are unique (unique = …), or name them all"
            ],
        ),
        (
            [section("loose", {"text": "text"}, order=["text"], unique=["txt"])],
            {},
            [
                "sections[loose].unique: the table 'loose' has no column 'txt'; did you mean 'text'?",
                "sections[loose].order does not end in a unique key of 'loose'; the table has none that the database "
                "knows: say which columns are unique (unique = …), or name them all",
            ],
        ),
        (
            [section("orders", [column("a", source="order.number")], lookups=[LOOKUP | {"to": "voucher"}])],
            {},
            [
                "sections[orders].lookups[order]: voucher is no unique key of 'orders', so rows would be doubled; "
                "add id or number"
            ],
        ),
        (
            [section("orders", [column("a", source="order.nr")], lookups=[LOOKUP])],
            {},
            [
                "sections[orders].columns[a]: the table 'orders' has no column 'nr'; "
                "it has id, customer_id, number, placed_on, voucher"
            ],
        ),
        (
            [section("orders", ID)],
            {"key": "email"},
            [
                "customer.key: 'email' is no unique key of 'customers'; name its primary key, add a unique constraint, "
                "or say unique = true where you know that it is (a view)"
            ],
        ),
        (
            [section("orders", ID)],
            {"title": ["names"], "search": ["mail"]},
            [
                "customer.title: the table 'customers' has no column 'names'; did you mean 'name'?",
                "customer.search: the table 'customers' has no column 'mail'; did you mean 'email'?",
            ],
        ),
        (
            [section("order", ID), section("orders", {"nummer": "text"}, order=["placed_on"])],
            {},
            [
                "sections[order].table: there is no table 'order'; did you mean 'orders'?",
                "sections[orders].columns[nummer]: the table 'orders' has no column 'nummer'; did you mean 'number'?",
                "sections[orders].order does not end in a unique key of 'orders'; add id or number",
            ],
        ),
    ],
)
def test_what_does_not_fit_is_listed_with_the_remedy(
    database: Database, sections: list[dict[str, object]], customer: dict[str, object], problems: list[str]
) -> None:
    database.execute(TABLES)
    if not isinstance(database, MariadbDatabase):  # which has no such indexes
        database.execute(PARTIAL)
    with (
        opened(database.url, make_map(*sections, **customer)) as source,
        pytest.raises(MapMismatchError) as failure,
    ):
        source.check()
    assert failure.value.problems == problems
    assert all(problem in failure.value.message for problem in problems)


@pytest.mark.parametrize("order", [["placed_on", "id"], ["number"], ["voucher", "number"]])
def test_an_order_may_end_in_any_unique_key(database: Database, order: list[str]) -> None:
    database.execute(TABLES)
    with opened(database.url, make_map(section("orders", ID, order=order))) as source:
        source.check()


def test_a_column_that_goes_while_the_program_runs_is_a_mismatch_and_heals_when_it_is_back(database: Database) -> None:
    database.execute(TABLES)
    with opened(database.url, make_map(section("orders", {"id": "integer", "placed_on": "date"}))) as source:
        rows = read(source)
        database.execute("ALTER TABLE orders RENAME COLUMN placed_on TO placed")
        for _ in range(2):
            with pytest.raises(MapMismatchError, match="placed_on"):
                read(source)
        database.execute("ALTER TABLE orders RENAME COLUMN placed TO placed_on")
        assert read(source) == rows == {"orders": [("1", "2024-01-01")]}


def test_tables_are_found_in_the_schema_that_the_map_names(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(
        "CREATE SCHEMA sales; CREATE TABLE sales.orders (id integer PRIMARY KEY, customer_id integer);"
        "INSERT INTO sales.orders VALUES (7, 1); CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer)"
    )
    with opened(postgresql_database.url, make_map(section("orders", ID, table="sales.orders"))) as source:
        assert read(source) == {"orders": [("7",)]}


def test_tables_are_found_on_the_search_path_of_the_database(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database(
        "search_path",
        CUSTOMERS + "CREATE SCHEMA orderly; CREATE TABLE orderly.orders (id integer PRIMARY KEY, customer_id integer);"
        "INSERT INTO orderly.orders VALUES (7, 1); ALTER DATABASE search_path SET search_path = public, orderly",
    )
    with opened(url, make_map(section("orders", ID))) as source:
        assert read(source) == {"orders": [("7",)]}


def test_a_table_that_may_not_be_read_is_named_with_the_remedy(postgresql_database: PostgresqlDatabase) -> None:
    reader = f"reader_of_{postgresql_database.schema}"
    postgresql_database.execute(
        f"{TABLES} CREATE ROLE {reader} LOGIN; GRANT USAGE ON SCHEMA {postgresql_database.schema} TO {reader};"
        f"GRANT SELECT ON customers TO {reader}"
    )
    with opened(postgresql_database.url_of(reader), make_map(section("orders", ID))) as source:
        with pytest.raises(SourceFailedError, match=r"denied for table orders; .* GRANT SELECT \(id, customer_id\)"):
            read(source)
        postgresql_database.execute(f"GRANT SELECT ON orders TO {reader}")
        assert read(source) == {"orders": [("1",)]}
