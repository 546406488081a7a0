"""Whatever stands in PostgreSQL for a table, and whatever things are called: sections find it, and nothing else."""

import psycopg
import pytest

from customer_export.errors import MapMismatchError
from customer_export.model.request import Period
from customer_maps import column, make_map, section
from databases import CUSTOMERS, PostgresqlDatabase, finding, opened, read, read_once, streaming
from servers import PostgresqlServer

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, no text, placed date);
INSERT INTO orders VALUES (1, 1, 'a', '2024-01-01'), (2, 2, 'b', '2024-01-02'), (3, 1, 'c', '2024-01-03');
"""
IDS = [("1",), ("3",)]


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_views_serve_as_customer_section_look_up_and_link(postgresql_database: PostgresqlDatabase, kind: str) -> None:
    postgresql_database.execute(
        f"""{ORDERS} CREATE TABLE items (id int PRIMARY KEY, order_id int, price numeric);
        INSERT INTO items VALUES (1, 1, 1.0), (2, 2, 2), (3, 3, 3.50);
        CREATE {kind} people AS SELECT id AS person, upper(name) AS name FROM customers;
        CREATE {kind} bought AS SELECT id, customer_id AS person, no FROM orders;
        CREATE {kind} lines AS SELECT id, order_id, price FROM items"""
    )
    step = [{"columns": "order_id", "table": "bought", "to": "id"}, {"columns": "person"}]
    lines = section(
        "lines",
        [column("id", "integer"), column("price", "decimal"), column("no", source="order.no")],
        links=[step],
        unique="id",
        lookups=[{"name": "order", "columns": "order_id", "table": "bought", "to": "id", "unique": True}],
    )
    customer_map = make_map(lines, table="people", key="person", unique=True)
    with opened(postgresql_database.url, customer_map) as source, finding(source) as (_, customer):
        assert customer is not None
        assert customer.title == "ADA"
        assert [row for batch in customer.sections[0].batches() for row in zip(*batch, strict=True)] == [
            ("1", "1.0", "a"),
            ("3", "3.50", "c"),
        ]


def test_partitions_are_read_through_their_parent(postgresql_database: PostgresqlDatabase) -> None:
    """Partitions of partitions, of ranges, lists and hashes, a default one, and a foreign one."""
    name = postgresql_database.server.folder
    postgresql_database.execute(
        f"""CREATE TABLE events (id int, customer_id int, at date, kind text) PARTITION BY RANGE (at);
        CREATE TABLE old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2024-01-01') PARTITION BY LIST (kind);
        CREATE TABLE old_a PARTITION OF old FOR VALUES IN ('a') PARTITION BY HASH (id);
        CREATE TABLE old_a_0 PARTITION OF old_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE old_a_1 PARTITION OF old_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE old_rest PARTITION OF old DEFAULT;
        CREATE TABLE rest PARTITION OF events DEFAULT;
        INSERT INTO events SELECT i, 1 + i % 2, date '2023-12-01' + i, chr(97 + i % 3) FROM generate_series(1, 60) i;
        CREATE EXTENSION IF NOT EXISTS file_fdw SCHEMA public; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE TABLE far (id int NOT NULL, customer_id int, at date NOT NULL, kind text NOT NULL);
        COPY (SELECT 100, 1, '2030-01-01', 'far') TO '{name}/far.csv' (FORMAT csv);
        CREATE FOREIGN TABLE far_away PARTITION OF events FOR VALUES FROM ('2029-01-01') TO ('2031-01-01')
            SERVER files OPTIONS (filename '{name}/far.csv', format 'csv')"""
    )
    sections = [
        section("events", {"id": "integer"}, unique="id"),
        section("part", {"id": "integer"}, table="old_rest", unique="id"),
    ]
    found = read_once(postgresql_database.url, make_map(*sections))
    assert [int(str(row[0])) for row in found["events"]] == [*range(2, 61, 2), 100]
    assert [int(str(row[0])) for row in found["part"]] == [i for i in range(2, 31, 2) if i % 3]


def test_foreign_tables_are_read_like_others(postgresql_database: PostgresqlDatabase) -> None:
    """The other server keeps the key as its own type; nothing is known of its keys here."""
    database = postgresql_database
    database.execute(
        f"""{ORDERS} CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public;
        CREATE SERVER far_{database.schema} FOREIGN DATA WRAPPER postgres_fdw
            OPTIONS (host '{database.server.folder}', dbname '{database.name}');
        CREATE USER MAPPING FOR postgres SERVER far_{database.schema} OPTIONS (user 'postgres');
        CREATE FOREIGN TABLE far (id int, customer_id int, no text) SERVER far_{database.schema}
            OPTIONS (schema_name '{database.schema}', table_name 'orders')"""
    )
    assert read_once(database.url, make_map(section("far", {"id": "integer"}, unique="id")))["far"] == IDS


def test_generated_and_identity_columns_are_columns(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(
        "CREATE TABLE lines (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int, price numeric(12,2),"
        "gross numeric GENERATED ALWAYS AS (price * 1.19) STORED);"
        "INSERT INTO lines (customer_id, price) VALUES (1, 10), (1, NULL)"
    )
    lines = section("lines", {"id": "identifier", "gross": "decimal"})
    assert read_once(postgresql_database.url, make_map(lines))["lines"] == [("1", "11.9000"), ("2", None)]


def test_virtual_columns_are_columns(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(
        "CREATE TABLE lines (id int PRIMARY KEY, customer_id int, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL);"
        "INSERT INTO lines VALUES (1, 1), (2, 2)"
    )
    lines = section("lines", {"twice": "integer"})
    assert read_once(postgresql_database.url, make_map(lines))["lines"] == [("2",)]


ODD = [
    "two words", "select", "Capital", "ümläut", "日本語", 'quote " it', "it's", "a.b", "per % cent", "%s",
    "%(x)s", ":customer_key", "$1", "back\\slash", "{brace}", "line\nfeed", "-- comment", "/*", "x" * 63,
    "é" * 31, "t", "c", "k", "l_other", "p1", "customer_key", "time", "user", "order", "public", "null", "v0",
    "tab\tstop", "emoji 👩‍👩‍👧",
]  # fmt: skip


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_schemas_tables_and_columns_may_be_called_anything(
    postgresql_database: PostgresqlDatabase, postgresql: PostgresqlServer, name: str
) -> None:
    """The same name for a schema, its tables, their keys and columns: as customer, section, look-up, link and time."""
    schema = quoted(name) if name != "public" else '"public schema"'
    title = name if name != "public" else "public schema"
    odd, other = quoted(name), quoted(name[:-1] + "Z") if len(name) > 1 else '"y"'
    other_name = name[:-1] + "Z" if len(name) > 1 else "y"
    url = postgresql.create_database(
        "odd_names",
        f"""CREATE SCHEMA {schema};
        CREATE TABLE {schema}.{odd} ({odd} int PRIMARY KEY, {other} text);
        CREATE TABLE {schema}.{other} ({other} int PRIMARY KEY, {odd} int, at date);
        INSERT INTO {schema}.{odd} VALUES (1, 'Ada'), (2, 'Bob');
        INSERT INTO {schema}.{other} SELECT i, 1 + i % 2, date '2024-01-01' + i FROM generate_series(1, 300) i""",
    )
    table, linked = [title, name], [title, other_name]
    lookup = {"name": "person", "columns": [[name]], "table": table, "to": name}
    both = section(
        "both",
        [
            column("id", "integer", source=[other_name]),
            column("name", source=["person", other_name]),
            column("at", "date"),
        ],
        table=linked,
        links=[[{"columns": other_name, "table": linked, "to": other_name}, {"columns": name}]],
        lookups=[lookup],
        order=[["person", other_name], [other_name]],
        time="at",
    )
    customer_map = make_map(both, table=table, key=name, title=other_name)
    with opened(url, customer_map) as source:
        rows = read(source)["both"]
        assert [row[0] for row in rows] == [str(i) for i in range(2, 301, 2)]
        assert {row[1] for row in rows} == {"Ada"}
        with streaming(source) as (_, (stream,)):
            batches = stream.json_batches()
            assert batches is not None
            assert sum(len(batch[0]) for batch in batches) == 150


def test_a_search_path_finds_tables_as_psql_would(postgresql: PostgresqlServer) -> None:
    """Of two tables of one name the first on the path, also where the path is the user's own."""
    url = postgresql.create_database(
        "paths",
        f"""CREATE SCHEMA one; CREATE SCHEMA two; {CUSTOMERS}
        CREATE TABLE one.orders (id int PRIMARY KEY, customer_id int, kind text DEFAULT 'one');
        CREATE TABLE two.orders (id text PRIMARY KEY, customer_id text, kind text DEFAULT 'two');
        INSERT INTO one.orders VALUES (1, 1); INSERT INTO two.orders VALUES ('2', '1');
        ALTER DATABASE paths SET search_path = nowhere, two, public""",
    )
    sections = [
        section("first", {"kind": "text"}, table="orders"),
        section("one", {"kind": "text"}, table="one.orders"),
        section("two", {"kind": "text"}, table="two.orders"),
    ]
    assert read_once(url, make_map(*sections)) == {"first": [("two",)], "one": [("one",)], "two": [("two",)]}


