"""Compares two exports of one customer, section by section and row by row, as their files are read once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from customer_export.model.canonical import canonical_json
from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.verify.claims import Claims, SectionClaim
from customer_export.verify.differences import (
    Beginning,
    Event,
    Kind,
    Note,
    RowDifference,
    SectionBegin,
    SectionEnd,
)
from customer_export.verify.matching import KEPT_ROWS, Keys, Matcher, Pair, Row
from customer_export.verify.opened import OpenedExport
from customer_export.verify.rows import Piece
from customer_export.verify.tally import Tally

_NOT_AN_IDENTITY = frozenset(
    {ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.MONEY, ColumnType.DECIMAL, ColumnType.BOOLEAN}
)
"""What sections are often sorted by and rows are not known by: it changes while the row stays the same."""


def compare_exports(old: OpenedExport, new: OpenedExport, *, kept_rows: int = KEPT_ROWS) -> Iterator[Event]:
    """Compare two exports. Raises BrokenFileError where a file can't be read."""
    yield Beginning(old=old, new=new, notes=_notes(old.claims, new.claims))
    of_new = {section.name: section for section in new.claims.sections}
    for section in old.claims.sections:
        other = of_new.pop(section.name, None)
        if other is None:
            yield from _only(section, Kind.GONE)
        else:
            with ExitStack() as stack:
                yield from _SectionComparison(old, new, section, other, stack, kept_rows).events()
    for section in of_new.values():
        yield from _only(section, Kind.ADDED)
    old.finish()
    new.finish()


def _only(section: SectionClaim, kind: Kind) -> Iterator[Event]:
    yield SectionBegin(name=section.name, key=section.key, only=kind)
    rows = section.rows
    yield SectionEnd(
        name=section.name,
        counts=dict.fromkeys(Kind, 0) | {kind: rows},
        old_rows=rows if kind is Kind.GONE else 0,
        new_rows=rows if kind is Kind.ADDED else 0,
        notes=(),
    )


def _notes(old: Claims, new: Claims) -> list[Note]:
    notes = []
    if old.map_version != new.map_version:
        notes.append(
            Note("other_map", f"they are made by different maps: {old.map_version or '?'} and {new.map_version or '?'}")
        )
    if old.masked != new.masked:
        notes.append(
            Note(
                "other_masks",
                f"they are masked differently: {_masks(old.masked)} and {_masks(new.masked)}",
            )
        )
    for name in ("from", "to", "sections"):
        before, after = old.parameters.get(name), new.parameters.get(name)
        if before != after:
            notes.append(
                Note(
                    f"other_{name}",
                    f"they were asked for differently: {name} {before or 'not given'} and {after or 'not given'}",
                )
            )
    if old.time_zone != new.time_zone:
        notes.append(
            Note(
                "other_time_zone",
                f"their time zones are {old.time_zone} and {new.time_zone}: moments are compared in UTC",
            )
        )
    return notes


def _masks(masked: Mapping[str, str]) -> str:
    return ", ".join(f"{kind} ({mask})" for kind, mask in sorted(masked.items())) or "nothing"


