"""Numbers of MariaDB that count something: moments since an epoch, and minor units of money."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.model.request import Period
from customer_maps import column, make_map, section
from databases import MariadbDatabase, opened, read, read_once
from readers import canonical_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "stored_as", "stored", "literal", "text"),
    [
        ("timestamp", "epoch_seconds", "int", "1719835200", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "int unsigned", "4294967295", "2106-02-07T07:28:15+01:00"),
        ("timestamp", "epoch_seconds", "bigint", "0", "1970-01-01T01:00:00+01:00"),
        ("timestamp", "epoch_seconds", "smallint", "-1", "1970-01-01T00:59:59+01:00"),
        ("timestamp", "epoch_seconds", "int(12) zerofill", "1719835200", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "decimal(20,6)", "1719835200.000001", "2024-07-01T14:00:00.000001+02:00"),
        ("timestamp", "epoch_seconds", "decimal(20,7)", "-0.5", "1970-01-01T00:59:59.5+01:00"),
        ("timestamp", "epoch_seconds", "double", "1719835200.1234567", "2024-07-01T14:00:00.123457+02:00"),
        ("timestamp", "epoch_seconds", "double", "1.7198352e9", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_seconds", "float", "1024", "1970-01-01T01:17:04+01:00"),
        ("timestamp", "epoch_seconds", "bigint", "253402300800", "253402300800"),
        ("timestamp", "epoch_seconds", "bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("timestamp", "epoch_seconds", "bigint", "NULL", None),
        ("timestamp", "epoch_seconds", "varchar(20)", "'1719835200'", "1719835200"),
        ("timestamp", "epoch_seconds", "datetime", "'2024-07-01 12:00'", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "epoch_milliseconds", "bigint", "1719835200120", "2024-07-01T14:00:00.12+02:00"),
        ("timestamp", "epoch_milliseconds", "bigint", "-1", "1970-01-01T00:59:59.999+01:00"),
        ("timestamp", "epoch_milliseconds", "double", "1719835200120.5", "2024-07-01T14:00:00.1205+02:00"),
        ("timestamp", "julian_day", "double", "2440587.5", "1970-01-01T01:00:00+01:00"),
        ("timestamp", "julian_day", "int", "2460493", "2024-07-01T14:00:00+02:00"),
        ("timestamp", "julian_day", "double", "2460493.0000115740", "2024-07-01T14:00:01+02:00"),
        ("date", "epoch_seconds", "bigint", "1719878399", "2024-07-01"),
        ("date", "epoch_seconds", "bigint", "1719878400", "2024-07-02"),
        ("date", "julian_day", "decimal(9,2)", "2460492.5", "2024-07-01"),
    ],
)
def test_a_number_is_written_as_what_it_counts(
    mariadb_database: MariadbDatabase, *, kind: str, stored_as: str, stored: str, literal: str, text: str | None
) -> None:
    mariadb_database.execute(
        f"CREATE TABLE events (id INTEGER PRIMARY KEY, customer_id INTEGER, at {stored});"
        f"INSERT INTO events VALUES (1, 1, {literal})"
    )
    events = section("events", [column("at", kind, stored_as=stored_as)])
    with opened(mariadb_database.url, make_map(events)) as source:
        assert read(source, time_zone="Europe/Berlin") == {"events": [(text,)]}


SECONDS = st.integers(-62_135_596_800, 253_402_300_799) | st.integers(1_600_000_000, 1_800_000_000)
COUNTS = {
    "int_s BIGINT": ("epoch_seconds", lambda moment: (moment - EPOCH) // timedelta(seconds=1)),
    "int_ms BIGINT": ("epoch_milliseconds", lambda moment: (moment - EPOCH) // timedelta(milliseconds=1)),
    "exact_s DECIMAL(20,6)": ("epoch_seconds", lambda moment: f"{(moment - EPOCH) // timedelta(microseconds=1)}e-6"),
    "double_ms DOUBLE": ("epoch_milliseconds", lambda moment: (moment - EPOCH) // timedelta(milliseconds=1)),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SECONDS, min_size=1, max_size=12), st.data())
def test_a_period_goes_by_the_moments_that_are_written(
    mariadb_database: MariadbDatabase, seconds: list[int], data: st.DataObject
) -> None:
    moments = [EPOCH + timedelta(seconds=one) for one in seconds]
    rows = [
        f"({number}, 1, {', '.join(str(count(moment)) for _, count in COUNTS.values())})"
        for number, moment in enumerate(moments)
    ]
    mariadb_database.execute(
        f"CREATE OR REPLACE TABLE events (id INTEGER PRIMARY KEY, customer_id INTEGER, {', '.join(COUNTS)});"
        f"INSERT INTO events VALUES {', '.join(rows)}"
    )
    names = {declared.partition(" ")[0]: stored_as for declared, (stored_as, _) in COUNTS.items()}
    sections = [
        section(name, [column("at", "timestamp", source=[name], stored_as=kind)], table="events", time=[name])
        for name, kind in names.items()
    ]
    start = data.draw(st.sampled_from(moments))
    after = data.draw(st.booleans())
    period = Period(start=start + timedelta(microseconds=1)) if after and start.year < 9999 else Period(start=start)
    assert period.start is not None
    inside = [canonical_instant(moment) for moment in moments if moment >= period.start]
    with opened(mariadb_database.url, make_map(*sections)) as source:
        for name, rows_of_section in read(source, period=period).items():
            assert [row[0] for row in rows_of_section] == inside, name


def test_an_index_on_the_time_serves(mariadb_database: MariadbDatabase) -> None:
    database = mariadb_database
    kinds = {"moment": "TIMESTAMP NULL", "naive": "DATETIME", "day": "DATE", "count": "BIGINT", "real": "DOUBLE"}
    declared = ", ".join(f'"{name}" {kind}, KEY ("{name}")' for name, kind in kinds.items())
    hours = "FROM_UNIXTIME(1704067200 + i * 3600)"
    database.execute(
        f"""CREATE TABLE events (id INTEGER PRIMARY KEY, customer_id INTEGER, {declared});
        INSERT INTO events WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
        SELECT i, 1, {hours}, {hours}, DATE({hours}), 1704067200 + i * 3600, 1704067200 + i * 3600 FROM n;
        ANALYZE TABLE events"""
    )
    day = Period(start=datetime(2024, 2, 1, tzinfo=UTC), end=datetime(2024, 2, 2, tzinfo=UTC))
    for name in kinds:
        counted = {"stored_as": "epoch_seconds"} if name in ("count", "real") else {}
        at = column("at", "date" if name == "day" else "timestamp", source=[name], **counted)
        with opened(database.url, make_map(section("events", [at], time=[name]))) as source:
            source.check()
            database.server.execute("mysql", "SET GLOBAL userstat = 1; FLUSH TABLE_STATISTICS")
            assert len(read(source, period=day)["events"]) == 24
        query = (
            f"SELECT rows_read FROM table_statistics WHERE table_schema = '{database.name}' AND table_name = 'events'"
        )
        ((rows_read,),) = database.server.execute("information_schema", query)
        assert int(str(rows_read)) < 100, name


def test_days_that_are_counted_are_days_wherever_the_reader_is(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, customer_id INTEGER, born BIGINT);"
        "INSERT INTO events SELECT id, 1, UNIX_TIMESTAMP('2024-03-29') + id * 86400 FROM customers"
    )
    events = section("events", [column("born", "date", stored_as="epoch_seconds")], time="born")
    with opened(mariadb_database.url, make_map(events)) as source:
        for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
            start = datetime(2024, 3, 31, tzinfo=ZoneInfo(zone))
            period = Period(start=start, end=start + timedelta(days=1))
            assert read(source, period=period, time_zone=zone)["events"] == [("2024-03-31",)], zone


@pytest.mark.parametrize(
    ("stored", "literal", "text"),
    [
        ("double", "57", "0.57"),
        ("double", "-1e15", "-10000000000000.00"),
        ("float", "1013", "10.13"),
        ("double", "10.5", "10.5"),
        ("decimal(12,0)", "1998", "19.98"),
        ("bigint unsigned", "18446744073709551615", "184467440737095516.15"),
        ("int(6) zerofill", "5", "0.05"),
        ("double", "NULL", None),
    ],
)
def test_hundredths_are_exact_whatever_counts_them(
    mariadb_database: MariadbDatabase, stored: str, literal: str, text: str | None
) -> None:
    mariadb_database.execute(
        f"CREATE TABLE sums (id INTEGER PRIMARY KEY, customer_id INTEGER, paid {stored});"
        f"INSERT INTO sums VALUES (1, 1, {literal})"
    )
    paid = column("paid", "money", currency_code="EUR", counted_in="hundredths")
    assert read_once(mariadb_database.url, make_map(section("sums", [paid]))) == {"sums": [(text,)]}
