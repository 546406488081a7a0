"""Tokens that were checked a moment ago: checking a signature, or asking the database, takes far longer."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from customer_export.model.access import Principal

MOST_REMEMBERED = 4096  # callers at a time; an entry takes about 1 kB
MOMENT = timedelta(milliseconds=100)
"""For how long a token counts as it was last read. Whoever revokes one waits for as long before saying that it is
done (cli/token.py), so that it ends with the next request from then on. A busy caller's is read ten times a second."""

Token = TypeVar("Token")


class RememberedTokens(Generic[Token]):
    """Finds tokens by their digest, those found a moment ago without `find`. Shared by all threads.

    `monotonic` gives seconds that never run backwards.
    """

    def __init__(self, find: Callable[[str], Token | None], *, monotonic: Callable[[], float]) -> None:
        self._find = find
        self._monotonic = monotonic
        self._found: dict[str, tuple[Token, float]] = {}

    def find(self, digest: str) -> Token | None:
        """Find a token, None if there is none: that is never remembered."""
        asked_at = self._monotonic()
        remembered = self._found.get(digest)
        if remembered is not None and asked_at < remembered[1]:
            return remembered[0]
        token = self._find(digest)
        if len(self._found) >= MOST_REMEMBERED:
            self._found.clear()
        if token is not None:
            self._found[digest] = (token, asked_at + MOMENT.total_seconds())
        return token


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
