"""Keys and links are compared exactly in SQLite, whatever collation their columns have: no rows of another customer."""

import pytest

from customer_maps import make_map, section
from databases import SqliteDatabase, finding, opened, read

KEYS = ("abc", "ABC", "abc ")
DIRECT = section("orders", {"id": "integer"}, links=[[{"columns": "code"}]])
THROUGH = section(
    "items",
    {"id": "integer"},
    links=[[{"columns": "number", "table": "orders", "to": "number"}, {"columns": "code"}]],
)


@pytest.mark.parametrize("collation", ["NOCASE", "RTRIM", "BINARY"])
def test_rows_belong_to_the_customer_of_the_very_same_key(sqlite_database: SqliteDatabase, collation: str) -> None:
    orders = ", ".join(f"({place}, '{key}', '{key}')" for place, key in enumerate(KEYS))
    items = ", ".join(f"({place}, '{key}')" for place, key in enumerate(KEYS))
    sqlite_database.execute(
        "DROP TABLE customers; CREATE TABLE customers (id TEXT NOT NULL PRIMARY KEY, name TEXT);"
        f"INSERT INTO customers VALUES ('abc', ''), ('ABC', ''), ('abc ', '');"
        f"CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, code TEXT COLLATE {collation},"
        f" number TEXT COLLATE {collation}); INSERT INTO orders VALUES {orders};"
        f"CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, number TEXT COLLATE {collation});"
        f"INSERT INTO items VALUES {items}"
    )
    with opened(sqlite_database.url, make_map(DIRECT, THROUGH, key_type="text")) as source:
        for place, key in enumerate(KEYS):
            assert read(source, key) == {"orders": [(str(place),)], "items": [(str(place),)]}


@pytest.mark.parametrize("collation", ["NOCASE", "RTRIM"])
def test_a_customer_is_found_by_their_very_key_alone(sqlite_database: SqliteDatabase, collation: str) -> None:
    sqlite_database.execute(
        f"DROP TABLE customers; CREATE TABLE customers (id TEXT COLLATE {collation} NOT NULL PRIMARY KEY, name TEXT);"
        "INSERT INTO customers VALUES ('abc', 'Ada')"
    )
    sqlite_database.execute("CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, code TEXT, number TEXT)")
    with opened(sqlite_database.url, make_map(DIRECT, key_type="text")) as source:
        for key in KEYS:
            with finding(source, key) as (_, customer):
                assert (customer is not None) == (key == "abc")
