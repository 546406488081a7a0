"""Ed25519 keys: named by their thumbprint (RFC 7638), written as JSON Web Keys (RFC 8037) or PEM."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from customer_export.signing.canonical_json import canonical_json


@dataclass(frozen=True)
class SigningKey:
    """A private key, ready to sign: making one of its bytes takes as long as signing does."""

    private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """Take a key's 32 bytes (RFC 8032, 5.1.5)."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Read an unencrypted PEM, as `openssl genpkey -algorithm ed25519` makes it. Raises ValueError."""
        try:
            private = load_pem_private_key(pem, password=None)
        except (TypeError, UnsupportedAlgorithm) as failure:  # TypeError: it has a passphrase
            raise ValueError(str(failure)) from failure
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("it is of another algorithm than Ed25519")  # noqa: TRY004  (of what was read, not of our types)
        return cls(private)

    @property
    def seed(self) -> bytes:
        """The 32 bytes that the key is made of."""
        return self.private.private_bytes_raw()

    @cached_property
    def public(self) -> Ed25519PublicKey:
        """What others check signatures by."""
        return self.private.public_key()

    @cached_property
    def key_id(self) -> str:
        """The key's name."""
        return key_id(self.public)

    def pem(self) -> bytes:
        """Write the private key as PEM (PKCS 8), unencrypted."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Write a public key as PEM, which openssl reads."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public_from_pem(pem: bytes) -> Ed25519PublicKey:
    """Read a public key. Raises ValueError."""
    try:
        key = load_pem_public_key(pem)
    except UnsupportedAlgorithm as failure:
        raise ValueError(str(failure)) from failure
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is of another algorithm than Ed25519")  # noqa: TRY004  (of what was read, not of our types)
    return key


def public_from_bytes(data: bytes) -> Ed25519PublicKey:
    """Take a public key's 32 bytes (RFC 8032, 5.1.5). Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(data)


def key_id(key: Ed25519PublicKey) -> str:
    """Give the SHA-256 thumbprint of a key (RFC 7638, and RFC 8037, 2: of `crv`, `kty` and `x`), in base64url."""
    return base64url(hashlib.sha256(canonical_json(_required(key))).digest())


def public_jwk(key: Ed25519PublicKey) -> dict[str, object]:
    """Write a public key as a JSON Web Key."""
    return {**_required(key), "kid": key_id(key), "alg": "EdDSA", "use": "sig"}


def read_key_set(document: object) -> dict[str, Ed25519PublicKey]:
    """Read the Ed25519 keys of a JWK set (RFC 7517, 5), by their thumbprint: what it calls them is not believed.

    Keys of other kinds are passed by. Raises ValueError if it is no set.
    """
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list):
        raise ValueError("it is no JWK set: it has no list `keys`")  # noqa: TRY004  (likewise)
    found = [_read_jwk(jwk) for jwk in keys if isinstance(jwk, Mapping)]
    return {key_id(key): key for key in found if key is not None}


def _required(key: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": base64url(key.public_bytes_raw())}


def _read_jwk(jwk: Mapping[str, object]) -> Ed25519PublicKey | None:
    x = jwk.get("x")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or not isinstance(x, str):
        return None
    return public_from_bytes(from_base64url(x))


def base64url(data: bytes) -> str:
    """Write bytes as RFC 7515, 2 does: URL-safe, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Read such a text, and no other spelling of the same bytes. Raises ValueError."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64url(data) != text:
        raise ValueError("it is no base64url")
    return data
