"""Widths of columns that fit what is in them, judged by the header and the first rows."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import NamedTuple
from unicodedata import east_asian_width

from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.writers.locale import Locale

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

# Any time: its width is the locale's. A fraction of a second takes four characters more.
_EXAMPLE_DATE = "2000-12-28"
_EXAMPLE_TIMESTAMP = "2000-12-28T22:00:00+00:00"
_TIME_PADDING = 6


class WidthRule(NamedTuple):
    """How wide a column is, in characters: at least so much, and what its cells take with a padding.

    `padding` is None if the cells do not show how wide they are.
    """

    least: float
    padding: int | None


def width_rules(columns: Sequence[Column], headers: Sequence[str], locale: Locale) -> tuple[WidthRule, ...]:
    """Return what is known of the columns' widths before there are rows."""
    date_width = display_width(locale.format_date(_EXAMPLE_DATE)) + _TIME_PADDING
    timestamp_width = display_width(locale.format_timestamp(_EXAMPLE_TIMESTAMP)) + _TIME_PADDING
    by_type = {
        ColumnType.DATE: WidthRule(date_width, None),
        ColumnType.TIMESTAMP: WidthRule(timestamp_width, None),
        ColumnType.BOOLEAN: WidthRule(_BOOLEAN_WIDTH, None),
        ColumnType.MONEY: WidthRule(_NARROWEST_NUMBERS, _MONEY_PADDING),
    }
    rules = [by_type.get(column.type, WidthRule(_NARROWEST, _PADDING)) for column in columns]
    return tuple(
        WidthRule(max(rule.least, display_width(header) * 1.1 + _HEADER_PADDING), rule.padding)
        for rule, header in zip(rules, headers, strict=True)
    )


def column_widths(rules: Sequence[WidthRule], sample: Sequence[Batch]) -> list[float]:
    """Return the width of each column in characters; `sample` holds at least the first SAMPLE_ROWS rows."""
    widths: list[float] = []
    for index, rule in enumerate(rules):
        longest = 0 if rule.padding is None else _longest([batch[index] for batch in sample]) + rule.padding
        widths.append(round(min(max(longest, rule.least), _WIDEST), 1))
    return widths


def display_width(text: str) -> int:
    """Count the columns of a terminal that a text takes: two for a wide East Asian character."""
    if text.isascii():
        return len(text)
    # The names of the others (`N`, `Na`, `A`, `H`) have neither letter.
    classes = "".join(map(east_asian_width, text))
    return len(text) + classes.count("W") + classes.count("F")


def _longest(cells: Sequence[Sequence[Cell]]) -> int:
    """Return the width of the widest of the first cells, or something from the widest column on."""
    texts = list(filter(None, islice(chain.from_iterable(cells), SAMPLE_ROWS)))
    longest = max(map(len, texts), default=0)
    if longest < _WIDEST and not "".join(texts).isascii():
        return max(map(display_width, texts))
    return longest
