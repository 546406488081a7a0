"""What answers say about a rate limit."""

import math
from datetime import UTC, datetime

from customer_export.model.allowance import Allowance


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """Give the headers: the contract's X-RateLimit-…, those of the IETF, and Retry-After if the request was refused.

    RateLimit and RateLimit-Policy are structured fields as in draft-ietf-httpapi-ratelimit-headers-11: `q` requests in
    `w` seconds, of which `r` are left, and more in `t` seconds. Times are rounded up, so that none comes too early.
    """
    policy = f'"{allowance.rate.name}"'
    window_seconds = math.ceil(allowance.window.total_seconds())
    headers = {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(allowance.remaining),
        "X-RateLimit-Reset": _second(allowance.resets_at),
        "RateLimit-Policy": f"{policy};q={allowance.limit};w={window_seconds}",
        "RateLimit": f"{policy};r={allowance.remaining}",
    }
    if allowance.resets_in:  # otherwise all is there, and no more will come
        headers["RateLimit"] += f";t={allowance.resets_in_seconds}"
    if allowance.retry_after_seconds is not None:
        headers["Retry-After"] = str(allowance.retry_after_seconds)
    return headers


def _second(moment: datetime) -> str:
    """Write a moment in UTC to the second, never earlier than it is: 2024-01-01T10:01:00Z."""
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC).isoformat().replace("+00:00", "Z")
