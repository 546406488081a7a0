"""The columns of a section as those of a sheet: which encoder writes which type."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import assert_never

from customer_export.model.columns import Column, ColumnType
from customer_export.writers.xlsx.amounts import MoneyEncoder, MoneyStyles, NumberEncoder
from customer_export.writers.xlsx.book import Book
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
from customer_export.writers.xlsx.limits import LINKS_PER_SHEET
from customer_export.writers.xlsx.links import ColumnLinks, email_target, url_target
from customer_export.writers.xlsx.names import column_letters
from customer_export.writers.xlsx.styles import TEXT, Face, Style

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetColumns:
    """The encoders of one sheet's columns, and the links that they found."""

    encoders: tuple[ColumnEncoder, ...]
    links: tuple[ColumnLinks, ...]

    @classmethod
    def of(cls, *, book: Book, sheet: str, columns: Sequence[Column], files: ExitStack) -> "SheetColumns":
        """Make the encoders of a sheet. `files` closes the temporary files of the links."""
        linked = sum(column.type in _TARGETS for column in columns)
        # Shared out beforehand, so that the links do not depend on how the rows come in batches.
        budget = LINKS_PER_SHEET // max(linked, 1)
        links = {
            index: files.enter_context(ColumnLinks(letters=column_letters(index), budget=budget))
            for index, column in enumerate(columns)
            if column.type in _TARGETS
        }
        encoders = tuple(_encoder(book, sheet, columns, index, links.get(index)) for index in range(len(columns)))
        return cls(encoders=encoders, links=tuple(links.values()))


def are_numbers(column: Column) -> bool:
    """Whether a column's cells stand at the right, and so its header."""
    return column.type in _NUMBERS


def columns_of_text(columns: Sequence[Column]) -> tuple[int, ...]:
    """Return the indexes of the columns whose cells are text even where they look like numbers."""
    return tuple(index for index, column in enumerate(columns) if column.type in _TEXTS)


def _encoder(book: Book, sheet: str, columns: Sequence[Column], index: int, links: ColumnLinks | None) -> ColumnEncoder:
    column, styles = columns[index], book.styles
    text = TextCells(
        sheet=sheet,
        column=index,
        letters=column_letters(index),
        style=styles.number(Style(Face.BODY, TEXT)),
        long_texts=book.long_texts,
    )
    match column.type:
        case ColumnType.EMAIL | ColumnType.URL:
            if links is None:
                raise ValueError(f"no links for the column {column.name}")
            return LinkEncoder(
                text=text,
                links=links,
                target_of=_TARGETS[column.type],
                style=styles.number(Style(Face.LINK, TEXT)),
            )
        case ColumnType.TEXT | ColumnType.IDENTIFIER | ColumnType.UUID | ColumnType.JSON | ColumnType.BINARY:
            return TextEncoder(text=text)
        case ColumnType.BOOLEAN:
            return BooleanEncoder(text=text, style=styles.number(Style(Face.BOOLEAN)))
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            return NumberEncoder(text=text, styles=styles)
        case ColumnType.MONEY:
            money = MoneyStyles(locale=book.locale, styles=styles, face=Face.NUMBER)
            return MoneyEncoder(text=text, styles=money, currency=CurrencySource.of(column, columns))
        case ColumnType.DATE:
            return DateEncoder(text=text, style=styles.number(Style(Face.TIME, book.locale.excel_date_format)))
        case ColumnType.TIMESTAMP:
            seconds = book.locale.excel_timestamp_format
            return TimestampEncoder(
                text=text,
                clock=book.clock,
                style=styles.number(Style(Face.TIME, seconds)),
                # Excel shows no more than thousandths; the number holds every microsecond.
                style_of_fractions=styles.number(Style(Face.TIME, seconds.replace("ss", "ss.000", 1))),
            )
        case _:
            assert_never(column.type)
