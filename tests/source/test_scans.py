"""A section whose link has no index is told, with the index that helps; one that has it never is."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from customer_export.errors import MapMismatchError, SourceFailedError
from customer_export.model.customer_map import CustomerMap, TableName
from customer_export.model.scans import MANY_ROWS, FullScan
from customer_export.source.registry import open_survey
from customer_maps import column, make_map, section
from databases import Database, MariadbDatabase, PostgresqlDatabase
from installed_plugins import installed

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT"
TABLES = f"""
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers, email TEXT, place INTEGER, total TEXT
);
CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER REFERENCES orders, "group" INTEGER);
INSERT INTO orders {NUMBERS.format(count=MANY_ROWS)} i, CASE WHEN i % 3 = 0 THEN NULL ELSE 1 END, 'a', i, '1' FROM n;
INSERT INTO items {NUMBERS.format(count=MANY_ROWS)} i, i, i FROM n;
"""
BY_ACCOUNT = [{"columns": "customer_id"}]
AS_GUEST = [{"columns": "email", "to": "email", "ignore_case": True, "only_if_null": "customer_id"}]
TO_ORDER = {"columns": "order_id", "table": "orders", "to": "id"}
ORDERS = section("orders", {"total": "text"}, links=[BY_ACCOUNT], order=["place", "id"])
GUESTS = {**ORDERS, "links": [BY_ACCOUNT, AS_GUEST]}
ITEMS = section("items", {"id": "integer"}, links=[[TO_ORDER, *BY_ACCOUNT], [TO_ORDER, *AS_GUEST]])

ACCOUNT_INDEX = "CREATE INDEX orders_account ON orders (customer_id, place);"
GUEST_INDEX = "CREATE INDEX orders_guest ON orders (lower(email)) WHERE customer_id IS NULL;"
ITEM_INDEX = "CREATE INDEX items_order ON items (order_id);"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database with two customers, of each kind that says how it would run a query."""
    fixture: Database = request.getfixturevalue(f"{request.param}_database")
    return fixture


def scans_of(
    database: Database, *sections: dict[str, object], customer_map: CustomerMap | None = None
) -> list[FullScan]:
    with open_survey(database.url, statement_limit=timedelta(seconds=20)) as survey:
        return list(survey.full_scans(customer_map or make_map(*sections)))


def remedies(scans: Sequence[FullScan]) -> list[str | None]:
    """Give the remedies without what PostgreSQL's have more."""
    return [None if scan.remedy is None else scan.remedy.replace(" CONCURRENTLY", "") for scan in scans]


def test_tables_of_which_postgresql_knows_nothing_are_told_until_it_has_looked_at_them(
    postgresql_database: PostgresqlDatabase,
) -> None:
    postgresql_database.execute(TABLES + 'CREATE TABLE "Two Words" AS SELECT * FROM orders;')
    named = [
        TableName(None, "orders"),
        TableName(postgresql_database.schema, "Two Words"),
        TableName(None, "customers"),
    ]
    with open_survey(postgresql_database.url, statement_limit=timedelta(seconds=20)) as survey:
        told = survey.without_statistics([*named, *named, TableName(None, "gone")])
        assert told == ("ANALYZE orders;", f'ANALYZE {postgresql_database.schema}."Two Words";')
        for statement in told:
            postgresql_database.execute(statement)
        assert survey.without_statistics(named) == ()


def test_where_every_link_has_its_index_nothing_is_told(database: Database) -> None:
    database.execute(TABLES + ACCOUNT_INDEX + GUEST_INDEX + ITEM_INDEX)
    assert scans_of(database, GUESTS, ITEMS) == []


