"""Links of our own, for storages that have none: whoever has one may fetch one file until it expires or is revoked.

A link is `EXPIRES.GENERATION.MAC`, to be sent with the path that names the file. The MAC is HMAC-SHA-256 over all
that the link is bound to, so nothing of it need be kept. To revoke a file's links, raise the generation on its record.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime

PURPOSE = b"customer-export download link 1"
"""Stands in every MAC, so that the key may be used for something else, too."""

FORM = re.compile(r"([1-9][0-9]{0,11})\.(0|[1-9][0-9]{0,9})\.([A-Za-z0-9_-]{43})")
"""One spelling of each link; the numbers are such that a date can be made of them, and any database keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFile:
    """What a link is bound to: this version of this file, and the generation of its links."""

    name: str
    sha256: str
    generation: int


def make_link_token(file: LinkedFile, *, key: bytes, expires_at: datetime) -> str:
    """Make a link that is good before `expires_at`, to the second."""
    expires = int(expires_at.timestamp())
    return f"{expires}.{file.generation}.{_mac(file, key=key, expires=expires)}"


def is_good_link(token: str, file: LinkedFile, *, key: bytes, now: datetime) -> bool:
    """Tell whether a token from anywhere is a link to this file, of its present generation and not expired."""
    form = FORM.fullmatch(token)
    if form is None:
        return False
    expires, generation, mac = int(form[1]), int(form[2]), form[3]
    is_ours = hmac.compare_digest(mac, _mac(file, key=key, expires=expires))
    return is_ours and generation == file.generation and now.astimezone(UTC).timestamp() < expires


def _mac(file: LinkedFile, *, key: bytes, expires: int) -> str:
    bound = "\n".join([file.name, file.sha256, str(file.generation), str(expires)])
    mac = hmac.digest(key, PURPOSE + b"\n" + bound.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
