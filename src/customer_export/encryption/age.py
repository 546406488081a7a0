"""age (age-encryption.org/v1) to one X25519 recipient, by pyrage, the Python face of rage."""

from collections.abc import Iterator
from datetime import datetime
from typing import IO

import pyrage

from customer_export.model.request import Encryption, EncryptionMethod

MEDIA_TYPE = "application/x-age-encryption"
"""Nothing is registered; this is the name that tools which know files by their beginning have for it."""
FIRST_BYTES = b"age-encryption.org/v1\n"


def canonical_recipient(text: str) -> str | None:
    """Give a public key in its one spelling; None if it is none: another kind of key, or one with a mistake in it."""
    try:
        return str(pyrage.x25519.Recipient.from_str(text))
    except pyrage.RecipientError:
        return None


class AgeSealer:
    """Seals to a public key."""

    media_type = MEDIA_TYPE

    def __init__(self, recipient: str) -> None:
        self.encryption = Encryption(method=EncryptionMethod.AGE, recipient=recipient)
        self._recipient = pyrage.x25519.Recipient.from_str(recipient)

    def seal(self, pieces: Iterator[bytes], into: IO[bytes], *, name: str, at: datetime) -> None:  # noqa: ARG002
        """Write it encrypted: age keeps neither a name nor a time."""
        plain = _Reader(pieces)
        try:
            pyrage.encrypt_io(plain, into, [self._recipient])
        except pyrage.EncryptError as failure:
            raise plain.failure or failure from None


class _Reader:
    """Pieces as a file to read. pyrage makes its own error of what they raise, so `failure` keeps that."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")
        self.failure: BaseException | None = None

    def read(self, size_bytes: int) -> bytes:
        """Give the next bytes, none at the end."""
        if not self._left:
            try:
                self._left = memoryview(next(self._pieces, b""))
            except BaseException as failure:
                self.failure = failure
                raise
        given, self._left = self._left[:size_bytes], self._left[size_bytes:]
        return bytes(given)
