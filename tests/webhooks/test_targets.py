"""Where messages may be sent, by addresses of every kind."""

import pytest

from customer_export.errors import ConfigurationError
from customer_export.webhooks.targets import TargetRefusedError, pinned_address, read_networks, read_target

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
NOT_PUBLIC = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "::7f00:1", "::ffff:0:7f00:1", "fec0::1", "4000::1", "5f00::1",
    "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
]  # fmt: skip


def pinned(url: str, *addresses: str, allowed: str = "") -> str:
    networks = read_networks(allowed, variable="WEBHOOK_ALLOWED_NETWORKS")
    return pinned_address(read_target(url), allowed=networks, resolve=lambda _host, _port: list(addresses))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_held_to(address: str) -> None:
    assert pinned("https://shop.example/hook", address) == address


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused_alone_and_behind_a_public_one(address: str) -> None:
    for addresses in ((address,), (PUBLIC[0], address)):
        with pytest.raises(TargetRefusedError, match="not public"):
            pinned("https://shop.example/hook", *addresses)


def test_a_network_that_is_allowed_may_be_met_without_tls_and_others_may_not() -> None:
    assert pinned("http://inner.example/hook", "10.1.2.3", allowed="10.1.0.0/16, fd00::/8") == "10.1.2.3"
    with pytest.raises(TargetRefusedError, match="not public"):
        pinned("http://inner.example/hook", "10.2.2.3", allowed="10.1.0.0/16")
    with pytest.raises(TargetRefusedError, match="not encrypted"):
        pinned("http://shop.example/hook", PUBLIC[0], allowed="10.1.0.0/16")


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(TargetRefusedError, match="no address"):
        pinned("https://shop.example/hook")
    with pytest.raises(TargetRefusedError, match="cannot be looked up"):
        pinned_address(read_target("https://nobody.invalid/"), allowed=())


@pytest.mark.parametrize(
    ("url", "mistake"),
    [
        ("ftp://shop.example/", "neither https"),
        ("shop.example/hook", "neither https"),
        ("https:///hook", "neither https"),
        ("https://user:word@shop.example/", "user or password"),
        ("https://shop.example/#a", "fragment"),
        ("https://shop.example:port/", "can be read"),
        ("https://[::1/", "can be read"),
        ("https://shöp.example/", "ASCII"),
        ("https://shop.example/a b", "ASCII"),
        ("https://shop.example/a\r\nx: y", "ASCII"),
        (f"https://shop.example/{'a' * 2000}", "2000 characters"),
    ],
)
def test_what_is_no_target_is_said(url: str, mistake: str) -> None:
    with pytest.raises(TargetRefusedError, match=mistake):
        read_target(url)


def test_a_target_is_taken_apart() -> None:
    target = read_target("https://Shop.example:8443/hook/a?b=c")
    assert (target.scheme, target.host, target.port, target.path) == ("https", "shop.example", 8443, "/hook/a?b=c")
    assert read_target("http://10.0.0.1").path == "/"


def test_a_wrong_network_names_its_variable() -> None:
    with pytest.raises(ConfigurationError, match=r"WEBHOOK_ALLOWED_NETWORKS: .* is no network"):
        read_networks("10.0.0.1/8", variable="WEBHOOK_ALLOWED_NETWORKS")
