"""How workers know of one another who is alive.

A worker holds a lock that the kernel or PostgreSQL frees when its process ends, however it ends. Whoever gets the lock
of another worker knows that it is dead; while they hold it, nobody else takes it for dead, and it cannot come back.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg

from customer_export.errors import StoreUnavailableError

NAMESPACE = 0x0DB05
"""The first key of our advisory locks: the second alone might be taken for somebody else's lock."""

SERVER_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"
"""Both sides see within 14 seconds that the other's machine has gone: a lock must not outlive it for the two hours of
Linux's default."""


class LivenessLostError(Exception):
    """The lock is gone, so others take this worker for dead and do its work: it has to end at once."""


class Liveness(Protocol):
    """The lock of one worker, and a look at those of others."""

    def acquire(self) -> None:
        """Take the lock, before any work is taken. Raises StoreUnavailableError."""

    def check(self) -> None:
        """Raise LivenessLostError unless the lock is still held."""

    def seizing(self, worker_id: str) -> AbstractContextManager[bool]:
        """Try for the lock of another worker: gives True for as long as it is held, False if the worker lives."""

    def release(self) -> None:
        """Free the lock: others may have what is left of the work."""


class FileLiveness:
    """Locks on files in a folder beside a SQLite database: on one machine, and a local disk."""

    def __init__(self, folder: Path, worker_id: str) -> None:
        self._folder = folder
        self._worker_id = worker_id
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Make the file and lock it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = _locked(self._path(self._worker_id))
        except OSError as failure:
            raise StoreUnavailableError(
                f"{self._folder} cannot be written ({failure.strerror}); the folder of DATABASE_URL has to be ours"
            ) from failure
        assert self._descriptor is not None  # its name is new

    def check(self) -> None:
        """Nothing takes a file's lock from a process that runs."""

    @contextmanager
    def seizing(self, worker_id: str) -> Iterator[bool]:
        """Lock the file of another worker."""
        path = self._path(worker_id)
        descriptor = _locked(path)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                path.unlink(missing_ok=True)
                os.close(descriptor)

    def release(self) -> None:
        """Remove the file."""
        if self._descriptor is not None:
            self._path(self._worker_id).unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _path(self, worker_id: str) -> Path:
        return self._folder / f"{worker_id}.lock"


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class AdvisoryLiveness:
    """Advisory locks of a PostgreSQL session. `url` is libpq's; a pooler must pool sessions, not statements."""

    def __init__(self, url: str, worker_id: str) -> None:
        self._url = url
        self._worker_id = worker_id
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None

    def acquire(self) -> None:
        """Open the session that the lock lives in."""
        try:
            self._session = psycopg.connect(
                self._url,
                autocommit=True,
                application_name=f"customer-export worker {self._worker_id}"[:63],
                options=SERVER_KEEPALIVE,
                keepalives=1,
                keepalives_idle=5,
                keepalives_interval=3,
                keepalives_count=3,
            )
            acquired = self._try(self._worker_id)
        except psycopg.Error as failure:
            raise StoreUnavailableError(
                f"The database of DATABASE_URL does not answer ({type(failure).__name__}), so no worker can begin"
            ) from failure
        assert acquired  # its name is new

    def check(self) -> None:
        """Ask something in the session."""
        try:
            self._open_session.execute("SELECT 1")
        except psycopg.Error as failure:
            raise LivenessLostError(type(failure).__name__) from failure

    @contextmanager
    def seizing(self, worker_id: str) -> Iterator[bool]:
        """Try for the other's lock in our session. Raises LivenessLostError if that is gone."""
        try:
            seized = self._try(worker_id)
        except psycopg.Error as failure:
            raise LivenessLostError(type(failure).__name__) from failure
        try:
            yield seized
        finally:
            if seized:
                with suppress(psycopg.Error):  # a session that is gone has no lock; `check` finds out
                    self._open_session.execute("SELECT pg_advisory_unlock(%s, %s)", (NAMESPACE, _key(worker_id)))

    def release(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    @property
    def _open_session(self) -> psycopg.Connection[tuple[Any, ...]]:
        assert self._session is not None  # acquired first
        return self._session

    def _try(self, worker_id: str) -> bool:
        asked = "SELECT pg_try_advisory_lock(%s, %s)"
        row = self._open_session.execute(asked, (NAMESPACE, _key(worker_id))).fetchone()
        return row is not None and bool(row[0])


def _key(worker_id: str) -> int:
    """Give 32 bits for a name. Two of the same would only make one of them look alive for as long as the other is."""
    return int.from_bytes(hashlib.blake2b(worker_id.encode(), digest_size=4).digest(), "big", signed=True)
