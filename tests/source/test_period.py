"""`from` and `to` keep exactly the rows of a half-open interval, whatever kind of time column says when."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from customer_export.model.request import Period
from customer_maps import column, make_map, section
from databases import Database, MariadbDatabase, PostgresqlDatabase, SqliteDatabase, opened, read
from servers import wait_until

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
SHORT_DAY, LONG_DAY = date(2024, 3, 31), date(2024, 10, 27)  # of 23 and 25 hours in Berlin
HOURS = [
    datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)
    for day in (SHORT_DAY, LONG_DAY)
    for hour in range(-30, 54)
]
DAYS = ["'2024-03-29'", "'2024-03-30'", "'2024-03-31'", "'2024-04-01'"]
STORED_TIMES = [
    ("sqlite", "TEXT", lambda moment: f"'{moment:%Y-%m-%dT%H:%M:%S+00:00}'"),
    ("sqlite", "TEXT", lambda moment: f"'{moment:%Y-%m-%dT%H:%M:%S.000Z}'"),
    ("sqlite", "TEXT", lambda moment: f"'{moment.astimezone(NEW_YORK).isoformat(' ')}'"),
    ("sqlite", "DATETIME", lambda moment: f"'{moment.astimezone(BERLIN).isoformat()}'"),
    ("sqlite", "TIMESTAMP", lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"),
    ("postgresql", "timestamptz", lambda moment: f"'{moment:%Y-%m-%d %H:%M:%SZ}'"),
    ("postgresql", "timestamp", lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"),
    ("postgresql", "moment", lambda moment: f"'{moment:%Y-%m-%d %H:%M:%SZ}'"),
    ("mariadb", "timestamp", lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"),
    ("mariadb", "datetime", lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"),
    ("mariadb", "datetime(3)", lambda moment: f"'{moment:%Y-%m-%d %H:%M:%S}'"),
]


def local_day(day: date, zone: ZoneInfo) -> Period:
    """Make the period that a request from=day, to=the next day stands for."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    return Period(start=start, end=start + timedelta(days=1))


def aware(database: Database) -> str:
    """Name a kind of column that holds moments."""
    if isinstance(database, PostgresqlDatabase):
        return "timestamptz"
    return "timestamp(6) NULL" if isinstance(database, MariadbDatabase) else "TEXT"


def naive(database: Database) -> str:
    """Name a kind of column that holds time stamps without a zone."""
    if isinstance(database, PostgresqlDatabase):
        return "timestamp"
    return "datetime(6)" if isinstance(database, MariadbDatabase) else "TEXT"


def store(database: Database, kind: str, literals: list[str]) -> None:
    if isinstance(database, PostgresqlDatabase):
        database.execute("CREATE DOMAIN moment AS timestamptz")
    values = ", ".join(f"({number}, 1, {literal})" for number, literal in enumerate(literals))
    database.execute(
        f"CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, happened {kind});"
        f"INSERT INTO events VALUES {values}"
    )


def read_ids(
    database: Database, period: Period, *, zone: str = "UTC", naive_zone: str = "UTC", kind: str = "timestamp"
) -> list[int]:
    events = section("events", [column("id", "integer"), column("happened", kind)], time="happened")
    with opened(database.url, make_map(events, time_zone=naive_zone)) as source:
        return [int(str(row[0])) for row in read(source, period=period, time_zone=zone)["events"]]


@pytest.mark.parametrize(("product", "kind", "literal"), STORED_TIMES)
def test_a_local_day_has_its_hours_also_when_the_clocks_change(
    request: pytest.FixtureRequest, product: str, kind: str, literal: object
) -> None:
    database = request.getfixturevalue(f"{product}_database")
    store(database, kind, [literal(moment) for moment in HOURS])  # type: ignore[operator]
    for day, hours in ((SHORT_DAY, 23), (LONG_DAY, 25)):
        period = local_day(day, BERLIN)
        expected = [number for number, moment in enumerate(HOURS) if moment.astimezone(BERLIN).date() == day]
        assert len(expected) == hours
        assert read_ids(database, period, zone="Europe/Berlin") == expected
    assert read_ids(database, Period(start=HOURS[10])) == list(range(10, len(HOURS)))
    assert read_ids(database, Period(end=HOURS[10])) == list(range(10))
    assert read_ids(database, Period()) == list(range(len(HOURS)))


def test_stamps_without_a_zone_are_of_the_maps_zone(database: Database) -> None:
    literals = [f"'2024-{month}-15 {hour}:00:00'" for month in ("01", "07") for hour in ("08", "09", "10")]
    store(database, naive(database), literals)
    for month, hours in ((1, 5), (7, 4)):  # 09:00 in New York is 14:00 UTC in winter and 13:00 in summer
        nine = datetime(2024, month, 15, 9 + hours, tzinfo=UTC)
        period = Period(start=nine, end=nine + timedelta(hours=1))
        assert read_ids(database, period, naive_zone="America/New_York") == [1 if month == 1 else 4]


