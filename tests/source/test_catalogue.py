"""A database as it describes itself, read from real servers."""

from datetime import timedelta
from pathlib import Path

import pytest

from customer_export.errors import SourceUnavailableError
from customer_export.model.catalogue import Catalogue, ForeignKey, Kind
from customer_export.model.customer_map import TableName
from customer_export.source.registry import open_survey
from databases import Database, MariadbDatabase, PostgresqlDatabase, SqliteDatabase
from servers import PostgresqlServer

LIMIT = timedelta(seconds=20)

SCHEMA = """
CREATE TABLE orders (
    shop INTEGER NOT NULL, number INTEGER NOT NULL, customer_id INTEGER REFERENCES customers, note VARCHAR(20),
    total NUMERIC(12, 2) NOT NULL, code VARCHAR(8) NOT NULL UNIQUE, slug VARCHAR(8) UNIQUE, PRIMARY KEY (shop, number)
);
CREATE TABLE "Order Lines" (
    "shop" INTEGER NOT NULL, "number" INTEGER NOT NULL, "größe" INTEGER,
    FOREIGN KEY ("shop", "number") REFERENCES orders
);
CREATE INDEX by_customer ON orders (customer_id, number);
CREATE INDEX few ON orders (total) WHERE total > 100;
CREATE VIEW order_totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;
"""


def schema_for(database: Database) -> str:
    """Give the schema, to MariaDB without what it has not: keys by the table's name alone, and indexes of some rows."""
    if not isinstance(database, MariadbDatabase):
        return SCHEMA
    named = SCHEMA.replace("REFERENCES customers", "REFERENCES customers (id)")
    named = named.replace("REFERENCES orders", "REFERENCES orders (shop, number)")
    return named.replace("CREATE INDEX few ON orders (total) WHERE total > 100;", "")


def catalogue_of(url: str) -> Catalogue:
    with open_survey(url, statement_limit=LIMIT) as survey:
        return survey.catalogue()


def test_tables_have_their_columns_keys_and_indexes(database: Database) -> None:
    database.execute(schema_for(database))
    orders = catalogue_of(database.url).tables[TableName(None, "orders")]
    assert [(column.name, column.kind, column.nullable) for column in orders.columns] == [
        ("shop", Kind.INTEGER, False),
        ("number", Kind.INTEGER, False),
        ("customer_id", Kind.INTEGER, True),
        ("note", Kind.TEXT, True),
        ("total", Kind.DECIMAL, False),
        ("code", Kind.TEXT, False),
        ("slug", Kind.TEXT, True),
    ]
    assert orders.primary_key == ("shop", "number")
    assert set(orders.unique_keys) == {("shop", "number"), ("code",)}
    assert set(orders.indexes) == {("shop", "number"), ("code",), ("slug",), ("customer_id", "number")}


def test_foreign_keys_name_the_columns_that_were_left_to_the_primary_key(database: Database) -> None:
    database.execute(schema_for(database))
    tables = catalogue_of(database.url).tables
    customers, orders = TableName(None, "customers"), TableName(None, "orders")
    assert tables[orders].foreign_keys == (ForeignKey(columns=("customer_id",), table=customers, to=("id",)),)
    lines = tables[TableName(None, "Order Lines")]
    assert lines.foreign_keys == (ForeignKey(columns=("shop", "number"), table=orders, to=("shop", "number")),)
    assert (lines.primary_key, lines.unique_keys) == ((), ())


def test_views_are_there_and_said_to_be_views(database: Database) -> None:
    database.execute(schema_for(database))
    tables = catalogue_of(database.url).tables
    assert tables[TableName(None, "order_totals")].is_view
    own = {name.name for name, table in tables.items() if name.schema is None and not table.is_view}
    assert own == {"Order Lines", "customers", "orders"}


