"""The one table that the sections of an export make: which columns a CSV file has, and where a section's stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from customer_export.model.columns import Column
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvOptions

SECTION_COLUMN = "section"


class TableSection(Protocol):
    """A section, as far as the table is concerned."""

    @property
    def name(self) -> str:
        """The section's name in the map."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The exported columns."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The one table of a file: the names of its columns, the first of which may be `section`."""

    header: tuple[str, ...]
    rectangular: bool

    def layout(self, section: TableSection, options: CsvOptions) -> CsvLayout:
        """Say where in the table's records the columns of a section stand."""
        index = {column.name: number for number, column in enumerate(section.columns)}
        names = self.header[1:] if self.rectangular else self.header
        return CsvLayout(
            delimiter=options.delimiter,
            profile=options.profile,
            section=section.name if self.rectangular else None,
            places=tuple(map(index.get, names)),
        )


def table_of(sections: Sequence[TableSection]) -> CsvTable:
    """Lay out the table of one section, or of several."""
    names = dict.fromkeys(column.name for section in sections for column in section.columns)
    if len(sections) == 1:
        return CsvTable(tuple(names), rectangular=False)
    return CsvTable((SECTION_COLUMN, *names), rectangular=True)
