"""A customer's rows are found by the key's text, whatever type a column keeps it in, and nobody else's are."""

from collections.abc import Sequence

import pytest

from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import Period
from customer_maps import column, make_map, section
from databases import LONG, PostgresqlDatabase, finding, opened, read, read_once
from servers import PostgresqlServer, wait_until

UUIDS = ("aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002")
NUMBERS = ("7", "70")
TEXTS = ("ada", "bob")
KEYS = [
    ("integer", "bigint", NUMBERS),
    ("integer", "smallint", NUMBERS),
    ("integer", "numeric", NUMBERS),
    ("integer", "numeric(30,0)", ("123456789012345678901", "7")),
    ("integer", "varchar(30)", NUMBERS),
    ("integer", "number", NUMBERS),
    ("uuid", "uuid", UUIDS),
    ("uuid", "text", UUIDS),
    ("uuid", "char(36)", UUIDS),
    ("uuid", "identity", UUIDS),
    ("text", "varchar", TEXTS),
    ("text", "text", ("7", "x' OR true --")),
    ("text", "citext", TEXTS),
    ("text", "char(8)", TEXTS),
    ("text", "name", TEXTS),
    ("text", "bigint", NUMBERS),
    ("text", "uuid", UUIDS),
    ("text", "mood", ("fine", "not so fine")),
]
LINKED = ("text", "varchar(40)", "char(40)", "citext", "bigint", "smallint", "numeric", "uuid", "double precision")
TYPES = """
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE TYPE mood AS ENUM ('fine', 'not so fine'); CREATE DOMAIN number AS bigint; CREATE DOMAIN identity AS uuid;
"""


def in_public(database: PostgresqlDatabase) -> str:
    """Give a URL whose search path finds extensions, too."""
    return database.url.replace(database.schema, f"{database.schema}%2Cpublic")


def execute(database: PostgresqlDatabase, statements: str) -> None:
    database.execute(f"SET search_path = {database.schema}, public; {statements}")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize(("key_type", "stored", "keys"), KEYS, ids=[f"{kind} in {stored}" for kind, stored, _ in KEYS])
def test_links_reach_the_customer_from_a_column_of_any_type(
    postgresql_database: PostgresqlDatabase, key_type: str, stored: str, keys: Sequence[str]
) -> None:
    """What a column cannot hold, such as a name in a number, links to nothing and is no error."""
    database = postgresql_database
    known, sections = [], []
    execute(
        database,
        f"{TYPES} CREATE TABLE people (id {stored} PRIMARY KEY, name text);"
        + "".join(f"INSERT INTO people VALUES ({quoted(key)}, NULL);" for key in keys),
    )
    for number, linked in enumerate(LINKED):
        execute(database, f"CREATE TABLE s{number} (id int PRIMARY KEY, person {linked})")
        rows = [place for place, key in enumerate(keys) if holds(database, number, place, key)]
        known.append(rows)
        sections.append(section(f"s{number}", {"id": "integer"}, links=[[{"columns": "person"}]]))
    customer_map = make_map(*sections, key_type=key_type, table="people")
    with opened(in_public(database), customer_map) as source:
        for place, key in enumerate(keys):
            found = read(source, key)
            assert found == {f"s{n}": [(str(place),)] if place in rows else [] for n, rows in enumerate(known)}


def holds(database: PostgresqlDatabase, number: int, place: int, key: str) -> bool:
    """Store a key in a table, if its column can hold it."""
    try:
        execute(database, f"INSERT INTO s{number} VALUES ({place}, {quoted(key)})")
    except Exception:  # noqa: BLE001  # the server's refusal is the answer
        return False
    return True


@pytest.mark.parametrize("one", LINKED)
@pytest.mark.parametrize("other", LINKED)
def test_steps_and_look_ups_compare_columns_of_any_two_types(
    postgresql_database: PostgresqlDatabase, one: str, other: str
) -> None:
    """An item belongs to the order of the same number, whichever of the two is kept as a text."""
    database = postgresql_database
    is_uuid = "uuid" in {one, other}
    possible = not is_uuid or not {one, other} - {"uuid", *LINKED[:4]}  # a number is no UUID
    mine, yours = (UUIDS[0] if kind == "uuid" or (is_uuid and possible) else "7" for kind in (one, other))
    execute(
        database,
        f"""{TYPES} CREATE TABLE orders (no {other} PRIMARY KEY, customer_id int, title text);
        CREATE TABLE items (id int PRIMARY KEY, order_no {one});
        INSERT INTO orders VALUES ('{yours}', 1, 'first'); INSERT INTO items VALUES (1, '{mine}')""",
    )
    items = section(
        "items",
        [column("id", "integer"), column("title", source="order.title")],
        links=[[{"columns": "order_no", "table": "orders", "to": "no"}, {"columns": "customer_id"}]],
        lookups=[{"name": "order", "columns": "order_no", "table": "orders", "to": "no"}],
    )
    assert read_once(in_public(database), make_map(items))["items"] == ([("1", "first")] if possible else [])


