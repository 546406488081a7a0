"""Sums in SQLite, which has no decimals: by Python's, as functions of the connection; numbers travel as text."""

import sqlite3
from decimal import Context, Decimal, DecimalException
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.source.comparing import Expression, constant

_EXACT = Context(prec=2_000)  # the largest REAL has 309 digits, and the smallest 1,074 decimals
_MOST_DIGITS = 1_000
_NONE = Decimal(0)


def register_sums(connection: sqlite3.Connection) -> None:
    """Teach a connection the functions that `SqliteSums` uses."""
    connection.create_function("ce_difference", 2, _difference, deterministic=True)
    connection.create_function("ce_exceeds", 2, _exceeds, deterministic=True)
    connection.create_aggregate("ce_added", 1, _Added)  # type: ignore[arg-type]  # typeshed wants an int of finalize


class SqliteSums:
    """Reckons with texts of decimals."""

    @property
    def joins_in_full(self) -> bool:
        """Say no: SQLite makes an index of the sums."""
        return False

    def text(self, cell: Expression) -> Expression:
        """Compare by bytes: what a function gives has no collation."""
        return sa.func.coalesce(sa.cast(cell, sa.Text), constant("''"))

    def shown(self, text: Expression) -> Expression:
        """Give it as it is."""
        return text

    def amount(self, value: Expression, stored: TypeEngine[Any]) -> Expression:  # noqa: ARG002  (any may hold any value)
        """Leave it to the functions to read it: each call of one takes as long as a row."""
        return value

    def negative(self, amount: Expression) -> Expression:
        """Change the sign."""
        return sa.func.ce_difference(constant("'0'"), amount)

    def added(self, amount: Expression) -> Expression:
        """Add up a group."""
        return sa.func.ce_added(amount)

    def difference(self, one: Expression, other: Expression) -> Expression:
        """Subtract."""
        return sa.func.ce_difference(one, sa.func.coalesce(other, constant("'0'")))

    def exceeds(self, difference: Expression, tolerance: Decimal) -> Expression:
        """Compare without the sign."""
        return sa.func.ce_exceeds(difference, constant(f"'{tolerance:f}'")) == constant("1")


def _decimal(value: object) -> Decimal | None:
    """Read a stored value as a number, a REAL as the shortest decimal that it is; else None."""
    if isinstance(value, float):
        value = repr(value)
    elif not isinstance(value, int | str) or (isinstance(value, str) and len(value) > _MOST_DIGITS):
        return None
    try:
        number = Decimal(value)
    except DecimalException:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS else None


def _difference(one: object, other: object) -> str | None:
    left, right = _decimal(one), _decimal(other)
    return None if left is None or right is None else f"{_EXACT.subtract(left, right):f}"


def _exceeds(difference: object, tolerance: object) -> int:
    return int(abs(_decimal(difference) or _NONE) > (_decimal(tolerance) or _NONE))


class _Added:
    """A sum over a group; what is no number counts for nothing."""

    def __init__(self) -> None:
        self._sum = _NONE

    def step(self, value: object) -> None:
        """Add a value."""
        self._sum = _EXACT.add(self._sum, _decimal(value) or _NONE)

    def finalize(self) -> str:
        """Give the sum."""
        return f"{self._sum:f}"