@pytest.mark.parametrize(
    ("indexes", "sections", "told"),
    [
        ("", [ORDERS], [("orders", "orders", "CREATE INDEX orders_customer_id ON orders (customer_id);")]),
        (ACCOUNT_INDEX, [GUESTS], [("orders", "orders", "CREATE INDEX orders_email ON orders (lower(email));")]),
        (
            ACCOUNT_INDEX + "CREATE INDEX plain ON orders (email);",
            [GUESTS],
            [("orders", "orders", "CREATE INDEX orders_email ON orders (lower(email));")],
        ),
        (
            ACCOUNT_INDEX + GUEST_INDEX,
            [ITEMS],
            [("items", "items", "CREATE INDEX items_order_id ON items (order_id);")],
        ),
        (
            GUEST_INDEX + ITEM_INDEX,
            [ITEMS],
            [("items", "orders", "CREATE INDEX orders_customer_id ON orders (customer_id);")],
        ),
        (
            "CREATE INDEX other ON orders (place, customer_id);",
            [ORDERS],
            [("orders", "orders", "CREATE INDEX orders_customer_id ON orders (customer_id);")],
        ),
    ],
    ids=["account", "guest", "in another case", "items", "through orders", "second in another index"],
)
def test_a_link_without_an_index_is_told_with_the_index_that_helps(
    database: Database, indexes: str, sections: list[dict[str, object]], told: list[tuple[str, str, str]]
) -> None:
    database.execute(TABLES + indexes)
    scans = scans_of(database, *sections)
    found = [(scan.section, scan.table.name, remedy) for scan, remedy in zip(scans, remedies(scans), strict=True)]
    assert found == told
    for scan in scans:
        database.execute(re.sub(" CONCURRENTLY", "", scan.remedy or ""))
    assert scans_of(database, *sections) == []


def test_an_index_on_who_is_nobody_does_not_stand_for_one_on_the_address(database: Database) -> None:
    as_guest = [{**AS_GUEST[0], "only_if_null": [], "only_if_zero": "customer_id"}]
    guests = {**ORDERS, "links": [BY_ACCOUNT, as_guest]}
    tables = TABLES.replace("customer_id INTEGER REFERENCES customers", "customer_id INTEGER").replace(
        "NULL ELSE", "0 ELSE"
    )
    database.execute(tables + ACCOUNT_INDEX)
    assert remedies(scans_of(database, guests)) == ["CREATE INDEX orders_email ON orders (lower(email));"]
    database.execute("CREATE INDEX orders_guest ON orders (lower(email));")
    assert scans_of(database, guests) == []


def test_an_index_on_the_kind_alone_does_not_serve(database: Database) -> None:
    """The rows of one kind are everybody's; an index on the kind and the key is what such tables mostly have."""
    about = {**ORDERS, "links": [[{"columns": "customer_id", "only_if": {"email": "a"}}]]}
    database.execute(TABLES)
    assert remedies(scans_of(database, about)) == ["CREATE INDEX orders_customer_id ON orders (customer_id);"]
    database.execute("CREATE INDEX orders_kind ON orders (email, customer_id);")
    assert scans_of(database, about) == []


def test_names_are_quoted_as_the_database_wants_them(database: Database) -> None:
    statements = TABLES.replace("items", '"Order Items"') + ACCOUNT_INDEX
    database.execute(statements.replace("order_id", '"order"').replace("INDEX items", "INDEX i"))
    link = [{"columns": "order", "table": "orders", "to": "id"}, *BY_ACCOUNT]
    items = section("items", {"id": "integer"}, table="Order Items", links=[link])
    (told,) = remedies(scans_of(database, items))
    assert told == 'CREATE INDEX "Order Items_order" ON "Order Items" ("order");'


def test_small_tables_are_passed_over_but_not_in_a_database_without_customers(database: Database) -> None:
    database.execute(TABLES.replace(str(MANY_ROWS), str(MANY_ROWS - 1)))
    assert scans_of(database, ORDERS) == []
    database.execute("UPDATE orders SET customer_id = NULL; DELETE FROM customers")
    (scan,) = scans_of(database, ORDERS)
    assert scan.counted == "999 rows"


