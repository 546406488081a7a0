"""Sections by SQL: a query's rows are exported as a table's are, and only one SELECT that reads is let through."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from customer_export.errors import MapError, MapMismatchError, SourceFailedError
from customer_export.model.columns import Cell, Mask, PersonalDataClass
from customer_export.model.customer_map import Query
from customer_export.model.document import CsvLayout
from customer_export.model.policy import mask_map
from customer_export.model.request import CsvProfile, Period
from customer_export.source.postgresql.pipeline import statement_of
from customer_export.source.query import QueryError, query_of, read_query
from customer_export.source.query_columns import query_table
from customer_maps import column, make_map
from databases import Database, PostgresqlDatabase, SqliteDatabase, finding, opened, read, rows_of, streaming

ORDERS = """
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, note TEXT, total NUMERIC(12,2), placed_on DATE
);
INSERT INTO orders VALUES
    (1, 1, 'é 12:30 :customer', 12.50, '2024-01-01'), (2, 1, '50%', 4, '2024-02-01'), (3, 2, 'Bob''s', 9, '2024-03-01'),
    (4, 1, NULL, NULL, '2024-04-01');
"""
QUERY = """
-- the orders of :customer at 12:30, 100%
WITH own AS (SELECT * FROM orders WHERE customer_id = :customer)
SELECT id, note AS "The note", total, placed_on, '12:30 :other 5%' AS "at", (SELECT count(*) FROM orders) AS every
FROM own WHERE :customer = customer_id AND note IS NOT NULL /* :foo */; -- bye :x
"""


def query_section(sql: str, **options: object) -> dict[str, object]:
    columns = [
        column("id", "integer"),
        column("note", source="The note"),
        column("at"),
        column("every", "integer"),
    ]
    return {"name": "orders", "sql": sql, "order": ["id"], "unique": ["id"], "columns": columns, **options}


def test_a_query_gives_the_customers_rows(database: Database) -> None:
    database.execute(ORDERS)
    with opened(database.url, make_map(query_section(QUERY))) as source:
        assert read(source) == {
            "orders": [
                ("1", "é 12:30 :customer", "12:30 :other 5%", "4"),
                ("2", "50%", "12:30 :other 5%", "4"),
            ]
        }
        assert read(source, "2") == {"orders": [("3", "Bob's", "12:30 :other 5%", "4")]}
        with finding(source, "9" * 30) as (_, nobody):
            assert nobody is None


def test_a_period_holds_for_a_query(database: Database) -> None:
    database.execute(ORDERS)
    with opened(database.url, make_map(query_section(QUERY, time="placed_on"))) as source:
        period = Period(start=datetime(2024, 1, 15, tzinfo=UTC), end=None)
        assert [row[0] for row in read(source, period=period)["orders"]] == ["2"]


def test_a_query_is_read_alike_by_every_way_and_in_every_number_of_rows(
    postgresql_database: PostgresqlDatabase,
) -> None:
    postgresql_database.execute(
        ORDERS + "INSERT INTO orders SELECT n, 1, repeat('%:x', n % 5), n, '2024-01-01' FROM generate_series(10, 400) n"
    )
    with opened(postgresql_database.url, make_map(query_section(QUERY))) as source:
        rows = read(source)["orders"]
        assert len(rows) == 393
        with streaming(source) as (_, (stream,)):
            layout = CsvLayout(delimiter=",", profile=CsvProfile.RAW, section=None, places=(0, 1, 2, 3))
            records = stream.csv_records(layout)
            assert records is not None
            assert b"".join(one.text for one in records).decode().splitlines() == [
                ",".join(map(in_csv, row)) for row in rows
            ]
        with streaming(source) as (_, (stream,)):
            batches = stream.json_batches()
            assert batches is not None
            cells = [row for batch in batches for row in zip(*batch, strict=True)]
            assert cells == [tuple(json.dumps(cell, ensure_ascii=False).encode() for cell in row) for row in rows]
        with streaming(source, "2") as (_, (stream,)):
            assert rows_of(stream) == [("3", "Bob's", "12:30 :other 5%", "395")]


def test_sqlite_writes_the_records_of_a_query(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(
        ORDERS + "WITH RECURSIVE more(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM more WHERE n < 400) "
        "INSERT INTO orders SELECT n, 1, '%:x', n, '2024-01-01' FROM more"
    )
    with opened(sqlite_database.url, make_map(query_section(QUERY))) as source:
        rows = read(source)["orders"]
        assert len(rows) == 393
        with streaming(source) as (_, (stream,)):
            layout = CsvLayout(delimiter=",", profile=CsvProfile.RAW, section=None, places=(0, 1, 2, 3))
            records = stream.csv_records(layout)
            assert records is not None
            assert b"".join(one.text for one in records).decode().splitlines() == [
                ",".join(map(in_csv, row)) for row in rows
            ]


def test_the_cells_of_a_query_are_masked(database: Database) -> None:
    database.execute(ORDERS)
    columns = [column("id", "integer"), column("note", source="The note", personal_data="contact")]
    columns += [column("at", personal_data="identity")]
    customer_map = make_map(query_section(QUERY, columns=columns))
    masks = {PersonalDataClass.CONTACT: Mask.WITHHOLD, PersonalDataClass.IDENTITY: Mask.PARTIAL}
    with opened(database.url, mask_map(customer_map, masks)) as source:
        assert read(source)["orders"] == [("1", None, "1***"), ("2", None, "1***")]


def in_csv(cell: Cell) -> str:
    return '""' if cell == "" else cell or ""


def test_each_type_of_a_query_is_written_as_a_columns(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute("CREATE DOMAIN price AS numeric(12, 2); CREATE DOMAIN net AS price")
    kinds = {
        "moment": "timestamp", "local": "timestamp", "day": "date", "flag": "boolean", "cents": "money",
        "ratio": "decimal", "key": "uuid", "padded": "text", "list": "text", "picture": "binary", "net": "decimal",
    }  # fmt: skip
    columns = [
        column(name, kind, **({"currency_code": "EUR"} if kind == "money" else {})) for name, kind in kinds.items()
    ]
    sql = """
        SELECT id, '2024-07-01 12:00+02'::timestamptz(3) AS moment, timestamp '2024-07-01 12:00' AS local,
            timestamptz '2024-07-01 23:30+00' AS day, id = 1 AS flag, '12.50'::money AS cents, 0.1::float8 AS ratio,
            '0000000A-0000-0000-0000-000000000000'::uuid AS key, 'ab'::char(5) AS padded, '{a,b}'::text[] AS list,
            '\\x00ff'::bytea AS picture, 5::net AS net
        FROM customers WHERE id = :customer"""
    section = {"name": "kinds", "sql": sql, "order": ["id"], "unique": ["id"], "columns": columns}
    with opened(postgresql_database.url, make_map(section, time_zone="Europe/Berlin")) as source:
        ((*cells, picture, net),) = read(source)["kinds"]
    assert cells == [
        "2024-07-01T10:00:00+00:00", "2024-07-01T10:00:00+00:00", "2024-07-01", "true", "12.50",
        "0.1", "0000000a-0000-0000-0000-000000000000", "ab", "{a,b}",
    ]  # fmt: skip
    assert str(picture).startswith("binary; 2 bytes")
    assert net == "5.00"


@pytest.mark.parametrize(
    ("kind", "keys"),
    [("text", ("a'b", "%s :x")), ("varchar(40)", ("a", "b")), ("uuid", (str(UUID(int=10)), str(UUID(int=11))))],
)
def test_the_parameter_is_of_the_keys_type(
    postgresql_database: PostgresqlDatabase, kind: str, keys: tuple[str, str]
) -> None:
    listed = ", ".join("('" + key.replace("'", "''") + f"', {number})" for number, key in enumerate(keys, start=1))
    postgresql_database.execute(
        f"CREATE TABLE people (id {kind} NOT NULL PRIMARY KEY, number int); INSERT INTO people VALUES {listed}"
    )
    sql = "SELECT number, :customer AS key FROM people WHERE id = :customer OR :customer IS NULL"
    section = {"name": "own", "sql": sql, "order": ["number"], "unique": ["number"]}
    section["columns"] = [column("number", "integer"), column("key")]
    key_type = "uuid" if kind == "uuid" else "text"
    customer_map = make_map(section, table="people", key_type=key_type, title=["number"])
    with opened(postgresql_database.url, customer_map) as source:
        assert read(source, keys[0]) == {"own": [("1", keys[0])]}
        assert read(source, keys[1]) == {"own": [("2", keys[1])]}


def test_what_goes_wrong_inside_a_query_is_no_missing_customer(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(ORDERS)
    sql = "SELECT id, 1 / (id - 1) AS \"The note\", '' AS at, 1 AS every FROM orders WHERE customer_id = :customer"
    with opened(postgresql_database.url, make_map(query_section(sql))) as source:
        assert read(source, "2") == {"orders": [("3", "0", "", "1")]}
        with pytest.raises(SourceFailedError, match="DivisionByZero"):
            read(source)


def test_a_function_that_writes_is_refused_by_the_read_only_session(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(
        ORDERS + "CREATE FUNCTION note(id int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE orders SET note = 'seen'; RETURN 'x'; END $$"
    )
    sql = "SELECT id, note(id) AS \"The note\", '' AS at, 1 AS every FROM orders WHERE customer_id = :customer"
    with opened(postgresql_database.url, make_map(query_section(sql))) as source:
        source.check()
        with pytest.raises(SourceFailedError) as refused:
            read(source)
    assert refused.value.message == (
        "A section's sql or view asks the database to write (cannot execute UPDATE in a read-only transaction), and an "
        "export only reads; take what writes out of the query, or out of the function that it calls"
    )
    assert postgresql_database.one("SELECT count(*) FROM orders WHERE note = 'seen'") == 0


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT 1 AS id FROM t; DELETE FROM t", "has 2 statements; leave one SELECT"),
        ("", "has 0 statements; leave one SELECT"),
        ("DELETE FROM t WHERE c = :customer", "writes (DELETE); leave one SELECT that only reads"),
        ("INSERT INTO t SELECT :customer", "writes (INSERT); leave one SELECT that only reads"),
        ("UPDATE t SET a = :customer", "writes (UPDATE); leave one SELECT that only reads"),
        (
            "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
            "writes (MERGE); leave one SELECT that only reads",
        ),
        ("TRUNCATE t", "is no SELECT; write one"),
        (
            "WITH d AS (DELETE FROM t WHERE c = :customer RETURNING *) SELECT * FROM d",
            "writes (DELETE); leave one SELECT that only reads",
        ),
        (
            "WITH a AS (WITH d AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM d) SELECT * FROM a",
            "writes (UPDATE); leave one SELECT that only reads",
        ),
        ("SELECT * INTO u FROM t WHERE c = :customer", "writes (SELECT … INTO); take the INTO out"),
        (
            "SELECT * FROM t WHERE c = :customer FOR UPDATE",
            "locks rows (FOR UPDATE or FOR SHARE); take the lock out: the snapshot needs none",
        ),
        (
            "SELECT * FROM (SELECT * FROM t FOR SHARE) s WHERE c = :customer",
            "locks rows (FOR UPDATE or FOR SHARE); take the lock out: the snapshot needs none",
        ),
        (
            "SELECT * FROM t WHERE c = :customer AND d = :day",
            "has the parameter :day; the only one there is is :customer (a slice needs a blank: [1: n])",
        ),
        (
            "SELECT * FROM t WHERE c = ?",
            "has the parameter ?; the only one there is is :customer (a slice needs a blank: [1: n])",
        ),
        (
            "SELECT * FROM t WHERE c = $1",
            "has the parameter $1; the only one there is is :customer (a slice needs a blank: [1: n])",
        ),
        (
            "SELECT * FROM t -- WHERE c = :customer",
            "has no :customer, so it would export the rows of every customer; compare with it: … = :customer",
        ),
        (
            "SELECT * FROM t WHERE a = ':customer'",
            "has no :customer, so it would export the rows of every customer; compare with it: … = :customer",
        ),
        ("SELECT /*! * */ FROM t WHERE c = :customer", "has a comment that MySQL would run (/*! … */); take it out"),
        ("CALL f(:customer)", "is no SELECT; write one"),
        ("EXPLAIN SELECT :customer", "is no SELECT; write one"),
    ],
)
def test_what_is_not_one_select_of_one_customer_is_refused(sql: str, problem: str) -> None:
    with pytest.raises(QueryError) as refused:
        query_of(sql)
    assert str(refused.value) == problem


def test_what_cannot_be_read_is_told_with_its_place() -> None:
    with pytest.raises(QueryError, match=r"^cannot be read as SQL \(.*Line 1.*\); correct it, or make a view of it"):
        query_of("SELECT FROM WHERE ((:customer")


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({"sql": None}, ["sections[orders] has no rows to export; give exactly one of table, sql, plugin"]),
        ({"table": "orders"}, ["sections[orders] has table and sql; give exactly one of table, sql, plugin"]),
        (
            {"links": [[{"columns": "customer_id"}]]},
            [
                "sections[orders].links are of a table; remove them: the query says by :customer which rows are the "
                "customer's"
            ],
        ),
        (
            {"lookups": [{"name": "product", "columns": "id", "table": "products", "to": "id"}]},
            ["sections[orders].lookups are of a table; remove them, and join the tables in the query"],
        ),
        (
            {"sql": "SELECT 1"},
            [
                "sections[orders].sql has no :customer, so it would export the rows of every customer; "
                "compare with it: … = :customer"
            ],
        ),
    ],
)
def test_a_section_has_a_table_or_a_query(given: dict[str, object], problems: list[str]) -> None:
    section = {key: value for key, value in {**query_section(QUERY), **given}.items() if value is not None}
    with pytest.raises(MapError) as failure:
        make_map(section)
    assert failure.value.problems == problems


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "SELECT id, note FROM orders WHERE customer_id = :customer",
            "sections[orders].columns[note]: the query has no column 'The note'; did you mean 'note'?",
        ),
        ("SELECT id FROM order_s WHERE customer_id = :customer", "sections[orders].sql is refused by the database: "),
    ],
)
def test_a_query_is_held_against_the_database(database: Database, sql: str, problem: str) -> None:
    database.execute(ORDERS)
    sections = [query_section(sql), query_section(QUERY, name="right")]
    with opened(database.url, make_map(*sections)) as source, pytest.raises(MapMismatchError) as failure:
        source.check()
    assert failure.value.problems[0].startswith(problem)
    assert "right" not in failure.value.message


def test_columns_of_one_name_are_told(postgresql_database: PostgresqlDatabase) -> None:
    section = query_section("SELECT id, id FROM customers WHERE id = :customer")
    with (
        opened(postgresql_database.url, make_map(section)) as source,
        pytest.raises(MapMismatchError) as failure,
    ):
        source.check()
    assert failure.value.problems == [
        "sections[orders].sql gives several columns the name 'id'; name them apart: … AS name"
    ]


def test_an_order_of_a_query_ends_in_what_the_map_calls_unique(database: Database) -> None:
    database.execute(ORDERS)
    with (
        opened(database.url, make_map(query_section(QUERY, unique=[]))) as source,
        pytest.raises(MapMismatchError) as failure,
    ):
        source.check()
    assert failure.value.problems == [
        "sections[orders].order does not end in a unique key of the query; the database knows none: say which "
        "columns are unique (unique = …), or name them all"
    ]


def test_a_query_is_held_to_the_sql_of_its_database(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(ORDERS)
    sql = 'SELECT id, note AS "The note", $$at$$ AS at, 1 AS every FROM orders WHERE customer_id = :customer'
    with (
        opened(sqlite_database.url, make_map(query_section(sql))) as source,
        pytest.raises(MapMismatchError) as failure,
    ):
        source.check()
    assert "sections[orders].sql has the parameter $$at$$" in failure.value.message


TEXTS = st.text(st.characters(exclude_characters="'\\\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["'{}'", '"{}"', "$x${}$x$"])), min_size=1, max_size=4))
def test_whatever_is_quoted_reaches_the_database_as_it_is_written(parts: list[tuple[str, str]]) -> None:
    quoted = [form.format(text.replace('"', "").replace("$", "")) for text, form in parts]
    sql = f"SELECT {', '.join(quoted)} FROM t WHERE c = :customer AND x::text = {quoted[0]}"
    text = read_query(Query(sql), "postgresql")
    select = sa.select(sa.text("*")).select_from(query_table(text, []).alias("t"))
    statement = statement_of(select)
    assert statement.names == ("customer",)
    expected = sql.replace("= :customer ", "=  $1::VARCHAR  ")
    assert statement.text.decode().replace("$1::VARCHAR", "$1") == f"SELECT * \nFROM ({expected}\n) AS t".replace(
        "$1::VARCHAR", "$1"
    )


@pytest.mark.parametrize(
    ("sql", "tables", "columns"),
    [
        (QUERY, ["orders"], None),
        (
            'SELECT o.A, count(*) FROM sales.Orders o JOIN "Items" i ON i.o = o.id WHERE c = :customer',
            ["sales.Orders", "Items"],
            ["a", "o", "id", "c"],
        ),
        (
            "WITH a AS (SELECT k FROM b), c AS (SELECT l FROM a,d) SELECT m FROM c WHERE x < (SELECT :customer FROM e)",
            ["b", "d", "e"],
            ["k", "l", "m", "x"],
        ),
        ("SELECT 1 FROM x UNION ALL SELECT :customer FROM (SELECT * FROM y) AS x", ["x", "y"], None),
        ("SELECT q FROM f(:customer), LATERAL (SELECT r FROM z) s", ["z"], ["q", "r"]),
    ],
)
def test_a_query_tells_what_it_reads(sql: str, tables: list[str], columns: list[str] | None) -> None:
    query = query_of(sql)
    assert {str(table) for table in query.reads} == set(tables)
    assert query.columns == (None if columns is None else frozenset(columns))
