"""Digests of the beginnings of a text, by which a reader can tell where another text begins to differ.

They cost next to nothing: the state of the text's own SHA-256 at every so many bytes, eight bytes of it each.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

FIRST_BLOCK_BYTES = 1 << 12  # some forty rows; ten times what it costs to take the digest (1 µs)
BLOCKS_MAX = 512
"""As many as 10 kB of a manifest hold. Beyond that every second one goes, so that a block has twice the bytes."""
BLOCK_DIGITS = 16  # 64 bits: they show where, the digest of the whole shows whether


@dataclass(frozen=True, slots=True)
class Blocks:
    """`digests` are those (the first hex digits of SHA-256) of the first `size_bytes`, of twice as many, and so on."""

    size_bytes: int
    digests: Sequence[str]

    def members(self) -> dict[str, object]:
        """Give them as JSON members (docs/manifest.md)."""
        return {"bytes": self.size_bytes, "sha256": list(self.digests)}


class BlockDigest:
    """SHA-256 of bytes that come in pieces, and of their beginnings, however they are cut."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._block_bytes = FIRST_BLOCK_BYTES
        self._missing = FIRST_BLOCK_BYTES
        self._digests: list[str] = []

    def update(self, piece: bytes) -> None:
        """Add bytes."""
        if len(piece) < self._missing:
            self._missing -= len(piece)
            self._hash.update(piece)
            return
        start, view = 0, memoryview(piece)
        while len(piece) - start >= self._missing:
            end = start + self._missing
            self._hash.update(view[start:end])
            self._end_block()
            start = end
        self._missing -= len(piece) - start
        self._hash.update(view[start:])

    def hexdigest(self) -> str:
        """Give the digest of all bytes so far."""
        return self._hash.hexdigest()

    def blocks(self) -> Blocks | None:
        """Give the digests of the beginnings; None if there is less than a block."""
        return Blocks(self._block_bytes, tuple(self._digests)) if self._digests else None

    def _end_block(self) -> None:
        self._digests.append(self._hash.copy().hexdigest()[:BLOCK_DIGITS])
        self._missing = self._block_bytes
        if len(self._digests) == BLOCKS_MAX:
            self._digests = self._digests[1::2]
            self._block_bytes *= 2
            self._missing = self._block_bytes
