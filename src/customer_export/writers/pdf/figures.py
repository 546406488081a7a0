"""The key figures of the cover, added up from the orders as they pass by: exact, and never across currencies."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation, localcontext

from customer_export.model.columns import Batch, Cell, Column
from customer_export.model.customer_map import OrdersRole

_MONTH_CHARACTERS = 7  # YYYY-MM
_DIGITS = 60
"""Digits that a sum may have: more than any amount in a database (PostgreSQL's numeric has up to 131072, unused)."""


@dataclass(slots=True)
class CurrencyFigures:
    """The orders of one currency; `months` by `YYYY-MM`."""

    orders: int = 0
    total: Decimal = Decimal(0)
    months: dict[str, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class Figures:
    """What the orders add up to. `unread` counts amounts that are no finite number and so in no total."""

    orders: int = 0
    unread: int = 0
    first: str | None = None
    last: str | None = None
    currencies: dict[str, CurrencyFigures] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, batch: Batch, columns: Sequence[Column], role: OrdersRole) -> None:
        """Add some orders."""
        index = {column.name: number for number, column in enumerate(columns)}
        rows = len(batch[0]) if batch else 0
        nothing: Sequence[Cell] = [None] * rows
        times = batch[index[role.time]] if role.time in index else nothing
        self.orders += rows
        self._add_times(times)
        if role.status in index:
            self.statuses.update(status for status in batch[index[role.status]] if status)
        if role.amount in index:
            amount = columns[index[role.amount]]
            codes = batch[index[amount.currency]] if amount.currency in index else [amount.currency_code or ""] * rows
            self._add_amounts(batch[index[amount.name]], codes, times)

    def _add_times(self, times: Sequence[Cell]) -> None:
        known = [time for time in times if time]
        if known:
            self.first = min(known) if self.first is None else min(self.first, *known)
            self.last = max(known) if self.last is None else max(self.last, *known)

    def _add_amounts(self, amounts: Sequence[Cell], codes: Sequence[Cell], times: Sequence[Cell]) -> None:
        with localcontext() as context:
            context.prec = _DIGITS
            for text, code, time in zip(amounts, codes, times, strict=True):
                if text is None:
                    continue
                amount = _finite(text)
                if amount is None:
                    self.unread += 1
                    continue
                figures = self.currencies.setdefault(code or "", CurrencyFigures())
                figures.orders += 1
                figures.total += amount
                if time:
                    month = time[:_MONTH_CHARACTERS]
                    figures.months[month] = figures.months.get(month, Decimal(0)) + amount


def _finite(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
