"""Sections that PostgreSQL writes as JSON texts are counted, bounded and let go of like any other."""

from collections.abc import Generator

import pytest

from customer_export.errors import ExportCancelledError, SourceFailedError
from customer_export.source.interface import Source
from customer_export.source.reading import BATCH_BYTES
from customer_maps import make_map, section
from databases import PostgresqlDatabase, SqliteDatabase, opened, read, streaming
from servers import wait_until

TABLE = """
CREATE TABLE events (id integer PRIMARY KEY, customer_id integer, text text);
INSERT INTO events SELECT i, 1, {text} FROM generate_series(1, {rows}) i;
"""
MAP = make_map(section("events", {"id": "integer", "text": "text"}))


@pytest.mark.parametrize("way", ["left", "closed", "failed"])
@pytest.mark.parametrize("batches", [1, 3, 4], ids="after {} batches".format)
def test_texts_read_in_part_hold_nothing_up(postgresql_database: PostgresqlDatabase, *, way: str, batches: int) -> None:
    """Three batches of COPY and a short one: the server is done when the last has come, and the reader is not."""
    database = postgresql_database
    database.execute(TABLE.format(text="'text'", rows=3500))

    def read_in_part(source: Source) -> None:
        with streaming(source) as (_, (events,)):
            reading = events.json_batches()
            assert isinstance(reading, Generator)
            for _ in range(batches):
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


def test_cancelling_ends_texts_in_their_midst(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(TABLE.format(text="'text'", rows=100_000))
    with opened(postgresql_database.url, MAP) as source, streaming(source) as (snapshot, (events,)):
        batches = events.json_batches()
        assert batches is not None
        next(batches)
        snapshot.cancel()
        with pytest.raises(ExportCancelledError):
            list(batches)


def test_rows_that_a_look_up_doubles_are_noticed(postgresql_database: PostgresqlDatabase) -> None:
    kinds = "CREATE TABLE kinds (id integer NOT NULL{unique}, name text); INSERT INTO kinds VALUES (1, 'one')"
    postgresql_database.execute(TABLE.format(text="'text'", rows=3000) + kinds.format(unique=" UNIQUE"))
    lookup = {"name": "kind", "columns": "customer_id", "table": "kinds", "to": "id"}
    joined = section("events", [{"name": "kind", "source": "kind.name", "type": "text", "personal_data": "none"}])
    with opened(postgresql_database.url, make_map(joined | {"lookups": [lookup]})) as source:
        assert len(read(source)["events"]) == 3000
        postgresql_database.execute(f"DROP TABLE kinds; {kinds.format(unique='')}, (1, 'two')")
        with (
            pytest.raises(SourceFailedError, match="'events' gave 6000 rows although 3000 were counted"),
            streaming(source) as (_, (events,)),
        ):
            list(events.json_batches() or ())


def test_wide_rows_come_in_small_batches(postgresql_database: PostgresqlDatabase) -> None:
    wide = 200_000
    postgresql_database.execute(TABLE.format(text=f"repeat('x', {wide})", rows=150))
    with opened(postgresql_database.url, MAP) as source, streaming(source) as (_, (events,)):
        batches = events.json_batches()
        assert batches is not None
        sizes = [sum(map(len, texts)) for _, texts in batches]
    assert sum(sizes) == 150 * (wide + len('""'))
    assert max(sizes) <= BATCH_BYTES + wide


def test_sqlite_leaves_them_to_the_writer(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute("CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, text TEXT)")
    with opened(sqlite_database.url, MAP) as source, streaming(source) as (_, (events,)):
        assert events.json_batches() is None
