"""Files made for the cache before anybody asks, as values: what was asked for, and what warming may take."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmingLimits:
    """What the operator allows. `source_time` and `renders` are for a minute, `bytes` for all that is kept warm.

    `most_exported` is how many files are kept warm, of those asked for within `window`. It goes on while no more than
    `exports_beside` exports are under way, and while the source answers within `latency`. `kept` is how long a file is
    kept.
    """

    renders: int
    most_exported: int
    window: timedelta
    source_time: timedelta
    bytes: int
    exports_beside: int
    latency: timedelta
    kept: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """What somebody has asked for, and got, by the audit: `times`, last of all at `last_at`, then so many `bytes`.

    `parameters` are as the audit has them.
    """

    customer_id: str
    parameters: str
    principal: str
    times: int
    last_at: datetime
    bytes: int


@unique
class Standing(StrEnum):
    """What becomes of a file that might be kept warm. Those from `jwt` on are not made.

    ========= ===================================================================================
    kept      it is in the cache
    due       it is to be made as soon as there is room for it
    jwt       whoever asks for it is known by a JWT, and cannot be known without it
    rights    whoever asks for it may not have it any more: no token of theirs is good
    purged    the customer has been purged lately
    unasked   it was made twice, and nobody has asked for it since
    too_large it is larger than what is kept, or than what may be kept warm
    failed    it could not be made; that is tried again after an hour
    ========= ===================================================================================
    """

    KEPT = "kept"
    DUE = "due"
    JWT = "jwt"
    RIGHTS = "rights"
    PURGED = "purged"
    UNASKED = "unasked"
    TOO_LARGE = "too_large"
    FAILED = "failed"


@unique
class Pause(StrEnum):
    """Why nothing is made just now.

    ======= ====================================================================
    exports exports are under way
    source  the customers' database is slow, or does not answer
    renders as many files as a minute allows have been made
    time    the time of the source that a minute allows has been taken
    lease   another process that shares the cache keeps it warm
    ======= ====================================================================
    """

    EXPORTS = "exports"
    SOURCE = "source"
    RENDERS = "renders"
    TIME = "time"
    LEASE = "lease"
