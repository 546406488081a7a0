"""Whom a limit counts together."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.limits.keys import CountBy, client_key, network_of

ADA = {"address": "192.0.2.7", "principal": "ada"}


def test_by_address_it_does_not_matter_who_asks() -> None:
    assert client_key(CountBy.ADDRESS, **ADA) == client_key(CountBy.ADDRESS, address="192.0.2.7", principal=None)
    assert client_key(CountBy.ADDRESS, **ADA) != client_key(CountBy.ADDRESS, address="192.0.2.8", principal="ada")


def test_by_principal_it_does_not_matter_from_where() -> None:
    assert client_key(CountBy.PRINCIPAL, **ADA) == client_key(CountBy.PRINCIPAL, address="::1", principal="ada")
    assert client_key(CountBy.PRINCIPAL, **ADA) != client_key(CountBy.PRINCIPAL, address="192.0.2.7", principal="bob")


def test_by_both_each_pair_counts_for_itself() -> None:
    keys = [
        client_key(CountBy.BOTH, address=address, principal=principal)
        for address in ("192.0.2.7", "192.0.2.8", None)
        for principal in ("ada", "bob", None)
    ]
    assert len(set(keys)) == 9


def test_the_ways_of_counting_share_no_key() -> None:
    assert len({client_key(by, address="ada", principal="ada") for by in CountBy}) == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        (None, None),
    ],
)
def test_a_subscriber_counts_once(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


@given(host=st.integers(0, 2**64 - 1))
def test_no_address_of_one_slash_64_escapes_it(host: int) -> None:
    address = f"2001:db8::{host >> 48:x}:{host >> 32 & 0xFFFF:x}:{host >> 16 & 0xFFFF:x}:{host & 0xFFFF:x}"
    assert client_key(CountBy.ADDRESS, address=address, principal=None) == client_key(
        CountBy.ADDRESS, address="2001:db8::", principal=None
    )


@given(address=st.text(min_size=1), principal=st.text(min_size=1))
def test_a_key_tells_nobody_whose_it_is(address: str, principal: str) -> None:
    for by in CountBy:
        key = client_key(by, address=address, principal=principal, secret=b"secret")
        assert re.fullmatch("[0-9a-f]{32}", key)
        assert key != client_key(by, address=address, principal=principal, secret=b"other")
