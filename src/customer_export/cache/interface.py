"""What keeps finished exports, and what shares those in the making."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeAlias

from customer_export.model.cached_export import CachedExport, CacheKey


class Kept(Enum):
    """What became of an export that was to be kept.

    PURGED: the customer was purged since `begin`, so nobody may get it who asked later. NOT_KEPT: there is no room,
    or the cache is down or off.
    """

    KEPT = auto()
    PURGED = auto()
    NOT_KEPT = auto()


Keep: TypeAlias = Callable[[CachedExport], Kept]
"""What puts one finished export into the cache; made before its data is read."""


class Reach(Enum):
    """Who shares a cache: all processes, this one alone, or nobody, since there is none."""

    SHARED = auto()
    PROCESS = auto()
    NOWHERE = auto()


class Cache(Protocol):
    """Keeps finished exports for their time to live. All threads may call it. Only `purge` and `check` raise."""

    reach: Reach

    def get(self, key: CacheKey) -> CachedExport | None:
        """Give the export, or None: unknown, expired, purged, unreadable, or the cache is down."""

    def begin(self, key: CacheKey) -> Keep:
        """Say that an export is about to be made, before any of its data is read.

        What this gives refuses the export if its customer has been purged since.
        """

    def purge(self, customer_id: str) -> int:
        """Drop everything of a customer, also what is being made; give how many exports were dropped.

        Raises CacheUnavailableError if that cannot be done.
        """

    def check(self) -> None:
        """Raise CacheUnavailableError unless the cache answers."""

    def close(self) -> None:
        """Free everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """The place of somebody who waits for an export that another one makes.

    `made` gives the export, or None: go on and make it yourself. It cannot be cancelled, so each of many waiters may
    leave alone. Wait for no longer than `longest_seconds`, then go on likewise.
    """

    made: "Future[CachedExport | None]"
    longest_seconds: float

    def wait(self) -> CachedExport | None:
        """Wait in this thread; None: make it yourself."""
        try:
            return self.made.result(self.longest_seconds)
        except TimeoutError:
            return None


class Lead(Protocol):
    """The place of the one who makes an export that others wait for. One of the two must be called, once."""

    def done(self, entry: CachedExport) -> None:
        """Give the export to all who wait; it is in the cache by now, if it can be."""

    def not_shared(self) -> None:
        """Let all who wait go on by themselves: the export failed, or it is too large to be kept."""


class Flights(Protocol):
    """Knows which exports are being made, so that identical ones are made once. All threads may call it."""

    def lead_or_follow(self, key: CacheKey) -> Lead | Follow:
        """Take the lead if nobody makes this export, else follow. Never raises for a server that is down."""

    def close(self) -> None:
        """Let all who follow somebody elsewhere go on by themselves, and free everything."""


class Lease(Protocol):
    """What one process has for all that share a cache, as long as it goes on asking. All threads may call it."""

    def holds(self) -> bool:
        """Take it, or go on having it; False if another process has it, or the server is down."""

    def release(self) -> None:
        """Let another process have it."""


MakeLease: TypeAlias = Callable[[str], Lease]
"""Makes the lease of a name."""
