"""What the sheets of one workbook share."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from customer_export.model.document import Document
from customer_export.model.template import SummaryPlace, WorkbookDesign
from customer_export.writers.locale import Locale, Word
from customer_export.writers.xlsx.limits import SheetLimits
from customer_export.writers.xlsx.long_texts import LongTexts
from customer_export.writers.xlsx.names import SheetNames
from customer_export.writers.xlsx.package import Package
from customer_export.writers.xlsx.styles import StyleSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSheet:
    """A finished sheet with a table: `last_row` is that of the table, `range_name` a name for all of it."""

    name: str
    columns: int
    last_row: int
    range_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSheets:
    """A finished section: its label, its rows, and the names of its sheets."""

    label: str
    rows: int
    sheets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One workbook while it is written; `sheets` and `sections` grow as they are finished.

    `summary_name` is that of the Summary, None if the `design` has none.
    """

    package: Package
    document: Document
    design: WorkbookDesign
    locale: Locale
    names: SheetNames
    long_texts: LongTexts
    limits: SheetLimits
    summary_name: str | None
    footer: str
    styles: StyleSheet = field(default_factory=StyleSheet)
    sheets: list[DataSheet] = field(default_factory=list)
    sections: list[SectionSheets] = field(default_factory=list)

    @property
    def next_sheet_number(self) -> int:
        """The number, from 1, of the sheet that is begun next."""
        return len(self.sheets) + (2 if self.design.summary is SummaryPlace.FIRST else 1)

    @property
    def right_to_left(self) -> bool:
        """Whether the sheets begin at the right."""
        return self.locale.direction == "rtl"

    @property
    def zone(self) -> ZoneInfo:
        """The export's time zone."""
        return ZoneInfo(self.document.request.time_zone)


def page_footer(document: Document, locale: Locale) -> str:
    """Return what every printed page says at its foot, in Excel's codes: the export's id and the page.

    The blank ends the code of the size: `&80f8f` would be letters 80 points high.
    """
    page = locale.word(Word.PAGE_OF, page="&P", pages="&N")
    return f"&L&8 {document.export_id.replace('&', '&&')}&R&8 {page}"