class _SectionComparison:
    """Compares one section, in the columns that both files have and that are masked alike."""

    def __init__(
        self,
        old: OpenedExport,
        new: OpenedExport,
        section: SectionClaim,
        other: SectionClaim,
        stack: ExitStack,
        kept_rows: int,
    ) -> None:
        self._name = section.name
        self._exports = (old, new)
        self._claims = (section, other)
        columns = {column.name: column for column in other.columns}
        both = [(column, columns[column.name]) for column in section.columns if column.name in columns]
        masked = [one.name for one, two in both if one.mask != two.mask]
        self._columns = [one for one, _ in both if one.name not in masked]
        names = [column.name for column in self._columns]
        self._key = tuple(name for name in section.key if name in other.key and name in names)
        olds = {column.name for column in section.columns}
        self._begin = SectionBegin(
            name=section.name,
            key=self._key,
            gone_columns=[column.name for column in section.columns if column.name not in columns],
            added_columns=[column.name for column in other.columns if column.name not in olds],
            retyped_columns=[one.name for one, two in both if one.type is not two.type],
            masked_columns=masked,
        )
        self._in_utc = old.claims.time_zone != new.claims.time_zone
        places = [names.index(name) for name in self._key]
        identity = [place for place in places if self._columns[place].type not in _NOT_AN_IDENTITY]
        self._matcher = Matcher(Keys(whole=places, identity=identity), stack, kept_rows=kept_rows)
        self._tallies = tuple(
            Tally(claim, export.claims.sections) for claim, export in zip(self._claims, self._exports, strict=True)
        )
        self._counts = dict.fromkeys(Kind, 0)

    def events(self) -> Iterator[Event]:
        """Read the section of both files."""
        yield self._begin
        self._match()
        for pair in self._matcher.pairs():
            difference = self._difference(pair)
            self._counts[difference.kind] += 1
            yield difference
        old, new = self._tallies
        yield SectionEnd(
            name=self._name,
            counts=self._counts,
            old_rows=old.rows,
            new_rows=new.rows,
            notes=self._end_notes(),
        )

    def _match(self) -> None:
        readers = [_RowReader(self._rows(side)) for side in (0, 1)]
        old, new = readers
        while old.fill() | new.fill():
            rows = min(len(old.rows), len(new.rows)) or max(len(old.rows), len(new.rows))
            numbers = old.number, new.number
            self._matcher.add(old.take(rows), new.take(rows), old_number=numbers[0], new_number=numbers[1])

    def _rows(self, side: int) -> Iterator[list[Row]]:
        claim, tally = self._claims[side], self._tallies[side]
        index = {column.name: place for place, column in enumerate(claim.columns)}
        places = [index[column.name] for column in self._columns]
        for piece in self._exports[side].pieces(self._name):
            tally.add(piece)
            cells = _cells(piece, claim.columns, places, in_utc=self._in_utc)
            yield list(zip(*cells, strict=True)) if cells else [()] * piece.rows

    def _difference(self, pair: Pair) -> RowDifference:
        old = None if pair.old is None else pair.old.cells
        new = None if pair.new is None else pair.new.cells
        nothing: Row = (None,) * len(self._columns)
        cells = zip(self._columns, old or nothing, new or nothing, strict=True)
        both = old is not None and new is not None
        known = new or old or nothing
        return RowDifference(
            section=self._name,
            kind=Kind.CHANGED if both else Kind.GONE if new is None else Kind.ADDED,
            key={
                column.name: cell for column, cell in zip(self._columns, known, strict=True) if column.name in self._key
            },
            old_row=None if pair.old is None else pair.old.number,
            new_row=None if pair.new is None else pair.new.number,
            cells={column.name: (before, after) for column, before, after in cells if not both or before != after},
        )

    def _end_notes(self) -> list[Note]:
        notes = []
        for export, tally in zip(self._exports, self._tallies, strict=True):
            if (tally.rows, tally.sha256) != (tally.claim.rows, tally.claim.sha256):
                notes.append(
                    Note(
                        "not_as_its_manifest",
                        f"{self._name} in {export.name} is not what its manifest says "
                        f"({tally.rows:,} rows of {tally.claim.rows:,}): customer-export verify tells more",
                    )
                )
        if not self._key:
            notes.append(
                Note(
                    "no_key", f"rows of {self._name} have no key in both files: they are compared whole, then by number"
                )
            )
        old, new = self._tallies
        keys = old.key_sha256, new.key_sha256
        if self._key and not any(self._counts.values()) and not self._begin.differs and keys[0] != keys[1]:
            notes.append(Note("other_order", f"the rows of {self._name} are the same ones in another order"))
        return notes


class _RowReader:
    """Keeps rows of one file until those of the other one are there."""

    def __init__(self, batches: Iterator[list[Row]]) -> None:
        self._batches = batches
        self.rows: list[Row] = []
        self.number = 1

    def fill(self) -> bool:
        """Read on if nothing is left; whether there is something then."""
        while not self.rows:
            batch = next(self._batches, None)
            if batch is None:
                return False
            self.rows = batch
        return True

    def take(self, rows: int) -> list[Row]:
        """Take so many rows, or all."""
        taken, self.rows = self.rows[:rows], self.rows[rows:]
        self.number += len(taken)
        return taken


def _cells(piece: Piece, columns: Sequence[Column], places: Sequence[int], *, in_utc: bool) -> Batch:
    """Give the cells of some columns in the one text that they have in every format."""
    batch = piece.batch
    assert batch is not None  # pieces of an opened export always have cells
    cells = []
    for place in places:
        column = batch[place]
        if columns[place].type is ColumnType.JSON:
            column = list(map(canonical_json, column))
        elif in_utc and columns[place].type is ColumnType.TIMESTAMP:
            column = list(map(_moment_in_utc, column))
        cells.append(column)
    return cells


def _moment_in_utc(cell: Cell) -> Cell:
    """Give a moment in UTC; a text that is none as it is."""
    if cell is None:
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return cell if moment.tzinfo is None else moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return cell
