"""What an export costs the shop's database: one query a section, few connections, no lock that stops a writer."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from customer_export.errors import SourceUnavailableError
from customer_export.source.registry import open_survey
from customer_maps import make_map, section
from databases import CUSTOMERS, LONG, finding, opened, read, rows_of, streaming
from servers import PostgresqlServer, wait_until

SECTIONS = tuple(f"part_{chr(ord('a') + number)}" for number in range(12))
TEXTS = {"id": "integer", "text": "text"}
TABLE = """
CREATE TABLE {name} (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, text TEXT);
CREATE INDEX ON {name} (customer_id);
INSERT INTO {name} SELECT i, 1, '{name} ' || i FROM generate_series(1, {rows}) i;
"""
MAP = make_map(section("events", TEXTS))
MANY = TABLE.format(name="events", rows=200_000)


@pytest.mark.parametrize("rows", [1, 90, 700])
def test_twelve_sections_are_twelve_queries_whatever_the_number_of_rows(
    postgresql: PostgresqlServer, rows: int
) -> None:
    database = "twelve"
    url = postgresql.create_database(database, CUSTOMERS + "".join(TABLE.format(name=n, rows=rows) for n in SECTIONS))
    customer_map = make_map(*(section(name, TEXTS) for name in SECTIONS))
    with opened(url, customer_map) as source:
        read(source)
        postgresql.execute(database, "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()")
        assert {name: len(found) for name, found in read(source).items()} == dict.fromkeys(SECTIONS, rows)
    calls = postgresql.execute(
        database,
        "SELECT sum(calls)::int FROM pg_stat_statements WHERE query ~ 'customers|part_' "
        f"AND dbid = (SELECT oid FROM pg_database WHERE datname = '{database}')",
    )
    assert calls == [(1 + len(SECTIONS),)]  # the customer with all counts, and each section


def test_no_more_connections_are_open_than_are_allowed_however_many_exports_there_are(
    postgresql: PostgresqlServer,
) -> None:
    url = postgresql.create_database("capped", CUSTOMERS + TABLE.format(name="events", rows=3000))
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        with psycopg.connect(postgresql.url(), autocommit=True) as connection:
            while not done.is_set():
                counted = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = 'capped'")
                seen.extend(counted.fetchone() or ())

    with opened(url, MAP, connections=2) as source, ThreadPoolExecutor(9) as pool:
        source.check()
        looking = pool.submit(look)
        results = list(pool.map(lambda _: len(read(source)["events"]), range(40)))
        done.set()
        looking.result(LONG.total_seconds())
    assert set(results) == {3000}
    assert max(seen) == 2


def test_who_gets_no_connection_is_told_and_the_others_go_on(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("full", CUSTOMERS + TABLE.format(name="events", rows=3000))
    with opened(url, MAP, connections=1) as source:
        with streaming(source) as (_, (events,)):
            with pytest.raises(SourceUnavailableError, match="EXPORT_SOURCE_CONNECTIONS"), finding(source):
                pass
            assert len(rows_of(events)) == 3000
        assert len(read(source)["events"]) == 3000


def test_an_export_holds_no_lock_that_stops_a_writer(postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("locks", CUSTOMERS + MANY)
    with opened(url, MAP) as source, psycopg.connect(url, autocommit=True) as shop:
        with streaming(source) as (_, (events,)):
            batches = events.batches()
            next(batches)
            held = shop.execute(
                "SELECT DISTINCT mode FROM pg_locks JOIN pg_class c ON c.oid = relation "
                "WHERE c.relname !~ '^pg_' AND pid <> pg_backend_pid()"
            )
            assert held.fetchall() == [("AccessShareLock",)]
            shop.execute("SET lock_timeout = '5s'")
            shop.execute("UPDATE events SET text = 'new' WHERE id < 10; DELETE FROM events WHERE id = 10")
            shop.execute("INSERT INTO events VALUES (0, 1, 'new'); SELECT * FROM events WHERE id = 1 FOR UPDATE")
            shop.execute("CREATE INDEX new ON events (text)")
            shop.execute("VACUUM events")
            shop.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                shop.execute("ALTER TABLE events ADD COLUMN note TEXT")
            assert sum(len(batch[0]) for batch in batches) > 190_000
        shop.execute("ALTER TABLE events ADD COLUMN note TEXT")  # at once: the export is over


class StandbyServer(PostgresqlServer):
    """A hot standby of a running server, made from a base backup of it."""

    def __init__(self, primary: PostgresqlServer) -> None:
        self._primary = primary
        super().__init__()

    def make_data(self) -> None:
        """Copy the primary's data, and follow it from then on."""
        self._run("pg_basebackup", "-D", self._data, "-d", self._primary.url(), "-R", "-X", "stream", "-c", "fast")

    SETTINGS = (*PostgresqlServer.SETTINGS, "max_standby_streaming_delay=0")


