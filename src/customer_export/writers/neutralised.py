"""The cells that a CSV has neutralised, found in its records, whoever wrote them.

A field that begins with `'`, or with more of them, before what a spreadsheet would run is always such a cell: one
that looks so by itself got another `'`. So nothing has to be noted where records are written.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from customer_export.model.columns import Column
from customer_export.model.csv_records import ACTIVE
from customer_export.model.document import CsvLayout, CsvRecords
from customer_export.model.ledger import AlterationKind, SectionLedger
from customer_export.model.request import CsvProfile

_NEUTRAL, _QUOTE, _END = b"'", b'"', b"\r\n"
_find_neutral = re.compile(b"%b[%b]" % (_NEUTRAL, re.escape("".join(sorted(ACTIVE))).encode())).finditer
"""What a neutralised cell has, and hardly any other text. It begins with one certain byte, and so is found fast."""


def note_neutralised(piece: CsvRecords, columns: Sequence[Column], layout: CsvLayout, ledger: SectionLedger) -> None:
    """Note the neutralised cells of the section's next records, and go on behind them."""
    if layout.profile is CsvProfile.SPREADSHEET and _NEUTRAL in piece.text:
        places = layout.places if layout.section is None else (None, *layout.places)
        found: dict[int, list[int]] = {}
        for start, field in _neutralised(piece.text, layout.delimiter.encode()):
            found.setdefault(field, []).append(start)
        for field, starts in found.items():
            place = places[field]
            assert place is not None  # a field without a cell is empty
            kind, rows = AlterationKind.FORMULA_NEUTRALISED, partial(_rows_of, piece.text, starts)
            ledger.add_counted(columns[place].name, kind, len(starts), rows)
    ledger.advance(piece.rows)


def _neutralised(records: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Give where in whole records each neutralised field begins, and its number in its record, from 0.

    `known` is the beginning of such a field, and all before it has been looked at; so has what is before `seen`.
    """
    before_field, ends_field = {b"", b"\n", delimiter}, {b"\r", delimiter}
    known = known_field = seen = quotes = 0
    for hit in _find_neutral(records):
        start = hit.start()
        while records[start - 1 : start] == _NEUTRAL:
            start -= 1
        is_quoted = records[start - 1 : start] == _QUOTE
        start -= is_quoted
        if records[start - 1 : start] not in before_field or (not is_quoted and hit[0][1:] in ends_field):
            continue
        quotes += records.count(_QUOTE, seen, start)
        seen = start
        if quotes % 2:  # it stands within a field
            continue
        end = records.rfind(_END, known, start)
        if end >= 0 and records.find(_QUOTE, end, start) < 0:
            field = records.count(delimiter, end + len(_END), start)
        else:
            outside = b"".join(records[known:start].split(_QUOTE)[::2])
            _, has_ended, record = outside.rpartition(_END)
            field = record.count(delimiter) + (0 if has_ended else known_field)
        known, known_field, quotes = start, field, 0
        yield start, field


def _rows_of(records: bytes, starts: Sequence[int], wanted: int) -> Sequence[int]:
    """Say in which rows, from 0, the first of these fields stand."""
    return [_QUOTE.join(records[:start].split(_QUOTE)[::2]).count(_END) for start in starts[:wanted]]
