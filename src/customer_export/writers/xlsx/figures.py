"""The key figures of the Summary sheet, gathered from the orders while they stream by."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from customer_export.model.columns import Cell, Column
from customer_export.model.customer_map import OrdersRole
from customer_export.writers.xlsx.cells import EncodedColumn
from customer_export.writers.xlsx.currencies import CurrencySource, RowCurrencies
from customer_export.writers.xlsx.sums import Amounts, add

# With more values than this, the map's columns hold no currency or no status but something else.
_MOST_VALUES = 64

_TIME = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-[0-9]{2}(?:T|$)").match
_MONTH_CHARACTERS = len("2024-01")


@dataclass(slots=True, kw_only=True)
class CurrencyFigures:
    """What is known of the orders in one currency; `total` is None if not every amount is a plain decimal.

    `first` and `last` are canonical dates or time stamps. `months` gives the sum of each `YYYY-MM`.
    """

    orders: int = 0
    total: Decimal | None = field(default_factory=Decimal)
    first: str | None = None
    last: str | None = None
    months: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCells:
    """The cells of a block of orders that the figures are made of; None for what the map does not name.

    `times_are_true` is whether all times are time stamps.
    """

    rows: int
    amounts: Amounts | None
    currencies: RowCurrencies
    times: Sequence[Cell] | None
    times_are_true: bool
    statuses: Sequence[Cell] | None


class OrderFigures:
    """Counts and sums of one export's orders, by currency, month and status."""

    def __init__(self) -> None:
        self._by_currency: dict[Cell, CurrencyFigures] = {}
        self._statuses: Counter[Cell] = Counter()

    @property
    def by_currency(self) -> list[tuple[Cell, CurrencyFigures]]:
        """The currencies, that of most orders first."""
        return sorted(self._by_currency.items(), key=lambda item: (-item[1].orders, item[0] or ""))

    @property
    def statuses(self) -> list[tuple[Cell, int]]:
        """The number of orders of each status, most first; nothing if there are too many to be statuses."""
        if len(self._statuses) > _MOST_VALUES:
            return []
        return sorted(self._statuses.items(), key=lambda item: (-item[1], item[0] or ""))

    def add(self, cells: OrderCells) -> None:
        """Add a block of orders."""
        if cells.statuses is not None and len(self._statuses) <= _MOST_VALUES:
            self._statuses.update(cells.statuses)
        for currency, month, start, end in _runs(cells):
            self._add_run(self._figures(currency), month, cells, start, end)

    def _figures(self, currency: Cell) -> CurrencyFigures:
        if currency in self._by_currency:
            return self._by_currency[currency]
        if len(self._by_currency) < _MOST_VALUES:
            return self._by_currency.setdefault(currency, CurrencyFigures())
        # Counted together, but not added: nobody knows in what.
        rest = self._by_currency.setdefault(None, CurrencyFigures())
        rest.total = None
        return rest

    def _add_run(self, figures: CurrencyFigures, month: str | None, cells: OrderCells, start: int, end: int) -> None:
        figures.orders += end - start
        if cells.times is not None and month is not None:
            times = [time for time in cells.times[start:end] if time is not None]
            figures.first = min([*times, figures.first or times[0]])
            figures.last = max([*times, figures.last or times[0]])
        if cells.amounts is None or figures.total is None:
            return
        part = cells.amounts.total(start, end)
        if part is None:
            figures.total = None
            return
        figures.total = add(figures.total, part)
        if month is not None:
            figures.months[month] = add(figures.months.get(month, Decimal()), part)


def _runs(cells: OrderCells) -> Iterator[tuple[Cell, str | None, int, int]]:
    """Cut a block into runs of one currency and one month: (currency, month, start, end)."""
    if cells.times_are_true and cells.times and cells.currencies.cells is None:
        times = [time for time in cells.times if time is not None]
        first_month = min(times)[:_MONTH_CHARACTERS]
        if max(times).startswith(first_month):
            yield cells.currencies.only, first_month, 0, cells.rows
            return
    months = [None] * cells.rows if cells.times is None else list(map(_month, cells.times))
    currencies = cells.currencies.of_each(cells.rows)
    start = 0
    for (currency, month), run in groupby(zip(currencies, months, strict=True)):
        end = start + sum(1 for _ in run)
        yield currency, month, start, end
        start = end


def _month(time: Cell) -> str | None:
    """Return the month of a date or time stamp, or None for NULL and for what is neither."""
    return time[:_MONTH_CHARACTERS] if time is not None and _TIME(time) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderColumns:
    """Where the orders' section has what the figures are made of: indexes of its columns."""

    amount: int | None
    currency: CurrencySource
    time: int | None
    status: int | None

    @classmethod
    def of(cls, role: OrdersRole, columns: Sequence[Column]) -> "OrderColumns":
        """Find the columns that the map names; one that is hidden is not known."""
        places = {column.name: index for index, column in enumerate(columns)}
        amount = places.get(role.amount or "")
        return cls(
            amount=amount,
            currency=CurrencySource() if amount is None else CurrencySource.of(columns[amount], columns),
            time=places.get(role.time or ""),
            status=places.get(role.status or ""),
        )

    def read(self, columns: Sequence[Sequence[Cell]], encoded: Sequence[EncodedColumn]) -> OrderCells:
        """Return the cells of a block of orders, which have been encoded."""

        def cells(index: int | None) -> Sequence[Cell] | None:
            return None if index is None else columns[index]

        return OrderCells(
            rows=len(columns[0]),
            amounts=None if self.amount is None else Amounts(columns[self.amount], encoded[self.amount]),
            currencies=self.currency.read(columns),
            times=cells(self.time),
            times_are_true=self.time is not None and encoded[self.time].is_uniform,
            statuses=cells(self.status),
        )