def test_sqlite_says_types_as_they_were_declared_or_not_at_all(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute("CREATE TABLE odd (a, b NVARCHAR(60), c Money, d DATETIME, e UNSIGNED BIG INT, f BOOLEAN)")
    (odd,) = [table for name, table in catalogue_of(sqlite_database.url).tables.items() if name.name == "odd"]
    assert [(column.type, column.kind) for column in odd.columns] == [
        ("", Kind.OTHER),
        ("NVARCHAR(60)", Kind.TEXT),
        ("Money", Kind.DECIMAL),
        ("DATETIME", Kind.TIMESTAMP),
        ("UNSIGNED BIG INT", Kind.INTEGER),
        ("BOOLEAN", Kind.BOOLEAN),
    ]


def test_sqlite_finds_the_tables_of_foreign_keys_in_any_case(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(
        "CREATE TABLE notes (customer INTEGER REFERENCES Customers (ID)) ;"
        "CREATE TABLE lost (gone INTEGER REFERENCES gone, none INTEGER REFERENCES customers (missing))"
    )
    tables = catalogue_of(sqlite_database.url).tables
    customers = TableName(None, "customers")
    assert tables[TableName(None, "notes")].foreign_keys == (
        ForeignKey(columns=("customer",), table=customers, to=("id",)),
    )
    assert tables[TableName(None, "lost")].foreign_keys == ()


def test_a_broken_view_and_a_full_text_index_of_sqlite_spoil_nothing(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(
        "CREATE VIEW broken AS SELECT * FROM gone; CREATE VIRTUAL TABLE words USING fts5(body);"
        "CREATE TABLE keyed (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID"
    )
    tables = catalogue_of(sqlite_database.url).tables
    assert {name.name for name in tables} == {"customers", "words", "keyed"}
    assert tables[TableName(None, "keyed")].unique_keys == (("a", "b"),)


POSTGRESQL_SCHEMA = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public;
CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN address AS varchar(90); CREATE DOMAIN near AS address;
CREATE TABLE kinds (
    a mood, b near, c uuid, d jsonb, e text[], f bytea, g timestamptz, h date, i time, j interval, k double precision,
    l money, m inet, n tsvector, o int4range, p boolean, q bigint
);
COMMENT ON TABLE kinds IS 'All kinds'; COMMENT ON COLUMN kinds.a IS 'How they feel';
CREATE TABLE visits (id bigint, at date, customer_id int REFERENCES customers, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM visits;
"""


def test_postgresql_says_every_type_in_its_own_words(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(POSTGRESQL_SCHEMA)
    tables = catalogue_of(postgresql_database.url).tables
    kinds = tables[TableName(None, "kinds")]
    assert kinds.comment == "All kinds"
    assert kinds.columns[0].comment == "How they feel"
    schema = postgresql_database.schema
    assert {column.name: (column.type.removeprefix(f"{schema}."), column.kind) for column in kinds.columns} == {
        "a": ("mood", Kind.ENUM),
        "b": ("near", Kind.TEXT),
        "c": ("uuid", Kind.UUID),
        "d": ("jsonb", Kind.JSON),
        "e": ("text[]", Kind.ARRAY),
        "f": ("bytea", Kind.BINARY),
        "g": ("timestamp with time zone", Kind.TIMESTAMP),
        "h": ("date", Kind.DATE),
        "i": ("time without time zone", Kind.TIME),
        "j": ("interval", Kind.OTHER),
        "k": ("double precision", Kind.FLOAT),
        "l": ("money", Kind.DECIMAL),
        "m": ("inet", Kind.OTHER),
        "n": ("tsvector", Kind.OTHER),
        "o": ("int4range", Kind.OTHER),
        "p": ("boolean", Kind.BOOLEAN),
        "q": ("bigint", Kind.INTEGER),
    }


def test_postgresql_lists_partitioned_tables_but_neither_partitions_nor_tables_of_extensions(
    postgresql_database: PostgresqlDatabase,
) -> None:
    postgresql_database.execute(POSTGRESQL_SCHEMA)
    tables = catalogue_of(postgresql_database.url).tables
    own = {name.name for name in tables if name.schema is None}
    assert own == {"customers", "kinds", "visits", "counted"}
    assert tables[TableName(None, "counted")].is_view
    assert tables[TableName(None, "visits")].foreign_keys[0].table == TableName(None, "customers")
    assert "pg_stat_statements" not in {name.name for name in tables}


def test_postgresql_names_tables_of_other_schemas_by_schema_and_name(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database(
        "two_schemas",
        "CREATE SCHEMA sales; CREATE TABLE users (id int PRIMARY KEY);"
        "CREATE TABLE sales.orders (id int PRIMARY KEY, user_id int REFERENCES users);"
        "CREATE TABLE sales.items (order_id int REFERENCES sales.orders)",
    )
    tables = catalogue_of(url).tables
    assert set(tables) == {TableName(None, "users"), TableName("sales", "orders"), TableName("sales", "items")}
    assert tables[TableName("sales", "orders")].foreign_keys[0].table == TableName(None, "users")
    assert tables[TableName("sales", "items")].foreign_keys[0].table == TableName("sales", "orders")


def test_the_server_is_named(database: Database) -> None:
    assert catalogue_of(database.url).server.split(" ")[0] in {"SQLite", "PostgreSQL", "MariaDB"}


@pytest.mark.parametrize("url", ["postgresql://reader:secret@127.0.0.1:9/shop", "postgresql://reader:sec ret@[::1/x"])
def test_a_server_that_does_not_answer_is_told_without_the_password(url: str) -> None:
    with pytest.raises(Exception) as caught, open_survey(url, statement_limit=LIMIT):
        pass
    assert "SOURCE_URL" in str(caught.value)
    assert "sec" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    missing = f"sqlite:///{tmp_path / 'missing.db'}"
    with (
        pytest.raises(SourceUnavailableError, match="There is no SQLite file"),
        open_survey(missing, statement_limit=LIMIT),
    ):
        pass
