"""The columns of a section as those of a sheet: which encoder writes which type, and what their header says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from customer_export.model.columns import Column, ColumnType
from customer_export.writers.locale import Locale
from customer_export.writers.xlsx.amounts import MoneyEncoder, NumberEncoder
from customer_export.writers.xlsx.cells import (
    BooleanEncoder,
    ColumnEncoder,
    DateEncoder,
    LinkEncoder,
    TextCells,
    TextEncoder,
    TimestampEncoder,
)
from customer_export.writers.xlsx.currencies import CurrencySource
from customer_export.writers.xlsx.links import email_target, url_target
from customer_export.writers.xlsx.names import column_letters
from customer_export.writers.xlsx.styles import TEXT, Face, Style
from customer_export.writers.xlsx.sums import is_summable
from customer_export.writers.xlsx.times import wall_clock
from customer_export.writers.xlsx.widths import WidthRule, width_rules

_TARGETS = {ColumnType.EMAIL: email_target, ColumnType.URL: url_target}
_TEXTS = frozenset(
    {
        ColumnType.TEXT,
        ColumnType.IDENTIFIER,
        ColumnType.UUID,
        ColumnType.EMAIL,
        ColumnType.URL,
        ColumnType.JSON,
        ColumnType.BINARY,
    }
)
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY})
_TEXT_STYLE = Style(Face.BODY, TEXT)
_LINK_STYLE = Style(Face.LINK, TEXT)
_BOOLEAN_STYLE = Style(Face.BOOLEAN)

# Of maps with 64 sections, in a few locales and zones; each takes some 10 kB.
_KEPT_LAYOUTS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLayout:
    """What is the same in every export of a section: all but its rows.

    `linked` and `texts` are the indexes of the columns that may have links, and of those whose cells are text even
    where they look like numbers. `sums` are the columns that get a total, and where their currencies are. `styles`
    are those that the cells may have, but for those of numbers.
    """

    columns: tuple[Column, ...]
    headers: tuple[str, ...]
    widths: tuple[WidthRule, ...]
    header_styles: tuple[Style, ...]
    encoders: tuple[ColumnEncoder, ...]
    styles: tuple[Style, ...]
    linked: tuple[int, ...]
    texts: tuple[int, ...]
    sums: Mapping[int, CurrencySource]


@lru_cache(maxsize=_KEPT_LAYOUTS)
def layout_of(columns: tuple[Column, ...], locale: Locale, time_zone: str) -> SectionLayout:
    """Make the layout of a section's columns in a locale and a time zone (IANA), which headers name."""
    indexes = range(len(columns))
    headers = tuple(
        f"{column.label} ({time_zone})" if column.type is ColumnType.TIMESTAMP else column.label for column in columns
    )
    return SectionLayout(
        columns=columns,
        headers=headers,
        widths=width_rules(columns, headers, locale),
        header_styles=tuple(
            Style(Face.HEADER_OF_NUMBERS if column.type in _NUMBERS else Face.HEADER) for column in columns
        ),
        encoders=tuple(_encoder(columns, index, locale, time_zone) for index in indexes),
        styles=tuple(dict.fromkeys(style for column in columns for style in _styles(column, locale))),
        linked=tuple(index for index in indexes if columns[index].type in _TARGETS),
        texts=tuple(index for index in indexes if columns[index].type in _TEXTS),
        sums={
            index: CurrencySource.of(column, columns)
            for index, column in enumerate(columns)
            if column.type is ColumnType.MONEY and column.mask is None and is_summable(column.name)
        },
    )


def _encoder(columns: Sequence[Column], index: int, locale: Locale, time_zone: str) -> ColumnEncoder:
    column = columns[index]
    text = TextCells(column=index, letters=column_letters(index), style=_TEXT_STYLE)
    match column.type:
        case ColumnType.EMAIL | ColumnType.URL:
            return LinkEncoder(text=text, target_of=_TARGETS[column.type], style=_LINK_STYLE)
        case ColumnType.TEXT | ColumnType.IDENTIFIER | ColumnType.UUID | ColumnType.JSON | ColumnType.BINARY:
            return TextEncoder(text=text)
        case ColumnType.BOOLEAN:
            return BooleanEncoder(text=text, style=_BOOLEAN_STYLE)
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            return NumberEncoder(text=text)
        case ColumnType.MONEY:
            return MoneyEncoder(text=text, locale=locale, currency=CurrencySource.of(column, columns))
        case ColumnType.DATE:
            return DateEncoder(text=text, style=_date_style(locale))
        case ColumnType.TIMESTAMP:
            style, style_of_fractions = _timestamp_styles(locale)
            return TimestampEncoder(
                text=text, clock=wall_clock(time_zone), style=style, style_of_fractions=style_of_fractions
            )
        case _:
            assert_never(column.type)


def _styles(column: Column, locale: Locale) -> tuple[Style, ...]:
    match column.type:
        case ColumnType.EMAIL | ColumnType.URL:
            return _TEXT_STYLE, _LINK_STYLE
        case ColumnType.BOOLEAN:
            return _TEXT_STYLE, _BOOLEAN_STYLE
        case ColumnType.DATE:
            return _TEXT_STYLE, _date_style(locale)
        case ColumnType.TIMESTAMP:
            return _TEXT_STYLE, *_timestamp_styles(locale)
        case _:
            return (_TEXT_STYLE,)


def _date_style(locale: Locale) -> Style:
    return Style(Face.TIME, locale.excel_date_format)


def _timestamp_styles(locale: Locale) -> tuple[Style, Style]:
    """Return the styles of whole seconds and of others.

    Excel shows no more than thousandths; the number holds every microsecond.
    """
    seconds = locale.excel_timestamp_format
    return Style(Face.TIME, seconds), Style(Face.TIME, seconds.replace("ss", "ss.000", 1))
