"""Sums in PostgreSQL: its `numeric` is exact."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from customer_export.source.comparing import Expression, constant

_NUMBER = constant("""'^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$'""")


class PostgresqlSums:
    """Reckons with `numeric`."""

    @property
    def joins_in_full(self) -> bool:
        """Say so: full joins are by all conditions at once, of hashes or in order.

        Others PostgreSQL may do by nested loops, or in the order of customers alone, where it expects few rows. Of a
        customer who has very many it would then look through all sums for each total.
        """
        return True

    def text(self, cell: Expression) -> Expression:
        """Compare by bytes."""
        return sa.collate(sa.func.coalesce(sa.cast(cell, sa.Text), constant("''")), "C")

    def shown(self, text: Expression) -> Expression:
        """Give it as it is."""
        return text

    def amount(self, value: Expression, stored: TypeEngine[Any]) -> Expression:
        """Read a float by its text, which is the shortest decimal that is this float."""
        if isinstance(stored, sa.Integer | postgresql.MONEY):
            return sa.cast(value, sa.Numeric)
        if isinstance(stored, sa.Numeric) and not isinstance(stored, sa.Float):
            return value
        text = sa.cast(value, sa.Text)
        return sa.case((text.regexp_match(_NUMBER), sa.cast(text, sa.Numeric)))

    def negative(self, amount: Expression) -> Expression:
        """Change the sign."""
        return -amount

    def added(self, amount: Expression) -> Expression:
        """Add up a group."""
        return sa.func.sum(amount)

    def difference(self, one: Expression, other: Expression) -> Expression:
        """Subtract."""
        return one - sa.func.coalesce(other, constant("0"))

    def exceeds(self, difference: Expression, tolerance: Decimal) -> Expression:
        """Compare without the sign; NaN exceeds everything."""
        return sa.func.abs(difference) > constant(f"{tolerance:f}")
