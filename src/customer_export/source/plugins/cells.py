"""A plug-in's values as canonical text, and masked by the same rules as `source/masking.py` has in SQL."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from customer_export.model.columns import Cell, ColumnType, Mask
from customer_export.source.stored_moments import iso_text

Value: TypeAlias = object
"""Whatever a plug-in gave; most of it is refused."""

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?|NaN|-?Infinity")
_MOST_DIGITS = 131_072  # of PostgreSQL's numeric before the point; 1E+999999999 would be a text of a gigabyte
_STARS = "***"


class CellError(Exception):
    """Why a value is none of its column; the message does not quote it."""


def canonical(value: Value, kind: ColumnType, zone: ZoneInfo) -> Cell:
    """Give the canonical text of a value (model/columns.py). Raises CellError where it is not of the type."""
    if value is None:
        return None
    if isinstance(value, float):
        raise CellError("is a float, which is not exact; give a Decimal or text")
    text = _TEXTS[kind](value, zone)
    if text is None:
        raise CellError(f"is no {kind}, but of type {type(value).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as failure:
        raise CellError("is text with half of a surrogate pair") from failure
    return text


def masked(cell: Cell, mask: Mask | None, kind: ColumnType) -> Cell:
    """Give what stands in a cell's place."""
    if mask is None or cell is None:
        return cell
    if mask is Mask.WITHHOLD:
        return None
    if kind is ColumnType.EMAIL and cell.count("@") == 1 and not cell.startswith("@"):
        local, _, domain = cell.partition("@")
        return f"{local[0] if len(local) > 1 else ''}{_STARS}@{domain}"
    return cell[0] + _STARS if len(cell) > 1 else _STARS


def _written(value: Value, _zone: ZoneInfo) -> str | None:
    """Write what has one text only."""
    match value:
        case str():
            return value
        case bool():
            return None
        case int() | UUID():
            return str(value)
        case Decimal():
            return _decimal(value, _zone)
        case _:
            return None


def _decimal(value: Value, _zone: ZoneInfo) -> str | None:
    match value:
        case str():
            return value if _DECIMAL.fullmatch(value) else None
        case bool():
            return None
        case int():
            return str(value)
        case Decimal():
            if value.is_finite() and abs(value.adjusted()) > _MOST_DIGITS:
                return None
            if value.is_finite():
                return f"{value if value else abs(value):f}"  # zero has no sign
            return "NaN" if value.is_nan() else "-Infinity" if value < 0 else "Infinity"
        case _:
            return None


def _integer(value: Value, zone: ZoneInfo) -> str | None:
    text = _decimal(value, zone)
    return text if text is not None and re.fullmatch(r"-?[0-9]+", text) else None


def _boolean(value: Value, _zone: ZoneInfo) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) and value in {"true", "false"} else None


def _date(value: Value, _zone: ZoneInfo) -> str | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return day.isoformat() if isinstance(day, date) and not isinstance(day, datetime) else None


def _timestamp(value: Value, zone: ZoneInfo) -> str | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            return None
        return iso_text(moment.astimezone(zone))
    except (ValueError, OverflowError):
        return None


def _uuid(value: Value, _zone: ZoneInfo) -> str | None:
    try:
        return str(value if isinstance(value, UUID) else UUID(value)) if isinstance(value, str | UUID) else None
    except ValueError:
        return None


def _json(value: Value, _zone: ZoneInfo) -> str | None:
    try:
        orjson.loads(value if isinstance(value, str) else "")
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, str) else None


def _binary(value: Value, _zone: ZoneInfo) -> str | None:
    if not isinstance(value, bytes):
        return None
    return f"binary; {len(value)} bytes; sha256={hashlib.sha256(value).hexdigest()}"


_TEXTS: Mapping[ColumnType, Callable[[Value, ZoneInfo], str | None]] = {
    ColumnType.TEXT: _written,
    ColumnType.IDENTIFIER: _written,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.MONEY: _decimal,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.UUID: _uuid,
    ColumnType.EMAIL: _written,
    ColumnType.URL: _written,
    ColumnType.JSON: _json,
    ColumnType.BINARY: _binary,
}
