"""A snapshot of MariaDB: read-only, of one moment, ends in time, and leaves the server free whatever happens to it."""

import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from customer_export.errors import (
    ExportCancelledError,
    ExportTimeoutError,
    MapMismatchError,
    SourceFailedError,
    SourceUnavailableError,
)
from customer_export.model.request import Period
from customer_export.source.interface import Source
from customer_maps import column, make_map, section
from databases import CUSTOMERS, LONG, MariadbDatabase, finding, opened, read, streaming
from mariadb_server import MariadbServer
from servers import wait_until

COUNT = 3000
TABLE = """
CREATE TABLE {table} (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, text TEXT);
INSERT INTO {table} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
SELECT i, 1, 'text ' || i FROM n;
"""
EVENTS = TABLE.format(table="events", count=COUNT)
TEXTS = {"id": "integer", "text": "text"}
MAP = make_map(section("events", TEXTS))
EXPECTED = [(str(number), f"text {number}") for number in range(1, COUNT + 1)]


@contextmanager
def locked(database: MariadbDatabase) -> Iterator[None]:
    """Hold a lock that makes every read of `events` wait."""
    with database.server.connect(database.name) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES events WRITE")
        yield


def others(server: MariadbServer, database: str) -> list[int]:
    """Give the connections to a database, but for the one that asks."""
    asked = f"SELECT id FROM processlist WHERE db = '{database}' AND id <> CONNECTION_ID()"
    return [int(str(number)) for (number,) in server.execute("information_schema", asked)]


def waiting(database: MariadbDatabase) -> bool:
    state = "Waiting for table metadata lock"
    asked = f"SELECT count(*) FROM information_schema.processlist WHERE db = '{database.name}' AND state = '{state}'"
    return database.one(asked) == 1


