"""A table as Parquet: plain values in compressed pages, a row group at a time, so that memory is flat.

Written by the format's description (apache/parquet-format): the libraries that write it take a whole table or 170 MB.
Numbers, days and moments are of Parquet's own types. A cell that has no equal there (NaN, `0000-00-00`, 30 digits) is
NULL in its column, and stands in the last column, `kept_as_text`, a JSON object of such cells by their columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
import zstandard

from customer_export import __version__
from customer_export.model.columns import Cell, Column, ColumnType
from customer_export.model.ledger import AlterationKind, SectionLedger
from customer_export.writers.tables.interface import KeyedRows
from customer_export.writers.tables.parquet_values import ValueKind, kind_of, packed_bits, split_cells
from customer_export.writers.tables.thrift import I64, Struct, encode_struct, varint

GROUP_ROWS = 50_000
GROUP_BYTES = 1 << 25
"""A row group ends at either: 32 MiB of cells, whose values and pages take about three times that."""

KEPT = "kept_as_text"
_MAGIC = b"PAR1"
_OPTIONAL, _DATA_PAGE, _PLAIN, _RLE, _ZSTD = 1, 0, 0, 3, 6
_NAME_PLACE = 4  # among the members of a SchemaElement


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: ValueKind


class ParquetTableWriter:
    """Writes row groups as they fill up, then what the file holds."""

    media_type = "application/vnd.apache.parquet"

    def write(
        self, section: str, columns: Sequence[Column], rows: KeyedRows, *, ledger: SectionLedger
    ) -> Iterator[bytes]:
        """Give the file."""
        fields = [*(_Field(column.name, kind_of(column.type)) for column in columns), _kept_field(columns)]
        yield _MAGIC
        offset = len(_MAGIC)
        groups: list[Struct] = []
        rows_in_all = 0
        for cells in _groups(rows):
            chunks: list[Struct] = []
            group_bytes = 0
            for field, page, (values, size_bytes) in _pages(fields, cells, ledger):
                yield page
                chunks.append(_chunk(field, offset=offset, values=values, size_bytes=size_bytes, written=len(page)))
                offset += len(page)
                group_bytes += size_bytes
            count = len(cells[0])
            ledger.advance(count)
            rows_in_all += count
            groups.append({1: chunks, 2: I64(group_bytes), 3: I64(count)})
        footer = encode_struct(_file(section, fields, columns, groups, rows_in_all))
        yield footer + len(footer).to_bytes(4, "little") + _MAGIC


def _kept_field(columns: Sequence[Column]) -> _Field:
    name = KEPT
    while any(column.name == name for column in columns):
        name += "_"
    return _Field(name, kind_of(ColumnType.TEXT))


def _groups(rows: KeyedRows) -> Iterator[list[list[Cell]]]:
    """Gather rows, column by column, until they make a group."""
    gathered: list[list[Cell]] = []
    size_bytes = 0
    for keys, batch in rows:
        if not gathered:
            gathered = [[] for _ in range(len(batch) + 1)]
        for column, cells in zip(gathered, [keys, *batch], strict=True):
            column.extend(cells)
            size_bytes += sum(map(len, filter(None, cells)))
        if len(gathered[0]) >= GROUP_ROWS or size_bytes >= GROUP_BYTES:
            yield gathered
            gathered, size_bytes = [], 0
    if gathered:
        yield gathered


def _pages(
    fields: Sequence[_Field], cells: Sequence[Sequence[Cell]], ledger: SectionLedger
) -> Iterator[tuple[_Field, bytes, tuple[int, int]]]:
    """Give the page of each column with its header, the number of its values and its size before compression."""
    kept: dict[int, dict[str, str]] = {}
    for field, column in zip(fields, cells, strict=False):
        values, unfit = split_cells(field.kind, column)
        ledger.add(field.name, AlterationKind.KEPT_AS_TEXT, unfit)
        for place in unfit:
            kept.setdefault(place, {})[field.name] = str(column[place])
        yield field, *_page(field, values)
    texts: list[object] = [None] * len(cells[0])
    for place, noted in kept.items():
        texts[place] = orjson.dumps(noted).decode()
    yield fields[-1], *_page(fields[-1], texts)


def _page(field: _Field, values: Sequence[object]) -> tuple[bytes, tuple[int, int]]:
    there = [value for value in values if value is not None]
    if len(there) == len(values):
        levels = varint(len(values) << 1) + b"\1"  # a run of ones
    else:
        bits = packed_bits([value is not None for value in values])
        levels = varint(len(bits) << 1 | 1) + bits
    plain = len(levels).to_bytes(4, "little") + levels + field.kind.plain(there)
    packed = zstandard.compress(plain)
    header: Struct = {
        1: _DATA_PAGE,
        2: len(plain),
        3: len(packed),
        5: {1: len(values), 2: _PLAIN, 3: _RLE, 4: _RLE},
    }
    encoded = encode_struct(header)
    return encoded + packed, (len(values), len(encoded) + len(plain))


def _chunk(field: _Field, *, offset: int, values: int, size_bytes: int, written: int) -> Struct:
    return {
        2: I64(offset),
        3: {
            1: field.kind.schema[1],
            2: [_PLAIN, _RLE],
            3: [field.name],
            4: _ZSTD,
            5: I64(values),
            6: I64(size_bytes),
            7: I64(written),
            9: I64(offset),
        },
    }


def _file(
    section: str, fields: Sequence[_Field], columns: Sequence[Column], groups: Sequence[Struct], rows: int
) -> Struct:
    root: Struct = {4: section, 5: len(fields)}
    schema = [root, *(_element(field) for field in fields)]
    described = {column.name: _described(column) for column in columns}
    metadata: Struct = {1: "customer_export.columns", 2: orjson.dumps(described).decode()}
    return {
        1: 2,
        2: schema,
        3: I64(rows),
        4: list(groups),
        5: [metadata],
        6: f"customer-export version {__version__}",
    }


def _element(field: _Field) -> Struct:
    schema = field.kind.schema
    return {
        1: schema[1],
        2: schema.get(2),
        3: _OPTIONAL,
        4: field.name,
        **{number: schema[number] for number in sorted(schema) if number > _NAME_PLACE},
    }


def _described(column: Column) -> dict[str, str]:
    """Say what Parquet's types do not: an amount's currency, and what a text is."""
    currency = {"currency": column.currency, "currencyCode": column.currency_code}
    return {"type": column.type.value, "label": column.label, **{k: v for k, v in currency.items() if v is not None}}
