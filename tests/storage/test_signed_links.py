"""Links of our own: bound, expiring, revocable."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.storage.links import LinkedFile, is_good_link, make_link_token

KEY = bytes(range(32))
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
FILE = LinkedFile(name="jobs/1/all.csv", sha256="0" * 64, generation=3)
TOKEN = make_link_token(FILE, key=KEY, expires_at=NOW + timedelta(minutes=5))


def test_a_link_is_good_until_it_expires() -> None:
    assert is_good_link(TOKEN, FILE, key=KEY, now=NOW)
    assert is_good_link(TOKEN, FILE, key=KEY, now=NOW + timedelta(minutes=5, microseconds=-1))
    assert not is_good_link(TOKEN, FILE, key=KEY, now=NOW + timedelta(minutes=5))


def test_the_clock_may_be_of_any_zone() -> None:
    there = timezone(timedelta(hours=9))
    assert is_good_link(TOKEN, FILE, key=KEY, now=NOW.astimezone(there))
    assert make_link_token(FILE, key=KEY, expires_at=(NOW + timedelta(minutes=5)).astimezone(there)) == TOKEN


@pytest.mark.parametrize("change", [{"name": "jobs/2/all.csv"}, {"sha256": "1" * 64}, {"generation": 4}])
def test_it_is_good_for_nothing_else(change: dict[str, str]) -> None:
    assert not is_good_link(TOKEN, replace(FILE, **change), key=KEY, now=NOW)


def test_another_key_makes_other_links() -> None:
    assert not is_good_link(TOKEN, FILE, key=KEY[::-1], now=NOW)


@given(at=st.integers(0, len(TOKEN) - 1), put=st.sampled_from("0123456789abcXYZ-_. \n٣"))
def test_no_changed_token_is_good(at: int, put: str) -> None:
    changed = TOKEN[:at] + put + TOKEN[at + 1 :]
    assert is_good_link(changed, FILE, key=KEY, now=NOW) == (changed == TOKEN)


@given(token=st.text(max_size=80))
def test_any_text_can_be_looked_at(token: str) -> None:
    assert not is_good_link(token, FILE, key=KEY, now=NOW)
