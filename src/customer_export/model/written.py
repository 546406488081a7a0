"""What has been written of a file so far, counted and hashed once for all who ask."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BytesProof:
    """The size and the SHA-256 (hex) of some bytes."""

    size_bytes: int
    sha256: str

    def members(self) -> dict[str, object]:
        """Give both as JSON members (docs/manifest.md)."""
        return {"bytes": self.size_bytes, "sha256": self.sha256}


class WrittenBytes:
    """Counts and hashes the bytes of a file while they are written."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size_bytes = 0

    def passing(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Give the pieces on; each counts before it is given."""
        for piece in pieces:
            self.add(piece)
            yield piece

    def add(self, piece: bytes) -> None:
        """Count a piece."""
        self._size_bytes += len(piece)
        self._hash.update(piece)

    def proof(self) -> BytesProof:
        """Say what has been written so far; more may follow."""
        return BytesProof(self._size_bytes, self._hash.hexdigest())
