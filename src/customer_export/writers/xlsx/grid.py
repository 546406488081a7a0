"""The cells of a sheet that is laid out by hand, as the Summary is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from customer_export.writers.xlsx.charts import ChartCell
from customer_export.writers.xlsx.limits import CELL_UNITS
from customer_export.writers.xlsx.names import column_letters, quote_sheet
from customer_export.writers.xlsx.text import NEVER_TOO_LONG, escape_xml, inline_string, split_units

_SHEET_DATA = re.compile("<sheetData/>|<sheetData>.*?</sheetData>", re.DOTALL)
_HYPERLINKS_PLACE = "<pageMargins"


@dataclass(slots=True)
class Grid:
    """The cells of a sheet by row and column, both from 1 and 0 as in references and in XlsxWriter."""

    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    values: dict[tuple[str, int], ChartCell] = field(default_factory=dict)
    heights: dict[int, float] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    def put_text(self, row: int, column: int, text: str, style: int) -> None:
        """Put a text; what is too long for a cell is cut, as the sections hold it whole."""
        if len(text) > NEVER_TOO_LONG:
            text = split_units(text, first_units=CELL_UNITS, next_units=CELL_UNITS)[0]
        cell = f'<c r="{column_letters(column)}{row}" s="{style}" t="inlineStr">{inline_string(text)}</c>'
        self._put(row, column, cell, ChartCell(text, is_number=False))

    def put_number(self, row: int, column: int, number: str, style: int) -> None:
        """Put a number from its text."""
        cell = f'<c r="{column_letters(column)}{row}" s="{style}"><v>{number}</v></c>'
        self._put(row, column, cell, ChartCell(number, is_number=True))

    def put_blank(self, row: int, column: int, style: int) -> None:
        """Put a cell that only has a style."""
        self.cells.setdefault(row, {})[column] = f'<c r="{column_letters(column)}{row}" s="{style}"/>'

    def put_link(self, row: int, column: int, sheet: str) -> None:
        """Link a cell to the beginning of a sheet."""
        target = escape_xml(f"{quote_sheet(sheet)}!A1")
        self.links.append(f'<hyperlink ref="{column_letters(column)}{row}" location="{target}"/>')

    def value_at(self, letters: str, row: int) -> ChartCell | None:
        """Return what a cell holds."""
        return self.values.get((letters, row))

    def fill(self, frame: str) -> str:
        """Put the cells and the links into the XML of an empty sheet."""
        data = f"<sheetData>{''.join(self._rows())}</sheetData>"
        xml = _SHEET_DATA.sub(lambda _: data, frame, count=1)
        links = f"<hyperlinks>{''.join(self.links)}</hyperlinks>" if self.links else ""
        return xml.replace(_HYPERLINKS_PLACE, links + _HYPERLINKS_PLACE, 1)

    def _put(self, row: int, column: int, cell: str, value: ChartCell) -> None:
        self.cells.setdefault(row, {})[column] = cell
        self.values[column_letters(column), row] = value

    def _rows(self) -> Iterator[str]:
        for row, cells in sorted(self.cells.items()):
            height = self.heights.get(row)
            size = f' ht="{height}" customHeight="1"' if height else ""
            yield f'<row r="{row}"{size}>{"".join(cell for _, cell in sorted(cells.items()))}</row>'
