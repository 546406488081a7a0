"""The SQL of CSV records: SQLite joins the fields of a row, all but ready (`pieces` does the rest).

An expression writes the cells whose text is proved to be what `cells` makes of them, which nearly all are. With
any other cell the record is spoilt, and the plain path goes on (docs/decisions/0008-sqlite-writes-csv-records.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column, ColumnType, StoredAs
from customer_export.model.csv_records import ACTIVE, ACTIVE_TEXTS
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.source.sqlite.cells import BOOLEANS, scale_of

MOST_FIELDS = 99  # and a format are the arguments that SQLite's functions can have, however it was built

FIELD_END, RECORD_END, EMPTY_TEXT = "\x1f", "\x1e", "\x1d"
"""Stand between fields, between records and for an empty text, until a piece gets its delimiters and quotes.

Records with a cell that holds one of them itself are noticed, and left to the plain path.
"""
_SPOILT = f"'{RECORD_END}'"  # instead of a cell that has to be left to the plain path
_LAST_TEXT = chr(0x10FFFF)  # numbers sort before all texts, BLOBs after them
_INSTANTS = (("????-??-??T??:??:??+00:00", 25), ("????-??-??T??:??:??.?????[1-9]+00:00", 32))
"""Texts like these, so many bytes long, are canonical or no instants at all: both stay as they are."""
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 to 9999, from 1970 on
_EXACT_DIGITS = 13  # 15 are the same decimal after a turn as a REAL; two are spared for how printf computes
_MOST_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Field:
    """How SQL writes a field: `text` is right for every value, or spoilt.

    With a `form` of printf's, that form of `number` is right, too, where `condition` holds, and faster.
    """

    text: str
    form: str = "%s"
    number: str | None = None
    condition: str | None = None


def is_writable(columns: Sequence[Column], layout: CsvLayout, *, in_utc: bool) -> bool:
    """Whether SQL can write such records at all, at least in the export's zone."""
    kinds = {column.type for column in columns}
    zoned = ColumnType.TIMESTAMP in kinds and not in_utc
    counted = {column.stored_as for column in columns} <= {None, StoredAs.EPOCH_SECONDS}
    return ColumnType.BINARY not in kinds and not zoned and counted and len(layout.places) <= MOST_FIELDS


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
        _field(f"({cell})", column, kind, spreadsheet=spreadsheet, stamps_are_utc=stamps_are_utc)
        for cell, column, kind in zip(cells, columns, stored, strict=True)
    ]
    used = [fields[place] for place in layout.places if place is not None]
    quick = _printf([None if place is None else fields[place].form for place in layout.places], layout)
    slow = _printf([None if place is None else "%s" for place in layout.places], layout)
    texts = ", ".join(field.text for field in used)
    conditions = [field.condition for field in used if field.condition is not None]
    if not conditions:
        return f"printf({slow}, {texts})"
    numbers = ", ".join(field.number or field.text for field in used)
    return f"CASE WHEN {' AND '.join(conditions)} THEN printf({quick}, {numbers}) ELSE printf({slow}, {texts}) END"


def _printf(forms: Sequence[str | None], layout: CsvLayout) -> str:
    """Give the format of a record: one call, as every || would take memory anew and copy what it has."""
    section = [] if layout.section is None else [layout.section]  # a name of the map: [a-z0-9_]+
    return f"'{FIELD_END.join([*section, *(form or '' for form in forms)])}'"


def _field(cell: str, column: Column, stored: TypeEngine[object], *, spreadsheet: bool, stamps_are_utc: bool) -> Field:
    match column.type:
        case ColumnType.DATE | ColumnType.TIMESTAMP if column.stored_as is not None:
            ways = [_epoch(cell, column.type)]
        case ColumnType.DECIMAL | ColumnType.MONEY if 0 < scale_of(stored) <= _MOST_DECIMALS:
            return _decimal(cell, scale_of(stored))
        case ColumnType.DECIMAL | ColumnType.MONEY:
            ways = [f"typeof({cell}) = 'integer' THEN {cell}"] if scale_of(stored) == 0 else []
            ways += [_with_nul(cell), f"{_text(cell)} BETWEEN '0' AND '<' THEN {cell}"]
        case ColumnType.TIMESTAMP:
            ways = _instant(cell, stamps_are_utc=stamps_are_utc)
        case ColumnType.BOOLEAN:
            ways = [f"+{cell} = 1 THEN 'true'", f"+{cell} = 0 THEN 'false'"]
            ways += [f"{_text(cell)} = '{spelled}' THEN '{text}'" for spelled, text in BOOLEANS.items()]
        case kind:
            return _as_stored(cell, kind, stored, spreadsheet=spreadsheet)
    return Field(_case(*ways, f"{cell} IS NULL THEN ''", f"{_text(cell)} = '' THEN '{EMPTY_TEXT}'"))


