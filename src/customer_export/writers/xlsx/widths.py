"""Widths of columns that fit what is in them, judged by the header and the first rows."""

from collections.abc import Iterable, Sequence
from itertools import islice
from unicodedata import east_asian_width

from customer_export.model.columns import Batch, Cell, Column, ColumnType

# Enough rows to know a column by, few enough to cost nothing.
SAMPLE_ROWS = 100

_NARROWEST, _WIDEST = 6, 50
_PADDING = 2
# The filter's button stands over the end of a header; bold letters take a tenth more.
_HEADER_PADDING = 4

# A money format adds a currency and marks between groups.
_MONEY_PADDING = 7

# FALSE in every language of Excel (`FALSCH`, `ЛОЖЬ`).
_BOOLEAN_WIDTH = 9

# A number that does not fit is shown as ####, so rows after the first get some room.
_NARROWEST_NUMBERS = 14


def column_widths(
    columns: Sequence[Column],
    headers: Sequence[str],
    sample: Sequence[Batch],
    *,
    date_width: int,
    timestamp_width: int,
) -> list[float]:
    """Return the width of each column in characters; `sample` holds at least the first SAMPLE_ROWS rows."""
    fixed = {
        ColumnType.DATE: date_width,
        ColumnType.TIMESTAMP: timestamp_width,
        ColumnType.BOOLEAN: _BOOLEAN_WIDTH,
    }
    widths: list[float] = []
    for index, (column, header) in enumerate(zip(columns, headers, strict=True)):
        cells = islice((cell for batch in sample for cell in batch[index]), SAMPLE_ROWS)
        content = fixed.get(column.type) or _content_width(column.type, cells)
        wanted = max(content, display_width(header) * 1.1 + _HEADER_PADDING)
        widths.append(round(min(max(wanted, _NARROWEST), _WIDEST), 1))
    return widths


def display_width(text: str) -> int:
    """Count the columns of a terminal that a text takes: two for a wide East Asian character."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _content_width(type_of_column: ColumnType, cells: Iterable[Cell]) -> int:
    longest = max((display_width(cell[:_WIDEST]) for cell in cells if cell is not None), default=0)
    if type_of_column is ColumnType.MONEY:
        return max(longest + _MONEY_PADDING, _NARROWEST_NUMBERS)
    return longest + _PADDING