@pytest.mark.parametrize("zone", ["CET", "MET", "EET", "WET"])
def test_the_maps_zone_has_its_summer_time_even_if_it_is_spelled_like_an_abbreviation(
    database: Database, zone: str
) -> None:
    store(database, naive(database), ["'2024-01-15 12:00:00'", "'2024-07-15 12:00:00'"])
    events = section("events", [column("happened", "timestamp")], time="happened")
    with opened(database.url, make_map(events, time_zone=zone)) as source:
        winter, summer = (row[0] for row in read(source)["events"])
        ends = [datetime(2024, month, 15, 12, tzinfo=ZoneInfo(zone)) for month in (1, 7)]
        assert [winter, summer] == [end.astimezone(UTC).isoformat() for end in ends]
        just_before = Period(start=ends[0], end=ends[1])
        assert len(read(source, period=just_before)["events"]) == 1


def test_the_ends_of_the_period_are_exact_to_the_microsecond(database: Database) -> None:
    stamps = ["11:59:59.999999", "12:00:00", "12:00:00.000001", "12:00:00.5", "12:00:00.999999", "12:00:01"]
    store(database, aware(database), [f"'2024-07-01T{stamp}+00:00'" for stamp in stamps])
    noon = datetime(2024, 7, 1, 12, tzinfo=UTC)
    assert read_ids(database, Period(start=noon, end=noon + timedelta(seconds=1))) == [1, 2, 3, 4]
    assert read_ids(database, Period(start=noon + timedelta(microseconds=1))) == [2, 3, 4, 5]
    assert read_ids(database, Period(end=noon + timedelta(microseconds=999_999))) == [0, 1, 2, 3]


def test_dates_are_days_of_the_exports_zone(database: Database) -> None:
    store(database, "DATE", DAYS)
    start = datetime(2024, 3, 31, tzinfo=BERLIN)
    noon = start + timedelta(hours=12)
    for period, expected in (
        (local_day(SHORT_DAY, BERLIN), [2]),
        (Period(start=start, end=noon), [2]),  # a day that the end falls into still belongs to it
        (Period(start=noon), [2, 3]),
    ):
        assert read_ids(database, period, zone="Europe/Berlin", kind="date") == expected


def test_days_among_the_moments_of_sqlite_begin_at_midnight_in_the_maps_zone(sqlite_database: SqliteDatabase) -> None:
    store(sqlite_database, "TEXT", DAYS)
    period = local_day(SHORT_DAY, BERLIN)
    assert read_ids(sqlite_database, period, naive_zone="Europe/Berlin") == [2]


@pytest.mark.parametrize("declared", ["TEXT", "DATE", ""])
def test_days_of_sqlite_are_those_of_the_reader_however_they_are_declared(
    sqlite_database: SqliteDatabase, declared: str
) -> None:
    store(sqlite_database, declared, DAYS)
    for zone in (BERLIN, NEW_YORK):
        period = local_day(SHORT_DAY, zone)
        assert read_ids(sqlite_database, period, zone=zone.key, naive_zone="Asia/Tokyo", kind="date") == [2]


def test_rows_without_a_time_are_in_no_period_but_in_the_whole(database: Database) -> None:
    store(database, aware(database), ["NULL", "'2024-07-01T12:00:00+00:00'"])
    assert read_ids(database, Period(start=datetime(1900, 1, 1, tzinfo=UTC))) == [1]
    assert read_ids(database, Period()) == [0, 1]


def test_infinity_is_before_or_after_every_period(postgresql_database: PostgresqlDatabase) -> None:
    store(postgresql_database, "timestamptz", ["'-infinity'", "'2024-07-01Z'", "'infinity'"])
    assert read_ids(postgresql_database, Period(start=datetime(2024, 1, 1, tzinfo=UTC))) == [1, 2]
    assert read_ids(postgresql_database, Period(end=datetime(2025, 1, 1, tzinfo=UTC))) == [0, 1]


def test_the_period_may_look_at_another_table_and_leaves_other_sections_whole(database: Database) -> None:
    store(database, aware(database), ["'2024-01-01T00:00:00+00:00'", "'2024-07-01T00:00:00+00:00'"])
    database.execute(
        "CREATE TABLE details (id INTEGER NOT NULL PRIMARY KEY, event_id INTEGER, customer_id INTEGER);"
        "INSERT INTO details VALUES (1, 0, 1), (2, 1, 1), (3, NULL, 1), (4, 1, 2)"
    )
    lookup = {"name": "event", "columns": "event_id", "table": "events", "to": "id"}
    timed = section("details", {"id": "integer"}, time="event.happened", lookups=[lookup])
    untimed = section("always", {"id": "integer"}, table="details")
    period = Period(start=datetime(2024, 5, 1, tzinfo=UTC))
    with opened(database.url, make_map(timed, untimed)) as source:
        rows = read(source, period=period)
    assert rows == {"details": [("2",)], "always": [("1",), ("2",), ("3",)]}


def test_an_index_on_the_time_serves(postgresql_database: PostgresqlDatabase) -> None:
    literals = [f"'2024-01-01Z'::timestamptz + interval '{hour} hours'" for hour in range(2000)]
    store(postgresql_database, "timestamptz", literals)
    postgresql_database.execute("CREATE INDEX ON events (happened); ANALYZE events")
    period = Period(start=datetime(2024, 2, 1, tzinfo=UTC), end=datetime(2024, 2, 2, tzinfo=UTC))
    assert len(read_ids(postgresql_database, period)) == 24
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = 'events_happened_idx'::regclass"
    wait_until(lambda: postgresql_database.one(scans) == 2, what="one scan to count and one to read")
