"""Columns that must never leave: what one could log in or pay with, by their names and by what values look like."""

from collections.abc import Callable, Sequence

from customer_export.mapping import vocabulary
from customer_export.mapping.shapes import (
    is_card_number,
    is_long_hex,
    is_password_hash,
    is_token,
    most_are,
)
from customer_export.mapping.words import words_of
from customer_export.model.catalogue import CatalogueColumn, Kind

_HOLDING = frozenset({Kind.TEXT, Kind.BINARY, Kind.JSON, Kind.OTHER, Kind.ARRAY, Kind.UUID})
"""Kinds that can hold a secret; a moment or a flag beside one is none."""

_NUMBERS = vocabulary.Terms(
    "pin,cvv,cvv2,cvc,cvc2,csc,card number,cc number,credit card number,ccnumber,otp,security code", endings=False
)
"""Secrets that are stored as numbers, too."""

_CARDS = vocabulary.Terms("card number,cc number,credit card number,ccnumber,pan")
_PUBLIC = vocabulary.Terms(
    "checksum,etag,digest,sha,sha1,sha256,commit,content hash,file hash,fingerprint,md5,revision,public key"
)
"""What is a long hex number and no secret."""

SECRET_REASON = "a secret"  # noqa: S105  (what is said of one)
"""How the reason begins for which a secret is left out."""

FEWEST_CARDS = 3  # different numbers that must pass: one in ten numbers does by chance
LONGEST_MASKED = 6  # digits of a card number that may be kept (PCI DSS 3.4: the first six and the last four)


def secret_reason(column: CatalogueColumn, values: Sequence[str], *, is_key: bool) -> str | None:
    """Say why a column is left out as a secret; None if it is none. `values` are a sample.

    Keys (`is_key`) may be long random numbers.
    """
    words = words_of(column.name)
    shape = _shape(words, values, is_key=is_key)
    if shape is not None:
        return shape
    by_name = column.kind in _HOLDING and (vocabulary.SECRETS.said_in(words) or words in {("pass",), ("pin",)})
    by_name = by_name or (column.kind in {Kind.INTEGER, Kind.DECIMAL} and _NUMBERS.said_in(words))
    if not by_name or _is_about(words):
        return None
    if _CARDS.said_in(words) and values and most_are(values, _is_masked):
        return None
    return f"{SECRET_REASON}: {column.name} is called like one"


def _shape(words: tuple[str, ...], values: Sequence[str], *, is_key: bool) -> str | None:
    forms: tuple[tuple[Callable[[str], bool], str], ...] = (
        (is_password_hash, "password hashes"),
        (is_token, "credentials"),
        (is_card_number, "numbers of payment cards"),
    )
    for has_form, name in forms:
        if most_are(values, has_form) and not (has_form is is_card_number and len(set(values)) < FEWEST_CARDS):
            return f"{SECRET_REASON}: the values are {name}"
    if most_are(values, is_long_hex) and not is_key and not _PUBLIC.said_in(words):
        return f"{SECRET_REASON}: the values are long random numbers in hex"
    return None


def _is_about(words: tuple[str, ...]) -> bool:
    """Whether a name is of something about a secret: when it was changed, its type, its last digits."""
    return (
        vocabulary.NOT_SECRETS.said_in(words[-1:])
        or vocabulary.NOT_SECRETS.said_in(words[:1])
        or (vocabulary.ABOUT_SECRETS.said_in(words))
    )


def _is_masked(value: str) -> bool:
    return sum(one.isdigit() for one in value) <= LONGEST_MASKED + 4 and (
        "*" in value or "x" in value.lower() or len(value) <= LONGEST_MASKED
    )
