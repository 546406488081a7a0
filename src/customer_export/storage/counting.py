"""Counts and hashes the bytes of a file on their way into the storage."""

import hashlib
from collections.abc import Iterable, Iterator

from customer_export.storage.interface import WrittenFile


class CountedPieces:
    """Passes pieces on and knows afterwards what they were."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        self.failure: BaseException | None = None
        """What the pieces raised, so that it is not taken for a failure of the storage."""

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self._digest.update(piece)
                self.size_bytes += len(piece)
                yield piece
        except BaseException as failure:
            self.failure = failure
            raise

    def written_as(self, name: str) -> WrittenFile:
        """Say what passed."""
        return WrittenFile(name=name, size_bytes=self.size_bytes, sha256=self._digest.hexdigest())
