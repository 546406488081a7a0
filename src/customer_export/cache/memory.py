"""The cache of one process: the exports used last, as many as fit into a budget."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from weakref import WeakValueDictionary

from customer_export.cache.interface import Keep, Kept, Reach
from customer_export.model.cached_export import CachedExport, CacheKey

ENTRY_BYTES = 2_048  # what an entry takes beside its body: sys.getsizeof of all its parts is near 1,600


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Customer:
    """What is kept of one customer since the last purge; it lives while an entry or somebody making one holds it."""

    digests: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    export: CachedExport
    customer: _Customer
    expires_at_seconds: float

    @property
    def size_bytes(self) -> int:
        return self.export.size_bytes + ENTRY_BYTES


class MemoryCache:
    """Keeps exports until `ttl` is over or `budget_bytes` are needed for others; then the one unused longest goes.

    `monotonic` gives seconds that never run backwards. An expired export leaves memory with the next call, whomever
    that is about.
    """

    reach = Reach.PROCESS

    def __init__(self, *, budget_bytes: int, ttl: timedelta, monotonic: Callable[[], float]) -> None:
        self._budget_bytes = budget_bytes
        self._ttl_seconds = ttl.total_seconds()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the one unused longest first
        self._expiries: deque[tuple[float, str]] = deque()  # what expires next first; it may be gone by then
        self._customers: WeakValueDictionary[str, _Customer] = WeakValueDictionary()
        self._used_bytes = 0

    def get(self, key: CacheKey) -> CachedExport | None:
        """Give the export, or None: unknown, expired or purged."""
        with self._lock:
            self._drop_expired()
            entry = self._entries.get(key.digest)
            if entry is None:
                return None
            self._entries.move_to_end(key.digest)
            return entry.export

    def begin(self, key: CacheKey) -> Keep:
        """Give what keeps the export, unless its customer is purged until then."""
        with self._lock:
            customer = self._customers.setdefault(key.customer_id, _Customer())
        return partial(self._put, key, customer)

    def _put(self, key: CacheKey, customer: _Customer, export: CachedExport) -> Kept:
        with self._lock:
            self._drop_expired()
            if self._customers.get(key.customer_id) is not customer:
                return Kept.PURGED
            entry = _Entry(export, customer, self._monotonic() + self._ttl_seconds)
            self._drop(key.digest)
            if entry.size_bytes > self._budget_bytes:
                return Kept.NOT_KEPT
            self._entries[key.digest] = entry
            self._expiries.append((entry.expires_at_seconds, key.digest))
            customer.digests.add(key.digest)
            self._used_bytes += entry.size_bytes
            while self._used_bytes > self._budget_bytes:
                self._drop(next(iter(self._entries)))
            return Kept.KEPT

    def purge(self, customer_id: str) -> int:
        """Drop everything of a customer, also what is being made; give how many exports were dropped."""
        with self._lock:
            self._drop_expired()
            customer = self._customers.pop(customer_id, None)
            digests = [] if customer is None else list(customer.digests)
            for digest in digests:
                self._drop(digest)
            return len(digests)

    def check(self) -> None:
        """Be content: memory answers."""

    def close(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._expiries.clear()
            self._used_bytes = 0

    def _drop_expired(self) -> None:
        now = self._monotonic()
        while self._expiries and self._expiries[0][0] <= now:
            _, digest = self._expiries.popleft()
            entry = self._entries.get(digest)
            if entry is not None and entry.expires_at_seconds <= now:  # else it has been put anew
                self._drop(digest)

    def _drop(self, digest: str) -> None:
        entry = self._entries.pop(digest, None)
        if entry is not None:
            entry.customer.digests.discard(digest)
            self._used_bytes -= entry.size_bytes