def test_composite_keys_link_by_all_of_their_columns(postgresql_database: PostgresqlDatabase) -> None:
    execute(
        postgresql_database,
        """CREATE TABLE orders (shop varchar, no bigint, customer_id bigint, PRIMARY KEY (shop, no));
        CREATE TABLE items (id int PRIMARY KEY, shop char(4), order_no varchar(9));
        INSERT INTO orders VALUES ('a', 1, 1), ('b', 1, 2), ('a', 2, 2);
        INSERT INTO items VALUES (1, 'a', '1'), (2, 'b', '1'), (3, 'a', '2'), (4, 'a', 'x'), (5, NULL, '1')""",
    )
    step = {"columns": ["shop", "order_no"], "table": "orders", "to": ["shop", "no"]}
    items = section("items", {"id": "integer"}, links=[[step, {"columns": "customer_id"}]])
    assert read_once(postgresql_database.url, make_map(items))["items"] == [("1",)]


def loose_map(**options: object) -> CustomerMap:
    letters = section("letters", {"id": "integer"}, links=[[{"columns": "person", **options}]])
    return make_map(letters, key_type="text", table="people")


PEOPLE = """
CREATE TABLE people (id {key} PRIMARY KEY, name text, email {linked});
CREATE TABLE letters (id int PRIMARY KEY, person {linked});
"""


def test_a_citext_column_finds_no_rows_of_another_customer(postgresql_database: PostgresqlDatabase) -> None:
    database = postgresql_database
    execute(
        database,
        TYPES + PEOPLE.format(key="text", linked="citext") + "INSERT INTO people VALUES ('Ada'), ('ada');"
        "INSERT INTO letters VALUES (1, 'Ada'), (2, 'ada'), (3, 'ADA')",
    )
    with opened(in_public(database), loose_map()) as source:
        assert [read(source, key)["letters"] for key in ("Ada", "ada")] == [[("1",)], [("2",)]]


def test_rows_that_a_foreign_key_of_citext_binds_belong_to_the_customer(
    postgresql_database: PostgresqlDatabase,
) -> None:
    database = postgresql_database
    execute(
        database,
        TYPES + PEOPLE.format(key="citext", linked="citext REFERENCES people") + "INSERT INTO people VALUES ('Ada');"
        "INSERT INTO letters VALUES (1, 'Ada'), (2, 'ada')",
    )
    with opened(in_public(database), loose_map()) as source:
        assert read(source, "Ada")["letters"] == [("1",), ("2",)]
        for other in ("ada", "ADA", "Ada "):  # the cache and the audit know one spelling
            with finding(source, other) as (_, found):
                assert found is None


def test_a_padded_key_has_one_spelling_and_its_own_rows(postgresql_database: PostgresqlDatabase) -> None:
    database = postgresql_database
    execute(
        database,
        PEOPLE.format(key="char(8)", linked="varchar") + "INSERT INTO people VALUES ('ab'), (' ab');"
        "INSERT INTO letters VALUES (1, 'ab'), (2, 'ab '), (3, ' ab')",
    )
    with opened(database.url, loose_map()) as source:
        assert read(source, "ab")["letters"] == [("1",)]
        assert read(source, " ab")["letters"] == [("3",)]
        with finding(source, "ab ") as (_, found):
            assert found is None


def test_blanks_at_the_end_of_a_key_tell_customers_apart_where_a_link_is_padded(
    postgresql_database: PostgresqlDatabase,
) -> None:
    database = postgresql_database
    execute(
        database,
        PEOPLE.format(key="text", linked="char(8)") + "INSERT INTO people VALUES ('ab'), ('ab ');"
        "INSERT INTO letters VALUES (1, 'ab')",
    )
    with opened(database.url, loose_map()) as source:
        assert read(source, "ab")["letters"] == [("1",)]
        assert read(source, "ab ")["letters"] == []


LOOSE = "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);"


@pytest.fixture
def loose_database(full_postgresql: PostgresqlServer) -> PostgresqlDatabase:
    """A database with a collation to which é, E and e are one."""
    full_postgresql.create_database("loose", LOOSE)
    return PostgresqlDatabase(full_postgresql, "loose")


@pytest.mark.parametrize("key", ["text", 'text COLLATE "C"', 'text COLLATE "de-x-icu"'])
def test_a_loose_collation_finds_no_rows_of_another_customer(loose_database: PostgresqlDatabase, key: str) -> None:
    loose_database.execute(
        PEOPLE.format(key=key, linked="text COLLATE loose")
        + "INSERT INTO people VALUES ('rene', NULL, 'rene@example.com'), ('René', NULL, 'rené@example.com');"
        "INSERT INTO letters VALUES (1, 'rene'), (2, 'René'), (3, 'RENE'), (4, 'rené@example.com'),"
        "(5, 'RENE@example.com')"
    )
    with opened(loose_database.url, loose_map()) as source:
        assert [read(source, one)["letters"] for one in ("rene", "René")] == [[("1",)], [("2",)]]
    with opened(loose_database.url, loose_map(to="email", ignore_case=True)) as source:
        assert [read(source, one)["letters"] for one in ("rene", "René")] == [[("5",)], [("4",)]]


