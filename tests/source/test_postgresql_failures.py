"""What can go wrong with a PostgreSQL: each has its error, which names what it is about and what helps."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from customer_export.errors import (
    ConfigurationError,
    ExportTimeoutError,
    MapMismatchError,
    SourceFailedError,
    SourceUnavailableError,
)
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import CsvLayout, SectionStream
from customer_export.model.request import CsvProfile, Period
from customer_maps import column, make_map, section
from databases import CUSTOMERS, PostgresqlDatabase, finding, opened, read, streaming
from servers import PostgresqlServer

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, no text, placed date, secret text);
INSERT INTO orders VALUES (1, 1, 'a', '2024-01-01'), (2, 2, 'b', '2024-01-02');
"""
MAP = make_map(section("orders", [column("no"), column("secret", hidden=True)], time="placed"))


def reader_of(database: PostgresqlDatabase, *grants: str) -> str:
    """Make a role with these rights alone, and give its name."""
    role = f"reader of {database.schema}"
    database.execute(f'CREATE ROLE "{role}" LOGIN')
    for grant in grants:
        database.execute(grant.format(role=f'"{role}"'))
    return role


SCHEMA = 'GRANT USAGE ON SCHEMA "{schema}" TO {{role}}'
CUSTOMER = "GRANT SELECT (id, name) ON customers TO {role}"
ORDER = "GRANT SELECT (id, customer_id, no, placed) ON orders TO {role}"


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ([CUSTOMER], 'GRANT SELECT (id, customer_id, no, placed) ON {schema}.orders TO "{role}"'),
        ([ORDER], 'GRANT SELECT (id, name) ON {schema}.customers TO "{role}"'),
        (
            [CUSTOMER, "GRANT SELECT (id, no, placed) ON orders TO {role}"],
            'GRANT SELECT (customer_id) ON {schema}.orders TO "{role}"',
        ),
        (
            [CUSTOMER, "GRANT SELECT (id, customer_id, no) ON orders TO {role}"],
            'GRANT SELECT (placed) ON {schema}.orders TO "{role}"',
        ),
    ],
    ids=["table", "customers", "link", "time"],
)
def test_rights_that_lack_are_told_as_the_grants_that_help(
    postgresql_database: PostgresqlDatabase, given: list[str], lacking: str
) -> None:
    """What is hidden needs no right, and what is said helps."""
    database = postgresql_database
    database.execute(ORDERS)
    role = reader_of(database, SCHEMA.format(schema=database.schema), *given)
    grant = lacking.format(schema=database.schema, role=role)
    with opened(database.url_of(role.replace(" ", "%20")), MAP) as source:
        if "placed" in lacking and "customer_id" not in lacking:
            assert read(source) == {"orders": [("a",)]}  # the time is read where there is a period, only
            return
        for _ in range(2):
            with pytest.raises(SourceFailedError) as failure:
                read(source)
            assert f"as the owner, run {grant}" in str(failure.value)
        database.execute(grant)
        assert read(source) == {"orders": [("a",)]}


def test_a_schema_without_rights_is_told(postgresql_database: PostgresqlDatabase) -> None:
    """By its name in the map, and where the search path would have found it."""
    database = postgresql_database
    database.execute(ORDERS)
    role = reader_of(database, CUSTOMER, ORDER)
    grant = f'GRANT USAGE ON SCHEMA {database.schema} TO "{role}"'
    named = make_map(
        section("orders", {"no": "text"}, table=[database.schema, "orders"]), table=[database.schema, "customers"]
    )
    for customer_map in (named, MAP):
        with opened(database.url_of(role.replace(" ", "%20")), customer_map) as source:
            with pytest.raises(SourceFailedError) as failure:
                read(source)
            assert grant in str(failure.value)
    database.execute(grant)
    with opened(database.url_of(role.replace(" ", "%20")), named) as source:
        assert read(source) == {"orders": [("a",)]}


def test_a_refusal_behind_a_view_is_told_apart(postgresql_database: PostgresqlDatabase) -> None:
    database = postgresql_database
    database.execute(f"{ORDERS} CREATE VIEW bought WITH (security_invoker) AS SELECT * FROM orders")
    role = reader_of(database, SCHEMA.format(schema=database.schema), CUSTOMER, "GRANT SELECT ON bought TO {role}")
    bought = make_map(section("bought", {"no": "text"}, unique="id"))
    with (
        opened(database.url_of(role.replace(" ", "%20")), bought) as source,
        pytest.raises(SourceFailedError, match=r"permission denied for table orders; .* behind views"),
    ):
        read(source)


