"""What counts requests, and the choices that an operator has."""

from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Protocol

from customer_export.model.allowance import Allowance, RateLimit


@unique
class WhenDown(StrEnum):
    """What happens while nothing can be counted: `open` lets everybody through, `closed` nobody."""

    OPEN = "open"
    CLOSED = "closed"


class RateLimiter(Protocol):
    """One limit, over a window that slides, for any number of clients. All methods may be called by many threads.

    `key` stands for a client (`limits/keys.py`).
    """

    @property
    def rate(self) -> RateLimit:
        """The limit that is kept."""

    def take(self, key: str, *, cost: int = 1) -> Allowance:
        """Count `cost` requests of a client, unless they would go over the limit: then none of them.

        `cost` is from 1 to the limit. Raises ValueError if it is not, and LimiterUnavailableError.
        """

    def look(self, key: str) -> Allowance:
        """Tell what `take` would say, and count nothing; `remaining` is what is left now.

        Raises LimiterUnavailableError.
        """

    def check(self) -> None:
        """Raise LimiterUnavailableError unless counting works."""


def allowance_of(rate: RateLimit, *, allowed: bool, used: int, resets_in_us: int, now: datetime) -> Allowance:
    """Say what was counted: `used` after this request, `resets_in_us` as `Allowance.resets_in`, in microseconds."""
    resets_in = timedelta(microseconds=resets_in_us)
    return Allowance(
        rate=rate,
        allowed=allowed,
        remaining=max(rate.limit - used, 0),
        resets_in=resets_in,
        resets_at=now + resets_in,
    )


def check_cost(rate: RateLimit, cost: int) -> None:
    """Raise ValueError for a cost that no waiting makes fit."""
    if not 1 <= cost <= rate.limit:
        raise ValueError(f"a cost of {cost} never fits the limit {rate.name!r} of {rate.limit}")
