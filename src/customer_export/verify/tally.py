"""The digests of a section, computed again from its rows."""

import hashlib
from collections.abc import Mapping, Sequence

from customer_export.model.canonical import canonical_json, export_digest, key_lines
from customer_export.model.columns import ColumnType
from customer_export.model.csv_records import encode_fields, join_records
from customer_export.model.csv_table import table_of
from customer_export.model.request import CsvOptions
from customer_export.verify.block_check import BlockCheck
from customer_export.verify.claims import SectionClaim
from customer_export.verify.rows import Piece


def header_of(sections: Sequence[SectionClaim]) -> tuple[str, ...]:
    """Give the names of a CSV's columns: with several sections it is one table, which begins with the section."""
    return table_of(sections).header


def places_of(section: SectionClaim, sections: Sequence[SectionClaim]) -> tuple[int | None, ...]:
    """Say which of the section's columns stands in each column of the table, but for the section itself."""
    return table_of(sections).layout(section, CsvOptions()).places


class Tally:
    """Counts and digests one section while its rows pass. The canonical form is the CSV of the default options."""

    def __init__(self, claim: SectionClaim, sections: Sequence[SectionClaim]) -> None:
        self.claim = claim
        self.rows = 0
        self._layout = table_of(sections).layout(claim, CsvOptions())
        index = {column.name: number for number, column in enumerate(claim.columns)}
        self._key_places = tuple(sorted(index[name] for name in claim.key))
        self._records, self._keys = hashlib.sha256(), hashlib.sha256()
        self._blocks = None if claim.blocks is None else BlockCheck(claim.blocks)

    def add(self, piece: Piece) -> None:
        """Add some rows."""
        if piece.records is not None:
            self._add_records(piece.records)
            self._keys.update(piece.keys or b"")
        elif piece.batch is not None and piece.rows:
            batch = [
                list(map(canonical_json, cells)) if column.type is ColumnType.JSON else cells
                for cells, column in zip(piece.batch, self.claim.columns, strict=True)
            ]
            fields = encode_fields(batch, self.claim.columns, self._layout)
            self._add_records(join_records(fields, self._layout))
            if self._key_places:
                self._keys.update(key_lines(fields, self._key_places))
        self.rows += piece.rows

    def _add_records(self, records: bytes) -> None:
        if self._blocks is None:
            self._records.update(records)
        else:
            self._blocks.update(self._records, records, rows_before=self.rows)

    def first_change(self) -> tuple[int, int] | None:
        """Give the first and the last row of those that the first change is in; None if blocks don't tell."""
        return None if self._blocks is None else self._blocks.first_change(self.rows)

    @property
    def good_rows(self) -> int:
        """How many rows from the first on are known to be right; 0 if blocks don't tell."""
        return 0 if self._blocks is None else self._blocks.good_rows

    @property
    def is_beginning(self) -> bool:
        """Whether what there is may be the beginning of what was written."""
        return self._blocks is None or self._blocks.is_beginning

    @property
    def sha256(self) -> str:
        """The digest of the rows so far."""
        return self._records.hexdigest()

    @property
    def key_sha256(self) -> str | None:
        """The digest of the keys so far."""
        return self._keys.hexdigest() if self._key_places else None


def tallies_of(sections: Sequence[SectionClaim]) -> Mapping[str, Tally]:
    """Begin to count all sections, in their order."""
    return {section.name: Tally(section, sections) for section in sections}


def export_sha256(tallies: Mapping[str, Tally]) -> str:
    """Give the digest of all sections."""
    return export_digest((name, tally.rows, tally.sha256) for name, tally in tallies.items())