def test_a_map_of_another_database_lists_all_that_is_missing(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("another", "CREATE TABLE clients (id int PRIMARY KEY)")
    with opened(url, MAP) as source, pytest.raises(MapMismatchError) as failure:
        source.check()
    assert [problem.partition(":")[0] for problem in failure.value.problems] == [
        "customer.table",
        "sections[orders].table",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody@127.0.0.1:1/shop",
        "postgresql://nobody@no-such-host.invalid/shop",
        "postgresql://nobody@/shop?host=/nowhere",
    ],
    ids=["port", "host", "socket"],
)
def test_a_url_that_leads_nowhere_is_told(url: str) -> None:
    with opened(url, MAP) as source, pytest.raises(SourceUnavailableError, match="SOURCE_URL"):
        source.check()


@pytest.mark.parametrize("url", ["postgresql://a:secret%zz@host/shop", "postgresql://a:secret@host/shop?secret=1"])
def test_a_url_that_cannot_be_understood_is_a_setting_to_mend(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SOURCE_URL") as failure, opened(url, MAP):
        pass
    assert "secret" not in str(failure.value)


def pieces(stream: SectionStream, how: str) -> Iterator[object]:
    layout = CsvLayout(delimiter=",", profile=CsvProfile.RAW, section=None, places=(0, 0))
    ways = {"rows": stream.batches, "records": lambda: stream.csv_records(layout), "texts": stream.json_batches}
    reading = ways[how]()
    assert reading is not None
    return iter(reading)


def slow_map() -> CustomerMap:
    return make_map(section("slow", {"text": "text"}, unique="id"))


SLOW = """
CREATE FUNCTION slowly(i int) RETURNS text LANGUAGE plpgsql STABLE
  AS 'BEGIN IF i > 2000 THEN PERFORM pg_sleep(10); END IF; RETURN repeat(''x'', 1000); END';
CREATE TABLE numbers AS SELECT i AS id, 1 AS customer_id FROM generate_series(1, 4000) i;
CREATE VIEW slow AS SELECT id, customer_id, slowly(id) AS text FROM numbers;
"""
LARGE = (
    "CREATE TABLE slow AS SELECT i AS id, 1 AS customer_id, repeat('x', 1000) AS text FROM generate_series(1, 50000) i;"
)
WAYS = ("rows", "records", "texts")


@pytest.mark.parametrize("how", WAYS)
def test_time_may_be_over_in_the_midst_of_any_way_to_read(postgresql_database: PostgresqlDatabase, how: str) -> None:
    postgresql_database.execute(SLOW)
    with (
        opened(postgresql_database.url, slow_map()) as source,
        streaming(source, time_limit=timedelta(seconds=1)) as (_, (slow,)),
        pytest.raises(ExportTimeoutError, match="EXPORT_TIMEOUT_MS"),
    ):
        list(pieces(slow, how))


@pytest.mark.parametrize("how", WAYS)
def test_a_connection_may_be_lost_in_the_midst_of_any_way_to_read(postgresql: PostgresqlServer, how: str) -> None:
    url = postgresql.create_database("lost", CUSTOMERS + LARGE)
    with opened(url, slow_map(), connections=1) as source:
        with streaming(source) as (_, (slow,)):
            reading = pieces(slow, how)
            next(reading)
            end_all(postgresql, "lost")
            with pytest.raises(SourceUnavailableError, match="SOURCE_URL"):
                list(reading)
        with finding(source) as (_, customer):  # on a connection of its own
            assert customer is not None


def test_a_connection_may_be_lost_before_the_customer_is_found(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("lost", CUSTOMERS + ORDERS)
    with opened(url, MAP, connections=1) as source:
        read(source)
        with source.snapshot(time_zone="UTC", time_limit=timedelta(seconds=9)) as snapshot:
            end_all(postgresql, "lost")
            with pytest.raises(SourceUnavailableError):
                snapshot.find("1", MAP.sections, Period())
        assert read(source) == {"orders": [("a",)]}


def end_all(server: PostgresqlServer, database: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [database]
        )


def test_rows_that_a_policy_hides_are_told_in_the_snapshots_name(postgresql_database: PostgresqlDatabase) -> None:
    database = postgresql_database
    database.execute(
        f"""{ORDERS} INSERT INTO orders VALUES (3, 1, 'c', '2024-01-03'); ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY old ON orders USING (id < 3)"""
    )
    role = reader_of(database, SCHEMA.format(schema=database.schema), CUSTOMER, ORDER)
    url = database.url_of(role.replace(" ", "%20"))
    with opened(url, MAP) as source, finding(source) as (_, customer):
        assert customer is not None
        assert customer.sections[0].rows == 1
        assert str(customer.snapshot.identity).endswith(f"; row-level security shows {role} a part of orders")
    with opened(database.url, MAP) as source, finding(source) as (_, customer):  # the owner sees all
        assert customer is not None
        assert customer.sections[0].rows == 2
        assert "row-level" not in str(customer.snapshot.identity)
    with (
        opened(f"{url}%20-crow_security%3Doff", MAP) as source,
        pytest.raises(SourceFailedError, match=r"row-level security policy for table .orders."),
    ):
        read(source)
