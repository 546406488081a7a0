"""Whom a limit counts together: a client's key."""

import hmac
from enum import StrEnum, unique
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

IPV6_SUBSCRIBER_BITS = 64  # the smallest network that is given to one subscriber (RFC 6177), who has all its addresses
SUBSCRIBER_MASK = (1 << 128) - (1 << 128 - IPV6_SUBSCRIBER_BITS)
DIGEST_CHARACTERS = 32  # hex: 128 bits, which no two clients share by chance


@unique
class CountBy(StrEnum):
    """What tells clients apart: where they come from, who they are, or both together."""

    ADDRESS = "ip"
    PRINCIPAL = "principal"
    BOTH = "ip+principal"


KEPT_KEYS = 4_096  # clients at a time; a key takes 20 µs, and about 300 bytes to keep


@lru_cache(KEPT_KEYS)
def client_key(by: CountBy, *, address: str | None, principal: str | None, secret: bytes = b"") -> str:
    """Give the key of a client: hex digits that tell nobody who it is, given a secret that all processes share.

    Without one, whoever reads the keys can find an address by trying all. What is None is one client: the requests
    that come from no address, or from nobody known.
    """
    counted = (
        network_of(address) if by is not CountBy.PRINCIPAL else None,
        principal if by is not CountBy.ADDRESS else None,
    )
    return hmac.new(secret, repr((by.value, *counted)).encode(), sha256).hexdigest()[:DIGEST_CHARACTERS]


def network_of(address: str | None) -> str | None:
    """Give what one subscriber has: an IPv4 address, or the /64 of an IPv6 address. Other text stays as it is."""
    if address is None:
        return None
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) & SUBSCRIBER_MASK)}/{IPV6_SUBSCRIBER_BITS}"
    return str(found)
