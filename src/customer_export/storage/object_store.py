"""Files in S3, Google Cloud Storage or Azure, through obstore.

A file is sent in parts while it is made, and is there when all parts are put together: never before, and never in part.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, S3Store

from customer_export.errors import StorageUnavailableError, StoredFileNotFoundError
from customer_export.storage.counting import CountedPieces
from customer_export.storage.feeding import feed
from customer_export.storage.interface import OpenedFile, StoredFile, WrittenFile
from customer_export.storage.names import check_name, file_name
from customer_export.storage.ranges import part_of

if TYPE_CHECKING:
    from obstore import ObjectMeta  # is in its stubs alone

PART_BYTES = 8 << 20
"""S3 takes 5 MiB to 5 GiB a part and 10,000 parts: with this, files of up to 78 GiB.
What is no larger than one part goes in one request."""

PARTS_AT_ONCE = 2  # one is sent while the next is made: what makes files is slower than one connection

CACHE_CONTROL = "private, no-store"
"""Of what a store itself serves by a link: no shared cache may keep it."""


class ObjectStorage:
    """Keeps files in a bucket. `where` names it in messages."""

    def __init__(self, store: S3Store | GCSStore | AzureStore, *, where: str) -> None:
        self._store = store
        self._where = where

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> WrittenFile:
        """Send it in parts, or at once if it is no larger than a part. What fails is given up, and leaves no parts."""
        counted = CountedPieces(pieces)
        with self._failures(counted):
            send = self._sender(check_name(name), media_type)
            parts = iter(counted)
            beginning = _take(parts, PART_BYTES)
            if counted.size_bytes <= PART_BYTES:
                send(b"".join(beginning))
            else:
                feed(chain(beginning, parts), send)
        return counted.written_as(name)

    def find(self, name: str) -> StoredFile:
        """Ask for its head."""
        return self._head(check_name(name))[0]

    def open(self, name: str, *, start: int = 0, stop: int | None = None) -> OpenedFile:
        """Ask for its head, and then for a part after the other, each of the same version.

        No request is kept open meanwhile: a store ends those whose reader is slow.
        """
        file, version = self._head(check_name(name))
        first, last = part_of(file, start=start, stop=stop)
        return OpenedFile(file=file, start=first, stop=last, pieces=self._pieces(name, version, first, last))

    def list_files(self, folder: str) -> Iterator[StoredFile]:
        """Ask for a page after the other."""
        with self._failures():
            for page in obstore.list(self._store, check_name(folder)):
                yield from map(_stored, page)

    def delete(self, name: str) -> None:
        """Delete it."""
        try:
            with self._failures():
                obstore.delete(self._store, check_name(name))
        except StoredFileNotFoundError:  # as Azure and Google say; S3 does not
            return

    def make_link(self, name: str, *, expires_in: timedelta) -> str:
        """Sign it with the store's own credentials; nobody is asked."""
        with self._failures():
            return obstore.sign(self._store, "GET", check_name(name), expires_in)

    def sweep(self) -> int:
        """Leave it to the bucket: parts of a writer that died cannot be listed here (docs/storage.md says the rule)."""
        return 0

    def check(self) -> None:
        """Ask for what is not there."""
        with self._failures():
            for _ in obstore.list(self._store, "check"):
                return

    def _sender(self, name: str, media_type: str) -> Callable[[bytes | Iterator[bytes]], object]:
        return partial(
            obstore.put,
            self._store,
            name,
            attributes=_attributes(name, media_type),
            chunk_size=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )

    def _head(self, name: str) -> tuple[StoredFile, str | None]:
        with self._failures(name=name):
            meta = obstore.head(self._store, name)
        return _stored(meta), meta["e_tag"]

    def _pieces(self, name: str, version: str | None, start: int, stop: int) -> Generator[bytes]:
        for at in range(start, stop, PART_BYTES):
            with self._failures(name=name):
                part = (at, min(at + PART_BYTES, stop))
                got = obstore.get(self._store, name, options={"range": part, "if_match": version})
                piece = bytes(got.bytes())
            yield piece

    @contextmanager
    def _failures(self, counted: CountedPieces | None = None, *, name: str = "") -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as failure:
            if counted is not None and failure is counted.failure:
                raise
            if isinstance(failure, FileNotFoundError) and name:
                raise StoredFileNotFoundError(name) from failure
            raise StorageUnavailableError(f"{self._where} {_reason(failure)}") from failure


def _take(parts: Iterator[bytes], limit_bytes: int) -> list[bytes]:
    """Take what there is, but no further than the first piece beyond the limit."""
    taken = []
    size_bytes = 0
    for piece in parts:
        taken.append(piece)
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            break
    return taken


def _attributes(name: str, media_type: str) -> dict[str, str]:
    return {
        "Content-Type": media_type,
        "Content-Disposition": f'attachment; filename="{file_name(name)}"',
        "Cache-Control": CACHE_CONTROL,
    }


def _stored(meta: "ObjectMeta") -> StoredFile:
    return StoredFile(name=meta["path"], size_bytes=meta["size"], modified_at=meta["last_modified"])


def _reason(failure: Exception) -> str:
    """Say what to look at. The store's own words stay in the log: they hold addresses and the ids of accounts."""
    match failure:
        case PermissionDeniedError() | UnauthenticatedError() | PermissionError():
            return "refuses the credentials at hand; see that they may get, put, list and delete there"
        case PreconditionError():
            return "has another version of a file than when it was opened; open it again"
        case _ if _lacks_bucket(failure):
            return "is not there; make the bucket, or change STORAGE_URL"
        case _:
            return "does not answer as it should; see that it is up and can be reached"


def _lacks_bucket(failure: Exception) -> bool:
    """Tell by the store's own code, since obstore has none: S3 and Google say the first, Azure the second."""
    return "NoSuchBucket" in str(failure) or "ContainerNotFound" in str(failure)
