"""What warming may take: files and time of the source in a minute, bytes of the cache."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from customer_export.model.warming import Pause, WarmingLimits

MINUTE_SECONDS = 60.0


class Budget:
    """Counts what was taken in the last minute. One thread spends; `monotonic` gives seconds."""

    def __init__(self, limits: WarmingLimits, *, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._taken: deque[tuple[float, float]] = deque()  # when each began, and how many seconds it took

    def lack(self) -> Pause | None:
        """Say what is used up, None if another file may be made."""
        since = self._monotonic() - MINUTE_SECONDS
        while self._taken and self._taken[0][0] <= since:
            self._taken.popleft()
        if len(self._taken) >= self._limits.renders:
            return Pause.RENDERS
        return Pause.TIME if self.left <= timedelta(0) else None

    @property
    def left(self) -> timedelta:
        """How much time of the source is left in this minute."""
        return self._limits.source_time - timedelta(seconds=sum(seconds for _, seconds in self._taken))

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count a file, and the time it takes."""
        began = self._monotonic()
        try:
            yield
        finally:
            self._taken.append((began, self._monotonic() - began))


class WarmFiles:
    """What is known of each file that is, or was, kept warm. One thread changes it.

    `until` is when a file leaves the cache, `warmed_at` when it was made here, `unasked` how often since somebody
    asked.
    """

    def __init__(self, limits: WarmingLimits) -> None:
        self._limits = limits
        self._until: dict[str, datetime] = {}
        self._sizes: dict[str, int] = {}
        self._warmed_at: dict[str, datetime] = {}
        self._unasked: dict[str, int] = {}
        self._failed_until: dict[str, datetime] = {}

    def until(self, name: str) -> datetime | None:
        """Say when a file leaves the cache, None if that is not known."""
        return self._until.get(name)

    def found(self, name: str, *, until: datetime) -> None:
        """Note that a file is in the cache, whoever made it."""
        self._until[name] = until

    def warmed(self, name: str, *, at: datetime, size_bytes: int) -> None:
        """Note that a file was made here."""
        self._until[name] = at + self._limits.kept
        self._sizes[name] = size_bytes
        self._warmed_at[name] = at
        self._unasked[name] = self._unasked.get(name, 0) + 1

    def failed(self, name: str, *, until: datetime) -> None:
        """Note that a file is not tried again for a while."""
        self._failed_until[name] = until

    def has_failed(self, name: str, *, now: datetime) -> bool:
        """Whether a file is not tried yet."""
        return name in self._failed_until and now < self._failed_until[name]

    def unasked(self, name: str, *, last_at: datetime) -> int:
        """Count how often a file was made since somebody asked for it."""
        if name in self._warmed_at and last_at > self._warmed_at[name]:
            self._unasked[name] = 0
        return self._unasked.get(name, 0)

    def has_room_for(self, name: str, size_bytes: int, *, now: datetime) -> bool:
        """Whether a file fits in beside all others that were made here and are kept."""
        others = (size for other, size in self._sizes.items() if other != name and now < self._until[other])
        return sum(others) + size_bytes <= self._limits.bytes

    def forget(self, but: frozenset[str], *, now: datetime) -> None:
        """Forget all files but these that are not kept any more."""
        for name in [name for name, until in self._until.items() if name not in but and until <= now]:
            for known in (self._until, self._sizes, self._warmed_at, self._unasked):
                known.pop(name, None)
        for name in [name for name, until in self._failed_until.items() if until <= now]:
            del self._failed_until[name]
