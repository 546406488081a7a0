"""The archive: its members by their digests, and its rows, which it holds twice: as CSV and as JSON."""

import hashlib
from collections.abc import Iterator
from zipfile import ZipFile

from customer_export.model.canonical import canonical_json
from customer_export.model.columns import Batch, Cell, ColumnType
from customer_export.verify.claims import Claims, SectionClaim
from customer_export.verify.csv_rows import CsvDialect, read_tables
from customer_export.verify.findings import Report
from customer_export.verify.json_rows import read_json
from customer_export.verify.rows import BrokenFileError, Piece, Pieces

_DOCUMENT, _MANIFEST = "customer.json", "manifest.json"
_RAW = CsvDialect(delimiter=",", raw=True)
_READ_BYTES = 1 << 20


def check_members(report: Report, archive: ZipFile, claims: Claims) -> None:
    """Compare each member with the manifest, which has all but itself."""
    names = archive.namelist()
    if len(names) != len(set(names)):
        report.wrong("member_doubled", "the archive has two members of one name")
    if not claims.files:
        return
    report.checked.append("the size and SHA-256 of every member")
    for name, claimed in claims.files.items():
        if name not in names:
            report.wrong("member_missing", f"{name} is missing from the archive")
            continue
        digest, size = hashlib.sha256(), 0
        with archive.open(name) as member:
            while data := member.read(_READ_BYTES):
                digest.update(data)
                size += len(data)
        if (size, digest.hexdigest()) != (claimed.size_bytes, claimed.sha256):
            report.wrong("member_changed", f"{name} in the archive was changed")
    for name in sorted(set(names) - set(claims.files) - {_MANIFEST}):
        report.wrong("member_added", f"{name} was added to the archive")


def read_zip(archive: ZipFile, claims: Claims) -> Pieces:
    """Read the rows of the CSVs, each against the same row of the JSON. Raises BrokenFileError."""
    with archive.open(_DOCUMENT) as document:
        others = _rows(read_json(document, claims.sections), claims)
        for section in claims.sections:
            with archive.open(f"csv/{section.name}.csv") as table:
                yield from _compared(read_tables(table, (section,), _RAW), section, others)
        for name, row, _ in others:
            raise BrokenFileError(f"row {row:,} of {name} stands in {_DOCUMENT} and not in its CSV", section=name)


def _compared(pieces: Pieces, section: SectionClaim, others: Iterator[tuple[str, int, tuple[Cell, ...]]]) -> Pieces:
    row = 0
    for piece in pieces:
        for cells in zip(*_comparable(piece, section), strict=True):
            row += 1
            if next(others, None) != (piece.section, row, cells):
                raise BrokenFileError(
                    f"row {row:,} of {piece.section} is not the same in its CSV and in {_DOCUMENT}: a cell was changed",
                    section=piece.section,
                    after_row=row - 1,
                )
        yield piece


def _rows(pieces: Pieces, claims: Claims) -> Iterator[tuple[str, int, tuple[Cell, ...]]]:
    sections = {section.name: section for section in claims.sections}
    name, row = "", 0
    for piece in pieces:
        if piece.section != name:
            name, row = piece.section, 0
        for cells in zip(*_comparable(piece, sections[name]), strict=True):
            row += 1
            yield name, row, cells


def _comparable(piece: Piece, section: SectionClaim) -> Batch:
    """Give the cells of some rows; those of JSON in the text that they have in all formats."""
    return [
        list(map(canonical_json, cells)) if column.type is ColumnType.JSON else cells
        for cells, column in zip(piece.batch or (), section.columns, strict=True)
    ]
