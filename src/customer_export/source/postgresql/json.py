r"""Rows as JSON texts, written by COPY: with the right options its CSV is JSON, control characters in texts apart.

Every cell stands in quotes, `"` and `\` in it get a backslash, and NULL is `null`. So the cells are taken apart as
bytes, and go into the file as they came.
"""

import re
from collections.abc import Sequence
from json.encoder import encode_basestring

from customer_export.model.document import JsonBatch

JSON_COPY_OPTIONS = r"""FORMAT csv, DELIMITER E'\x1f', QUOTE '"', ESCAPE E'\\', NULL 'null', FORCE_QUOTE *"""

_SEPARATOR = b"\x1f"  # the delimiter: ASCII's unit separator, as rare in texts as a character can be
_ESCAPES = [
    (control.encode(), encode_basestring(control)[1:-1].encode())
    for control in map(chr, range(1, 0x20))  # PostgreSQL's texts have no NUL
    if control.encode() != _SEPARATOR
]
_ESCAPED_SEPARATOR = rb"\u001f"
_CELL = re.compile(rb'null|"[^"\\]*(?:\\.[^"\\]*)*"')


def json_batch(rows: Sequence[bytes | bytearray | memoryview], *, columns: int) -> JsonBatch:
    """Take apart rows that COPY wrote with JSON_COPY_OPTIONS, without the line feed at their end."""
    text = _SEPARATOR.join(rows)
    for control, escaped in _ESCAPES:
        text = text.replace(control, escaped)  # one that is not there costs a search at the speed of memory
    cells = text.split(_SEPARATOR)
    if len(cells) != len(rows) * columns:  # the separator is in a cell, too: slow, but exact
        cells = [cell.replace(_SEPARATOR, _ESCAPED_SEPARATOR) for cell in _CELL.findall(text)]
    return [cells[column::columns] for column in range(columns)]
