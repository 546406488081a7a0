"""A snapshot is one moment, read-only, ends in time, and leaves the database free; whatever happens to the server."""

import hashlib
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from customer_export.errors import (
    ConfigurationError,
    ExportCancelledError,
    ExportTimeoutError,
    SourceFailedError,
    SourceUnavailableError,
)
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile, Period
from customer_export.source.interface import Source
from customer_export.source.registry import open_source
from customer_maps import make_map, section
from databases import (
    CUSTOMERS,
    LONG,
    Database,
    MariadbDatabase,
    PostgresqlDatabase,
    SqliteDatabase,
    finding,
    opened,
    read,
    rows_of,
    streaming,
)
from servers import PostgresqlServer, wait_until

COUNT = 3000
NUMBERS = (
    "INSERT INTO {table} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
    "SELECT i, 1, 'text ' || i FROM n;"
)
TABLE = "CREATE TABLE {table} (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, text TEXT);" + NUMBERS
EVENTS = TABLE.format(table="events", count=COUNT)
VISITS = TABLE.format(table="visits", count=COUNT)
TEXTS = {"id": "integer", "text": "text"}
MAP = make_map(section("events", TEXTS))
BOTH = make_map(section("events", TEXTS), section("visits", TEXTS))
EXPECTED = [(str(number), f"text {number}") for number in range(1, COUNT + 1)]
EVER = Period()
LAYOUT = CsvLayout(delimiter=",", profile=CsvProfile.RAW, section=None, places=(0, 1))
BOTH_OF_EVENTS = make_map(section("events", TEXTS), section("again", TEXTS, table="events"))


def test_what_others_write_meanwhile_does_not_show(database: Database) -> None:
    database.execute(EVENTS + VISITS)
    if isinstance(database, SqliteDatabase):
        database.execute("PRAGMA journal_mode = WAL")
    with opened(database.url, BOTH) as source:
        with streaming(source) as (_, (events, visits)):
            batches = events.batches()
            rows = [*zip(*next(batches), strict=True)]
            assert len(rows) < COUNT
            for table in ("events", "visits"):
                database.execute(
                    f"INSERT INTO {table} VALUES ({COUNT + 1}, 1, 'new'); DELETE FROM {table} WHERE id = {COUNT};"
                    f"UPDATE {table} SET text = 'changed' WHERE id = {COUNT - 1}"
                )
            rows += [row for batch in batches for row in zip(*batch, strict=True)]
            assert rows == rows_of(visits) == EXPECTED
        assert read(source)["events"][-2:] == [(str(COUNT - 1), "changed"), (str(COUNT + 1), "new")]


def test_a_snapshot_says_when_and_of_what_it_was_taken(database: Database) -> None:
    database.execute(EVENTS)
    with opened(database.url, MAP) as source, finding(source, time_zone="Asia/Kolkata") as (_, customer):
        assert customer is not None
        info = customer.snapshot
    taken_at = datetime.fromisoformat(info.taken_at)
    assert taken_at.utcoffset() is not None
    assert abs(datetime.now(taken_at.tzinfo) - taken_at) < timedelta(minutes=1)
    if isinstance(database, PostgresqlDatabase):
        assert info.server.startswith("PostgreSQL 18")
        assert info.identity is not None
    else:
        assert info.server.startswith("MariaDB 1" if isinstance(database, MariadbDatabase) else "SQLite 3")
        assert info.identity is None


def test_sections_that_are_not_asked_for_are_not_touched(database: Database) -> None:
    database.execute(EVENTS + VISITS)
    with opened(database.url, BOTH) as source:
        source.check()
        database.execute("DROP TABLE visits")
        assert read(source, sections=["events"]) == {"events": EXPECTED}


def test_an_export_is_one_query_for_customer_and_counts_and_one_a_section(postgresql: PostgresqlServer) -> None:
    small = TABLE.format(table="small", count=5)
    url = postgresql.create_database("counted", CUSTOMERS + EVENTS + VISITS + small)
    sections = make_map(*(section(name, TEXTS) for name in ("events", "small", "visits")))
    with opened(url, sections) as source:
        read(source)
        postgresql.execute("counted", "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()")
        read(source, sections=["events", "small"])
    statements = postgresql.execute(
        "counted",
        "SELECT query, calls FROM pg_stat_statements WHERE query ~ 'customers|events|small|visits' "
        "AND dbid = (SELECT oid FROM pg_database WHERE datname = 'counted')",
    )
    assert not any("visits" in str(query) for query, _ in statements)
    # PostgreSQL counts statements that differ in nothing but the name behind an alias as one
    kinds = ["count" if "count" in str(query) else str(query).partition("FROM ")[2][:9] for query, _ in statements]
    assert sorted(kinds) in (["count", kind] for kind in ("events AS", "small AS "))
    assert sum(int(str(calls)) for _, calls in statements) == 3  # the customer with the counts, events, small


