"""Where a message may be sent: to an address that is looked up, checked and then held to.

A receiver's URL comes from a user, and the server stands where the user does not: in a network with other services, on
a machine with a metadata service. So every address of the name has to be a public one, or in a network that the
operator allows, and the connection is made to the very address that was checked: a name that resolves to another one
a moment later changes nothing.
"""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from customer_export.errors import ConfigurationError

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

LONGEST_URL = 2_000
USUAL_PORTS = {"http": 80, "https": 443}
_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ip_network("2000::/3")  # all of IPv6 that is public (RFC 4291, 2.4); `is_global` knows less


class TargetRefusedError(ValueError):
    """Nothing may be sent there; the text says why."""


def read_networks(text: str, *, variable: str) -> tuple[Network, ...]:
    """Read networks or addresses, separated by commas. Raises ConfigurationError that names the variable."""
    found = []
    for word in filter(None, map(str.strip, text.split(","))):
        try:
            found.append(ip_network(word))
        except ValueError as failure:
            raise ConfigurationError(
                f"{variable}: {word!r} is no network ({failure}); write them as in 10.0.0.0/8, 192.0.2.7, fd00::/8"
            ) from None
    return tuple(found)


class Resolve(Protocol):
    """Looks a name up."""

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Give its addresses. Raises OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A receiver's URL, taken apart. `path` has the query."""

    scheme: str
    host: str
    port: int
    path: str


def read_target(url: str) -> Target:
    """Take a URL apart. Raises TargetRefusedError with the remedy."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise TargetRefusedError(f"is no URL of up to {LONGEST_URL} characters of ASCII; encode the others")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefusedError("has no port or host that can be read; write https://host/path") from None
    if parts.scheme not in USUAL_PORTS or not parts.hostname:
        raise TargetRefusedError("is neither https://… nor http://…")
    if parts.username is not None or parts.password is not None:
        raise TargetRefusedError("has a user or password in it; the signature says who sends")
    if parts.fragment:
        raise TargetRefusedError("has a fragment (#…), which is never sent; leave it out")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, host=parts.hostname, port=port or USUAL_PORTS[parts.scheme], path=path)


def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def pinned_address(target: Target, *, allowed: Sequence[Network], resolve: Resolve = look_up) -> str:
    """Look a target up and give the one address to connect to. Raises TargetRefusedError if any of them must not be.

    `http` is only for networks in `allowed`: elsewhere anybody on the way reads along.
    """
    try:
        found = resolve(target.host, target.port)
    except (OSError, UnicodeError) as failure:
        raise TargetRefusedError(f"cannot be looked up ({failure})") from None
    if not found:
        raise TargetRefusedError("has no address")
    for text in found:
        address = ip_address(text.partition("%")[0])
        is_allowed = any(address.version == network.version and address in network for network in allowed)
        if not is_allowed and not all(map(_is_public, _meant(address))):
            raise TargetRefusedError(
                "has an address that is not public; the operator may allow its network by WEBHOOK_ALLOWED_NETWORKS"
            )
        if not is_allowed and target.scheme == "http":
            raise TargetRefusedError("is not encrypted; use https://…")
    return found[0]


def _meant(address: Address) -> Iterator[Address]:
    """Give an address, and the one of IPv4 that stands in it."""
    yield address
    if isinstance(address, IPv4Address):
        return
    for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if inner is not None:
            yield inner
    if address in _NAT64:
        yield IPv4Address(address.packed[-4:])


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped is not None or address in _NAT64:
        return True  # it is as public as the address that stands in it
    return address in _GLOBAL_UNICAST and address.is_global
