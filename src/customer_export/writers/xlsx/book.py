"""What the sheets of one workbook share, and how its parts get into the zip."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO
from zipfile import ZipFile
from zoneinfo import ZoneInfo

from isal import isal_zlib

from customer_export.model.document import Document
from customer_export.writers.locale import Locale, Word
from customer_export.writers.xlsx.limits import SheetLimits
from customer_export.writers.xlsx.long_texts import LongTexts
from customer_export.writers.xlsx.names import SheetNames
from customer_export.writers.xlsx.styles import StyleSheet
from customer_export.writers.xlsx.times import WallClock

# ISA-L packs a sheet in a quarter of the time of zlib's level 1, and a tenth smaller.
_COMPRESSION_LEVEL = 1
_WINDOW_BITS = 15

# A write costs the zip about a microsecond, whatever its size.
_JOINED_BYTES = 1 << 16


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
    """One workbook while it is written; `sheets` and `sections` grow as they are finished."""

    archive: ZipFile
    document: Document
    locale: Locale
    clock: WallClock
    names: SheetNames
    long_texts: LongTexts
    limits: SheetLimits
    summary_name: str
    styles: StyleSheet = field(default_factory=StyleSheet)
    sheets: list[DataSheet] = field(default_factory=list)
    sections: list[SectionSheets] = field(default_factory=list)

    @property
    def right_to_left(self) -> bool:
        """Whether the sheets begin at the right."""
        return self.locale.direction == "rtl"

    @property
    def zone(self) -> ZoneInfo:
        """The export's time zone."""
        return ZoneInfo(self.document.request.time_zone)

    @property
    def footer(self) -> str:
        """What every printed page says at its foot: the export's id and the page.

        The blank ends the code of the size: `&80f8f` would be letters 80 points high.
        """
        page = self.locale.word(Word.PAGE_OF, page="&P", pages="&N")
        return f"&L&8 {self.document.export_id.replace('&', '&&')}&R&8 {page}"


def open_part(archive: ZipFile, path: str) -> IO[bytes]:
    """Open a part to write. The archive dates it 1980-01-01, so that equal data make equal files."""
    part = archive.open(path, "w")
    # The standard library has no place to say which compressor to use; without the attribute it uses its own.
    if hasattr(part, "_compressor"):
        part._compressor = isal_zlib.compressobj(  # noqa: SLF001  # see above
            _COMPRESSION_LEVEL, isal_zlib.DEFLATED, -_WINDOW_BITS
        )
    return part


def write_part(archive: ZipFile, path: str, pieces: Iterable[bytes]) -> None:
    """Add a part from its pieces."""
    with open_part(archive, path) as part:
        write_joined(part, pieces)


def write_joined(part: IO[bytes], pieces: Iterable[bytes]) -> None:
    """Write many small pieces as few large ones."""
    joined = bytearray()
    for piece in pieces:
        joined += piece
        if len(joined) >= _JOINED_BYTES:
            part.write(joined)
            joined.clear()
    part.write(joined)