def test_functions_and_tables_of_the_same_name_elsewhere_are_not_taken(postgresql_database: PostgresqlDatabase) -> None:
    """PostgreSQL takes the function whose types are closest, wherever on the path it is."""
    lies = "".join(
        f"CREATE FUNCTION {name} RETURNS {kind} LANGUAGE sql IMMUTABLE AS $$ SELECT {value} $$;"
        for name, kind, value in (
            ("lower(varchar)", "text", "'lie'::text"),
            ("timezone(text, timestamp)", "timestamptz", "now()"),
            ("timezone(varchar, timestamp)", "timestamptz", "now()"),
            ("replace(text, text, text)", "text", "'lie'::text"),
            ('"left"(text, int)', "text", "'lie'::text"),
            ("octet_length(bytea)", "int", "0"),
            ("sha256(bytea)", "bytea", "''::bytea"),
            ("encode(bytea, text)", "text", "'lie'::text"),
            ("count()", "bigint", "0::bigint"),
            ("substr(text, int, int)", "text", "'lie'::text"),
            ("length(text)", "int", "0"),
            ("to_char(timestamptz, text)", "text", "'lie'::text"),
        )
        if not name.startswith("count")
    )
    database = postgresql_database
    database.execute(
        f"""CREATE TABLE events (id int PRIMARY KEY, customer_id int, email varchar, at timestamp, photo bytea);
        INSERT INTO events VALUES (1, 1, 'ADA@example.com', '2024-07-01 12:00', '\\x00ff');{lies}"""
    )
    events = section(
        "events",
        [column("email", "email"), column("at", "timestamp"), column("photo", "binary")],
        links=[[{"columns": "email", "to": "email", "ignore_case": True}]],
        time="at",
    )
    path = f"{database.schema}%2Cpg_catalog"  # the lies first
    with opened(database.url.replace(database.schema, path), make_map(events)) as source:
        ((email, at, photo),) = read(source, period=Period())["events"]
    assert (email, at) == ("ADA@example.com", "2024-07-01T12:00:00+00:00")
    assert str(photo).startswith(
        "binary; 2 bytes; sha256=06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8"
    )


