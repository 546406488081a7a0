"""The one way to write JSON that is signed: RFC 8785 (JCS), for all that our manifests hold."""

from collections.abc import Mapping

import orjson

LARGEST_INTEGER = (1 << 53) - 1
"""What RFC 8785 calls for by ECMAScript: numbers are doubles (RFC 7493, 2.2), and beyond this they are not exact."""


def canonical_json(value: object) -> bytes:
    """Write objects, arrays, strings, integers, booleans and null so that equal values are equal bytes.

    Raises ValueError for a fraction or a larger integer, which our manifests write as strings, and for what is no JSON.
    """
    try:
        return orjson.dumps(_ordered(value), option=orjson.OPT_STRICT_INTEGER)
    except (orjson.JSONEncodeError, RecursionError) as failure:
        raise ValueError(f"No canonical JSON: {failure}") from failure


def _ordered(value: object) -> object:
    match value:
        case str() | int() | None:
            return value
        case Mapping():
            return {name: _ordered(value[name]) for name in sorted(value, key=_utf16)}
        case list() | tuple():
            return [_ordered(member) for member in value]
        case _:
            raise ValueError(f"No canonical JSON: a {type(value).__name__}")


def _utf16(name: object) -> bytes:
    """Give what names are sorted by: their UTF-16 code units (RFC 8785, 3.2.3)."""
    if not isinstance(name, str):
        raise ValueError(f"No canonical JSON: a member is named by a {type(name).__name__}")  # noqa: TRY004  (as told)
    return name.encode("utf-16-be", "surrogatepass")
