"""The styles of a workbook's cells, numbered in the order in which they are first used."""

from enum import StrEnum, unique
from typing import NamedTuple

from customer_export.writers.xlsx.limits import NUMBER_FORMATS

GENERAL = "General"
# A cell of this format stays text when somebody edits it: no formula starts, no leading zero goes.
TEXT = "@"
COUNT = "#,##0"


@unique
class Face(StrEnum):
    """How a cell looks apart from its number format; `shell` says it in XlsxWriter's terms."""

    BODY = "body"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"
    LINK = "link"
    HEADER = "header"
    HEADER_OF_NUMBERS = "header of numbers"
    TOTAL = "total"
    TOTAL_NUMBER = "total number"
    TITLE = "title"
    SUBTITLE = "subtitle"
    NOTE = "note"
    FACT = "fact"
    FACT_VALUE = "fact value"
    HEADING = "heading"
    TABLE_HEADER = "table header"
    TABLE_HEADER_OF_NUMBERS = "table header of numbers"
    TABLE_LABEL = "table label"
    TABLE_LINK = "table link"
    TABLE_VALUE = "table value"

    # Styles are looked up a few hundred times a workbook, and an enumeration's own is no C function.
    __hash__ = str.__hash__


class Style(NamedTuple):
    """A face with a number format; a tuple, as that is hashed and compared in C."""

    face: Face
    number_format: str = GENERAL


class StyleSheet:
    """Gives each style of one workbook its number: the `s` attribute of a cell."""

    def __init__(self) -> None:
        self._numbers: dict[Style, int] = {Style(Face.BODY): 0}
        self._formats: set[str] = set()
        self.is_full = False
        """Whether a format had to be left out."""

    @property
    def styles(self) -> tuple[Style, ...]:
        """All styles so far, in the order of their numbers."""
        return tuple(self._numbers)

    def number(self, style: Style) -> int:
        """Return a style's number. Formats come from the data too (currencies); beyond the limit they are general."""
        number = self._numbers.get(style)
        if number is not None:
            return number
        if style.number_format not in self._formats:
            if len(self._formats) == NUMBER_FORMATS and style.number_format != GENERAL:
                self.is_full = True
                return self.number(Style(style.face))
            self._formats.add(style.number_format)
        return self._numbers.setdefault(style, len(self._numbers))
