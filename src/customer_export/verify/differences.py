"""What comparing two exports comes to, told in this order: a beginning, and each section with its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

from customer_export.model.columns import Cell
from customer_export.verify.opened import OpenedExport


@unique
class Kind(StrEnum):
    """What became of a row."""

    GONE = "gone"
    ADDED = "added"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader should know of both files or of a section; `code` is for programs (docs/diff.md)."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Comes first: the two exports."""

    old: OpenedExport
    new: OpenedExport
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionBegin:
    """Comes before the rows of a section. `only` is the one file that has it, which ends the section."""

    name: str
    key: Sequence[str]
    only: Kind | None = None
    gone_columns: Sequence[str] = ()
    added_columns: Sequence[str] = ()
    retyped_columns: Sequence[str] = ()
    masked_columns: Sequence[str] = ()

    @property
    def differs(self) -> bool:
        """Whether the files differ in what this section is, apart from its rows."""
        columns = (self.gone_columns, self.added_columns, self.retyped_columns, self.masked_columns)
        return self.only is not None or any(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """A row that differs. `cells` has the old and the new text of each cell that does, or all of a row's one side."""

    section: str
    kind: Kind
    key: Mapping[str, Cell]
    old_row: int | None
    new_row: int | None
    cells: Mapping[str, tuple[Cell, Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionEnd:
    """Comes after the rows of a section: how many there are of each kind, and of each file."""

    name: str
    counts: Mapping[Kind, int]
    old_rows: int
    new_rows: int
    notes: Sequence[Note]


Event = Beginning | SectionBegin | RowDifference | SectionEnd
