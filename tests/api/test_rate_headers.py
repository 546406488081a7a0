"""What answers say about the rate limit."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.api.rate_headers import rate_headers
from customer_export.model.allowance import Allowance, RateLimit

RATE = RateLimit(name="exports", limit=5, window=timedelta(minutes=1))
TEN = datetime(2024, 1, 1, 10, 0, 0, tzinfo=UTC)


def allowance(
    *, allowed: bool = True, remaining: int = 4, resets_in: timedelta = RATE.window, now: datetime = TEN
) -> Allowance:
    return Allowance(rate=RATE, allowed=allowed, remaining=remaining, resets_in=resets_in, resets_at=now + resets_in)


def test_an_allowed_request_is_told_what_is_left() -> None:
    assert rate_headers(allowance()) == {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "4",
        "X-RateLimit-Reset": "2024-01-01T10:01:00Z",
        "RateLimit-Policy": '"exports";q=5;w=60',
        "RateLimit": '"exports";r=4;t=60',
    }


def test_a_refused_request_is_told_how_long_to_wait() -> None:
    headers = rate_headers(allowance(allowed=False, remaining=0, resets_in=timedelta(seconds=41.5)))
    assert headers["Retry-After"] == "42"
    assert headers["RateLimit"] == '"exports";r=0;t=42'
    assert headers["X-RateLimit-Reset"] == "2024-01-01T10:00:42Z"


def test_an_unused_allowance_has_nothing_to_wait_for() -> None:
    headers = rate_headers(allowance(remaining=5, resets_in=timedelta()))
    assert headers["RateLimit"] == '"exports";r=5'
    assert headers["X-RateLimit-Reset"] == "2024-01-01T10:00:00Z"
    assert "Retry-After" not in headers


@pytest.mark.parametrize(
    ("resets_in", "second"),
    [
        (timedelta(seconds=59, microseconds=999_999), "10:01:00"),
        (timedelta(seconds=60), "10:01:00"),
        (timedelta(seconds=60, microseconds=1), "10:01:01"),
    ],
)
def test_the_reset_is_never_told_too_early(resets_in: timedelta, second: str) -> None:
    assert rate_headers(allowance(resets_in=resets_in))["X-RateLimit-Reset"] == f"2024-01-01T{second}Z"


def test_the_reset_is_in_utc_whatever_the_clock_says() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    told = rate_headers(allowance(now=TEN.astimezone(india)))
    assert told["X-RateLimit-Reset"] == "2024-01-01T10:01:00Z"


def test_a_window_below_a_second_is_told_as_one() -> None:
    rate = RateLimit(name="exports", limit=5, window=timedelta(milliseconds=250))
    told = rate_headers(Allowance(rate=rate, allowed=True, remaining=4, resets_in=rate.window, resets_at=TEN))
    assert told["RateLimit-Policy"] == '"exports";q=5;w=1'


@given(
    micros=st.integers(1, 60_000_000),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_waiting_as_told_is_enough_and_less_than_a_second_too_long(micros: int, now: datetime) -> None:
    resets_in = timedelta(microseconds=micros)
    told = rate_headers(allowance(allowed=False, remaining=0, resets_in=resets_in, now=now))
    assert timedelta() <= timedelta(seconds=int(told["Retry-After"])) - resets_in < timedelta(seconds=1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["X-RateLimit-Reset"])
    late = datetime.fromisoformat(told["X-RateLimit-Reset"]) - (now + resets_in)
    assert timedelta() <= late < timedelta(seconds=1)
