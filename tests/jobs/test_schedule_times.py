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
    ],
)
def test_what_is_wrong_with_the_fields_is_said(cron: str, mistake: str) -> None:
    with pytest.raises(InvalidRequestError, match=mistake):
        read_cron(cron)