def test_a_temporary_table_of_somebody_else_hides_nothing(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(ORDERS)
    with psycopg.connect(postgresql_database.url) as other:
        other.execute("CREATE TEMP TABLE orders (nothing int); INSERT INTO orders VALUES (1)")
        other.commit()
        assert read_once(postgresql_database.url, make_map(section("orders", {"id": "integer"})))["orders"] == IDS


LOOSE_ROWS = """
CREATE TABLE loose (customer_id int, price numeric, data json, shape point, tags json[], label text);
INSERT INTO loose SELECT 1, p::numeric, d::json, '(1,2)', ARRAY[d::json], l
  FROM (VALUES ('1.0', '{"a":1}', 'x'), ('1.00', '{"a":1}', 'x'), ('1.0', '{"a": 1}', 'x'), ('1.0', '{"a":1}', 'x'),
    ('2', NULL, 'x'), ('1.0', '{"a":1}', NULL)) v(p, d, l), generate_series(1, 40);
"""
KINDS = {"price": "decimal", "data": "json", "shape": "text", "tags": "text", "label": "text"}


def test_a_table_without_a_key_comes_in_one_order_with_all_its_duplicates(
    postgresql_database: PostgresqlDatabase,
) -> None:
    """Values that PostgreSQL cannot sort, and values that tie in the order though their text differs."""
    database = postgresql_database
    database.execute(LOOSE_ROWS)
    loose = make_map(section("loose", KINDS, order=list(KINDS)))
    with opened(database.url, loose) as source:
        before = read(source)["loose"]
        assert len(before) == 240
        assert len(set(before)) == 5
        assert before.count(("1.0", '{"a":1}', "(1,2)", '{"{\\"a\\":1}"}', "x")) == 80
        for place in range(4):
            database.execute(
                "CREATE TABLE again AS SELECT * FROM loose ORDER BY random(); TRUNCATE loose;"
                "INSERT INTO loose SELECT * FROM again; DROP TABLE again"
            )
            assert read(source)["loose"] == before, place


def test_a_column_of_any_type_may_be_sorted_by(postgresql: PostgresqlServer) -> None:
    """All types that the server has, and arrays of them: what PostgreSQL would refuse is sorted by its text."""
    postgresql.create_database(
        "sorted",
        CUSTOMERS + "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;"
        "CREATE EXTENSION vector; CREATE EXTENSION cube; CREATE TYPE inner_pair AS (a int, j json);"
        "CREATE TYPE pair AS (a int, i inner_pair); CREATE DOMAIN jd AS json; CREATE DOMAIN jdd AS jd[]",
    )
    kinds = postgresql.execute(
        "sorted",
        "SELECT format_type(oid, NULL) FROM pg_type WHERE typtype IN ('b', 'd', 'e', 'r', 'm')"
        "AND typrelid = 0 AND typnamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace)"
        "AND typname NOT IN ('cstring', '_cstring') AND typname NOT LIKE '_reg%' AND typname NOT LIKE 'gtsv%'"
        "AND typname NOT LIKE '\\_gtsv%' AND typname NOT LIKE 'pg\\_%' AND typname NOT LIKE '\\_pg\\_%'"
        "ORDER BY 1",
    )
    names = [*(str(kind) for (kind,) in kinds), "pair", "pair[]", "inner_pair"]
    assert len(names) > 150
    for number, kind in enumerate(names):
        postgresql.execute(
            "sorted",
            f"CREATE TABLE s{number} (id int PRIMARY KEY, customer_id int, c {kind});"
            f"INSERT INTO s{number} VALUES (1, 1, NULL)",
        )
    sections = [section(f"s{n}", {"id": "integer"}, order=["c", "id"]) for n in range(len(names))]
    with opened(postgresql.url("sorted"), make_map(*sections)) as source:
        assert read(source) == {f"s{number}": [("1",)] for number in range(len(names))}


def test_a_view_that_lost_its_column_is_told(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(f"{ORDERS} CREATE VIEW bought AS SELECT id, customer_id, no FROM orders")
    bought = section("bought", {"id": "integer", "no": "text"}, unique="id")
    with opened(postgresql_database.url, make_map(bought)) as source:
        assert len(read(source)["bought"]) == 2
        postgresql_database.execute("DROP VIEW bought; CREATE VIEW bought AS SELECT id, customer_id FROM orders")
        with pytest.raises(MapMismatchError, match="no"):
            read(source)
