"""What a limit allows, and what is left of it for one client."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `limit` in any stretch of time as long as `window`. `name` tells one limit from another."""

    name: str
    limit: int
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a limiter says to one request.

    `allowed` is whether it may go on, and `remaining` how many more may right after it. `resets_in` is the time until
    the oldest counted request leaves the window and makes room for another, zero if none is counted; of a refused
    request it is the time until the same request fits. `resets_at` is that moment. `enforced` is False if nothing
    could be counted and everybody is let through.
    """

    rate: RateLimit
    allowed: bool
    remaining: int
    resets_in: timedelta
    resets_at: datetime
    enforced: bool = True

    @property
    def limit(self) -> int:
        """How many are allowed in a window."""
        return self.rate.limit

    @property
    def window(self) -> timedelta:
        """The length of the sliding window."""
        return self.rate.window

    @property
    def retry_after(self) -> timedelta | None:
        """How long to wait until the same request is allowed; None if it was."""
        return None if self.allowed else self.resets_in

    @property
    def resets_in_seconds(self) -> int:
        """`resets_in` in whole seconds, rounded up: waiting that long is enough."""
        return math.ceil(self.resets_in / timedelta(seconds=1))

    @property
    def retry_after_seconds(self) -> int | None:
        """`retry_after` in whole seconds, rounded up; None if the request was allowed."""
        return None if self.allowed else self.resets_in_seconds
