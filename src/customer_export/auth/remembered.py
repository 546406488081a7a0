"""Principals of tokens that were checked a moment ago: checking a signature takes fifty times as long."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from customer_export.model.access import Principal

MOST_REMEMBERED = 4096  # callers at a time; an entry takes about 1 kB


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    generation: int
    ends_at: datetime


class RememberedPrincipals:
    """Keeps those used last, by the digest of their token. Shared by all threads.

    `generation` is that of the keys: those of an earlier one are forgotten, since their key may have been taken back.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, _Remembered] = OrderedDict()

    def get(self, digest: bytes, *, generation: int, now: datetime) -> Principal | None:
        """Give the principal, unless the token has ended or the keys have changed."""
        with self._lock:
            entry = self._entries.get(digest)
            if entry is None:
                return None
            if entry.generation != generation or entry.ends_at <= now:
                del self._entries[digest]
                return None
            self._entries.move_to_end(digest)
            return entry.principal

    def put(self, digest: bytes, principal: Principal, *, generation: int, ends_at: datetime) -> None:
        """Remember a principal; if there are too many, the one not used for longest is forgotten."""
        with self._lock:
            self._entries[digest] = _Remembered(principal, generation, ends_at)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
