"""SQLite's values as canonical text.

SQLite has no decimals, dates or booleans, and any column may hold any kind of value, so a SELECT cannot write exact
text of all of them. Here a REAL's text is exact, and made for a column at a time
(docs/decisions/0003-text-of-sqlite-values.md); `csv` has SQLite write those that it proves to be the same.
"""

import hashlib
import math
import re
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import TypeAlias, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Cell, ColumnType, StoredAs
from customer_export.source.sqlite.jsonb import json_of
from customer_export.source.stored_moments import iso_text, written_moment

Value: TypeAlias = str | int | float | bytes | None
ToText: TypeAlias = Callable[[Sequence[Value]], Sequence[Cell]]

UTC_ZONE = "UTC"
_UTC = ZoneInfo(UTC_ZONE)
_UTC_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?\+00:00")
_UTC_INSTANTS = re.compile(rf"({_UTC_INSTANT.pattern}\n)*")
_SPACED = re.compile(r"([0-9-]{10})[ T]+([0-9:.]{5,})\s*([Zz]|[+-][0-9:]{5}|)\s*", re.ASCII)
"""Of the forms that SQLite reads those with more or fewer blanks than ISO 8601 has, or a small z."""
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
UUID_BYTES = 16
BOOLEANS = {
    spelled: text
    for text in ("true", "false")
    for spelled in (text, text.upper(), text.capitalize(), text[0], text[0].upper())
} | {"1": "true", "0": "false"}
"""How booleans are spelled as text."""
_NAIVE = "0000-00-00 00:00:00"
_NAIVE_FORMS = {len(form): form for form in (_NAIVE, *(f"{_NAIVE}.{digits * '0'}" for digits in range(1, 7)))}
"""Time stamps without a zone, of all the lengths that they may have."""
_TO_ZERO = str.maketrans("123456789", "000000000")


def scale_of(stored: TypeEngine[object]) -> int:
    """Say how many decimals a column declares."""
    return stored.scale if isinstance(stored, sa.Numeric) and stored.scale is not None else 0


def to_text(
    kind: ColumnType, *, scale: int, time_zone: str, naive_zone: str, stored_as: StoredAs | None = None
) -> ToText:
    """Choose how the values of a column become canonical text; a value of an unexpected kind keeps its own text."""
    zone = ZoneInfo(time_zone)
    instants = partial(_instants, zone=zone, naive=ZoneInfo(naive_zone))
    match kind:
        case ColumnType.DATE | ColumnType.TIMESTAMP if stored_as is not None:
            others = instants if kind is ColumnType.TIMESTAMP else _texts
            return partial(_counted, kind=kind, stored_as=stored_as, zone=zone, others=others)
        case ColumnType.TIMESTAMP:
            return instants
        case ColumnType.DECIMAL | ColumnType.MONEY:
            return partial(_decimals, scale=scale)
        case ColumnType.JSON:
            return partial(_unpacked, text_of=json_of)
        case ColumnType.UUID:
            return partial(_unpacked, text_of=_uuid_of)
        case ColumnType.BOOLEAN:
            return _booleans
        case ColumnType.BINARY:
            return _described
        case _:
            return _texts


def columns_of(rows: Sequence[Sequence[Value]]) -> list[Sequence[Value]]:
    """Turn rows into columns: a flat list cut in strides takes a third of the time of zip."""
    flat = list(chain.from_iterable(rows))
    width = len(rows[0])
    return [flat[place::width] for place in range(width)]


def _texts(values: Sequence[Value]) -> Sequence[Cell]:
    kinds = set(map(type, values))
    if kinds <= {str, type(None)}:
        return values  # type: ignore[return-value]  # just proved
    if kinds == {int}:
        return _listed(values)
    return [_text(value) for value in values]


def _listed(numbers: Sequence[Value]) -> list[str]:
    """Write numbers as JSON does: the shortest decimal that is the REAL, in a tenth of the time of repr."""
    return orjson.dumps(numbers)[1:-1].decode().split(",")


def _beside_nulls(values: Sequence[Value], texts_of: ToText) -> Sequence[Cell]:
    texts = iter(texts_of([value for value in values if value is not None]))
    return [None if value is None else next(texts) for value in values]


def _text(value: Value, scale: int = 0) -> Cell:
    match value:
        case None | str():
            return value
        case float():
            return _real(value, scale)
        case bytes():
            return _description(value)
        case _:
            return f"{value}.{'0' * scale}" if scale else str(value)


def _decimals(values: Sequence[Value], *, scale: int) -> Sequence[Cell]:
    kinds = set(map(type, values))
    if kinds <= {str, type(None)}:
        return values  # type: ignore[return-value]  # just proved
    if type(None) in kinds:
        return _beside_nulls(values, partial(_decimals, scale=scale))
    listed = _listed(values) if kinds <= {int, float} else ["null"]
    text = "".join(listed)
    if "e" in text or "n" in text or "-0.0" in listed:  # an exponent, no number, or a negative zero, which no price is
        return [_text(value, scale) for value in values]
    if scale == 0:
        return [one.removesuffix(".0") for one in listed]
    point, zeros = -scale - 1, "0" * (scale - 1)
    return [
        one if one[point : point + 1] == "." else f"{one}{zeros}" if one[-2:-1] == "." else _padded(one, scale)
        for one in listed
    ]


def _padded(decimal: str, scale: int) -> str:
    whole, _, decimals = decimal.partition(".")
    return f"{whole}.{decimals.ljust(scale, '0')}"


