"""Files in a folder, on a local disk or one that several machines share.

obstore has such a store too, but it does not flush: after a loss of power, a file that was reported as written could be
empty. Here a file is written beside its place, flushed, and moved there at once; then the folder is flushed.
"""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from customer_export.errors import StorageFullError, StorageUnavailableError, StoredFileNotFoundError
from customer_export.storage.counting import CountedPieces
from customer_export.storage.interface import OpenedFile, StoredFile, WrittenFile
from customer_export.storage.names import check_name
from customer_export.storage.ranges import part_of

WRITING = ".writing"
"""The folder, within ours, of files that are not whole yet. No name of ours begins with a dot."""

PIECE_BYTES = 1 << 18  # as much as the copy loop of shutil reads at once on fast systems
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})  # a disk is full, or what its owner may fill of it
TRIES = 8  # to get ahead of sweeps: each of them must meet a file in the moment between its making and its locking


class FolderStorage:
    """Keeps files below a folder, which it makes. Others than its owner can read none of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> WrittenFile:  # noqa: ARG002  (a folder keeps none)
        """Write beside, flush, move."""
        target = self._path(name)
        counted = CountedPieces(pieces)
        with _failures(self._folder, counted), self._unfinished() as (descriptor, unfinished):
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.writelines(counted)
            os.fsync(descriptor)
            self._move(unfinished, target)
        return counted.written_as(name)

    def find(self, name: str) -> StoredFile:
        """Look at it."""
        path = self._path(name)
        with _failures(self._folder), _found(name):
            return _stored(name, path.stat())

    def open(self, name: str, *, start: int = 0, stop: int | None = None) -> OpenedFile:
        """Open it: what takes its place later is another file."""
        path = self._path(name)
        with _failures(self._folder), _found(name):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            file = _stored(name, os.fstat(descriptor))
            first, last = part_of(file, start=start, stop=stop)
        except BaseException:
            os.close(descriptor)
            raise
        return OpenedFile(file=file, start=first, stop=last, pieces=_Pieces(self._folder, descriptor, first, last))

    def list_files(self, folder: str) -> Iterator[StoredFile]:
        """Walk below it; what is deleted meanwhile is passed by."""
        below = self._path(folder)
        with _failures(self._folder):
            for path in below.rglob("*"):
                with suppress(FileNotFoundError):
                    if path.is_file():
                        yield _stored(path.relative_to(self._folder).as_posix(), path.stat())

    def delete(self, name: str) -> None:
        """Delete it, and the folders that are empty then."""
        path = self._path(name)
        with _failures(self._folder), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            _flush(path.parent)
            with self._folders_locked(fcntl.LOCK_EX):
                _remove_empty(path.parent, below=self._folder)

    def make_link(self, name: str, *, expires_in: timedelta) -> None:
        """None: nobody else serves a folder."""

    def sweep(self) -> int:
        """Remove unfinished files that nobody holds: their writer keeps them locked, and dead, has no lock."""
        with _failures(self._folder):
            return sum(_remove_unheld(path) for path in (self._folder / WRITING).glob("*"))

    def check(self) -> None:
        """Write and remove a file of no bytes."""
        with _failures(self._folder), self._unfinished():
            pass

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)

    @contextmanager
    def _unfinished(self) -> Iterator[tuple[int, Path]]:
        descriptor, path = self._new_unfinished()
        try:
            yield descriptor, path
        finally:
            with suppress(FileNotFoundError):  # it was moved
                path.unlink()
            os.close(descriptor)

    def _new_unfinished(self) -> tuple[int, Path]:
        folder = self._folder / WRITING
        _make_folder(folder)
        for _ in range(TRIES):
            descriptor, name = tempfile.mkstemp(dir=folder)
            path = Path(name)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.stat()
            except (BlockingIOError, FileNotFoundError):  # a sweep came between
                os.close(descriptor)
            else:
                return descriptor, path
        raise StorageUnavailableError(f"Files cannot be written below {self._folder}: something removes them at once")

    def _move(self, unfinished: Path, target: Path) -> None:
        with self._folders_locked(fcntl.LOCK_SH):
            _make_folder(target.parent)
            unfinished.replace(target)
            _flush(target.parent)

    @contextmanager
    def _folders_locked(self, mode: int) -> Iterator[None]:
        """Keep empty folders from being removed just before a file is moved there."""
        descriptor = os.open(self._folder / WRITING, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, mode)
            yield
        finally:
            os.close(descriptor)


class _Pieces:
    """Reads a part of an open file, and closes it: at the end, by `close`, or when nobody has it any more."""

    def __init__(self, folder: Path, descriptor: int, start: int, stop: int) -> None:
        self._folder = folder
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self._at = start
        self._stop = stop

    def __iter__(self) -> "_Pieces":
        return self

    def __next__(self) -> bytes:
        if self._at >= self._stop:
            self.close()
            raise StopIteration
        with _failures(self._folder):
            piece = os.pread(self._file.fileno(), min(PIECE_BYTES, self._stop - self._at), self._at)
        if not piece:
            self.close()
            raise StorageUnavailableError(f"A file below {self._folder} became shorter while it was read")
        self._at += len(piece)
        return piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __del__(self) -> None:
        self._file.close()


@contextmanager
def _failures(folder: Path, counted: CountedPieces | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        if counted is not None and failure is counted.failure:
            raise
        if failure.errno in NO_ROOM:
            raise StorageFullError(
                f"There is no room left below {folder}; free some, or name a larger folder in STORAGE_URL"
            ) from failure
        reason = failure.strerror or type(failure).__name__
        raise StorageUnavailableError(
            f"Files cannot be read or written below {folder}: {reason}; see that it is there, ours, and has room"
        ) from failure


@contextmanager
def _found(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as failure:
        raise StoredFileNotFoundError(name) from failure


def _stored(name: str, status: os.stat_result) -> StoredFile:
    return StoredFile(name=name, size_bytes=status.st_size, modified_at=datetime.fromtimestamp(status.st_mtime, UTC))


def _make_folder(folder: Path) -> None:
    """Make a folder and those above, each flushed into the one above it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _flush(folder.parent)


def _flush(folder: Path) -> None:
    with suppress(FileNotFoundError):  # a delete removed it: what was in it is to be gone
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_empty(folder: Path, *, below: Path) -> None:
    """Remove a folder and those above that are empty then."""
    while folder != below:
        try:
            folder.rmdir()
        except FileNotFoundError:  # somebody was faster
            pass
        except OSError:  # it is not empty
            return
        folder = folder.parent


def _remove_unheld(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except (BlockingIOError, FileNotFoundError):  # it is being written, or was finished
        return False
    finally:
        os.close(descriptor)
    return True
