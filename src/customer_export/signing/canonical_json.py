"""The one way to write JSON that is signed: RFC 8785 (JCS), for all that our manifests hold."""

from collections.abc import Mapping

import orjson

from customer_export.model.shared_members import SharedMembers

LARGEST_INTEGER = (1 << 53) - 1
"""What RFC 8785 calls for by ECMAScript: numbers are doubles (RFC 7493, 2.2), and beyond this they are not exact."""


_LEAVES = frozenset({str, int, bool, type(None)})
"""What stands as it is. Most members are such; a call for each made it half as slow again."""


def canonical_json(value: object) -> bytes:
    """Write objects, arrays, strings, integers, booleans and null so that equal values are equal bytes.

    Raises ValueError for a fraction or a larger integer, which our manifests write as strings, and for what is no JSON.
    """
    try:
        return orjson.dumps(_ordered(value), option=orjson.OPT_STRICT_INTEGER)
    except (orjson.JSONEncodeError, RecursionError) as failure:
        raise ValueError(f"No canonical JSON: {failure}") from failure


def _ordered(value: object) -> object:
    if type(value) is dict or isinstance(value, Mapping):  # which asks an abstract class
        names = list(value)
        try:  # ASCII, as all of ours are, is sorted alike by whatever units; a match and a key took thrice the time
            names.sort(key=None if "".join(names).isascii() else _utf16)
        except TypeError as failure:
            raise ValueError(f"No canonical JSON: a member's name is no string: {failure}") from failure
        return {name: one if type(one := value[name]) in _LEAVES else _ordered(one) for name in names}
    if type(value) is SharedMembers:
        if value.canonical is None:
            value.canonical = orjson.Fragment(canonical_json(list(value)))
        return value.canonical
    if isinstance(value, list | tuple):
        return [one if type(one) in _LEAVES else _ordered(one) for one in value]
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"No canonical JSON: a {type(value).__name__}")


def _utf16(name: str) -> bytes:
    """Give what names are sorted by: their UTF-16 code units (RFC 8785, 3.2.3)."""
    return name.encode("utf-16-be", "surrogatepass")
