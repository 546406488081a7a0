"""When a schedule runs, also on the nights when clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from customer_export.errors import InvalidRequestError
from customer_export.jobs.schedules.times import moment_before, next_moment, next_moments, read_cron

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def moments(cron: str, zone: str, after: str, count: int) -> list[str]:
    start = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    return [moment.isoformat() for moment in next_moments(cron, zone, after=start, count=count)]


def test_a_time_that_does_not_exist_is_the_first_moment_after_it() -> None:
    assert moments("30 2 * * *", BERLIN, "2026-03-28T12:00", 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]
    assert moments("30 2 * * *", NEW_YORK, "2026-03-07T12:00", 2) == [
        "2026-03-08T03:00:00-04:00",
        "2026-03-09T02:30:00-04:00",
    ]


def test_a_time_that_comes_twice_is_the_first_of_them() -> None:
    assert moments("30 2 * * *", BERLIN, "2026-10-24T12:00", 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]
    assert moments("30 1 * * *", NEW_YORK, "2026-10-31T12:00", 2) == [
        "2026-11-01T01:30:00-04:00",
        "2026-11-02T01:30:00-05:00",
    ]


def test_what_runs_every_half_hour_does_so_all_night() -> None:
    for night in (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)):
        found = [moment.astimezone(UTC) for moment in next_moments("*/30 * * * *", BERLIN, after=night, count=10)]
        assert found == [night + timedelta(minutes=30 * number) for number in range(1, 11)]


def test_in_the_second_of_two_like_hours_the_first_has_passed() -> None:
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert [moment.isoformat() for moment in next_moments("45 2 * * *", BERLIN, after=second, count=2)] == [
        "2026-10-26T02:45:00+01:00",
        "2026-10-27T02:45:00+01:00",
    ]


def test_times_with_a_star_come_as_often_as_the_clock_shows_them() -> None:
    autumn, spring = datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 3, 28, 12, tzinfo=UTC)
    found = [moment.isoformat() for moment in next_moments("*/30 2 * * *", BERLIN, after=autumn, count=5)]
    assert found == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-26T02:00:00+01:00",
    ]
    first = next_moment("*/30 2 * * *", BERLIN, after=spring)
    assert first is not None
    assert first.isoformat() == "2026-03-30T02:00:00+02:00"


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("cron", ["45 2 * * *", "0,30 0-3 * * *", "*/20 * * * *", "15 */2 * * *", "0 0 * * *"])
def test_every_next_moment_is_later_than_now_whenever_that_is(cron: str, zone: str) -> None:
    for night in (datetime(2026, month, day, tzinfo=UTC) for month in (3, 4, 10, 11) for day in range(1, 31)):
        for late in range(0, 1440, 175):
            now = night + timedelta(minutes=late)
            following = next_moment(cron, zone, after=now)
            assert following is not None
            assert following.astimezone(UTC) > now


def test_the_moment_before_is_what_comes_before() -> None:
    due = next_moment("0 6 * * MON", BERLIN, after=datetime(2026, 10, 24, tzinfo=UTC))
    assert due is not None
    assert due.isoformat() == "2026-10-26T06:00:00+01:00"
    assert moment_before("0 6 * * MON", BERLIN, before=due).isoformat() == "2026-10-19T06:00:00+02:00"


def test_spaces_are_evened_out() -> None:
    assert read_cron("  0  6 *\t* MON-FRI ") == "0 6 * * MON-FRI"


@pytest.mark.parametrize(
    ("cron", "mistake"),
    [
        ("", "has 0 fields"),
        ("@daily", "has 1 fields"),
        ("* * * * * *", "has 6 fields"),
        ("61 * * * *", "bad minute"),
        ("0 0 31 2 *", "day"),
        ("0 25 * * *", "bad hour"),
        ("9" * 5000 + " * * * *", "longer than 200"),
    ],
)
def test_what_is_wrong_with_the_fields_is_said(cron: str, mistake: str) -> None:
    with pytest.raises(InvalidRequestError, match=mistake):
        read_cron(cron)
