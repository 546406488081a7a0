"""JSONB, in which SQLite from 3.45 on keeps JSON as BLOBs (https://sqlite.org/jsonb.html), as its `json()` writes it.

Read here and not by SQLite, since Python's may be older than the one that wrote the file.
"""

import json
import re
from collections.abc import Iterator
from enum import IntEnum

MOST_LEVELS = 200  # nobody's documents are as deep; Python's stack would bear a few hundred more


class _Kind(IntEnum):
    NULL = 0
    TRUE = 1
    FALSE = 2
    INT = 3
    INT5 = 4
    FLOAT = 5
    FLOAT5 = 6
    TEXT = 7
    TEXTJ = 8
    TEXT5 = 9
    TEXTRAW = 10
    ARRAY = 11
    OBJECT = 12


_TEXTS = {_Kind.TEXT, _Kind.TEXTJ, _Kind.TEXT5, _Kind.TEXTRAW}
_CONSTANTS = {_Kind.NULL: "null", _Kind.TRUE: "true", _Kind.FALSE: "false"}
_LARGEST_SMALL = 11  # sizes up to it stand in the head itself; above, 1, 2, 4 or 8 bytes follow that hold it
_ESCAPE5 = re.compile(r'\\(x[0-9a-fA-F]{2}|\r\n|[^u]|u[0-9a-fA-F]{4})|["\x00-\x1f]', re.DOTALL)
"""An escape of JSON5, or what JSON cannot hold without one."""
_OF_JSON = frozenset('"\\/bfnrt')


def json_of(blob: bytes) -> str | None:
    """Give the JSON text of a BLOB, None if it is not JSONB through and through."""
    try:
        text, end = _value(blob, 0, len(blob), levels=0)
        json.loads(text, parse_constant=_refuse)
    except (ValueError, IndexError):  # a kind that there is none of, bytes that are not UTF-8, too short, no JSON
        return None
    return text if end == len(blob) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _value(blob: bytes, place: int, limit: int, *, levels: int) -> tuple[str, int]:
    """Read the value that begins at `place`, and say where it ends."""
    kind, start, end = _head(blob, place)
    if end > limit or levels > MOST_LEVELS:
        raise ValueError
    if kind in _CONSTANTS and start == end:
        return _CONSTANTS[kind], end
    match kind:
        case _Kind.ARRAY:
            return f"[{','.join(text for _, text in _values(blob, start, end, levels=levels + 1))}]", end
        case _Kind.OBJECT:
            return f"{{{_members(list(_values(blob, start, end, levels=levels + 1)))}}}", end
    return _scalar(kind, blob[start:end].decode()), end


def _head(blob: bytes, place: int) -> tuple[_Kind, int, int]:
    """Read a head: the value's kind, and where its content begins and ends."""
    kind, small = _Kind(blob[place] & 15), blob[place] >> 4
    start = place + 1
    if small <= _LARGEST_SMALL:
        return kind, start, start + small
    width = 1 << (small - _LARGEST_SMALL - 1)
    return kind, start + width, start + width + int.from_bytes(blob[start : start + width], "big")


def _values(blob: bytes, place: int, limit: int, *, levels: int) -> Iterator[tuple[_Kind, str]]:
    while place < limit:
        kind = _Kind(blob[place] & 15)
        text, place = _value(blob, place, limit, levels=levels)
        yield kind, text


def _members(values: list[tuple[_Kind, str]]) -> str:
    keys, texts = values[::2], [text for _, text in values[1::2]]
    if any(kind not in _TEXTS for kind, _ in keys):
        raise ValueError
    return ",".join(f"{key}:{text}" for (_, key), text in zip(keys, texts, strict=True))


def _scalar(kind: _Kind, content: str) -> str:
    match kind:
        case _Kind.INT | _Kind.FLOAT:
            return content
        case _Kind.INT5:
            sign = "-" if content.startswith("-") else ""
            return f"{sign}{int(content.lstrip('+-'), 16)}"
        case _Kind.FLOAT5:
            return _plain_float(content)
        case _Kind.TEXT | _Kind.TEXTJ:
            return f'"{content}"'
        case _Kind.TEXT5:
            return f'"{_ESCAPE5.sub(_escape_of_json, content)}"'
        case _Kind.TEXTRAW:
            return json.dumps(content, ensure_ascii=False)
        case _:
            raise ValueError


def _plain_float(content: str) -> str:
    """Add the zeros that JSON5 may leave out before and after the point."""
    sign = "-" if content.startswith("-") else ""
    whole, point, rest = content.lstrip("+-").partition(".")
    fraction = rest if rest[:1].isdigit() else f"0{rest}" if point else ""
    return f"{sign}{whole or '0'}{point}{fraction}"


def _escape_of_json(escape: re.Match[str]) -> str:
    """Write an escape of JSON5 as one of JSON; a line that is continued just goes on."""
    match escape[1]:
        case None:
            return json.dumps(escape[0])[1:-1]
        case "'":
            return "'"
        case "v":
            return "\\u000b"
        case "0":
            return "\\u0000"
        case "\r\n" | "\n" | "\r" | "\u2028" | "\u2029":
            return ""
        case code if code[0] == "x":
            return f"\\u00{code[1:]}"
        case code if code in _OF_JSON or code[0] == "u":
            return escape[0]
        case other:
            return other
