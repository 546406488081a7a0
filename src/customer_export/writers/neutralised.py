"""The cells that a CSV has neutralised, found in its records, whoever wrote them.

A field that begins with `'`, or with more of them, before what a spreadsheet would run is always such a cell: one
that looks so by itself got another `'`. So nothing has to be noted where records are written.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from customer_export.model.columns import Column
from customer_export.model.csv_records import ACTIVE
from customer_export.model.document import CsvLayout, CsvRecords
from customer_export.model.ledger import AlterationKind, SectionLedger
from customer_export.model.request import CsvProfile

_NEUTRAL, _QUOTE, _LINE_END = b"'", b'"', b"\n"
_find_neutral = re.compile(b"%b[%b]" % (_NEUTRAL, re.escape("".join(sorted(ACTIVE))).encode())).finditer
"""What a neutralised cell has, and hardly any other text. It begins with one certain byte, and so is found fast."""


def note_neutralised(piece: CsvRecords, columns: Sequence[Column], layout: CsvLayout, ledger: SectionLedger) -> None:
    """Note the neutralised cells of the section's next records, and go on behind them."""
    if layout.profile is CsvProfile.SPREADSHEET and _NEUTRAL in piece.text:
        places = layout.places if layout.section is None else (None, *layout.places)
        rows: dict[int, list[int]] = {}
        for number in _neutralised(piece.text, layout.delimiter.encode()):
            row, field = divmod(number, len(places))
            place = places[field]
            assert place is not None  # a field without a cell is empty
            rows.setdefault(place, []).append(row)
        for place, found in rows.items():
            ledger.add(columns[place].name, AlterationKind.FORMULA_NEUTRALISED, found)
    ledger.advance(piece.rows)


def _neutralised(records: bytes, delimiter: bytes) -> Iterator[int]:
    """Give the number, from 0, of each neutralised field of whole records: what is before it is looked at once."""
    others = _all_but(delimiter)
    before_field, ends_field = {b"", _LINE_END, delimiter}, {b"\r", delimiter}
    number = done = quotes = 0
    for hit in _find_neutral(records):
        start = hit.start()
        while records[start - 1 : start] == _NEUTRAL:
            start -= 1
        is_quoted = records[start - 1 : start] == _QUOTE
        start -= is_quoted
        if records[start - 1 : start] not in before_field or (not is_quoted and hit[0][1:] in ends_field):
            continue
        separators = records[done:start].translate(None, others)
        if _QUOTE in separators or quotes % 2:
            parts = separators.split(_QUOTE)
            separators = b"".join(parts[quotes % 2 :: 2])
            quotes += len(parts) - 1
        number += len(separators)
        done = start
        if quotes % 2 == 0:  # or it stands within a field
            yield number


@cache
def _all_but(delimiter: bytes) -> bytes:
    """Give all bytes but those that end a field, and quotes."""
    return bytes(set(range(256)) - set(delimiter + _LINE_END + _QUOTE))
