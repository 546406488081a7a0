"""The keys of rows, cut out of their canonical records."""

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from customer_export.model.document import CsvLayout

_SEPARATOR = b"\x1f"  # ASCII's unit separator, as rare in texts as a character can be
_find_fields = re.compile(rb'("[^"]*(?:""[^"]*)*"|[^",\r\n]*)(?:,|\r\n)').findall
"""Needs no separator, and takes ten times as long."""


def key_lines_of(records: bytes, layout: CsvLayout, key: Sequence[int]) -> bytes:
    """Give a line of key fields for each of some whole canonical records; `key` has places of columns."""
    before = 0 if layout.section is None else 1
    numbers = [before + layout.places.index(place) for place in key]
    key_of: Callable[[Sequence[bytes]], Any] = itemgetter(*numbers)
    # without what is in quotes, records end where lines do, and their beginnings are cut off for little
    outside = b'"'.join(records.split(b'"')[::2])
    keys = [key_of(record.split(b",", max(numbers) + 1)) for record in outside.split(b"\r\n")[:-1]]
    lines = _lines(keys if len(key) > 1 else zip(keys, strict=True))
    if b'"' not in lines:
        return lines
    fields, width = _fields(records), before + len(layout.places)
    return _lines(zip(*(fields[number::width] for number in numbers), strict=True))


def _lines(keys: Iterable[Iterable[bytes]]) -> bytes:
    return b"\n".join([*map(b",".join, keys), b""])


def _fields(records: bytes) -> list[bytes]:
    """Give all fields of records that have quotes; what is outside of these is looked at alone, all of it at once."""
    if _SEPARATOR in records:
        return _find_fields(records)
    parts = records.split(b'"')
    outside = b'"'.join(parts[::2])
    parts[::2] = outside.replace(b"\r\n", _SEPARATOR).replace(b",", _SEPARATOR).split(b'"')
    return b'"'.join(parts)[:-1].split(_SEPARATOR)