def _case(*ways: str) -> str:
    return f"CASE {' '.join(f'WHEN {way}' for way in ways)} ELSE {_SPOILT} END"


def _with_nul(cell: str) -> str:
    """Give the way of a text with a NUL, where printf would stop."""
    return f"instr({cell}, char(0)) THEN {_SPOILT}"


def _text(cell: str) -> str:
    """Give the cell without the affinity and the collation of its column: text equals itself and nothing else."""
    return f"+{cell} COLLATE BINARY"


def _is_decimal(cell: str, scale: int) -> str:
    """Say that a value is the number nearest to a positive decimal of that scale, which printf then writes.

    With i below 10**13, i / 10**scale = x says it all: the division gives the nearest REAL, and no decimal of as few
    digits has the same one. % makes i an integer, cut off towards zero, so that half more fits no negative x; and no
    text equals a number.
    """
    return f"({cell} * 1e{scale} + 0.5) % 1{'0' * _EXACT_DIGITS} / 1e{scale} = +{cell}"


def _decimal(cell: str, scale: int) -> Field:
    form = f"%.{scale}f"
    negative = f"typeof({cell}) IN ('integer', 'real') AND {_is_decimal(f'(-{cell})', scale)}"
    ways = [
        f"{_is_decimal(cell, scale)} THEN printf('{form}', {cell})",
        f"{negative} THEN printf('{form}', {cell})",
        f"{cell} IS NULL THEN ''",
    ]
    return Field(_case(*ways), form, cell, _is_decimal(cell, scale))


def _instant(cell: str, *, stamps_are_utc: bool) -> list[str]:
    whole = f"+{cell} < x'' AND length(CAST({cell} AS BLOB))"  # GLOB takes BLOBs for text, and stops at a NUL
    ways = [f"{cell} GLOB '{form}' AND {whole} = {length} THEN {cell}" for form, length in _INSTANTS]
    if stamps_are_utc:  # reckoned with and unchanged, it is a moment to the second; Python's years begin with 1
        moment = f"{_text(cell)} >= '0001' AND {_text(cell)} = datetime({cell}, '+0 days')"
        ways.append(f"{moment} THEN replace({cell}, ' ', 'T') || '+00:00'")
    return ways


def _epoch(cell: str, kind: ColumnType) -> str:
    form = "%Y-%m-%d" if kind is ColumnType.DATE else "%Y-%m-%dT%H:%M:%S+00:00"
    writable = f"typeof({cell}) = 'integer' AND {cell} BETWEEN {FIRST_SECOND} AND {LAST_SECOND}"
    return f"{writable} THEN strftime('{form}', {cell}, 'unixepoch')"


def _as_stored(cell: str, kind: ColumnType, stored: TypeEngine[object], *, spreadsheet: bool) -> Field:
    """Write a cell whose text is the stored text, and neutralise it."""
    never_neutralised = kind not in ACTIVE_TEXTS or not spreadsheet
    integer = f"typeof({cell}) = 'integer'" + ("" if never_neutralised else f" AND +{cell} >= 0")
    first = f"substr(ltrim({cell}, '''') || '.', 1, 1)"  # instr finds an empty text everywhere
    active = "".join(sorted(ACTIVE)) if spreadsheet else ""
    # nothing active sorts in these ranges, and hardly anything else sorts elsewhere
    inert = [("A", _LAST_TEXT), ("0", "<")] if spreadsheet else [("!", _LAST_TEXT)]
    ways = [
        _with_nul(cell),
        *(f"{_text(cell)} BETWEEN '{first_text}' AND '{last_text}' THEN {cell}" for first_text, last_text in inert),
        f"{integer} THEN {cell}",
        f"{cell} IS NULL THEN ''",
        f"{_text(cell)} = '' THEN '{EMPTY_TEXT}'",
        f"typeof({cell}) = 'text' AND instr('{active}{EMPTY_TEXT}', {first}) = 0 THEN {cell}",
    ]
    if not never_neutralised:
        ways.append(f"typeof({cell}) = 'text' AND instr('{active}', {first}) THEN '''' || {cell}")
    if isinstance(stored, sa.Integer):
        return Field(_case(*ways), "%d", cell, integer)
    return Field(_case(*ways))
