"""The type of a column in a map: by what the database declares, what the column is called, and what a sample holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from customer_export.mapping import vocabulary
from customer_export.mapping.shapes import (
    JULIAN_DAYS,
    MILLISECONDS,
    SECONDS,
    is_date,
    is_email,
    is_flag,
    is_json,
    is_long_number,
    is_number,
    is_timestamp,
    is_url,
    is_uuid,
    is_within,
    most_are,
)
from customer_export.mapping.words import words_of
from customer_export.model.catalogue import CatalogueColumn, Kind
from customer_export.model.columns import ColumnType, MoneyUnit, StoredAs

_DECLARED = {
    Kind.BOOLEAN: ColumnType.BOOLEAN,
    Kind.UUID: ColumnType.UUID,
    Kind.JSON: ColumnType.JSON,
    Kind.BINARY: ColumnType.BINARY,
    Kind.ENUM: ColumnType.TEXT,
    Kind.ARRAY: ColumnType.TEXT,
    Kind.TIME: ColumnType.TEXT,
}
"""Kinds that need no guess."""

_COUNTED_ENDINGS = ("s", "ed")

FEWEST_VALUES = 3  # from which a form of values is taken for the column's

WHOLE_AMOUNT = 'called like money; if it counts cents: type = "money", currency = "…", counted_in = "minor_units"'


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeGuess:
    """A column's type. `is_amount`: it is called like money, and is money if its currency is known.

    `why` is what a reader may want to check; None where there is no doubt.
    """

    type: ColumnType
    stored_as: StoredAs | None = None
    counted_in: MoneyUnit | None = None
    is_amount: bool = False
    why: str | None = None


def guess_type(column: CatalogueColumn, values: Sequence[str], *, is_reference: bool) -> TypeGuess:
    """Guess a column's type. `values` are a sample without NULL and blanks; `is_reference`: it is or leads to a key."""
    words = words_of(column.name)
    if column.kind in _DECLARED:
        return TypeGuess(type=_DECLARED[column.kind])
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        return _moment(column.kind, values)
    if column.kind is Kind.OTHER and column.type:
        return TypeGuess(type=ColumnType.TEXT)  # the server's own text: an interval, a range, a point
    if column.kind is Kind.OTHER or (column.kind is Kind.DECIMAL and not most_are(values, is_number) and values):
        return _undeclared(words, values, is_reference=is_reference)
    if column.kind is Kind.TEXT:
        return _text(words, values, is_reference=is_reference)
    return _number(words, column.kind, values, is_reference=is_reference)


def _moment(kind: Kind, values: Sequence[str]) -> TypeGuess:
    """See how a database without moments (SQLite) keeps them: as text, or as a number that counts."""
    counted = _counted(values)
    if counted is not None:
        return TypeGuess(type=ColumnType.TIMESTAMP, stored_as=counted, why=f"the values look like {counted}")
    if kind is Kind.DATE or most_are(values, is_date):
        return TypeGuess(type=ColumnType.TIMESTAMP if most_are(values, is_timestamp) else ColumnType.DATE)
    return TypeGuess(type=ColumnType.TIMESTAMP)


def _counted(values: Sequence[str]) -> StoredAs | None:
    for stored_as, bounds in (
        (StoredAs.EPOCH_SECONDS, SECONDS),
        (StoredAs.EPOCH_MILLISECONDS, MILLISECONDS),
        (StoredAs.JULIAN_DAY, JULIAN_DAYS),
    ):
        if most_are([value for value in values if value != "0"], partial(is_within, bounds=bounds)):
            return stored_as
    return None


def _undeclared(words: tuple[str, ...], values: Sequence[str], *, is_reference: bool) -> TypeGuess:
    if not values or not most_are(values, is_number):
        return _text(words, values, is_reference=is_reference)
    kind = Kind.INTEGER if all("." not in value for value in values) else Kind.DECIMAL
    return _number(words, kind, values, is_reference=is_reference)


