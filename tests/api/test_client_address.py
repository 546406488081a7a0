"""Where a request comes from, whatever the client says."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.api.client_address import MOST_HOPS, client_address, read_trusted_proxies
from customer_export.errors import ConfigurationError

PROXY = "10.0.0.1"
TRUSTED = read_trusted_proxies("10.0.0.0/8, fd00::/8, 192.0.2.250")


def told(*forwarded_for: str, peer: str | None = PROXY, real_ip: tuple[str, ...] = ()) -> str | None:
    return client_address(peer=peer, forwarded_for=forwarded_for, real_ip=real_ip, trusted=TRUSTED)


def test_without_headers_it_is_the_peer() -> None:
    assert told(peer="203.0.113.9") == "203.0.113.9"
    assert told() == PROXY


def test_who_is_not_trusted_can_claim_nothing() -> None:
    assert told("192.0.2.1", peer="203.0.113.9", real_ip=("192.0.2.2",)) == "203.0.113.9"
    assert client_address(peer=PROXY, forwarded_for=["192.0.2.1"], real_ip=["192.0.2.2"], trusted=()) == PROXY


def test_a_trusted_proxy_says_who_called_it() -> None:
    assert told("203.0.113.9") == "203.0.113.9"


def test_what_a_client_forges_stands_left_of_what_the_proxy_appends() -> None:
    assert told("127.0.0.1, 10.0.0.7, 198.51.100.1, 203.0.113.9") == "203.0.113.9"


def test_trusted_proxies_in_a_row_are_passed_through() -> None:
    assert told("6.6.6.6, 203.0.113.9, 10.9.9.9, 192.0.2.250", peer="fd00::5") == "203.0.113.9"


def test_where_all_are_trusted_it_is_the_first() -> None:
    assert told("10.1.1.1, 10.2.2.2") == "10.1.1.1"


def test_several_lines_are_one_list_in_their_order() -> None:
    assert told("6.6.6.6", "203.0.113.9", "10.2.2.2") == "203.0.113.9"
    assert told("203.0.113.9, 10.2.2.2", "10.3.3.3") == "203.0.113.9"


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("203.0.113.9:51515", "203.0.113.9"),
        ("[2001:db8::9]:443", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("2001:0DB8:0000:0000:0000:0000:0000:0009", "2001:db8::9"),
        ("fe80::9%eth0", "fe80::9"),
        ("[fe80::9%25eth0]:80", "fe80::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("\t 203.0.113.9 \t", "203.0.113.9"),
    ],
)
def test_a_hop_is_read_in_every_form_that_proxies_write(hop: str, address: str) -> None:
    assert told(f"6.6.6.6, {hop}") == address
    assert told(f"6.6.6.6, {hop}, 10.2.2.2") == address


@pytest.mark.parametrize(
    "hop",
    [
        "unknown",
        "_hidden",
        "example.com",
        '"203.0.113.9"',
        "for=203.0.113.9",
        "203.0.113.9:",
        "203.0.113.9:port",
        "203.0.113.9:８０",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.009",
        "203.0.113.9/32",
        "[2001:db8::9",
        "2001:db8::9]",
        "[2001:db8::9]443",
        "[203.0.113.9, 1]",
        "3405803785",
        "203.0.113.9\x00",
        "203.0.113.9;203.0.113.8",
        "-",
    ],
)
def test_a_hop_that_is_no_address_ends_the_search_at_the_proxy_that_wrote_it(hop: str) -> None:
    assert told(f"6.6.6.6, {hop}") == PROXY
    assert told(f"6.6.6.6, {hop}, 10.2.2.2") == "10.2.2.2"
    assert told(f"{hop}, 203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize("line", ["", " ", ",", " , ,", ",,,"])
def test_empty_elements_mean_nothing(line: str) -> None:
    assert told(line) == PROXY
    assert told(f"203.0.113.9,{line}") == "203.0.113.9"
    assert told("203.0.113.9", line) == "203.0.113.9"
    assert told(line, real_ip=("203.0.113.9",)) == "203.0.113.9"


def test_real_ip_counts_only_without_forwarded_for() -> None:
    assert told(real_ip=("203.0.113.9",)) == "203.0.113.9"
    assert told("198.51.100.1", real_ip=("203.0.113.9",)) == "198.51.100.1"


def test_of_two_real_ips_one_is_forged_so_neither_counts() -> None:
    assert told(real_ip=("6.6.6.6", "203.0.113.9")) == PROXY
    assert told(real_ip=("nonsense",)) == PROXY


def test_a_trusted_peer_is_known_in_either_form() -> None:
    assert told("203.0.113.9", peer="::ffff:10.0.0.1") == "203.0.113.9"
    assert told("203.0.113.9", peer="fd00::1%eth0") == "203.0.113.9"


@pytest.mark.parametrize("peer", [None, "", "testclient"])
def test_a_peer_that_is_no_address_is_not_trusted(peer: str | None) -> None:
    assert told("203.0.113.9", peer=peer) == peer


def test_no_more_hops_are_followed_than_a_chain_can_have() -> None:
    chain = ", ".join(f"10.0.{number}.1" for number in range(MOST_HOPS))
    assert told(f"203.0.113.9, {chain}") == "10.0.0.1"
    assert told("203.0.113.9", *chain.split(", ")) == "10.0.0.1"
    assert told(f"203.0.113.9, {chain.partition(', ')[2]}") == "203.0.113.9"


def test_a_very_long_header_costs_little() -> None:
    line = "10.0.0.2," * 1_000_000
    began = time.thread_time()
    assert told(line) == "10.0.0.2"
    assert time.thread_time() - began < 0.1  # following all would take seconds


@given(lines=st.lists(st.text(max_size=60), max_size=4), real_ip=st.lists(st.text(max_size=30), max_size=2))
def test_whatever_is_sent_an_address_comes_out(lines: list[str], real_ip: list[str]) -> None:
    found = client_address(peer=PROXY, forwarded_for=lines, real_ip=real_ip, trusted=TRUSTED)
    assert found is not None
    assert client_address(peer=found, forwarded_for=(), real_ip=(), trusted=()) == found


@given(forged=st.lists(st.text(max_size=40), max_size=5))
def test_no_forgery_gets_past_the_address_that_the_proxy_appends(forged: list[str]) -> None:
    assert told(", ".join([*forged, "203.0.113.9"])) == "203.0.113.9"
    assert told(*forged, "203.0.113.9") == "203.0.113.9"


def test_networks_and_addresses_are_trusted_alike() -> None:
    assert [str(network) for network in TRUSTED] == ["10.0.0.0/8", "fd00::/8", "192.0.2.250/32"]
    assert read_trusted_proxies("") == read_trusted_proxies(" , ") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.1/8", "EXPORT_TRUSTED_PROXIES: '10.0.0.1/8' is no network; did you mean 10.0.0.0/8?"),
        ("10.0.0.0/8 fd00::/8", "EXPORT_TRUSTED_PROXIES: '10.0.0.0/8 fd00::/8' is no network; write networks"),
        ("::1, nginx", "EXPORT_TRUSTED_PROXIES: 'nginx' is no network; write networks"),
        ("10.0.0.0/33", "EXPORT_TRUSTED_PROXIES: '10.0.0.0/33' is no network; write networks"),
        ("*", "EXPORT_TRUSTED_PROXIES: '*' is no network; write networks"),
    ],
)
def test_a_mistake_in_the_setting_is_told_with_the_remedy(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_trusted_proxies(text)
    assert caught.value.message.startswith(message)
