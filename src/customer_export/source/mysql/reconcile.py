"""Sums in MySQL and MariaDB: their DECIMAL is exact, to 35 digits before the point and 30 behind it."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.source.comparing import Expression, constant
from customer_export.source.mysql.comparing import bytes_of_text, in_unicode

_WIDEST: TypeEngine[Any] = sa.DECIMAL(65, 30)  # the most digits that both servers have, and the most decimals of MySQL
_NUMBER = constant("'^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$'")


class MysqlSums:
    """Reckons with DECIMAL."""

    @property
    def joins_in_full(self) -> bool:
        """Say no: MySQL and MariaDB have no full joins, and make an index of the sums."""
        return False

    def text(self, cell: Expression) -> Expression:
        """Compare the bytes in UTF-8."""
        return sa.func.coalesce(bytes_of_text(sa.cast(cell, sa.Text)), constant("''"))

    def shown(self, text: Expression) -> Expression:
        """Make text of the bytes again."""
        return in_unicode(text)

    def amount(self, value: Expression, stored: TypeEngine[Any]) -> Expression:
        """Read what is no number by its text; of a FLOAT that is the decimal which was meant."""
        if isinstance(stored, sa.Integer) or (isinstance(stored, sa.Numeric) and not isinstance(stored, sa.Float)):
            return sa.cast(value, _WIDEST)
        text = sa.cast(value, sa.Text)
        return sa.case((text.regexp_match(_NUMBER), sa.cast(text, _WIDEST)))

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
        """Compare without the sign."""
        return sa.func.abs(difference) > constant(f"{tolerance:f}")
