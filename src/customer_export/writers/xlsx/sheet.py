"""What stands in a sheet around its rows (ECMA-376 part 1, 18.3.1.99: the order of the elements is fixed)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from customer_export.writers.xlsx.links import ColumnLinks
from customer_export.writers.xlsx.names import column_letters
from customer_export.writers.xlsx.text import escape_xml, inline_string

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

# Inches: narrow margins, since a table needs the width of the paper.
_MARGINS = '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.7" header="0.3" footer="0.3"/>'
_A4_LANDSCAPE = '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>'

# Of maps with 64 sections, in a few locales; a header is some kB.
_KEPT_HEADERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFrame:
    """How a table's sheet is set up: its columns' headers and widths in characters, and its printed footer."""

    headers: tuple[tuple[str, int], ...]
    """The text and the style of each header cell."""
    widths: Sequence[float]
    footer: str
    right_to_left: bool


@dataclass(slots=True, kw_only=True)
class SheetEnd:
    """What is known of a sheet only after its rows: `last_row` is that of the table, without totals."""

    last_row: int
    links: Sequence[ColumnLinks] = ()
    columns_of_text: Sequence[int] = field(default_factory=tuple)


def sheet_start(frame: SheetFrame) -> bytes:
    """Return everything up to the first row after the header, which stays in view when the sheet is scrolled."""
    direction = ' rightToLeft="1"' if frame.right_to_left else ""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(frame.widths, 1)
    )
    return (
        f'{XML_DECLARATION}<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE_RELATIONSHIPS}">'
        '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView{direction} workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        '<selection pane="bottomLeft" activeCell="A2" sqref="A2"/></sheetView></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/>'
        f"{f'<cols>{columns}</cols>' if columns else ''}"
        f'<sheetData><row r="1" ht="21" customHeight="1">{_header_cells(frame.headers)}</row>'
    ).encode()


@lru_cache(maxsize=_KEPT_HEADERS)
def _header_cells(headers: tuple[tuple[str, int], ...]) -> str:
    return "".join(
        f'<c r="{column_letters(index)}1" s="{style}" t="inlineStr">{inline_string(text)}</c>'
        for index, (text, style) in enumerate(headers)
    )


def sheet_end(frame: SheetFrame, end: SheetEnd) -> Iterator[bytes]:
    """Give everything after the last row."""
    yield b"</sheetData>"
    if frame.headers:
        last = column_letters(len(frame.headers) - 1)
        yield f'<autoFilter ref="A1:{last}{end.last_row}"/>'.encode()
    if any(links.used for links in end.links):
        yield b"<hyperlinks>"
        for links in end.links:
            yield from links.elements()
        yield b"</hyperlinks>"
    yield f"{_MARGINS}{_A4_LANDSCAPE}{footer_element(frame.footer)}".encode()
    if end.columns_of_text and end.last_row > 1:
        # Excel would mark each number that is text on purpose as a mistake.
        ranges = " ".join(
            f"{column_letters(index)}2:{column_letters(index)}{end.last_row}" for index in end.columns_of_text
        )
        yield f'<ignoredErrors><ignoredError sqref="{ranges}" numberStoredAsText="1"/></ignoredErrors>'.encode()
    yield b"</worksheet>"


def footer_element(footer: str) -> str:
    """Return the element of a printed footer, which is in Excel's own codes (`&P` is the page)."""
    return f"<headerFooter><oddFooter>{escape_xml(footer)}</oddFooter></headerFooter>"
