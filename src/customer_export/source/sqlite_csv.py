"""The SQL of CSV records: SQLite joins the fields of a row, all but ready (`sqlite_pieces` does the rest).

An expression writes a cell itself where its text is proved to be what
`sqlite_cells` makes of it; any other cell goes through `sqlite_cells`, by the function `ce_field`
(docs/decisions/0008-sqlite-writes-csv-records.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column, ColumnType
from customer_export.model.csv_records import ACTIVE, ACTIVE_TEXTS, is_active
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.source.sqlite_cells import ToText, Value, scale_of, to_text

KEPT_WRITERS = 512  # of cells, by type, scale and zones
MOST_FIELDS = 99  # and a format are the arguments that SQLite's functions can have, however it was built
EXPORT_ZONE = "export_zone"
"""The parameter that holds the time zone of the export."""

FIELD_END, EMPTY_TEXT = "\x1f", "\x1d"
"""Stand between fields and in place of an empty text, until a piece gets its delimiters and quotes.

A cell that holds one of them itself is noticed, and written by the plain path.
"""
_LAST_TEXT = f"'{chr(0x10FFFF)}'"  # numbers sort before all texts, BLOBs after them
_INSTANTS = (("????-??-??T??:??:??+00:00", 25), ("????-??-??T??:??:??.?????[1-9]+00:00", 32))
"""Texts like these, so many bytes long, are canonical or no instants at all: both stay as they are."""
_EXACT_DIGITS = 13  # 15 are the same decimal after a turn as a REAL; two are spared for how printf computes
_MOST_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """How SQL writes a part of a record: `alone` is right for every value.

    With a `form` of printf's, that form of `argument` is right, too, where `condition` holds: several parts are then
    written at once. A part without an argument is what its form says.
    """

    alone: str
    form: str | None = None
    argument: str = ""
    condition: str = ""


def record_sql(
    cells: Sequence[str],
    columns: Sequence[Column],
    stored: Sequence[TypeEngine[object]],
    layout: CsvLayout,
    *,
    stamps_are_utc: bool,
    in_utc: bool,
) -> str:
    """Give the expression of a section's records from the SQL of its cells; it uses the parameter `export_zone`.

    `stamps_are_utc` says whether time stamps without a zone are, `in_utc` whether the export's zone is UTC.
    """
    spreadsheet = layout.profile is CsvProfile.SPREADSHEET
    fields = [
        _field(f"({cell})", column.type, kind, spreadsheet=spreadsheet, stamps_are_utc=stamps_are_utc, in_utc=in_utc)
        for cell, column, kind in zip(cells, columns, stored, strict=True)
    ]
    parts = [] if layout.section is None else [_constant(layout.section)]  # a name of the map: [a-z0-9_]+
    parts += [_constant("") if place is None else fields[place] for place in layout.places]
    separated = [part for field in parts for part in (field, _constant(FIELD_END))][:-1]
    runs = (list(run) for _, run in groupby(separated, key=lambda part: part.form is None))
    record = " || ".join(_run(run) for run in runs)
    return f"CAST({record} AS TEXT)"  # a single integer would be one


def _constant(text: str) -> Part:
    return Part(f"'{text}'", form=text)


def _run(parts: Sequence[Part]) -> str:
    """Write a single text, or constants and numbers by one call: every || takes memory and copies what it has."""
    if parts[0].form is None:
        return parts[0].alone
    form = "".join(part.form or "" for part in parts)
    variable = [part for part in parts if part.argument]
    if not variable:
        return f"'{form}'"
    conditions = " AND ".join(part.condition for part in variable)
    arguments = ", ".join(part.argument for part in variable)
    alone = " || ".join(part.alone for part in parts)
    return f"CASE WHEN {conditions} THEN printf('{form}', {arguments}) ELSE {alone} END"


def _field(
    cell: str, kind: ColumnType, stored: TypeEngine[object], *, spreadsheet: bool, stamps_are_utc: bool, in_utc: bool
) -> Part:
    scale = scale_of(stored)
    other = f"ce_field('{kind}', {scale}, {int(spreadsheet)}, :{EXPORT_ZONE}, {cell})"
    match kind:
        case ColumnType.DECIMAL | ColumnType.MONEY if 0 < scale <= _MOST_DECIMALS:
            return _decimal(cell, scale, other)
        case ColumnType.DECIMAL | ColumnType.MONEY if scale == 0:
            shortest = f"rtrim(rtrim(printf('%.2f', {cell}), '0'), '.')"
            ways = [
                f"typeof({cell}) = 'integer' THEN {cell}",
                f"{_is_decimal(cell, 2)} THEN {shortest}",
                f"{_text(cell)} BETWEEN '0' AND '<' THEN {cell}",
            ]
        case ColumnType.TIMESTAMP if in_utc:
            ways = _instant(cell, stamps_are_utc=stamps_are_utc)
        case ColumnType.BOOLEAN:
            ways = [f"+{cell} = 1 THEN 'true'", f"+{cell} = 0 THEN 'false'"]
        case ColumnType.BINARY:
            return Part(_case([f"{cell} IS NULL THEN ''"], other))
        case ColumnType.DECIMAL | ColumnType.MONEY | ColumnType.TIMESTAMP:
            ways = []
        case _:
            return _as_stored(cell, kind, stored, other, spreadsheet=spreadsheet)
    return Part(_case([*ways, f"{cell} IS NULL THEN ''", f"{_text(cell)} = '' THEN '{EMPTY_TEXT}'"], other))


def _case(ways: Sequence[str], other: str) -> str:
    return f"CASE {' '.join(f'WHEN {way}' for way in ways)} ELSE {other} END"


def _text(cell: str) -> str:
    """Give the cell without the affinity and the collation of its column: text equals itself and nothing else."""
    return f"+{cell} COLLATE BINARY"


def _is_decimal(cell: str, scale: int) -> str:
    """Say that a value is the number nearest to a positive decimal of that scale, which printf then writes.

    With i up to 10**13, i / 10**scale = x says it all: the division gives the nearest REAL, and no decimal of as few
    digits has the same one. Texts are greater than any number.
    """
    factor = f"1e{scale}"
    cents = f"CAST({cell} * {factor} + 0.5 AS INTEGER)"
    return f"+{cell} BETWEEN 0 AND 1e{_EXACT_DIGITS - scale} AND {cents} / {factor} = +{cell}"


def _decimal(cell: str, scale: int, other: str) -> Part:
    form = f"%.{scale}f"
    negative = f"typeof({cell}) IN ('integer', 'real') AND {_is_decimal(f'(-{cell})', scale)}"
    ways = [
        f"{_is_decimal(cell, scale)} THEN printf('{form}', {cell})",
        f"{negative} THEN printf('{form}', {cell})",
        f"{cell} IS NULL THEN ''",
    ]
    return Part(_case(ways, other), form, cell, _is_decimal(cell, scale))


def _instant(cell: str, *, stamps_are_utc: bool) -> list[str]:
    text = f"typeof({cell}) = 'text'"
    whole = f"length(CAST({cell} AS BLOB))"  # GLOB stops at a NUL
    ways = [f"{text} AND {cell} GLOB '{form}' AND {whole} = {length} THEN {cell}" for form, length in _INSTANTS]
    if stamps_are_utc:  # reckoned with and unchanged, it is a moment to the second; Python's years begin with 1
        moment = f"{text} AND {_text(cell)} >= '0001' AND {_text(cell)} = datetime({cell}, '+0 days')"
        ways.append(f"{moment} THEN replace({cell}, ' ', 'T') || '+00:00'")
    return ways


def _as_stored(cell: str, kind: ColumnType, stored: TypeEngine[object], other: str, *, spreadsheet: bool) -> Part:
    """Write a cell whose text is the stored text, and neutralise it."""
    never_neutralised = kind not in ACTIVE_TEXTS or not spreadsheet
    integer = f"typeof({cell}) = 'integer'" + ("" if never_neutralised else f" AND +{cell} >= 0")
    first = f"substr({cell}, 1, 1)"  # of a text that begins with a NUL an empty one
    active = "".join(sorted(ACTIVE)) if spreadsheet else ""
    ways = [
        # nothing active sorts here, and hardly anything else sorts elsewhere
        f"{_text(cell)} BETWEEN 'A' AND {_LAST_TEXT} THEN {cell}",
        f"{_text(cell)} BETWEEN '0' AND '<' THEN {cell}",
        f"{integer} THEN {cell}",
        f"{cell} IS NULL THEN ''",
        f"{_text(cell)} = '' THEN '{EMPTY_TEXT}'",
        f"typeof({cell}) = 'text' AND instr('{active}{EMPTY_TEXT}', {first}) = 0 THEN {cell}",
    ]
    if not never_neutralised:
        ways.append(f"typeof({cell}) = 'text' AND {first} > '' AND instr('{active}', {first}) THEN '''' || {cell}")
    alone = _case(ways, other)
    if isinstance(stored, sa.Integer):
        return Part(alone, "%d", cell, integer)
    return Part(alone)


class UnwritableError(Exception):
    """A cell begins with what stands for something else here. SQLite only says that a function failed."""


def field_text(kind: str, scale: int, neutralise: int, time_zone: str, value: Value, *, naive_zone: str) -> str:
    """Write the field of any value, as yet without quotes: the function `ce_field`."""
    column_type, text_of = _text_of(kind, scale, time_zone, naive_zone)
    cell = text_of([value])[0]
    if not cell:
        return "" if cell is None else EMPTY_TEXT
    if cell.startswith(EMPTY_TEXT):
        raise UnwritableError
    return f"'{cell}" if neutralise and is_active(cell, column_type) else cell


@lru_cache(KEPT_WRITERS)
def _text_of(kind: str, scale: int, time_zone: str, naive_zone: str) -> tuple[ColumnType, ToText]:
    column_type = ColumnType(kind)
    return column_type, to_text(column_type, scale=scale, time_zone=time_zone, naive_zone=naive_zone)