def test_a_statement_ends_when_its_time_is_over(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(EVENTS)
    with opened(mariadb_database.url, MAP) as source:
        source.check()
        with (
            locked(mariadb_database),
            pytest.raises(ExportTimeoutError, match=r"longer than 0.2 seconds.*EXPORT_TIMEOUT_MS"),
            streaming(source, time_limit=timedelta(milliseconds=200)),
        ):
            pass
        assert read(source) == {"events": EXPECTED}


def test_an_export_ends_when_its_time_is_over_between_statements(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(EVENTS)
    limit = timedelta(seconds=2)
    with opened(mariadb_database.url, MAP) as source:
        begun = time.monotonic()
        with streaming(source, time_limit=limit) as (_, (events,)):
            wait_until(lambda: time.monotonic() > begun + limit.total_seconds() + 1, what="the time to be over")
            with pytest.raises(ExportTimeoutError):
                list(events.batches())
        assert read(source) == {"events": EXPECTED}


def test_cancelling_frees_the_database_at_once(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(EVENTS)
    with opened(mariadb_database.url, MAP) as source:
        source.check()
        with locked(mariadb_database), ThreadPoolExecutor(1) as pool:
            cancels = []

            def run() -> None:
                with source.snapshot(time_zone="UTC", time_limit=LONG) as snapshot:
                    cancels.append(snapshot.cancel)
                    snapshot.find("1", MAP.sections, Period())

            running = pool.submit(run)
            wait_until(lambda: waiting(mariadb_database), what="the count to wait for the lock")
            cancels[0]()
            with pytest.raises(ExportCancelledError):
                running.result(LONG.total_seconds())
            assert not waiting(mariadb_database)
            cancels[0]()  # too late, and nobody else's
        assert read(source) == {"events": EXPECTED}


@pytest.mark.parametrize("way", ["left", "closed", "failed"])
@pytest.mark.parametrize("batches", [1, 20])
def test_a_section_read_in_part_holds_nothing_up(mariadb_database: MariadbDatabase, *, way: str, batches: int) -> None:
    mariadb_database.execute(TABLE.format(table="events", count=100_000))

    def read_in_part(source: Source) -> None:
        with streaming(source) as (_, (events,)):
            reading = events.batches()
            assert isinstance(reading, Generator)
            for _ in range(batches):
                next(reading)
            if way == "closed":
                reading.close()
            elif way == "failed":
                reading.throw(ZeroDivisionError)
            raise ZeroDivisionError

    with opened(mariadb_database.url, MAP, connections=1) as source:
        with pytest.raises(ZeroDivisionError):
            read_in_part(source)
        database = mariadb_database
        wait_until(lambda: not others(database.server, database.name), what="the server to notice")
        assert len(read(source)["events"]) == 100_000


WRITING = """
CREATE TABLE trace (at DATETIME); CREATE FUNCTION traced() RETURNS INTEGER MODIFIES SQL DATA
BEGIN INSERT INTO trace VALUES (now()); RETURN 1; END;
CREATE VIEW seen AS SELECT id, customer_id, text FROM events WHERE traced() = 1
"""


def test_the_database_cannot_be_written_by_way_of_a_view(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(EVENTS + WRITING)
    with (
        opened(mariadb_database.url, make_map(section("seen", TEXTS, unique="id"))) as source,
        pytest.raises(SourceFailedError, match=r"asks the database to write .*READ ONLY transaction"),
    ):
        read(source)
    assert mariadb_database.one("SELECT count(*) FROM trace") == 0


def test_a_query_that_writes_by_way_of_a_function_is_refused(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(EVENTS + WRITING)
    events = section("events", TEXTS)
    del events["table"], events["links"]
    events["sql"] = "SELECT * FROM events WHERE traced() = 1 AND customer_id = :customer"
    with (
        opened(mariadb_database.url, make_map(events | {"unique": "id"})) as source,
        pytest.raises(SourceFailedError, match=r"asks the database to write .*READ ONLY transaction"),
    ):
        read(source)
    assert mariadb_database.one("SELECT count(*) FROM trace") == 0


def test_an_export_is_one_query_for_customer_and_counts_and_one_a_section(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    database.execute(EVENTS + TABLE.format(table="visits", count=5) + TABLE.format(table="unasked", count=5))
    sections = make_map(*(section(name, TEXTS) for name in ("events", "visits", "unasked")))
    with opened(database.url, sections) as source:
        read(source)
        database.server.execute("mysql", "TRUNCATE general_log; SET GLOBAL log_output = 'TABLE', general_log = 1")
        try:
            read(source, sections=["events", "visits"])
        finally:
            database.server.execute("mysql", "SET GLOBAL general_log = 0")
    logged = database.server.execute(
        "mysql", "SELECT CONVERT(argument USING utf8mb4) FROM general_log WHERE argument LIKE '%FROM%'"
    )
    asked = [str(text).replace("\n", " ") for (text,) in logged if "customers AS c" in str(text) or "AS t" in str(text)]
    assert len(asked) == 3
    assert ["customers AS c" in text for text in asked] == [True, False, False]
    assert not any("unasked" in text for text in asked)
    assert "text 7" not in str(logged)


def test_exports_go_on_at_once_after_the_database_was_restarted(mortal_mariadb: MariadbServer) -> None:
    url = mortal_mariadb.create_database("shop", CUSTOMERS + EVENTS)
    with opened(url, MAP, connections=3) as source:
        with streaming(source), streaming(source), streaming(source):
            pass  # three connections wait in the pool
        mortal_mariadb.stop()
        for _ in range(2):
            with pytest.raises(SourceUnavailableError, match="check SOURCE_URL and the server"):
                read(source)
            with pytest.raises(SourceUnavailableError):
                source.check()
        mortal_mariadb.start()
        for _ in range(4):
            assert read(source) == {"events": EXPECTED}


def test_a_server_that_dies_in_mid_read_is_a_failure_and_the_next_export_works(mortal_mariadb: MariadbServer) -> None:
    url = mortal_mariadb.create_database("shop", CUSTOMERS + TABLE.format(table="events", count=200_000))
    with opened(url, MAP) as source:
        with streaming(source) as (_, (events,)):
            batches = events.batches()
            next(batches)
            mortal_mariadb.stop()
            with pytest.raises(SourceUnavailableError):
                list(batches)
        mortal_mariadb.start()
        assert len(read(source)["events"]) == 200_000


@pytest.mark.parametrize("what", ["CONNECTION", "QUERY"])
def test_a_connection_that_is_killed_in_mid_read_is_a_failure_and_the_next_export_works(
    mariadb_database: MariadbDatabase, what: str
) -> None:
    database = mariadb_database
    database.execute(TABLE.format(table="events", count=200_000))
    with opened(database.url, MAP) as source:
        with streaming(source) as (_, (events,)):
            batches = events.batches()
            next(batches)
            (connection,) = others(database.server, database.name)
            database.server.execute("mysql", f"KILL {what} {connection}")
            with pytest.raises(SourceUnavailableError):
                list(batches)
        assert len(read(source)["events"]) == 200_000


def test_exports_go_on_after_idle_connections_were_ended_without_a_failure(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    database.execute(EVENTS)
    with opened(database.url, MAP, connections=3) as source:
        with streaming(source), streaming(source), streaming(source):
            pass
        ended = others(database.server, database.name)
        assert len(ended) == 3
        for connection in ended:
            database.server.execute("mysql", f"KILL CONNECTION {connection}")
        wait_until(lambda: not others(database.server, database.name), what="the connections to end")
        assert read(source) == {"events": EXPECTED}


@pytest.mark.parametrize("wrong", ["database", "user", "socket", "host"])
def test_a_wrong_url_is_a_database_that_does_not_answer(mariadb: MariadbServer, wrong: str) -> None:
    url = {
        "database": mariadb.url("nowhere"),
        "user": mariadb.url("mysql", user="nobody-there"),
        "socket": "mysql://root@/mysql?socket=/nowhere/there",
        "host": "mysql://root:secret@127.0.0.1:9/mysql",
    }[wrong]
    with opened(url, MAP) as source, pytest.raises(SourceUnavailableError, match="SOURCE_URL") as failure:
        source.check()
    assert "secret" not in failure.value.message


GRANTS = """
CREATE OR REPLACE USER reader; GRANT SELECT (id, name) ON {database}.customers TO reader;
GRANT SELECT ON {database}.events TO reader
"""


def test_rights_on_the_mapped_columns_are_enough(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    database.execute(EVENTS)
    database.execute(GRANTS.format(database=database.name))
    with opened(database.url_of("reader"), MAP) as source:
        with streaming(source) as (snapshot, (events,)):
            batches = events.batches()
            next(batches)
            with capture_logs() as logs:
                snapshot.cancel()
            with pytest.raises(ExportCancelledError):
                list(batches)
        assert logs == []
        assert read(source) == {"events": EXPECTED}
    with_mail = make_map(section("events", TEXTS), title=["email"])
    with opened(database.url_of("reader"), with_mail) as source, pytest.raises(MapMismatchError, match="'email'"):
        source.check()  # a column that the user may not see is not there for them


def test_a_table_that_may_no_longer_be_read_is_named_with_the_remedy(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    database.execute(EVENTS)
    database.execute(GRANTS.format(database=database.name))
    with opened(database.url_of("reader"), MAP) as source:
        assert read(source) == {"events": EXPECTED}
        database.execute(f"REVOKE SELECT ON {database.name}.events FROM reader")
        with pytest.raises(SourceFailedError, match=r"denied to user .* for table .*events.*; grant SELECT"):
            read(source)


def test_a_table_that_is_altered_meanwhile_is_told_and_the_next_export_works(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    database.execute(EVENTS + "CREATE TABLE kinds (id INT PRIMARY KEY, name TEXT); INSERT INTO kinds VALUES (1, 'k')")
    lookup = {"name": "kind", "columns": "customer_id", "table": "kinds", "to": "id"}
    kinds = make_map(section("events", [column("kind", source=["kind", "name"])], lookups=[lookup]))
    with opened(database.url, kinds) as source:
        with streaming(source) as (_, (events,)):
            database.execute("ALTER TABLE kinds MODIFY name VARCHAR(9) FIRST, ADD COLUMN more INTEGER")
            with pytest.raises(SourceUnavailableError, match="changed while it was read; try again"):
                list(events.batches())
        assert read(source)["events"] == [("k",)] * COUNT


def test_tables_without_transactions_are_told(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    database.execute(EVENTS + TABLE.format(table="visits", count=3) + TABLE.format(table="clicks", count=3))
    database.execute("ALTER TABLE visits ENGINE = MyISAM; ALTER TABLE clicks ENGINE = Aria")
    sections = make_map(section("events", TEXTS), section("visits", TEXTS), section("clicks", TEXTS))
    with capture_logs() as logs, opened(database.url, sections) as source:
        for asked, told in (
            (["events"], None),
            (["events", "clicks", "visits"], "not of one moment: visits (MyISAM), clicks (Aria)"),
        ):
            with finding(source, sections=asked) as (_, customer):
                assert customer is not None
                assert customer.snapshot.identity == told
    assert [log for log in logs if log["event"] == "source_not_transactional"] == [
        {"event": "source_not_transactional", "log_level": "warning", "tables": ["clicks", "visits"]}
    ]


def test_wide_rows_come_whole_and_a_few_at_a_time(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    sizes = [0, 250, 251, 65_535, 65_536, 1_000_000, 5_000_000, 14_000_000]
    rows = ", ".join(f"({number}, 1, REPEAT('é', {size // 2}))" for number, size in enumerate(sizes))
    database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, customer_id INTEGER, text LONGTEXT)")
    database.execute(f"INSERT INTO events VALUES {rows}")
    with opened(database.url, MAP) as source, streaming(source) as (_, (events,)):
        batches = list(events.batches())
    assert len(batches) > 2
    assert [len(str(text)) for batch in batches for text in batch[1]] == [size // 2 for size in sizes]


def test_a_row_may_be_longer_than_a_packet_of_the_protocol(mortal_mariadb: MariadbServer) -> None:
    mortal_mariadb.execute("mysql", "SET GLOBAL max_allowed_packet = 67108864")
    table = "CREATE TABLE events (id INTEGER PRIMARY KEY, customer_id INTEGER, text LONGTEXT, more LONGTEXT)"
    url = mortal_mariadb.create_database("shop", f"{CUSTOMERS} {table}")
    whole = 2**24 - 1  # bytes of a full packet
    mortal_mariadb.execute(
        "shop",
        f"""INSERT INTO events VALUES (1, 1, REPEAT('x', {whole - 20}), REPEAT('y', 30)), (2, 1, 'short', ''),
        (3, 1, REPEAT('x', {2 * whole}), 'z'), (4, 1, REPEAT('x', {whole - 9}), '')""",
    )
    texts = make_map(section("events", [column("text"), column("more")]))
    with opened(url, texts) as source:
        lengths = [tuple(len(str(cell)) for cell in row) for row in read(source)["events"]]
    assert lengths == [(whole - 20, 30), (5, 0), (2 * whole, 1), (whole - 9, 0)]


SESSION = """
CREATE FUNCTION settings_of_session() RETURNS TEXT RETURN concat_ws(',', @@time_zone, @@tx_isolation, @@tx_read_only,
    @@lock_wait_timeout, @@net_write_timeout, @@max_statement_time, @@sql_select_limit, @@character_set_connection);
CREATE VIEW sessions AS SELECT id, customer_id, settings_of_session() AS text FROM events
"""


def test_no_setting_of_the_servers_has_a_say(mortal_mariadb: MariadbServer) -> None:
    mortal_mariadb.create_database("shop", CUSTOMERS + EVENTS + SESSION)
    mortal_mariadb.execute(
        "mysql",
        """SET GLOBAL sql_select_limit = 5; SET GLOBAL max_join_size = 10; SET GLOBAL sql_auto_is_null = 1;
        SET GLOBAL tx_isolation = 'READ-UNCOMMITTED'; SET GLOBAL character_set_server = latin1;
        SET GLOBAL collation_connection = 'sjis_japanese_ci'; SET GLOBAL net_write_timeout = 1;
        SET GLOBAL init_connect = 'SET sql_mode = ''ORACLE,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT''';
        SET GLOBAL lc_time_names = 'de_DE'; SET GLOBAL div_precision_increment = 0; SET GLOBAL max_sort_length = 64""",
    )
    mortal_mariadb.execute("mysql", "CREATE USER reader; GRANT SELECT, EXECUTE ON shop.* TO reader")
    both = make_map(section("events", TEXTS), section("sessions", TEXTS, unique="id"))
    with opened(mortal_mariadb.url("shop", user="reader"), both) as source:  # init_connect spares root
        rows = read(source)
    assert rows["events"] == EXPECTED
    # a slow download may leave the server with its rows for as long as the export may take
    session = f"+00:00,REPEATABLE-READ,ON,60,60,60.000000,{2**64 - 1},utf8mb4"
    assert {text for _, text in rows["sessions"]} == {session}