def _text(words: tuple[str, ...], values: Sequence[str], *, is_reference: bool) -> TypeGuess:
    for kind, has_form in (
        (ColumnType.EMAIL, is_email),
        (ColumnType.TIMESTAMP, is_timestamp),
        (ColumnType.DATE, is_date),
        (ColumnType.UUID, is_uuid),
        (ColumnType.URL, is_url),
        (ColumnType.JSON, is_json),
    ):
        told = kind in (ColumnType.TIMESTAMP, ColumnType.DATE) and vocabulary.TIMES.said_in(words)
        if (told or len(values) >= FEWEST_VALUES) and most_are(values, has_form):
            return TypeGuess(type=kind)
    if _is_email(words) and (not values or any("@" in value for value in values)):
        return TypeGuess(type=ColumnType.EMAIL)
    if vocabulary.URL.said_in(words[-1:]) and not values:
        return TypeGuess(type=ColumnType.URL)
    amount = _is_amount(words) and not vocabulary.WEAK_MONEY.said_in(words[-1:])
    if is_reference or _is_identifier(words) or most_are(values, is_long_number):
        return TypeGuess(type=ColumnType.IDENTIFIER)
    if values and all(is_number(value.strip()) and ("." in value or amount) for value in values):
        return TypeGuess(type=ColumnType.DECIMAL, is_amount=amount)
    return TypeGuess(type=ColumnType.TEXT)


def _number(words: tuple[str, ...], kind: Kind, values: Sequence[str], *, is_reference: bool) -> TypeGuess:
    if is_reference:
        return TypeGuess(type=ColumnType.IDENTIFIER)
    whole = kind is Kind.INTEGER
    counted = _counted(values) if vocabulary.TIMES.said_in(words) else None
    if counted is not None and (len(values) >= FEWEST_VALUES or vocabulary.CREATED_TIMES.said_in(words)):
        return TypeGuess(type=ColumnType.TIMESTAMP, stored_as=counted, why=f"the values look like {counted}")
    if whole and (vocabulary.BOOLEANS.said_in(words) or "".join(words[-1:]).endswith("ed")) and _are_flags(values):
        return TypeGuess(type=ColumnType.BOOLEAN)
    if _is_identifier(words) or (whole and most_are(values, is_long_number)):
        return TypeGuess(type=ColumnType.IDENTIFIER)
    if whole and vocabulary.MINOR_UNITS.said_in(words):
        return TypeGuess(type=ColumnType.INTEGER, is_amount=True, counted_in=MoneyUnit.MINOR_UNITS)
    if _is_amount(words) and not (whole and vocabulary.WEAK_MONEY.names(words)):
        if whole:  # `payment_term` leads to something, more often than it is an amount
            ends_so = vocabulary.MONEY.names(words[-1:]) or vocabulary.MONEY.names(words[-2:])
            return TypeGuess(type=ColumnType.INTEGER, why=WHOLE_AMOUNT if ends_so else None)
        return TypeGuess(type=ColumnType.DECIMAL, is_amount=True)
    return TypeGuess(type=ColumnType.INTEGER if whole else ColumnType.DECIMAL)


def _are_flags(values: Sequence[str]) -> bool:
    return bool(values) and all(is_flag(value) for value in values)


def _is_email(words: tuple[str, ...]) -> bool:
    return vocabulary.EMAIL.said_in(words) and not vocabulary.NOT_EMAIL.said_in(words)


def _is_identifier(words: tuple[str, ...]) -> bool:
    refused = vocabulary.NOT_IDENTIFIER.said_in(words) or _is_count(words)
    return vocabulary.IDENTIFIER.said_in(words) and not refused


def _is_count(words: tuple[str, ...]) -> bool:
    """Whether a name is one like num_orders or num_allocated; num_facture is the number of one."""
    return words[:1] == ("num",) and any(word.endswith(_COUNTED_ENDINGS) for word in words[1:])


def _is_amount(words: tuple[str, ...]) -> bool:
    return vocabulary.MONEY.said_in(words) and not vocabulary.NOT_MONEY.said_in(words)
