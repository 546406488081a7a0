"""Where a request comes from: the address of the connection, or what proxies that the operator trusts say of it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from customer_export.errors import ConfigurationError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MOST_HOPS = 32  # proxies in a row that are followed; real chains have fewer than ten
KEPT_ADDRESSES = 4_096  # ends of connections at a time; an address takes 10 µs to read, and about 200 bytes to keep
BLANKS = " \t"  # optional white space of a list (RFC 9110, section 5.6.3)


def read_trusted_proxies(text: str) -> tuple[Network, ...]:
    """Read EXPORT_TRUSTED_PROXIES: networks or addresses, separated by commas. Raises ConfigurationError."""
    return tuple(_network(word.strip()) for word in text.split(",") if word.strip())


def _network(word: str) -> Network:
    try:
        return ip_network(word)
    except ValueError:
        raise ConfigurationError(f"EXPORT_TRUSTED_PROXIES: {word!r} is no network; {_remedy(word)}") from None


def _remedy(word: str) -> str:
    try:
        return f"did you mean {ip_network(word, strict=False)}?"
    except ValueError:
        return "write networks or addresses separated by commas, as in 10.0.0.0/8, 192.0.2.7, fd00::/8"


def client_address(
    *, peer: str | None, forwarded_for: Sequence[str], real_ip: Sequence[str], trusted: Sequence[Network]
) -> str | None:
    """Give the address of the client in its shortest form, or the peer's as it is if that is no IP address.

    `peer` is the other end of the connection, None for a Unix socket; the others are the lines of X-Forwarded-For and
    X-Real-IP. Only a trusted peer is believed. Each proxy appends whom it was called by to X-Forwarded-For, so the
    client is the rightmost hop that is no trusted proxy itself; what stands left of it may be forged. A hop that is no
    address ends the search: the client is then the proxy that wrote it. Where all hops are trusted, it is the leftmost.
    X-Real-IP counts only if there is no X-Forwarded-For, and only if there is one.
    """
    nearest, spelled = _peer_address(peer or "")
    if nearest is None:
        return peer
    if not _is_within(nearest, trusted):
        return spelled
    hops = _hops(forwarded_for) or _hops(real_ip if len(real_ip) == 1 else ())
    return str(_follow(nearest, hops, trusted))


@lru_cache(KEPT_ADDRESSES)
def _peer_address(peer: str) -> tuple[Address | None, str]:
    address = _address(peer)
    return address, str(address)


def _hops(lines: Sequence[str]) -> list[str]:
    """List the last hops, the nearest first. Several lines are one list; empty elements mean nothing (RFC 9110)."""
    nearest_first: list[str] = []
    for line in reversed(lines):
        nearest_first += reversed(line.rsplit(",", MOST_HOPS)[-MOST_HOPS:])
        if len(nearest_first) >= MOST_HOPS:
            break
    return [stripped for hop in nearest_first[:MOST_HOPS] if (stripped := hop.strip(BLANKS))]


def _follow(nearest: Address, hops: Iterable[str], trusted: Sequence[Network]) -> Address:
    for hop in hops:
        address = _address(_without_port(hop))
        if address is None:
            break
        nearest = address
        if not _is_within(nearest, trusted):
            break
    return nearest


def _without_port(hop: str) -> str:
    """Give the address of a hop: `192.0.2.7:443` and `[2001:db8::7]:443` have a port, `2001:db8::7` has none."""
    if hop.startswith("["):
        address, closed, port = hop[1:].partition("]")
        return address if closed and (not port or _is_port(port)) else ""
    address, _, port = hop.partition(":")
    return address if ":" not in port and _is_port(f":{port}") else hop


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text[0] == ":" and digits.isascii() and digits.isdecimal()


def _address(text: str) -> Address | None:
    """Read an address: one of IPv4 in IPv6's clothes as IPv4, and without the zone that only its own host knows."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def _is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
