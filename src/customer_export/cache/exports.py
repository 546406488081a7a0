"""The cache as an export meets it: a finished file, a place behind somebody who makes it, or the making of it."""

from collections.abc import Iterator
from datetime import datetime

from customer_export.cache.interface import Cache, Flights, Follow, Keep, Kept, Lead, Lease, MakeLease, Reach
from customer_export.cache.lease import own_lease
from customer_export.cache.off import AloneLead
from customer_export.model.cached_export import CachedExport, CacheKey
from customer_export.model.manifest import CompleteManifest


class CacheFill:
    """Collects the pieces of an export that is being made, while they are few enough to be kept.

    `commit` or `drop` must be called in the end, from whatever thread; the second call of either does nothing.
    """

    def __init__(self, *, keep: Keep, lead: Lead, largest_bytes: int) -> None:
        self._keep = keep
        self._lead = lead
        self._largest_bytes = largest_bytes
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._open = True

    def has_room_for(self, size_bytes: int) -> bool:
        """Whether a file of this size is kept at all."""
        return size_bytes <= self._largest_bytes

    def add(self, piece: bytes) -> None:
        """Take the next piece. One too many drops all, and lets those go on who wait."""
        if not self._open:
            return
        self._size_bytes += len(piece)
        if self._size_bytes > self._largest_bytes:
            self.drop()
        else:
            self._pieces.append(piece)

    def tee(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the pieces on, each taken before it is given."""
        for piece in pieces:
            self.add(piece)
            yield piece

    def commit(self, manifest: CompleteManifest, *, stored_at: datetime) -> None:
        """Keep the export, which is whole, and give it to those who wait. Without all its bytes it is dropped."""
        if not self._open or self._size_bytes != manifest.file.size_bytes:
            self.drop()
            return
        entry = CachedExport(
            export_id=manifest.manifest.export_id,
            file_name=manifest.file.name,
            media_type=manifest.file.media_type,
            sha256=manifest.file.sha256,
            rows=manifest.rows,
            stored_at=stored_at,
            body=b"".join(self._pieces),
        )
        self._pieces.clear()
        try:
            kept = self._keep(entry)
        except BaseException:
            self.drop()
            raise
        self._open = False
        if kept is Kept.PURGED:
            self._lead.not_shared()
        else:
            self._lead.done(entry)

    def drop(self) -> None:
        """Forget the pieces, and let those go on by themselves who wait."""
        if self._open:
            self._open = False
            self._pieces.clear()
            self._lead.not_shared()


class ExportCache:
    """A cache and the flights that fill it. Files above `largest_bytes` are neither kept nor shared."""

    def __init__(
        self, cache: Cache, flights: Flights, *, largest_bytes: int, make_lease: MakeLease = own_lease
    ) -> None:
        self._cache = cache
        self._flights = flights
        self._make_lease = make_lease
        self.largest_bytes = largest_bytes

    @property
    def reach(self) -> Reach:
        """Who shares what is kept."""
        return self._cache.reach

    def look(self, key: CacheKey) -> CachedExport | Follow | CacheFill:
        """Give the export if it is there, else a place to wait in, else, to the first who asks, the making of it.

        Must be called before any of the export's data is read.
        """
        found = self._cache.get(key)
        if found is not None:
            return found
        place = self._flights.lead_or_follow(key)
        if isinstance(place, Follow):
            return place
        try:
            found = self._cache.get(key)  # it may have come in between: who led before leaves only after that
            if found is None:
                return CacheFill(keep=self._cache.begin(key), lead=place, largest_bytes=self.largest_bytes)
            place.done(found)
        except BaseException:
            place.not_shared()
            raise
        return found

    def find(self, key: CacheKey) -> CachedExport | None:
        """Give the export if it is there, and take no part in the making of it."""
        return self._cache.get(key)

    def lease(self, name: str) -> Lease:
        """Make the lease of a name, by which one process does something for all that share the cache."""
        return self._make_lease(name)

    def make(self, key: CacheKey) -> CacheFill:
        """Give the making of an export, whether or not it is there: for a fresh one, or after waiting in vain."""
        return CacheFill(keep=self._cache.begin(key), lead=AloneLead(), largest_bytes=self.largest_bytes)

    def purge(self, customer_id: str) -> int:
        """Drop everything of a customer, also what is being made; give how many exports were dropped.

        `customer_id` is in the canonical text of its type. Raises CacheUnavailableError if that cannot be done.
        """
        return self._cache.purge(customer_id)

    def check(self) -> None:
        """Raise CacheUnavailableError unless the cache answers."""
        self._cache.check()

    def close(self) -> None:
        """Let those go on who wait, and free everything."""
        self._flights.close()
        self._cache.close()
