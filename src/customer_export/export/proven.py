"""Sections whose rows are digested on their way to the writer, in whatever form it reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from customer_export.model.canonical import KEPT_SHAPES, SectionDigest
from customer_export.model.columns import Batch, Column
from customer_export.model.csv_table import CsvTable, table_of
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.document import CsvLayout, CsvRecords, JsonBatch, SectionStream
from customer_export.model.ledger import AlterationKind, Ledger
from customer_export.model.manifest import SectionProof
from customer_export.model.request import CsvOptions


def prove_sections(
    streams: Sequence[SectionStream], customer_map: CustomerMap, ledger: Ledger
) -> "list[ProvenSection]":
    """Let each section know its digest once it has been read. What is masked goes into the ledger as whole columns.

    Whether a masked cell held anything is not told either.
    """
    for stream in streams:
        for column in stream.columns:
            if column.mask is not None:
                ledger.add_column(stream.name, column.name, AlterationKind.MASKED, rows=stream.rows)
    table = table_of(streams)
    sections = {section.name: section for section in customer_map.sections}
    return [ProvenSection(stream, sections[stream.name], table) for stream in streams]


class ProvenSection:
    """A section that knows what it gave."""

    def __init__(self, stream: SectionStream, section: Section, table: CsvTable) -> None:
        self._stream = stream
        self.name = stream.name
        self.label = stream.label
        self.columns: tuple[Column, ...] = stream.columns
        self.rows = stream.rows
        shape = _shape_of(section, self.columns, table)
        self._key = shape.key
        self._digest = SectionDigest(self.columns, shape.layout, key=shape.places)

    def proof(self, *, filtered: bool, plugin: tuple[str, datetime] | None) -> SectionProof:
        """Say what was read; the digests are true once everything has been."""
        return SectionProof(
            name=self.name,
            rows=self.rows,
            filtered=filtered,
            columns=self.columns,
            key=self._key,
            sha256=self._digest.rows_sha256,
            key_sha256=self._digest.keys_sha256,
            blocks=self._digest.blocks,
            plugin=plugin,
        )

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        for batch in self._stream.batches():
            self._digest.add_batch(batch)
            yield batch

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:
        """Read the rows as finished CSV records, where these are the canonical ones."""
        if not self._digest.takes_records(layout):
            return None
        records = self._stream.csv_records(layout)
        if records is not None:
            return self._digested_records(records)
        return (CsvRecords(self._digest.add_batch(batch), len(batch[0])) for batch in self._stream.batches())

    def _digested_records(self, records: Iterator[CsvRecords]) -> Iterator[CsvRecords]:
        for piece in records:
            self._digest.add_records(piece.text)
            yield piece

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """Read the rows as JSON texts, where the database can write them."""
        batches = self._stream.json_batches()
        return None if batches is None else self._digested_texts(batches)

    def _digested_texts(self, batches: Iterator[JsonBatch]) -> Iterator[JsonBatch]:
        for batch in batches:
            self._digest.add_json(batch)
            yield batch


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the digest of a section depends on: its key's names and places, and where its cells stand in the table."""

    columns: tuple[Column, ...]
    table: CsvTable
    key: tuple[str, ...]
    places: tuple[int, ...]
    layout: CsvLayout


_shapes: dict[Section, _Shape] = {}


def _shape_of(section: Section, columns: tuple[Column, ...], table: CsvTable) -> _Shape:
    """Give the shape, the same one as before where nothing else was asked for meanwhile."""
    kept = _shapes.get(section)
    if kept is not None and kept.columns is columns and kept.table == table:
        return kept
    places = tuple(
        place for place, column in enumerate(columns) if column.source in section.order and column.mask is None
    )
    shape = _Shape(
        columns,
        table,
        key=tuple(columns[place].name for place in places),
        places=places,
        layout=table.layout(_Columns(section.name, columns), CsvOptions()),
    )
    if len(_shapes) >= KEPT_SHAPES:
        _shapes.clear()
    _shapes[section] = shape
    return shape


class _Columns(NamedTuple):
    """A section as a table sees it."""

    name: str
    columns: tuple[Column, ...]
