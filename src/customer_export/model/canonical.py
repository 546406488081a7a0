"""The canonical form of an export, which does not depend on the format: the records of its CSV with default options.

A section's digest is the SHA-256 of its records there, that of its keys the SHA-256 of the key columns' fields, a line
a row. Only a cell of JSON may stand there otherwise than in the CSV: it has one text for all formats.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from customer_export.model.blocks import BlockDigest, Blocks
from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.model.csv_records import encode_fields, join_records
from customer_export.model.document import CsvLayout, JsonBatch
from customer_export.model.record_keys import key_lines_of
from customer_export.model.request import CsvProfile

DELIMITER, PROFILE = ",", CsvProfile.SPREADSHEET
_NULL = "null"
KEPT_SHAPES = 128  # of sections, as one map has them; each takes some hundred bytes


def canonical_layout(layout: CsvLayout) -> CsvLayout:
    """Give the layout of the canonical form from that of any CSV of the same sections."""
    if layout.delimiter == DELIMITER and layout.profile is PROFILE:
        return layout
    return replace(layout, delimiter=DELIMITER, profile=PROFILE)


def canonical_json(cell: Cell) -> Cell:
    r"""Give the one text of a JSON cell that every format can hold.

    A document is written without line ends, which JSON has between its tokens only, and without white space around it;
    `null` is NULL. A text that is no JSON is the JSON string that holds it.
    """
    if cell is None:
        return None
    try:
        orjson.loads(cell)
    except orjson.JSONDecodeError:
        return json.dumps(cell, ensure_ascii=False)
    text = cell.replace("\n", " ").replace("\r", " ").strip()
    return None if text == _NULL else text


def export_digest(sections: Iterable[tuple[str, int, str]]) -> str:
    """Give the SHA-256 (hex) of a whole export from the name, the rows and the digest of each of its sections."""
    lines = "".join(f"{name} {rows} {sha256}\n" for name, rows, sha256 in sections)
    return hashlib.sha256(lines.encode()).hexdigest()


def key_lines(fields: Sequence[Sequence[str]], key: Sequence[int]) -> bytes:
    """Give a line of key fields for each record, from the fields of each column."""
    keys = map(DELIMITER.join, zip(*(fields[place] for place in key), strict=True))
    return "".join([f"{one}\n" for one in keys]).encode()


class RecordedBatch(list[Sequence[Cell]]):
    """A batch whose canonical records and lines of keys are written already: those of many customers at once.

    `json_rows` are its rows as JSON objects, None where nobody wants them.
    """

    __slots__ = ("json_rows", "keys", "records")

    def __init__(
        self, batch: Batch, *, records: bytes, keys: bytes, json_rows: "Sequence[bytes] | None" = None
    ) -> None:
        super().__init__(batch)
        self.records = records
        self.keys = keys
        self.json_rows = json_rows


class CanonicalRows:
    """Writes canonical record and line of the key of each row of a section by itself, to be put together later."""

    def __init__(self, columns: Sequence[Column], layout: CsvLayout, *, key: Sequence[int]) -> None:
        self._columns = columns
        self._layout = canonical_layout(layout)
        self._key = key
        self._record = DELIMITER.join(_PLACE if place is not None else "" for place in self._layout.places) + "\r\n"
        if self._layout.section is not None:
            self._record = f"{self._layout.section}{DELIMITER}{self._record}"
        self._order = [place for place in self._layout.places if place is not None]
        self._key_line = f"{DELIMITER.join([_PLACE] * len(key))}\n"

    def write(self, batch: Batch) -> tuple[list[str], list[str]]:
        """Give the records and the lines, one of each a row; no lines where there is no key."""
        fields = encode_fields(with_canonical_documents(batch, self._columns), self._columns, self._layout)
        records = list(map(self._record.__mod__, zip(*(fields[place] for place in self._order), strict=True)))
        if not self._key:
            return records, []
        return records, list(map(self._key_line.__mod__, zip(*(fields[place] for place in self._key), strict=True)))


_PLACE = "%s"  # neither delimiters nor names of sections have a percent sign


def with_canonical_documents(batch: Batch, columns: Sequence[Column]) -> Batch:
    """Give a batch with the one text of each JSON cell."""
    documents = [place for place, column in enumerate(columns) if column.type is ColumnType.JSON]
    if not documents:
        return batch
    changed = list(batch)
    for place in documents:
        changed[place] = list(map(canonical_json, batch[place]))
    return changed


class SectionDigest:
    """Digests the rows of one section. `key` has the places of the key columns among the columns."""

    def __init__(self, columns: Sequence[Column], layout: CsvLayout, *, key: Sequence[int]) -> None:
        self._columns = columns
        self._layout = canonical_layout(layout)
        self._key = tuple(key)
        self._documents = [place for place, column in enumerate(columns) if column.type is ColumnType.JSON]
        self._rows = BlockDigest()
        self._keys = hashlib.sha256()

    def rows_sha256(self) -> str:
        """Give the SHA-256 (hex) of the canonical records so far."""
        return self._rows.hexdigest()

    def blocks(self) -> Blocks | None:
        """Give the digests of the beginnings of the canonical records so far."""
        return self._rows.blocks()

    def keys_sha256(self) -> str | None:
        """Give the SHA-256 (hex) of the keys so far; None if the section has no key that is exported."""
        return self._keys.hexdigest() if self._key else None

    def takes_records(self, layout: CsvLayout) -> bool:
        """Whether CSV records of that layout are the canonical ones."""
        return not self._documents and layout == self._layout

    def add_records(self, piece: bytes) -> None:
        """Digest whole canonical records."""
        self._rows.update(piece)
        if self._key:
            self._keys.update(key_lines_of(piece, self._layout, self._key))

    def add_batch(self, batch: Batch) -> bytes:
        """Digest rows of text cells; give their canonical records."""
        if isinstance(batch, RecordedBatch):
            self._rows.update(batch.records)
            if self._key:
                self._keys.update(batch.keys)
            return batch.records
        if self._documents:
            batch = list(batch)
            for place in self._documents:
                batch[place] = list(map(canonical_json, batch[place]))
        fields = encode_fields(batch, self._columns, self._layout)
        records = join_records(fields, self._layout)
        self._rows.update(records)
        if self._key:
            self._keys.update(key_lines(fields, self._key))
        return records

    def add_json(self, batch: JsonBatch) -> None:
        """Digest rows of JSON texts."""
        self.add_batch([orjson.loads(b"[" + b",".join(texts) + b"]") for texts in batch])
