"""Which part of a file is asked for (RFC 9110, section 14): one range, or all of it."""

import re
from collections.abc import Mapping

from customer_export.errors import RangeNotSatisfiableError

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")
"""One range. A list of several is left aside, as is allowed: the answer is the whole file then."""


def asked_range(headers: Mapping[str, str], *, size_bytes: int, etag: str) -> tuple[int, int] | None:
    """Give the bytes asked for, from the first to before the last; None for the whole file.

    With an If-Range of another version it is the whole. Raises RangeNotSatisfiableError.
    """
    found = _RANGE.fullmatch(headers.get("range", "").strip())
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, stop = max(size_bytes - int(suffix), 0), size_bytes
    else:
        start = int(first)
        stop = size_bytes if last is None else min(int(last) + 1, size_bytes)
        if last is not None and int(last) < start:
            return None  # it is no range at all
    if start >= size_bytes or start == stop:
        raise RangeNotSatisfiableError(size_bytes)
    return start, stop
