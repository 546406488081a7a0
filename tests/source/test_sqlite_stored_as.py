"""Moments that SQLite keeps as numbers, or as numbers made texts: exact as cells, and as the time a period goes by."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.columns import StoredAs
from customer_export.model.request import Period
from customer_export.source.interface import Source
from customer_maps import column, make_map, section
from databases import CUSTOMERS, SqliteDatabase, opened, read
from readers import canonical_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -62_135_596_800, 253_402_300_799  # seconds of the years 1 to 9999
DECLARED = ("", "INTEGER", "REAL", "TEXT", "DATE")
OTHERS = ("2024-07-01 12:00:00", "2024-07-01T12:00:00.5+02:00", "soon", "", b"\0", None, float("inf"), 2**63 - 1)


@pytest.mark.parametrize(
    ("kind", "stored_as", "declared", "literal", "text"),
    [
        ("timestamp", "epoch_seconds", "INTEGER", "1719835200", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "TEXT", "1719835200", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "REAL", "1719835200.1234567", "2024-07-01T14:00:00.123457+02:00"),
        ("timestamp", "epoch_seconds", "REAL", "-0.5", "1970-01-01T00:59:59.5+01:00"),
        ("timestamp", "epoch_seconds", "INTEGER", "253402300799", "253402300799"),  # in Berlin a year later
        ("timestamp", "epoch_seconds", "INTEGER", "-9223372036854775808", "-9223372036854775808"),
        ("timestamp", "epoch_seconds", "REAL", "-9e999", "-Infinity"),
        ("timestamp", "epoch_seconds", "", "'2024-07-01 12:00'", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "", "'1719835200 '", "1719835200 "),
        ("timestamp", "epoch_milliseconds", "INTEGER", "1719835200120", "2024-07-01T14:00:00.12+02:00"),
        ("timestamp", "epoch_milliseconds", "REAL", "-0.5", "1970-01-01T00:59:59.9995+01:00"),
        ("timestamp", "julian_day", "REAL", "julianday('2024-07-01 12:00:01')", "2024-07-01T14:00:01+02:00"),
        ("timestamp", "julian_day", "REAL", "julianday('1850-01-01 00:00:00.123')", "1850-01-01T00:53:28.123+00:53:28"),
        ("date", "epoch_seconds", "INTEGER", "1719878399", "2024-07-01"),
        ("date", "epoch_milliseconds", "INTEGER", "-1", "1969-12-31"),
        ("date", "julian_day", "REAL", "julianday('2024-07-01')", "2024-07-01"),
        ("date", "epoch_seconds", "", "'2024-07-01'", "2024-07-01"),
        ("date", "epoch_seconds", "INTEGER", "-62135596801", "-62135596801"),
    ],
)
def test_a_number_is_written_as_what_it_counts(
    sqlite_database: SqliteDatabase, *, kind: str, stored_as: str, declared: str, literal: str, text: str
) -> None:
    sqlite_database.execute(
        f"CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, at {declared});"
        f"INSERT INTO events VALUES (1, 1, {literal}), (2, 1, NULL)"
    )
    events = section("events", [column("at", kind, stored_as=stored_as)])
    with opened(sqlite_database.url, make_map(events)) as source:
        assert read(source, time_zone="Europe/Berlin") == {"events": [(text,), (None,)]}


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sqlite3.Connection, Source]]:
    """A table with a column of each declared type, and a section for each and for each way to count."""
    database = SqliteDatabase(Path(tmp_path_factory.mktemp("stored_as")) / "numbers.db")
    columns = ", ".join(f"c{place} {declared}" for place, declared in enumerate(DECLARED))
    database.execute(
        f"{CUSTOMERS} CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, {columns})"
    )
    sections = [
        section(
            f"{kind}_{stored_as}_{place}",
            [column("id", "integer"), column(f"c{place}", kind, stored_as=stored_as)],
            table="events",
            time=f"c{place}",
        )
        for stored_as in StoredAs
        for kind in ("timestamp", "date")
        for place in range(len(DECLARED))
    ]
    with (
        closing(sqlite3.connect(database.path, isolation_level=None)) as connection,
        opened(database.url, make_map(*sections)) as source,
    ):
        connection.execute("PRAGMA synchronous = OFF")
        yield connection, source


def number_for(seconds: Fraction, stored_as: StoredAs) -> int | float:
    match stored_as:
        case StoredAs.EPOCH_SECONDS:
            number = seconds
        case StoredAs.EPOCH_MILLISECONDS:
            number = seconds * 1000
        case StoredAs.JULIAN_DAY:
            number = seconds / 86_400 + Fraction("2440587.5")
    return int(number) if number.denominator == 1 else float(number)


SECONDS = (
    st.integers(FIRST + 86_400, LAST - 2 * 10**10) | st.integers(1_600_000_000, 1_800_000_000) | st.integers(-10, 10)
)
FRACTIONS = st.sampled_from([0, 500_000, 1, 499_999, 999_999, 1000]).map(lambda one: Fraction(one, 1_000_000))


@given(
    seconds=st.lists(st.builds(Fraction.__add__, SECONDS.map(Fraction), FRACTIONS), min_size=1, max_size=12),
    others=st.lists(st.sampled_from(OTHERS), max_size=2),
    stored_as=st.sampled_from(StoredAs),
    place=st.integers(0, len(DECLARED) - 1),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
    data=st.data(),
)
def test_cells_and_periods_go_by_the_same_moments(
    numbers: tuple[sqlite3.Connection, Source],
    *,
    seconds: list[Fraction],
    others: list[object],
    stored_as: StoredAs,
    place: int,
    zone: str,
    data: st.DataObject,
) -> None:
    connection, source = numbers
    values = [*(number_for(one, stored_as) for one in seconds), *others]
    connection.execute("DELETE FROM events")
    connection.executemany(f"INSERT INTO events (id, customer_id, c{place}) VALUES (?, 1, ?)", list(enumerate(values)))
    stamps, days = (f"{kind}_{stored_as}_{place}" for kind in ("timestamp", "date"))
    written = read(source, sections=[stamps, days])
    moments = {number: moment for number, text in written[stamps] if (moment := moment_of(text)) is not None}
    start = data.draw(st.sampled_from([*moments.values(), EPOCH])) + timedelta(
        microseconds=data.draw(st.integers(0, 1))
    )
    end = start + timedelta(seconds=data.draw(st.integers(1, 10**10)))
    period = Period(start=start, end=end)
    inside = read(source, sections=[stamps], period=period)[stamps]
    assert [number for number, _ in inside] == [number for number, at in moments.items() if start <= at < end]
    first, last = (moment.astimezone(ZoneInfo(zone)) for moment in (start, end))
    after = last.date() if last.time() == time.min else last.date() + timedelta(days=1)
    inside = read(source, sections=[days], period=period, time_zone=zone)[days]
    assert [number for number, _ in inside] == [
        number
        for number, day in written[days]
        if day is not None and not day.isdigit() and f"{first.date()}" <= day < f"{after}"
    ]


def moment_of(text: str | None) -> datetime | None:
    moment = None if text is None or len(text) <= 10 or "-" not in text[1:] else datetime.fromisoformat(text)
    assert moment is None or canonical_instant(moment) == text
    return moment


def test_days_that_are_counted_are_days_wherever_the_reader_is(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(
        "CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, born INTEGER, written TEXT);"
        "INSERT INTO events SELECT i, 1, unixepoch('2024-03-29', i || ' days'), date('2024-03-29', i || ' days')"
        " FROM (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3)"
    )
    counted = section("counted", [column("born", "date", stored_as="epoch_seconds")], table="events", time="born")
    as_text = section("as_text", [column("written", "date")], table="events", time="written")
    with opened(sqlite_database.url, make_map(counted, as_text)) as source:
        for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
            start = datetime(2024, 3, 31, tzinfo=ZoneInfo(zone))
            period = Period(start=start, end=start + timedelta(days=1))
            rows = read(source, period=period, time_zone=zone)
            assert rows == {"counted": [("2024-03-31",)], "as_text": [("2024-03-31",)]}, zone


def test_rows_that_tie_are_alike_whatever_their_collation_and_kind(sqlite_database: SqliteDatabase) -> None:
    sqlite_database.execute(
        "CREATE TABLE events (customer_id INTEGER, word TEXT COLLATE NOCASE, number);"
        "INSERT INTO events VALUES (1, 'a', 1), (1, 'A', 1.0), (1, 'a', 1.0), (1, 'A', 1), (1, 'a ', 1)"
    )
    events = section("events", {"word": "text", "number": "text"}, order=["word", "number"])
    with opened(sqlite_database.url, make_map(events)) as source:
        rows = read(source)["events"]
    sqlite_database.execute("CREATE TABLE moved AS SELECT * FROM events ORDER BY rowid DESC; DROP TABLE events;")
    sqlite_database.execute("ALTER TABLE moved RENAME TO events")
    with opened(sqlite_database.url, make_map(events)) as source:
        assert read(source)["events"] == rows
