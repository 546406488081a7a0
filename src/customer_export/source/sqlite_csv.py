"""The SQL of CSV records: SQLite joins the fields of a row, all but ready (`sqlite_pieces` does the rest).

An expression writes the cells whose text is proved to be what `sqlite_cells` makes of them, which nearly all are. With
any other cell the record is NULL, and the plain path goes on (docs/decisions/0008-sqlite-writes-csv-records.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column, ColumnType
from customer_export.model.csv_records import ACTIVE, ACTIVE_TEXTS
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.source.sqlite_cells import scale_of

MOST_FIELDS = 99  # and a format are the arguments that SQLite's functions can have, however it was built

FIELD_END, EMPTY_TEXT = "\x1f", "\x1d"
"""Stand between fields and in place of an empty text, until a piece gets its delimiters and quotes.

Records with a cell that holds one of them itself are noticed, and left to the plain path.
"""
_LAST_TEXT = f"'{chr(0x10FFFF)}'"  # numbers sort before all texts, BLOBs after them
_INSTANTS = (("????-??-??T??:??:??+00:00", 25), ("????-??-??T??:??:??.?????[1-9]+00:00", 32))
"""Texts like these, so many bytes long, are canonical or no instants at all: both stay as they are."""
_EXACT_DIGITS = 13  # 15 are the same decimal after a turn as a REAL; two are spared for how printf computes
_MOST_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """How SQL writes a part of a record: `alone` is right or NULL for every value.

    With a `form` of printf's, that form of `argument` is right, too, where `condition` holds: several parts are then
    written at once. A part without an argument is what its form says.
    """

    alone: str
    form: str | None = None
    argument: str = ""
    condition: str = ""


def is_writable(columns: Sequence[Column], layout: CsvLayout, *, in_utc: bool) -> bool:
    """Whether SQL can write such records at all, at least in the export's zone."""
    kinds = {column.type for column in columns}
    zoned = ColumnType.TIMESTAMP in kinds and not in_utc
    return ColumnType.BINARY not in kinds and not zoned and len(layout.places) <= MOST_FIELDS


def record_sql(
    cells: Sequence[str],
    columns: Sequence[Column],
    stored: Sequence[TypeEngine[object]],
    layout: CsvLayout,
    *,
    stamps_are_utc: bool,
) -> str:
    """Give the expression of a section's records from the SQL of its cells; the export's zone is UTC.

    `stamps_are_utc` says whether the time stamps without a zone are, too.
    """
    spreadsheet = layout.profile is CsvProfile.SPREADSHEET
    fields = [
        _field(f"({cell})", column.type, kind, spreadsheet=spreadsheet, stamps_are_utc=stamps_are_utc)
        for cell, column, kind in zip(cells, columns, stored, strict=True)
    ]
    parts = [] if layout.section is None else [_constant(layout.section)]  # a name of the map: [a-z0-9_]+
    parts += [_constant("") if place is None else fields[place] for place in layout.places]
    separated = [part for field in parts for part in (field, _constant(FIELD_END))][:-1]
    runs = (list(run) for _, run in groupby(separated, key=lambda part: part.form is None))
    record = " || ".join(_run(run) for run in runs)
    return f"CAST({record} AS TEXT)"  # a single integer would be none


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


def _field(cell: str, kind: ColumnType, stored: TypeEngine[object], *, spreadsheet: bool, stamps_are_utc: bool) -> Part:
    match kind:
        case ColumnType.DECIMAL | ColumnType.MONEY if 0 < scale_of(stored) <= _MOST_DECIMALS:
            return _decimal(cell, scale_of(stored))
        case ColumnType.DECIMAL | ColumnType.MONEY:
            ways = [f"{_text(cell)} BETWEEN '0' AND '<' THEN {cell}"]
            ways += [f"typeof({cell}) = 'integer' THEN {cell}"] if scale_of(stored) == 0 else []
        case ColumnType.TIMESTAMP:
            ways = _instant(cell, stamps_are_utc=stamps_are_utc)
        case ColumnType.BOOLEAN:
            ways = [f"+{cell} = 1 THEN 'true'", f"+{cell} = 0 THEN 'false'"]
        case _:
            return _as_stored(cell, kind, stored, spreadsheet=spreadsheet)
    return Part(_case(*ways, f"{cell} IS NULL THEN ''", f"{_text(cell)} = '' THEN '{EMPTY_TEXT}'"))


def _case(*ways: str) -> str:
    return f"CASE {' '.join(f'WHEN {way}' for way in ways)} END"


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


def _decimal(cell: str, scale: int) -> Part:
    form = f"%.{scale}f"
    negative = f"typeof({cell}) IN ('integer', 'real') AND {_is_decimal(f'(-{cell})', scale)}"
    ways = [
        f"{_is_decimal(cell, scale)} THEN printf('{form}', {cell})",
        f"{negative} THEN printf('{form}', {cell})",
        f"{cell} IS NULL THEN ''",
    ]
    return Part(_case(*ways), form, cell, _is_decimal(cell, scale))


def _instant(cell: str, *, stamps_are_utc: bool) -> list[str]:
    text = f"typeof({cell}) = 'text'"
    whole = f"length(CAST({cell} AS BLOB))"  # GLOB stops at a NUL
    ways = [f"{text} AND {cell} GLOB '{form}' AND {whole} = {length} THEN {cell}" for form, length in _INSTANTS]
    if stamps_are_utc:  # reckoned with and unchanged, it is a moment to the second; Python's years begin with 1
        moment = f"{text} AND {_text(cell)} >= '0001' AND {_text(cell)} = datetime({cell}, '+0 days')"
        ways.append(f"{moment} THEN replace({cell}, ' ', 'T') || '+00:00'")
    return ways


def _as_stored(cell: str, kind: ColumnType, stored: TypeEngine[object], *, spreadsheet: bool) -> Part:
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
    alone = _case(*ways)
    if isinstance(stored, sa.Integer):
        return Part(alone, "%d", cell, integer)
    return Part(alone)