def _real(value: float, scale: int) -> str:
    """Write the shortest decimal that is this REAL, with at least `scale` decimals, never with an exponent."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    exact = Decimal(repr(value + 0.0))  # there is no negative zero left after this
    decimals = max(scale, -int(exact.normalize().as_tuple().exponent))
    return f"{exact:.{decimals}f}"


def _booleans(values: Sequence[Value]) -> Sequence[Cell]:
    return [
        "true"
        if value == 1
        else "false"
        if value == 0
        else BOOLEANS.get(value, value)
        if isinstance(value, str)
        else _text(value)
        for value in values
    ]


def _described(values: Sequence[Value]) -> Sequence[Cell]:
    return [None if value is None else _description(value) for value in values]


def _description(value: Value) -> str:
    content = value if isinstance(value, bytes) else (_text(value) or "").encode()
    return f"binary; {len(content)} bytes; sha256={hashlib.sha256(content).hexdigest()}"


def _unpacked(values: Sequence[Value], *, text_of: Callable[[bytes], str | None]) -> Sequence[Cell]:
    """Write texts as they are, and BLOBs as the texts that they stand for."""
    if bytes not in set(map(type, values)):
        return _texts(values)
    return [text_of(value) or _text(value) if isinstance(value, bytes) else _text(value) for value in values]


def _uuid_of(blob: bytes) -> str | None:
    return str(UUID(bytes=blob)) if len(blob) == UUID_BYTES else None


def _counted(
    values: Sequence[Value], *, kind: ColumnType, stored_as: StoredAs, zone: tzinfo, others: ToText
) -> Sequence[Cell]:
    """Write what numbers stand for, and `others` as if there were no numbers in the column."""
    return [
        text if number is None else written_moment(number, kind, stored_as, zone) or text
        for number, text in zip(map(_number, values), others(values), strict=True)
    ]


def _number(value: Value) -> Fraction | int | None:
    """Give the number that a value is, or that SQLite made a text of, as it does in a TEXT column."""
    match value:
        case int():
            return value
        case float() if math.isfinite(value):
            return Fraction(repr(value))
        case str() if _NUMBER.fullmatch(value):
            return Fraction(value)
        case _:
            return None


def _instants(values: Sequence[Value], *, zone: tzinfo, naive: tzinfo) -> Sequence[Cell]:
    kinds = set(map(type, values))
    if type(None) in kinds:
        return _beside_nulls(values, partial(_instants, zone=zone, naive=naive))
    if zone == _UTC and kinds == {str}:
        texts = cast("Sequence[str]", values)
        if _are_like(texts, "0000-00-00T00:00:00+00:00") or _UTC_INSTANTS.fullmatch("\n".join(texts) + "\n"):
            return texts
        form = _NAIVE_FORMS.get(len(texts[0])) if naive == _UTC else None
        if form is not None and _are_like(texts, form) and _are_moments(texts):
            if form == _NAIVE:
                return [f"{text[:10]}T{text[11:]}+00:00" for text in texts]
            return [f"{text[:10]}T{text[11:].rstrip('0').rstrip('.')}+00:00" for text in texts]
    return [_instant(value, zone, naive) for value in values]


def _are_like(texts: Sequence[str], form: str) -> bool:
    """Whether all texts have a digit for every zero of the form, and else the same characters."""
    return set(map(len, texts)) == {len(form)} and "".join(texts).translate(_TO_ZERO) == form * len(texts)


def _are_moments(texts: Sequence[str]) -> bool:
    try:
        deque(map(datetime.fromisoformat, texts), maxlen=0)
    except ValueError:
        return False
    return True


def _instant(value: Value, zone: tzinfo, naive: tzinfo) -> Cell:
    if not isinstance(value, str):
        return _text(value)
    moment = _moment(value)
    if moment is None:
        return value
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=naive)
    try:
        if aware.tzinfo is zone:  # Python would leave a time that summer time has left out on the clock
            aware = aware.astimezone(UTC)
        return iso_text(aware.astimezone(zone))
    except OverflowError:  # the first and the last day there are, seen from another zone
        return value


def _moment(text: str) -> datetime | None:
    if len(text) <= len("YYYY-MM-DD"):  # a day is not a moment
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        stamp = _SPACED.fullmatch(text)
    try:
        return None if stamp is None else datetime.fromisoformat(f"{stamp[1]} {stamp[2]}{stamp[3].upper()}")
    except ValueError:
        return None


def comparable_instant(value: Value, stored_as: str | None = None, *, naive_zone: str) -> Cell:
    """Write a stored time as UTC text that sorts like the moment it stands for; None where it is none.

    `+00:00` sorts before a fraction's point, as the moment without a fraction is the earlier one. A day begins at
    midnight in the map's zone: else a period would leave out every row that is dated by text.
    """
    number = None if stored_as is None else _number(value)
    if number is not None and stored_as is not None:
        return written_moment(number, ColumnType.TIMESTAMP, StoredAs(stored_as), UTC)
    if isinstance(value, str) and len(value) <= len("YYYY-MM-DD"):
        value += "T00:00:00"
    text = _instant(value, UTC, ZoneInfo(naive_zone))
    return text if isinstance(text, str) and _UTC_INSTANT.fullmatch(text) else None


def comparable_day(value: Value, stored_as: str) -> Cell:
    """Write a stored day as text that sorts like it; None where it is none."""
    number = _number(value)
    if number is not None:
        return written_moment(number, ColumnType.DATE, StoredAs(stored_as), UTC)
    return value if isinstance(value, str) else None
