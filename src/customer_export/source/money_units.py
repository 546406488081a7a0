"""Amounts that are stored as whole numbers of a smaller unit, as cents are: where the decimal point stands."""

from collections.abc import Callable

import sqlalchemy as sa

from customer_export.model.columns import MoneyUnit
from customer_export.source.comparing import Expression, constant

HUNDREDTHS_DECIMALS = 2
_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""The decimals of currencies by ISO 4217; all others have two."""


def amount_of(unit: MoneyUnit, shifted: Callable[[int], Expression], currency: Expression) -> Expression:
    """Give the text of an amount in its currency; `shifted` moves the point of the stored number that far to the left.

    `currency` is the row's code, in capitals or not.
    """
    if unit is MoneyUnit.HUNDREDTHS:
        return shifted(HUNDREDTHS_DECIMALS)
    code = sa.func.upper(currency)
    others = [(code.in_(list(map(_text, codes.split()))), shifted(decimals)) for decimals, codes in _DECIMALS.items()]
    return sa.case(*others, else_=shifted(HUNDREDTHS_DECIMALS))


def factor_of(decimals: int) -> Expression:
    """Give the number that moves the point of another so many places to the left: 0.01, which is exact."""
    return constant(f"{10**-decimals:.{decimals}f}")


def _text(code: str) -> Expression:
    return constant(f"'{code}'")
