"""Moments that PostgreSQL keeps as numbers: exact as cells by every path, and as the time that a period goes by."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.columns import StoredAs
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile, Period
from customer_export.source.interface import Source
from customer_export.source.postgresql.snapshot import SMALL_ROWS
from customer_export.source.registry import open_source
from customer_maps import column, make_map, section
from databases import CUSTOMERS, PostgresqlDatabase, opened, read, streaming
from readers import canonical_instant, csv_records
from servers import PostgresqlServer, wait_until

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STORED = ("bigint", "numeric", "double precision", "whole")
FIRST, LAST = -62_135_596_800, 253_402_300_799  # seconds of the years 1 to 9999


@pytest.mark.parametrize(
    ("kind", "stored_as", "stored", "literal", "text"),
    [
        ("timestamp", "epoch_seconds", "integer", "1719835200", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "bigint", "0", "1970-01-01T01:00:00+01:00"),
        ("timestamp", "epoch_seconds", "smallint", "-1", "1970-01-01T00:59:59+01:00"),
        ("timestamp", "epoch_seconds", "numeric(20,6)", "1719835200.000001", "2024-07-01T14:00:00.000001+02:00"),
        ("timestamp", "epoch_seconds", "numeric", "-0.5", "1970-01-01T00:59:59.5+01:00"),
        ("timestamp", "epoch_seconds", "double precision", "1719835200.1234567", "2024-07-01T14:00:00.123457+02:00"),
        ("timestamp", "epoch_seconds", "double precision", "1.7198352e9", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "unix", "1719835200", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "bigint", "253402300799", "10000-01-01 00:59:59+01"),
        ("timestamp", "epoch_seconds", "bigint", "253402300800", "253402300800"),
        ("timestamp", "epoch_seconds", "bigint", "9223372036854775807", "9223372036854775807"),
        ("timestamp", "epoch_seconds", "bigint", "-9223372036854775808", "-9223372036854775808"),
        ("timestamp", "epoch_seconds", "numeric", "'NaN'", "NaN"),
        ("timestamp", "epoch_seconds", "numeric", "'-Infinity'", "-Infinity"),
        ("timestamp", "epoch_seconds", "double precision", "'Infinity'", "Infinity"),
        ("timestamp", "epoch_seconds", "bigint", "NULL", None),
        ("timestamp", "epoch_seconds", "text", "'1719835200'", "1719835200"),
        ("timestamp", "epoch_seconds", "timestamptz", "'2024-07-01 12:00Z'", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_milliseconds", "bigint", "1719835200120", "2024-07-01T14:00:00.12+02:00"),
        ("timestamp", "epoch_milliseconds", "bigint", "-1", "1970-01-01T00:59:59.999+01:00"),
        ("timestamp", "epoch_milliseconds", "double precision", "1719835200120.5", "2024-07-01T14:00:00.1205+02:00"),
        ("timestamp", "julian_day", "double precision", "2440587.5", "1970-01-01T01:00:00+01:00"),
        ("timestamp", "julian_day", "integer", "2460493", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "julian_day", "double precision", "2460493.0000115740", "2024-07-01T14:00:01+02:00"),
        ("date", "epoch_seconds", "bigint", "1719878399", "2024-07-01"),
        ("date", "epoch_seconds", "bigint", "1719878400", "2024-07-02"),
        ("date", "epoch_milliseconds", "bigint", "-1", "1969-12-31"),
        ("date", "julian_day", "numeric", "2460492.5", "2024-07-01"),
        ("date", "epoch_seconds", "bigint", "-62135596801", "-62135596801"),
    ],
)
def test_a_number_is_written_as_what_it_counts(
    postgresql_database: PostgresqlDatabase, *, kind: str, stored_as: str, stored: str, literal: str, text: str | None
) -> None:
    postgresql_database.execute(
        f"CREATE DOMAIN unix AS bigint; CREATE TABLE events (id int PRIMARY KEY, customer_id int, at {stored});"
        f"INSERT INTO events SELECT i, 1 + (i > 1)::int, {literal} FROM generate_series(1, {SMALL_ROWS + 2}) i"
    )
    events = section("events", [column("id", "integer"), column("at", kind, stored_as=stored_as)])
    with opened(postgresql_database.url, make_map(events)) as source:
        assert read(source, time_zone="Europe/Berlin") == {"events": [("1", text)]}
        by_copy, by_json = fast_cells(source)
    assert set(by_copy) == {text}
    assert set(by_json) == {text}


def fast_cells(source: Source) -> tuple[list[str | None], list[str | None]]:
    """Read the times of customer 2, who has too many for the plain path, as CSV records and as JSON texts."""
    layout = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=None, places=(0, 1))
    with streaming(source, "2", time_zone="Europe/Berlin") as (_, (events,)):
        records = events.csv_records(layout)
        assert records is not None
        by_copy = [at for _, at in csv_records(b"".join(one.text for one in records))]
    with streaming(source, "2", time_zone="Europe/Berlin") as (_, (events,)):
        batches = events.json_batches()
        assert batches is not None
        by_json = [json.loads(at) for _, ats in batches for at in ats]
    return by_copy, by_json


@pytest.fixture(scope="module")
def numbers(postgresql: PostgresqlServer) -> Iterator[tuple[PostgresqlDatabase, dict[tuple[str, str], Source]]]:
    """A table for numbers of each stored type, and a source for each way to read them."""
    columns = ", ".join(f"c{place} {stored}" for place, stored in enumerate(STORED))
    postgresql.create_database(
        "stored_as",
        f"{CUSTOMERS} CREATE DOMAIN whole AS numeric(20,0);"
        f"CREATE TABLE events (id serial PRIMARY KEY, customer_id int, {columns})",
    )
    database = PostgresqlDatabase(postgresql, "stored_as")
    sources: dict[tuple[str, str], Source] = {}
    for stored_as in StoredAs:
        for place, stored in enumerate(STORED):
            at = column(f"c{place}", "timestamp", stored_as=stored_as)
            events = section("events", [column("id", "integer"), at], time=f"c{place}")
            sources[stored_as, stored] = database_source(database, events)
    yield database, sources
    for source in sources.values():
        source.close()


def database_source(database: PostgresqlDatabase, events: dict[str, object]) -> Source:
    return open_source(database.url, make_map(events), connections=1)


def moment_of(number: Fraction, stored_as: StoredAs) -> datetime | None:
    """Say by whole microseconds, or milliseconds, what a number stands for."""
    half = Fraction(1, 2)
    match stored_as:
        case StoredAs.EPOCH_SECONDS:
            microseconds = (number * 1_000_000 + half).__floor__()
        case StoredAs.EPOCH_MILLISECONDS:
            microseconds = (number * 1_000 + half).__floor__()
        case StoredAs.JULIAN_DAY:
            microseconds = ((number - Fraction("2440587.5")) * 86_400_000 + half).__floor__() * 1_000
    seconds, rest = divmod(microseconds, 1_000_000)
    return EPOCH + timedelta(seconds=seconds, microseconds=rest) if FIRST <= seconds <= LAST else None


def number_for(seconds: Fraction, stored_as: StoredAs) -> Fraction:
    match stored_as:
        case StoredAs.EPOCH_SECONDS:
            return seconds
        case StoredAs.EPOCH_MILLISECONDS:
            return seconds * 1000
        case StoredAs.JULIAN_DAY:
            return seconds / 86_400 + Fraction("2440587.5")


SECONDS = st.integers(FIRST - 100, LAST + 100) | st.integers(1_600_000_000, 1_800_000_000) | st.integers(-10, 10)
FRACTIONS = st.sampled_from([0, 500_000, 1, 499_999, 999_999, 1000]).map(lambda one: Fraction(one, 1_000_000))


@given(
    st.lists(st.builds(Fraction.__add__, SECONDS.map(Fraction), FRACTIONS), min_size=1, max_size=12),
    st.sampled_from(StoredAs),
    st.sampled_from(STORED),
    st.data(),
)
def test_cells_and_periods_go_by_the_same_moments(
    numbers: tuple[PostgresqlDatabase, dict[tuple[str, str], Source]],
    seconds: list[Fraction],
    stored_as: StoredAs,
    stored: str,
    data: st.DataObject,
) -> None:
    database, sources = numbers
    place = STORED.index(stored)
    stored_numbers = [stored_number(number_for(one, stored_as), stored) for one in seconds]
    values = ", ".join(f"({number}, 1, {text})" for number, (text, _) in enumerate(stored_numbers))
    database.execute(f"TRUNCATE events; INSERT INTO events (id, customer_id, c{place}) VALUES {values}")
    moments = [moment_of(exact, stored_as) for _, exact in stored_numbers]
    source = sources[stored_as, stored]
    for (number, text), moment in zip(read(source)["events"], moments, strict=True):
        assert text == (canonical_instant(moment) if moment else stored_text(stored_numbers[int(str(number))]))
    known = [moment for moment in moments if moment is not None and moment.year < 9999] or [EPOCH]
    start = data.draw(st.sampled_from(known)) + timedelta(microseconds=data.draw(st.integers(0, 1)))
    inside = read(source, period=Period(start=start))["events"]
    last = [number for number, (_, exact) in enumerate(stored_numbers) if exact > number_for(Fraction(LAST), stored_as)]
    assert [int(str(number)) for number, _ in inside] == [
        number for number, moment in enumerate(moments) if (moment >= start if moment is not None else number in last)
    ]


def stored_number(number: Fraction, stored: str) -> tuple[str, Fraction]:
    """Write a number as a column of that type keeps it, and give what it keeps."""
    match stored:
        case "bigint" | "whole":
            return str(round(number)), Fraction(round(number))
        case "double precision":
            return f"{float(number)!r}::float8", Fraction(Decimal(repr(float(number))))
        case _:
            decimal = Decimal(round(number * 10**9)).scaleb(-9)
            return f"{decimal:f}", Fraction(decimal)


def stored_text(stored: tuple[str, Fraction]) -> str:
    return f"{Decimal(stored[0].partition('::')[0]):f}".removesuffix(".0")


@pytest.mark.parametrize("stored", ["bigint", "numeric", "double precision"])
def test_an_index_on_the_number_serves(postgresql_database: PostgresqlDatabase, stored: str) -> None:
    postgresql_database.execute(
        f"CREATE TABLE events (id int PRIMARY KEY, customer_id int, at {stored});"
        "INSERT INTO events SELECT i, 1, 1704067200 + i * 3600 FROM generate_series(0, 1999) i;"
        "CREATE INDEX ON events (at); ANALYZE events"
    )
    events = section("events", [column("at", "timestamp", stored_as="epoch_seconds")], time="at")
    day = Period(start=datetime(2024, 2, 1, tzinfo=UTC), end=datetime(2024, 2, 2, tzinfo=UTC))
    with opened(postgresql_database.url, make_map(events)) as source:
        assert len(read(source, period=day)["events"]) == 24
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = 'events_at_idx'::regclass"
    wait_until(lambda: postgresql_database.one(scans) == 2, what="one scan to count and one to read")


def test_days_that_are_counted_are_days_wherever_the_reader_is(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(
        "CREATE TABLE events (id int PRIMARY KEY, customer_id int, born bigint);"
        "INSERT INTO events SELECT i, 1, (date '2024-03-29' + i - date '1970-01-01') * 86400"
        " FROM generate_series(0, 3) i"
    )
    events = section("events", [column("born", "date", stored_as="epoch_seconds")], time="born")
    with opened(postgresql_database.url, make_map(events)) as source:
        for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
            assert len(read(source, time_zone=zone)["events"]) == 4
            start = datetime(2024, 3, 31, tzinfo=ZoneInfo(zone))
            period = Period(start=start, end=start + timedelta(days=1))
            assert read(source, period=period, time_zone=zone)["events"] == [("2024-03-31",)], zone
