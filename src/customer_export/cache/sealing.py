"""What a server that keeps our exports may see of them: with keys, neither whose they are nor what is in them."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from customer_export.errors import ConfigurationError

KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # what GCM is made for (NIST SP 800-38D, 8.2.2); random, so good for 2^32 exports under one key
KEY_ID_BYTES = 4  # enough to tell a handful of keys apart
NAME_DIGITS = 32  # 128 bits: two customers do not share a name by chance
PLAIN, SEALED = b"P", b"S"
_URL_SAFE = str.maketrans("-_", "+/")  # RFC 4648 has two alphabets; whoever makes a key need not know

_log = structlog.get_logger(__name__)


def parse_keys(text: str, *, variable: str) -> tuple[bytes, ...]:
    """Read keys of 32 bytes in base64, separated by commas; an empty text has none.

    Raises ConfigurationError that names the variable and not the keys.
    """
    keys = []
    for number, part in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
        try:
            key = base64.b64decode(part.translate(_URL_SAFE), validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise ConfigurationError(
                f"{variable}: key {number} is not {KEY_BYTES} bytes in base64; make one with: openssl rand -base64 32"
            )
        keys.append(key)
    return tuple(keys)


class Seal:
    """Names and seals what is kept elsewhere. The first key seals, each of them opens.

    Names are made with the last key, so that they stay the same when a new key is put before the old one. Without
    keys names are plain digests, and values are as they are.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers = {_derived(key, b"id")[:KEY_ID_BYTES]: AESGCM(key) for key in keys}
        self._sealing_id = next(iter(self._ciphers), None)
        self._name_keys = [_derived(key, b"names") for key in reversed(keys)] or [b""]

    @property
    def has_keys(self) -> bool:
        """Whether what it seals cannot be read by whoever keeps it."""
        return self._sealing_id is not None

    def name(self, text: str) -> str:
        """Name something (hex), so that nobody can tell of what the name is who does not know it or the key."""
        return _named(self._name_keys[0], text)

    def names(self, text: str) -> list[str]:
        """Give the names that this has under each of the keys: processes that drop a key at a change use another."""
        return [_named(key, text) for key in self._name_keys]

    def seal(self, value: bytes, *, name: str) -> bytes:
        """Seal a value for its name."""
        if self._sealing_id is None:
            return PLAIN + value
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._sealing_id].encrypt(nonce, value, name.encode())
        return b"".join((SEALED, self._sealing_id, nonce, sealed))

    def open(self, sealed: memoryview, *, name: str) -> bytes | memoryview | None:
        """Give a value back. None if another key sealed it, or if it was tampered with, which is logged."""
        form = sealed[:1]
        if self._sealing_id is None:
            return sealed[1:] if form == PLAIN else None
        key_end, nonce_end = 1 + KEY_ID_BYTES, 1 + KEY_ID_BYTES + NONCE_BYTES
        cipher = self._ciphers.get(bytes(sealed[1:key_end]))
        if form != SEALED or cipher is None:
            return None
        try:
            return cipher.decrypt(bytes(sealed[key_end:nonce_end]), sealed[nonce_end:], name.encode())
        except (InvalidTag, ValueError):
            _log.warning("cache_value_tampered", name=name)
            return None


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"customer-export:cache:" + purpose, "sha256")


def _named(key: bytes, text: str) -> str:
    data = text.encode(errors="surrogatepass")
    digest = hmac.digest(key, data, "sha256") if key else hashlib.sha256(data).digest()
    return digest.hex()[:NAME_DIGITS]
