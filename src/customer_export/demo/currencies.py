"""Money in the demo shop: whole minor units while it is reckoned with, decimal text when it is stored."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """A currency of the shop.

    `exponent` is the number of decimals (ISO 4217). A price in euro cents becomes minor units when multiplied
    by `numerator` / `denominator`, and is rounded down to a multiple of `step`, so that tags look native.
    """

    code: str
    exponent: int
    numerator: int
    denominator: int
    step: int

    def price(self, euro_cents: int) -> int:
        """Convert a price in euro cents to minor units of this currency, at least one step."""
        steps = euro_cents * self.numerator // (self.denominator * self.step)
        return max(1, steps) * self.step

    def text(self, minor_units: int) -> str:
        """Write an amount ≥ 0 as the shop stores it: `1234.50` EUR, `1200` JPY, `12.345` KWD."""
        if self.exponent == 0:
            return str(minor_units)
        digits = str(minor_units).zfill(self.exponent + 1)
        return f"{digits[: -self.exponent]}.{digits[-self.exponent :]}"


def _currency(code: str, exponent: int, numerator: int, denominator: int, step: int) -> tuple[str, Currency]:
    return code, Currency(code=code, exponent=exponent, numerator=numerator, denominator=denominator, step=step)


# Rates are round numbers of 2025's magnitude; the data need plausible prices, not true ones.
CURRENCIES = dict(
    (
        _currency("AUD", 2, 17, 10, 5),
        _currency("BHD", 3, 41, 10, 5),
        _currency("BRL", 2, 6, 1, 10),
        _currency("CNY", 2, 8, 1, 10),
        _currency("CZK", 2, 25, 1, 100),
        _currency("EUR", 2, 1, 1, 1),
        _currency("GBP", 2, 85, 100, 5),
        _currency("ILS", 2, 4, 1, 10),
        _currency("INR", 2, 95, 1, 100),
        _currency("JPY", 0, 8, 5, 10),
        _currency("KRW", 0, 15, 1, 100),
        _currency("KWD", 3, 33, 10, 5),
        _currency("PLN", 2, 43, 10, 1),
        _currency("RSD", 2, 117, 1, 100),
        _currency("SEK", 2, 11, 1, 100),
        _currency("THB", 2, 38, 1, 100),
        _currency("TND", 3, 34, 1, 50),
        _currency("TRY", 2, 45, 1, 10),
        _currency("TWD", 2, 35, 1, 100),
        _currency("UAH", 2, 48, 1, 10),
        _currency("USD", 2, 11, 10, 5),
        _currency("VND", 0, 280, 1, 1000),
    )
)
"""The shop's currencies by ISO 4217 code: 0 (JPY, KRW, VND), 2 and 3 (BHD, KWD, TND) decimals."""