@pytest.fixture
def standby(mortal_postgresql: PostgresqlServer) -> Iterator[StandbyServer]:
    """A standby of the test's own primary, which has the database `shop`."""
    mortal_postgresql.create_database("shop", CUSTOMERS + MANY)
    server = StandbyServer(mortal_postgresql)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_a_hot_standby_gives_what_its_primary_gives(
    mortal_postgresql: PostgresqlServer, standby: StandbyServer
) -> None:
    assert standby.execute("shop", "SELECT pg_is_in_recovery()") == [(True,)]
    with opened(standby.url("shop"), MAP) as replica, opened(mortal_postgresql.url("shop"), MAP) as primary:
        replica.check()
        assert read(replica) == read(primary)
        with finding(replica) as (_, customer):
            assert customer is not None
            assert customer.snapshot.identity is not None
        mortal_postgresql.execute("shop", "INSERT INTO events VALUES (0, 1, 'new')")
        wait_until(
            lambda: standby.execute("shop", "SELECT 1 FROM events WHERE id = 0"), what="the standby to have the row"
        )
        assert read(replica)["events"][0] == ("0", "new")
    with open_survey(standby.url("shop"), statement_limit=LONG) as survey:
        assert survey.catalogue().tables
        assert survey.full_scans(MAP) == ()


def heard_of_all(primary: PostgresqlServer, standby: StandbyServer) -> Callable[[], bool]:
    """Make the condition that a standby has replayed what its primary has written by now, or can't go on with it."""
    primary.execute("shop", "CHECKPOINT")  # which flushes what synchronous_commit=off has not
    ((written,),) = primary.execute("shop", "SELECT pg_current_wal_insert_lsn()")
    places: list[object] = [None]

    def is_so() -> bool:
        ((place, heard, done),) = standby.execute(
            "postgres",
            f"SELECT r, pg_last_wal_receive_lsn() >= '{written}', r >= '{written}' FROM pg_last_wal_replay_lsn() r",
        )
        places.append(place)
        return bool(heard and (done or place == places[-2]))

    return is_so


def last_event(standby: StandbyServer) -> object:
    """Give the last event's number, or None where recovery ends this query, too."""
    try:
        ((last,),) = standby.execute("shop", "SELECT max(id) FROM events")
    except psycopg.errors.SerializationFailure:
        return None
    return last


def test_an_export_that_recovery_ends_is_a_failure_and_the_next_one_works(
    mortal_postgresql: PostgresqlServer, standby: StandbyServer
) -> None:
    with opened(standby.url("shop"), MAP) as source:
        with streaming(source) as (_, (events,)):
            batches = events.batches()
            next(batches)
            mortal_postgresql.execute("shop", "DELETE FROM events WHERE id > 100_000")
            # cutting the table's file off would lock out the next export, too
            mortal_postgresql.execute("shop", "VACUUM (TRUNCATE false) events")
            heard = heard_of_all(mortal_postgresql, standby)
            wait_until(heard, what="recovery to come to what the export still sees")
            with pytest.raises(SourceUnavailableError):
                list(batches)
        wait_until(lambda: last_event(standby) == 100_000, what="the standby to go on")
        assert len(read(source)["events"]) == 100_000