def test_the_database_cannot_be_written_by_way_of_a_query(postgresql_database: PostgresqlDatabase) -> None:
    schema = postgresql_database.schema
    reader = f"writer_of_{schema}"
    postgresql_database.execute(
        f"""{EVENTS} CREATE TABLE trace (at timestamptz); CREATE ROLE {reader} LOGIN;
        GRANT USAGE ON SCHEMA {schema} TO {reader}; GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {reader};
        CREATE FUNCTION traced() RETURNS boolean LANGUAGE sql VOLATILE
            AS 'INSERT INTO trace VALUES (now()); SELECT true';
        ALTER TABLE events ENABLE ROW LEVEL SECURITY; CREATE POLICY traced ON events USING (traced())"""
    )
    with (
        opened(postgresql_database.url_of(reader), MAP) as source,
        pytest.raises(SourceFailedError, match="asks the database to write"),
    ):
        read(source)
    assert postgresql_database.one("SELECT count(*) FROM trace") == 0


def test_a_sqlite_file_is_left_as_it_was(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(EVENTS)
    before = hashlib.sha256(sqlite_database.path.read_bytes()).digest()
    with opened(sqlite_database.url, MAP) as source:
        read(source)
    assert hashlib.sha256(sqlite_database.path.read_bytes()).digest() == before
    assert [path.name for path in sqlite_database.path.parent.iterdir()] == [sqlite_database.path.name]


@contextmanager
def locked(database: PostgresqlDatabase) -> Iterator[None]:
    """Hold a lock that makes every read of `events` wait."""
    with psycopg.connect(database.url) as connection:
        connection.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def waiting(database: PostgresqlDatabase) -> bool:
    relation = f"'{database.schema}.events'::regclass"
    return database.one(f"SELECT count(*) FROM pg_locks WHERE relation = {relation} AND NOT granted") == 1


def test_a_statement_ends_when_its_time_is_over(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(EVENTS)
    with opened(postgresql_database.url, MAP) as source:
        source.check()
        with (
            locked(postgresql_database),
            pytest.raises(ExportTimeoutError, match=r"longer than 0.2 seconds.*EXPORT_TIMEOUT_MS"),
            streaming(source, time_limit=timedelta(milliseconds=200)),
        ):
            pass
        assert read(source) == {"events": EXPECTED}


def test_a_statement_of_sqlite_ends_when_its_time_is_over(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(TABLE.format(table="events", count=50_000))
    with opened(sqlite_database.url, MAP) as source:
        source.check()
        with pytest.raises(ExportTimeoutError), streaming(source, time_limit=timedelta(0)) as (_, (events,)):
            rows_of(events)
        assert len(read(source)["events"]) == 50_000


def test_cancelling_frees_the_database_at_once(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(EVENTS)
    with opened(postgresql_database.url, MAP) as source, locked(postgresql_database):
        source_opened = threading.Event()
        cancels = []

        def run() -> None:
            with source.snapshot(time_zone="UTC", time_limit=LONG) as snapshot:
                cancels.append(snapshot.cancel)
                source_opened.set()
                snapshot.find("1", MAP.sections, EVER)

        # the source describes its tables first, which the lock does not stop
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(run)
            assert source_opened.wait(LONG.total_seconds())
            wait_until(lambda: waiting(postgresql_database), what="the count to wait for the lock")
            cancels[0]()
            with pytest.raises(ExportCancelledError):
                running.result(LONG.total_seconds())
        assert not waiting(postgresql_database)


def test_cancelling_ends_a_read_in_its_midst(database: Database) -> None:
    database.execute(TABLE.format(table="events", count=100_000))
    with opened(database.url, MAP) as source:
        with streaming(source) as (snapshot, (events,)):
            batches = events.batches()
            next(batches)
            other = threading.Thread(target=snapshot.cancel)
            other.start()
            other.join()
            with pytest.raises(ExportCancelledError):
                list(batches)
        assert len(read(source)["events"]) == 100_000


@pytest.mark.parametrize("way", ["left", "closed", "failed"])
@pytest.mark.parametrize("pieces", [1, 3, 4], ids="after {} pieces".format)
@pytest.mark.parametrize("fast", [False, True], ids=["rows", "records"])
def test_a_section_read_in_part_holds_nothing_up(
    postgresql_database: PostgresqlDatabase, *, way: str, pieces: int, fast: bool
) -> None:
    """Three pieces of COPY and a short one: the server is done when the last has come, and the reader is not."""
    database = postgresql_database
    database.execute(TABLE.format(table="events", count=3500))

    def read_in_part(source: Source) -> None:
        with streaming(source) as (_, (events,)):
            reading = events.csv_records(LAYOUT) if fast else events.batches()
            assert isinstance(reading, Generator)
            for _ in range(pieces):
                next(reading)
            if way == "closed":
                reading.close()
            elif way == "failed":
                reading.throw(ZeroDivisionError)
            raise ZeroDivisionError

    with opened(database.url, MAP, connections=1) as source:
        with pytest.raises(ZeroDivisionError):
            read_in_part(source)
        busy = "SELECT count(*) FROM pg_locks WHERE relation = 'events'::regclass"
        wait_until(lambda: database.one(busy) == 0, what="the transaction to end")
        assert len(read(source)["events"]) == 3500


def test_many_exports_at_a_time_give_what_one_gives(database: Database) -> None:
    database.execute(EVENTS + VISITS)
    with opened(database.url, BOTH, connections=4) as source, ThreadPoolExecutor(8) as pool:
        zones = ["UTC", "Asia/Tokyo"] * 8
        results = list(pool.map(lambda zone: read(source, time_zone=zone), zones))
    assert all(result == {"events": EXPECTED, "visits": EXPECTED} for result in results)


def test_a_prepared_statement_of_one_zone_does_not_serve_another(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(
        "CREATE TABLE events (id integer PRIMARY KEY, customer_id integer, at timestamptz);"
        "INSERT INTO events VALUES (1, 1, '2024-07-01 12:00Z'), (2, 1, '9999-12-31 20:00Z')"
    )
    customer_map = make_map(section("events", {"at": "timestamp"}))
    with opened(postgresql_database.url, customer_map, connections=1) as source:
        for _ in range(4):  # more often than it takes to prepare
            for zone, noon, last in (
                ("Europe/Berlin", "2024-07-01T14:00:00+02:00", "9999-12-31T21:00:00+01:00"),
                ("Asia/Tokyo", "2024-07-01T21:00:00+09:00", "10000-01-01 05:00:00+09"),
                ("America/New_York", "2024-07-01T08:00:00-04:00", "9999-12-31T15:00:00-05:00"),
            ):
                assert read(source, time_zone=zone)["events"] == [(noon,), (last,)]


def test_a_large_export_after_small_ones_in_turns_of_zones_leaves_the_connection_in_order(
    postgresql_database: PostgresqlDatabase,
) -> None:
    postgresql_database.execute(EVENTS)
    with opened(postgresql_database.url, MAP, connections=1) as source:
        for zone in ("UTC", "Asia/Tokyo", "Europe/Berlin", "UTC"):
            assert read(source, "2", time_zone=zone) == {"events": []}
        for _ in range(3):
            assert read(source) == {"events": EXPECTED}


def test_exports_go_on_at_once_after_the_database_was_restarted(mortal_postgresql: PostgresqlServer) -> None:
    url = mortal_postgresql.create_database("shop", CUSTOMERS + EVENTS)
    with opened(url, MAP, connections=3) as source:
        with streaming(source), streaming(source), streaming(source):
            pass  # three connections wait in the pool
        mortal_postgresql.stop()
        for _ in range(2):
            with pytest.raises(SourceUnavailableError, match="check SOURCE_URL and the server"):
                read(source)
            with pytest.raises(SourceUnavailableError):
                source.check()
        mortal_postgresql.start()
        for _ in range(4):
            assert read(source) == {"events": EXPECTED}


def test_exports_go_on_after_idle_connections_were_ended_without_a_failure(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("ended", CUSTOMERS + EVENTS)
    with opened(url, MAP, connections=3) as source:
        with streaming(source), streaming(source), streaming(source):
            pass
        others = "FROM pg_stat_activity WHERE datname = 'ended' AND pid <> pg_backend_pid()"
        ended = postgresql.execute("ended", f"SELECT pg_terminate_backend(pid) {others}")
        assert ended == [(True,)] * 3
        wait_until(lambda: postgresql.execute("ended", f"SELECT 1 {others}") == [], what="the backends to end")
        assert read(source) == {"events": EXPECTED}


def test_a_backend_that_dies_in_mid_read_is_a_failure_and_the_next_export_works(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("dying", CUSTOMERS + TABLE.format(table="events", count=200_000))
    with opened(url, MAP) as source:
        with streaming(source) as (_, (events,)):
            batches = events.batches()
            next(batches)
            postgresql.execute(
                "dying",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = 'dying' AND pid <> pg_backend_pid()",
            )
            with pytest.raises(SourceUnavailableError):
                list(batches)
        assert len(read(source)["events"]) == 200_000


def test_a_database_that_comes_up_later_is_found(mortal_postgresql: PostgresqlServer) -> None:
    url = mortal_postgresql.create_database("shop", CUSTOMERS + EVENTS)
    mortal_postgresql.stop()
    with opened(url, MAP) as source:
        with pytest.raises(SourceUnavailableError):
            source.check()
        mortal_postgresql.start()
        source.check()


@pytest.mark.parametrize("wrong", ["database", "user"])
def test_a_wrong_url_is_a_database_that_does_not_answer(postgresql: PostgresqlServer, wrong: str) -> None:
    url = postgresql.url("nowhere") if wrong == "database" else postgresql.url(user="nobody-there")
    with opened(url, MAP) as source, pytest.raises(SourceUnavailableError, match="SOURCE_URL"):
        source.check()


def test_a_sqlite_file_that_is_missing_or_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is not a database, although it is long enough to be one. " * 20)
    for name in ("missing.db", "text.db", ""):
        with (
            opened(f"sqlite:///{tmp_path}/{name}", MAP) as source,
            pytest.raises(SourceUnavailableError, match="SOURCE_URL"),
        ):
            source.check()


def test_a_sqlite_file_may_have_any_name_and_be_replaced_by_a_missing_one(tmp_path: Path) -> None:
    folder = tmp_path / "a folder? with #5 & 100%"
    folder.mkdir()
    database = SqliteDatabase(folder / "shöp.db")
    database.execute(CUSTOMERS + EVENTS)
    url = "sqlite:///" + str(database.path).replace("%", "%25")
    with opened(url, MAP) as source:
        assert read(source) == {"events": EXPECTED}


@pytest.mark.parametrize(
    "url", ["oracle://host/shop", "shop.db", "", "sqlite://", "sqlite:///", "sqlite://shop.db", "file:///shop.db"]
)
def test_a_url_of_no_known_database_is_refused_with_examples(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SOURCE_URL .*use .*sqlite:////absolute\.db"):
        open_source(url, MAP, connections=1)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_usual_spelling_of_a_postgresql_url_works(postgresql_database: PostgresqlDatabase, scheme: str) -> None:
    postgresql_database.execute(EVENTS)
    _, _, rest = postgresql_database.url.partition("://")
    with opened(f"{scheme}://{rest}", MAP) as source:
        assert read(source) == {"events": EXPECTED}


@pytest.mark.parametrize("wrong", [(1,), (COUNT,), (1500, 1501, COUNT)], ids=["first", "last", "several"])
def test_bytes_that_are_no_utf8_are_marked_and_cost_no_row(
    sqlite_database: SqliteDatabase, wrong: tuple[int, ...]
) -> None:
    listed = ", ".join(map(str, wrong))
    sqlite_database.execute(f"{EVENTS} UPDATE events SET text = CAST(x'61ff62' AS TEXT) WHERE id IN ({listed})")
    expected = [(number, "a\ufffdb" if int(number) in wrong else text) for number, text in EXPECTED]
    with opened(sqlite_database.url, BOTH_OF_EVENTS, connections=1) as source:
        for _ in range(2):
            assert read(source) == {"events": expected, "again": expected}


def test_rows_that_a_look_up_doubles_are_noticed(database: Database) -> None:
    database.execute(
        EVENTS + "CREATE TABLE kinds (id INTEGER NOT NULL UNIQUE, name TEXT); INSERT INTO kinds VALUES (1, 'one')"
    )
    lookup = {"name": "kind", "columns": "customer_id", "table": "kinds", "to": "id"}
    joined = section("events", [{"name": "kind", "source": "kind.name", "type": "text", "personal_data": "none"}])
    with opened(database.url, make_map(joined | {"lookups": [lookup]})) as source:
        assert read(source)["events"] == [("one",)] * COUNT
        database.execute(
            "DROP TABLE kinds; CREATE TABLE kinds (id INTEGER, name TEXT);"
            "INSERT INTO kinds VALUES (1, 'one'), (1, 'two')"
        )
        with (
            pytest.raises(SourceFailedError, match=r"'events' gave 6000 rows although 3000 were counted.*look-?ups"),
            streaming(source) as (_, (events,)),
        ):
            rows_of(events)
