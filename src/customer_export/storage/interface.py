"""What keeps finished files, and what is known of one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """What was written, as counted on its way: `sha256` is 64 hex digits."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that is there, whole. `modified_at` has a time zone."""

    name: str
    size_bytes: int
    modified_at: datetime


class Pieces(Iterator[bytes], Protocol):
    """The bytes of a file, one piece after the other. A generator is such."""

    def close(self) -> None:
        """Free what is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A part of a file, ready to be read once: the bytes from `start` up to, not including, `stop`.

    `pieces` are all of one version of the file, also while another one takes its place, or they raise
    StorageUnavailableError. Close them if they are not read to their end.
    """

    file: StoredFile
    start: int
    stop: int
    pieces: Pieces


class Storage(Protocol):
    """Keeps files under names of ours (`storage/names.py`). All threads and processes may call it.

    A file is there whole or not at all. Everything raises StorageUnavailableError if the storage does not answer, and
    ValueError for what is no name.
    """

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> WrittenFile:
        """Write a file while its pieces are made; once this returns, it outlives a loss of power.

        It takes the place of an earlier one at once. What the pieces raise is passed on, and nothing is written.
        """

    def find(self, name: str) -> StoredFile:
        """Look at a file. Raises StoredFileNotFoundError."""

    def open(self, name: str, *, start: int = 0, stop: int | None = None) -> OpenedFile:
        """Open a file from `start` to before `stop`, or to its end, whichever is first.

        Raises StoredFileNotFoundError, or ValueError unless 0 <= start < stop.
        """

    def list_files(self, folder: str) -> Iterator[StoredFile]:
        """Give the files whose names begin with `folder` and a slash, in no order; none if there is no such folder."""

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is deleted already."""

    def make_link(self, name: str, *, expires_in: timedelta) -> str | None:
        """Give a URL by which anybody can fetch the file from the store itself until it expires.

        None: this storage has none, and the server must send the file. Nothing but deleting the file ends a link early.
        """

    def sweep(self) -> int:
        """Remove what dead writers left behind, and give how many files that were. Those at work are left alone."""

    def check(self) -> None:
        """Raise StorageUnavailableError unless the storage can be reached."""
