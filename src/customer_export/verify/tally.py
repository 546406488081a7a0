"""The digests of a section, computed again from its rows."""

import hashlib
from collections.abc import Mapping, Sequence

from customer_export.model.canonical import canonical_json, export_digest
from customer_export.model.columns import Batch, ColumnType
from customer_export.model.csv_records import encode_batch
from customer_export.model.csv_table import SECTION_COLUMN
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.verify.claims import SectionClaim
from customer_export.verify.rows import Piece


def header_of(sections: Sequence[SectionClaim]) -> tuple[str, ...]:
    """Give the names of a CSV's columns: with several sections it is one table, which begins with the section."""
    names = tuple(dict.fromkeys(column.name for section in sections for column in section.columns))
    return names if len(sections) == 1 else (SECTION_COLUMN, *names)


def places_of(section: SectionClaim, sections: Sequence[SectionClaim]) -> tuple[int | None, ...]:
    """Say which of the section's columns stands in each column of the table, but for the section itself."""
    index = {column.name: number for number, column in enumerate(section.columns)}
    names = header_of(sections) if len(sections) == 1 else header_of(sections)[1:]
    return tuple(index.get(name) for name in names)


class Tally:
    """Counts and digests one section while its rows pass. The canonical form is the CSV of the default options."""

    def __init__(self, claim: SectionClaim, sections: Sequence[SectionClaim]) -> None:
        self.claim = claim
        self.rows = 0
        self._layout = CsvLayout(
            delimiter=",",
            profile=CsvProfile.SPREADSHEET,
            section=None if len(sections) == 1 else claim.name,
            places=places_of(claim, sections),
        )
        index = {column.name: number for number, column in enumerate(claim.columns)}
        self._key_places = tuple(sorted(index[name] for name in claim.key))
        self._records, self._keys = hashlib.sha256(), hashlib.sha256()

    def add(self, piece: Piece) -> None:
        """Add some rows."""
        self.rows += piece.rows
        if piece.records is not None:
            self._records.update(piece.records)
            self._keys.update(piece.keys or b"")
        elif piece.batch is not None and piece.rows:
            batch = [
                list(map(canonical_json, cells)) if column.type is ColumnType.JSON else cells
                for cells, column in zip(piece.batch, self.claim.columns, strict=True)
            ]
            self._records.update(encode_batch(batch, self.claim.columns, self._layout))
            self._keys.update(self._key_lines(batch))

    @property
    def sha256(self) -> str:
        """The digest of the rows so far."""
        return self._records.hexdigest()

    @property
    def key_sha256(self) -> str | None:
        """The digest of the keys so far."""
        return self._keys.hexdigest() if self._key_places else None

    def _key_lines(self, batch: Batch) -> bytes:
        """Give the keys as their fields stand in the records, a key a line."""
        if not self._key_places:
            return b""
        columns = self.claim.columns
        fields = []
        for place in self._key_places:
            layout = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=None, places=(0,))
            one = [columns[place]]
            text = encode_batch([batch[place]], one, layout)
            if text.count(b"\r\n") == len(batch[place]):
                fields.append(text.split(b"\r\n")[:-1])
            else:
                fields.append([encode_batch([[cell]], one, layout)[:-2] for cell in batch[place]])
        return b"".join(b",".join(key) + b"\n" for key in zip(*fields, strict=True))


def tallies_of(sections: Sequence[SectionClaim]) -> Mapping[str, Tally]:
    """Begin to count all sections, in their order."""
    return {section.name: Tally(section, sections) for section in sections}


def export_sha256(tallies: Mapping[str, Tally]) -> str:
    """Give the digest of all sections."""
    return export_digest((name, tally.rows, tally.sha256) for name, tally in tallies.items())
