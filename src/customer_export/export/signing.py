"""The key that signs manifests: made once for all processes, kept in our own database or in a file."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from customer_export.cache.sealing import PLAIN, Seal
from customer_export.errors import ConfigurationError
from customer_export.model.audit import moment_text
from customer_export.signing.keys import SigningKey, base64url, from_base64url, public_from_bytes, public_jwk
from customer_export.signing.signature import sign_members
from customer_export.store.interface import Store, StoredKey


class KeptSigner:
    """Signs with the newest key, which it makes if there is none. `key_file` has another, which the database learns.

    Raises ConfigurationError if the key cannot be read, and StoreUnavailableError.
    """

    def __init__(self, store: Store, *, seal: Seal, key_file: Path | None, now: Callable[[], datetime]) -> None:
        self._store = store
        self._seal = seal
        self._now = now
        self._file_key = None if key_file is None else _read_key(key_file)
        self._key = self._file_key or SigningKey.generate()
        self.refresh()

    @property
    def key_id(self) -> str:
        """The id of the key in use."""
        return self._key.key_id

    def sign(self, members: Mapping[str, object]) -> Mapping[str, object]:
        """Give a JSON object's members with its signature as the last of them."""
        return sign_members(members, self._key)

    def derive_secret(self, purpose: bytes) -> bytes:
        """Make a secret of 32 bytes of the key in use: all processes make the same, and a new key makes another one."""
        return hmac.digest(self._key.seed, purpose, hashlib.sha256)

    def key_set(self) -> Mapping[str, object]:
        """Give all public keys that ever signed, as a JWK set with their times."""
        return key_set(self._store.signing_keys())

    def refresh(self) -> None:
        """Look which key is in use by now, and make one if there is none."""
        while True:
            keys = self._store.signing_keys()
            if self._file_key is not None:
                if self._kept(keys):
                    return
            elif keys and keys[-1].sealed is not None and keys[-1].key_id == self._key.key_id:
                return
            elif keys and keys[-1].sealed is not None:
                self._key = self._opened(keys[-1])
                return
            else:
                add_key(self._store, keys, seal=self._seal, now=self._now())  # or somebody else did; look again

    def _kept(self, keys: Sequence[StoredKey]) -> bool:
        """Let others know of the file's key, which stays where it is."""
        assert self._file_key is not None
        return any(key.key_id == self.key_id for key in keys) or self._store.add_signing_key(
            _stored(self._file_key, keys, sealed=None, now=self._now())
        )

    def _opened(self, kept: StoredKey) -> SigningKey:
        sealed = kept.sealed or b""
        name = _sealed_name(kept.key_id)
        seed = sealed[1:] if sealed[:1] == PLAIN else self._seal.open(memoryview(sealed), name=name)
        if seed is None:
            raise ConfigurationError(
                "The key that signs manifests is sealed by none of EXPORT_CACHE_KEYS; add the one that it was sealed "
                "by, or make a new key: customer-export keys rotate"
            )
        return SigningKey.from_seed(bytes(seed))


def key_set(keys: Sequence[StoredKey]) -> dict[str, list[dict[str, object]]]:
    """Write keys, the oldest first, as a JWK set. A key is retired when the next one is made."""
    ends = (None if later is None else moment_text(later.created_at) for later in (*keys[1:], None))
    return {
        "keys": [
            {
                **public_jwk(public_from_bytes(from_base64url(key.public))),
                "createdAt": moment_text(key.created_at),
                "retiredAt": end,
            }
            for key, end in zip(keys, ends, strict=False)
        ]
    }


def rotate_key(store: Store, *, seal: Seal, now: datetime) -> bool:
    """Keep a new key, which every process uses within a minute. False if another process did so at this moment."""
    return add_key(store, store.signing_keys(), seal=seal, now=now)


def add_key(store: Store, earlier: Sequence[StoredKey], *, seal: Seal, now: datetime) -> bool:
    """Keep a new key after those that were seen. False if there is another one by now, which is to be used then."""
    key = SigningKey.generate()
    sealed = seal.seal(key.seed, name=_sealed_name(key.key_id))
    return store.add_signing_key(_stored(key, earlier, sealed=sealed, now=now))


def _stored(key: SigningKey, earlier: Sequence[StoredKey], *, sealed: bytes | None, now: datetime) -> StoredKey:
    return StoredKey(
        generation=earlier[-1].generation + 1 if earlier else 1,
        key_id=key.key_id,
        public=base64url(key.public.public_bytes_raw()),
        sealed=sealed,
        created_at=now,
    )


def _sealed_name(key_id: str) -> str:
    """Tie what is sealed to its key, and keep it apart from what a cache seals."""
    return f"signing-key:{key_id}"


def _read_key(path: Path) -> SigningKey:
    try:
        return SigningKey.from_pem(path.read_bytes())
    except OSError as failure:
        raise ConfigurationError(
            f"EXPORT_SIGNING_KEY_FILE names {path}, which cannot be read ({failure.strerror})"
        ) from failure
    except ValueError as failure:
        raise ConfigurationError(
            f"EXPORT_SIGNING_KEY_FILE names {path}, which holds no Ed25519 key without a passphrase; make one with: "
            f"openssl genpkey -algorithm ed25519 -out {path}"
        ) from failure
