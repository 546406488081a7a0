"""The ledger of an export: what was done to values on their way out, and which limits were reached.

It counts, and names the first rows; it holds no values, so that a manifest can have it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any, TypeAlias

SAMPLES = 10
"""Rows that are named of each column and kind: enough to look at, and little in a manifest."""


@unique
class AlterationKind(StrEnum):
    """What was done to a cell (docs/manifest.md says where, and how to undo it)."""

    FORMULA_NEUTRALISED = "formula_neutralised"
    CONTROL_CHARACTER_ESCAPED = "control_character_escaped"
    CHARACTERS_REPLACED = "characters_replaced"
    CELL_CONTINUED = "cell_continued"
    KEPT_AS_TEXT = "kept_as_text"
    MASKED = "masked"
    INVALID_TEXT_REPLACED = "invalid_text_replaced"
    INVALID_JSON_QUOTED = "invalid_json_quoted"
    ZERO_DATE = "zero_date"

    # An enumeration's own is no C function.
    __hash__ = str.__hash__


@unique
class Limit(StrEnum):
    """What a format can hold, and what was got round."""

    SHEET_ROWS = "sheet_rows"
    SHEET_XML_BYTES = "sheet_xml_bytes"
    SHEET_LINKS = "sheet_links"
    NUMBER_FORMATS = "number_formats"
    TAGGED_ROWS = "tagged_rows"


@dataclass(slots=True)
class Alterations:
    """How many cells of a column were changed in one way; `rows` are the first of them, from 1."""

    section: str
    column: str
    kind: AlterationKind
    count: int = 0
    rows: list[int] = field(default_factory=list)

    def members(self) -> dict[str, object]:
        """Give them as JSON members (docs/manifest.md)."""
        return {
            "section": self.section,
            "column": self.column,
            "kind": self.kind.value,
            "count": self.count,
            "rows": list(self.rows),
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Alterations":
        """Read them back."""
        return cls(**{**members, "kind": AlterationKind(members["kind"])})


Original: TypeAlias = Callable[[int], str]
"""Gives what a cell was before, by its place in the batch."""
Keep: TypeAlias = Callable[[str, str, AlterationKind, Sequence[int], Sequence[str]], None]
"""Takes section, column, kind, rows, and what stood in each of these cells before."""


class Ledger:
    """What is noted of one export, by one thread at a time. Rows are those of the section as exported, from 1."""

    def __init__(self) -> None:
        self._alterations: dict[tuple[str, str, AlterationKind], Alterations] = {}
        self._limits: dict[tuple[Limit, str | None], int] = {}
        self._keep: Keep | None = None

    def section(self, name: str) -> "SectionLedger":
        """Begin to note what is done to a section, from its first row on."""
        return SectionLedger(self, name)

    def keep_whole(self, keep: Keep) -> None:
        """Give each single change from now on to `keep`, too, but for masks, which are not to be undone."""
        self._keep = keep

    def add(
        self, section: str, column: str, kind: AlterationKind, rows: Sequence[int], originals: Sequence[str] | None
    ) -> None:
        """Note a change in each of these rows, ascending."""
        if not rows:
            return
        noted = self._of(section, column, kind)
        noted.count += len(rows)
        if len(noted.rows) < SAMPLES:
            noted.rows.extend(rows[: SAMPLES - len(noted.rows)])
        if self._keep is not None and originals is not None:
            self._keep(section, column, kind, rows, originals)

    def add_counted(
        self, section: str, column: str, kind: AlterationKind, count: int, first_rows: Callable[[int], Sequence[int]]
    ) -> None:
        """Note a change in so many rows; `first_rows` gives the first so many, as it costs something to know them."""
        noted = self._of(section, column, kind)
        noted.count += count
        missing = min(SAMPLES - len(noted.rows), count)
        if missing:
            noted.rows.extend(first_rows(missing))

    def add_column(self, section: str, column: str, kind: AlterationKind, *, rows: int) -> None:
        """Note a change in every row of a section."""
        if rows:
            noted = self._of(section, column, kind)
            noted.count, noted.rows = rows, list(range(1, min(rows, SAMPLES) + 1))

    def reach(self, limit: Limit, *, value: int, section: str | None) -> None:
        """Note that a limit was reached, and got round; `section` is None if it is not of one section."""
        self._limits[limit, section] = value

    @property
    def keeps_whole(self) -> bool:
        """Whether somebody wants to know what stood in each cell before."""
        return self._keep is not None

    def alterations(self) -> list[Alterations]:
        """Give all changes in the order of their names, which does not depend on how the rows were read."""
        return [self._alterations[key] for key in sorted(self._alterations)]

    def limits(self) -> list[dict[str, object]]:
        """Give the member `limits` of the manifest (docs/manifest.md), in the order in which they were reached."""
        return [
            {"limit": limit.value, "section": section, "value": value}
            for (limit, section), value in self._limits.items()
        ]

    def _of(self, section: str, column: str, kind: AlterationKind) -> Alterations:
        key = (section, column, kind)
        noted = self._alterations.get(key)
        if noted is None:
            noted = self._alterations[key] = Alterations(*key)
        return noted


class SectionLedger:
    """The ledger as one section's reader or writer sees it: it knows places in a batch, and goes on batch by batch."""

    def __init__(self, ledger: Ledger, section: str) -> None:
        self._ledger = ledger
        self._section = section
        self._first_row = 1

    def add(self, column: str, kind: AlterationKind, places: Sequence[int], original: Original | None = None) -> None:
        """Note a change in the rows at these places of the batch, ascending from 0."""
        if places:
            wanted = original is not None and self._ledger.keeps_whole
            originals = [original(place) for place in places] if original is not None and wanted else None
            self._ledger.add(self._section, column, kind, [self._first_row + place for place in places], originals)

    def add_counted(
        self, column: str, kind: AlterationKind, count: int, first_places: Callable[[int], Sequence[int]]
    ) -> None:
        """Note a change in so many rows of the batch; `first_places` gives the first so many of their places."""
        first_row = self._first_row
        self._ledger.add_counted(
            self._section, column, kind, count, lambda wanted: [first_row + place for place in first_places(wanted)]
        )

    def advance(self, rows: int) -> None:
        """Go on with the next batch."""
        self._first_row += rows

    def reach(self, limit: Limit, *, value: int) -> None:
        """Note that a limit was reached in this section, and got round."""
        self._ledger.reach(limit, value=value, section=self._section)