def test_a_key_under_a_loose_collation_has_one_spelling(loose_database: PostgresqlDatabase) -> None:
    loose_database.execute(
        PEOPLE.format(key="text COLLATE loose", linked="text COLLATE loose REFERENCES people")
        + "INSERT INTO people VALUES ('René'), ('=1'); INSERT INTO letters VALUES (1, 'René'), (2, 'rene')"
    )
    with opened(loose_database.url, loose_map()) as source:
        assert read(source, "René")["letters"] == [("1",), ("2",)]
        with finding(source, "rene") as (_, found):
            assert found is None


def test_a_tenant_under_a_loose_collation_is_nobody_elses(loose_database: PostgresqlDatabase) -> None:
    loose_database.execute(
        "CREATE TABLE people (id int PRIMARY KEY, name text, shop text COLLATE loose);"
        "INSERT INTO people VALUES (1, NULL, 'Nord'), (2, NULL, 'nord')"
    )
    profile = section("people", {"id": "integer"}, links=[[{"columns": "id"}]])
    customer_map = make_map(profile, table="people", tenant="shop")
    with opened(loose_database.url, customer_map) as source:
        for customer, tenant, there in (("1", "Nord", True), ("1", "nord", False), ("2", "NORD", False)):
            with source.snapshot(time_zone="UTC", time_limit=LONG) as snapshot:
                found = snapshot.find(customer, customer_map.sections, Period(), tenant=tenant)
            assert (found is not None) == there


def test_two_collations_that_differ_are_compared(postgresql_database: PostgresqlDatabase) -> None:
    database = postgresql_database
    execute(
        database,
        """CREATE TABLE orders (no text COLLATE "C" PRIMARY KEY, customer_id int, title text);
        CREATE TABLE items (id int PRIMARY KEY, order_no text COLLATE "POSIX", email text COLLATE "POSIX");
        ALTER TABLE customers ALTER email TYPE text COLLATE "C";
        INSERT INTO orders VALUES ('a', 1, 'first'), ('b', 2, 'second');
        INSERT INTO items VALUES (1, 'a', NULL), (2, 'b', NULL), (3, NULL, 'ADA@example.com')""",
    )
    items = section(
        "items",
        [column("id", "integer"), column("title", source="order.title")],
        links=[
            [{"columns": "order_no", "table": "orders", "to": "no"}, {"columns": "customer_id"}],
            [{"columns": "email", "to": "email", "ignore_case": True}],
        ],
        lookups=[{"name": "order", "columns": "order_no", "table": "orders", "to": "no"}],
    )
    assert read_once(database.url, make_map(items))["items"] == [("1", "first"), ("3", None)]


@pytest.mark.parametrize("stored", ["bigint", "uuid", "text", "varchar(40)", "citext", "char(36)", "numeric"])
@pytest.mark.parametrize("key_type", ["uuid", "text"])
def test_an_index_on_the_link_serves(postgresql_database: PostgresqlDatabase, stored: str, key_type: str) -> None:
    database = postgresql_database
    value = "'aaaaaaaa-0000-4000-8000-' || lpad(i::text, 12, '0')" if stored not in {"bigint", "numeric"} else "i"
    key = "bigint" if stored in {"bigint", "numeric"} else "uuid" if key_type == "uuid" else "text"
    kind = "integer" if key == "bigint" else key_type
    execute(
        database,
        f"""{TYPES} CREATE TABLE people (id {key} PRIMARY KEY, name text);
        CREATE TABLE letters (id int PRIMARY KEY, person {stored});
        INSERT INTO people SELECT ({value})::{key} FROM generate_series(1, 3000) i;
        INSERT INTO letters SELECT i, ({value})::{stored} FROM generate_series(1, 3000) i;
        CREATE INDEX ON letters (person); ANALYZE people, letters""",
    )
    letters = section("letters", {"id": "integer"}, links=[[{"columns": "person"}]])
    customer = UUIDS[1] if key != "bigint" else "2"
    with opened(in_public(database), make_map(letters, key_type=kind, table="people"), connections=1) as source:
        for _ in range(8):  # more often than it takes PostgreSQL to settle on a plan
            assert read(source, customer)["letters"] == [("2",)]
    wait_until(lambda: indexed(database) == 16, what="two scans of the index an export")


def indexed(database: PostgresqlDatabase) -> object:
    return database.one(
        f"SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = '{database.schema}.letters_person_idx'::regclass"
    )