def test_links_that_only_together_find_no_index_have_no_remedy(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(TABLES + ACCOUNT_INDEX + ITEM_INDEX + 'CREATE INDEX g ON items ("group");')
    link = [{"columns": "group", "table": "orders", "to": "place"}, *BY_ACCOUNT]
    either = section("items", {"id": "integer"}, links=[[TO_ORDER, *BY_ACCOUNT], link])
    scans = scans_of(postgresql_database, either)
    assert [(scan.table.name, scan.remedy) for scan in scans] == [("items", None)]


def test_what_a_view_or_a_query_reads_in_full_is_named(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(TABLES + "CREATE VIEW paid AS SELECT * FROM orders WHERE total <> '0';")
    paid = section("paid", {"id": "integer"}, unique=["id"])
    spent = {
        "name": "spent",
        "sql": "SELECT count(*) AS n FROM items WHERE order_id = :customer",
        "order": ["n"],
        "columns": [{"name": "n", "type": "integer", "personal_data": "none"}],
    }
    scans = scans_of(postgresql_database, paid, spent)
    assert [(scan.section, scan.table.name, scan.remedy) for scan in scans] == [
        ("paid", "orders", None), ("spent", "items", None),
    ]  # fmt: skip


def test_partitions_are_told_as_their_table(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(
        "CREATE TABLE visits (id bigint, customer_id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
        "CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');"
        "INSERT INTO visits SELECT i, 1, date '2024-01-01' + i % 700 FROM generate_series(1, 1000) i"
    )
    scans = scans_of(postgresql_database, section("visits", {"id": "integer"}, order=["id", "at"]))
    assert [(scan.table.name, scan.rows) for scan in scans] == [("visits", MANY_ROWS)]


def test_the_session_is_left_as_it_was(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(TABLES)
    with open_survey(postgresql_database.url, statement_limit=timedelta(seconds=20)) as survey:
        before = survey.full_scans(make_map(ORDERS))
        assert survey.full_scans(make_map(ORDERS)) == before
        assert survey.catalogue().tables


def test_a_map_that_does_not_fit_and_a_role_that_may_not_read_are_told(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(TABLES)
    with pytest.raises(MapMismatchError):
        scans_of(postgresql_database, section("carts", {"id": "integer"}))
    role = f"blind_in_{postgresql_database.schema}"
    postgresql_database.execute(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {postgresql_database.schema} TO {role}"
    )
    with (
        open_survey(postgresql_database.url_of(role), statement_limit=timedelta(seconds=20)) as survey,
        pytest.raises(SourceFailedError, match=r"permission denied for table customers.*map grants"),
    ):
        survey.full_scans(make_map(ORDERS))


def test_mariadb_needs_an_index_that_begins_with_a_column_of_the_link(mariadb_database: MariadbDatabase) -> None:
    varchar = TABLES.replace("email TEXT", "email VARCHAR(90)")
    mariadb_database.execute(re.sub(r" REFERENCES \w+", "", varchar) + "CREATE INDEX other ON orders (place, email);")
    told = {scan.remedy for scan in scans_of(mariadb_database, GUESTS, ITEMS)}
    assert told == {
        "CREATE INDEX orders_customer_id ON orders (customer_id);",
        "CREATE INDEX orders_email ON orders (email);",
        "CREATE INDEX items_order_id ON items (order_id);",
    }
    mariadb_database.execute("".join(map(str, told)))
    assert scans_of(mariadb_database, GUESTS, ITEMS) == []
    quoted = section("items", {"id": "integer"}, links=[[{"columns": "group"}]])
    assert [scan.remedy for scan in scans_of(mariadb_database, quoted)] == [
        "CREATE INDEX items_group ON items (`group`);"
    ]


def test_a_plugin_is_passed_over_and_a_query_of_the_maps_own_is_no_obstacle(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute(TABLES)
    columns = [column("total")]
    sql = "SELECT total FROM orders WHERE customer_id = :customer"
    query = {"name": "totals", "sql": sql, "order": ["total"], "columns": columns}
    plugin = installed(tmp_path, monkeypatch, "def rows(request):\n    return []\n")
    found = scans_of(database, query, {"name": "elsewhere", "plugin": plugin, "columns": columns})
    assert {scan.section for scan in found} <= {"totals"}
