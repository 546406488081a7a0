"""Texts of a database that are not UTF-8: U+FFFD stands for the bytes that are not, and the ledger says where.

They are read with `surrogateescape`, which keeps such bytes apart from every character there is.
"""

import re
from collections.abc import Sequence
from typing import TypeVar

from customer_export.model.columns import Cell
from customer_export.model.ledger import AlterationKind, SectionLedger

READ_AS = "surrogateescape"
"""How to decode what will be mended here."""

Value = TypeVar("Value")

_has_invalid = re.compile("[\udc80-\udcff]").search


def valid_text(cell: Cell) -> Cell:
    """Put U+FFFD in place of bytes that are not UTF-8."""
    return cell if cell is None or cell.isascii() or _has_invalid(cell) is None else _mended(cell)


def mend_texts(values: Sequence[Value], column: str, ledger: SectionLedger) -> Sequence[Value | str]:
    """Put U+FFFD in place of bytes that are not UTF-8 in a column of a batch, and note it."""
    places = [place for place, value in enumerate(values) if isinstance(value, str) and _has_invalid(value)]
    if not places:
        return values
    ledger.add(column, AlterationKind.INVALID_TEXT_REPLACED, places, lambda place: _bytes(str(values[place])).hex())
    mended: list[Value | str] = list(values)
    for place in places:
        mended[place] = _mended(str(values[place]))
    return mended


def _bytes(text: str) -> bytes:
    return text.encode(errors=READ_AS)


def _mended(text: str) -> str:
    return _bytes(text).decode(errors="replace")
