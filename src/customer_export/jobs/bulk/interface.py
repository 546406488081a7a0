"""What bulk needs of the outside: somewhere to put files, and somebody to tell how far it is."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

Told: TypeAlias = Callable[[int, int], None]
"""Is told of progress: customers and rows of the partition that are done by now. It may raise to end the partition."""


class WrittenArtifact(Protocol):
    """A file as it was written."""

    @property
    def size_bytes(self) -> int:
        """Its size."""

    @property
    def sha256(self) -> str:
        """Its SHA-256 (hex)."""


class Artifacts(Protocol):
    """Where files go. A file is there whole or not at all; a later one of the same name takes its place at once."""

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> WrittenArtifact:
        """Write a file while its pieces are made. What the pieces raise passes through, and nothing is written."""
