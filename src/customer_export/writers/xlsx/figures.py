"""The key figures of the Summary sheet, gathered from the orders while they stream by."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple, cast

from customer_export.model.columns import Cell, Column
from customer_export.model.customer_map import OrdersRole
from customer_export.writers.xlsx.cells import Block, EncodedColumn
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


class _Run(NamedTuple):
    """Consecutive orders in one currency and of one month; `times` are the first and the last, if they have any."""

    currency: Cell
    month: str | None
    times: tuple[str, str] | None
    start: int
    end: int


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
        for run in _runs(cells):
            self._add_run(self._figures(run.currency), run, cells.amounts)

    def _figures(self, currency: Cell) -> CurrencyFigures:
        if currency in self._by_currency:
            return self._by_currency[currency]
        if len(self._by_currency) < _MOST_VALUES:
            return self._by_currency.setdefault(currency, CurrencyFigures())
        # Counted together, but not added: nobody knows in what.
        rest = self._by_currency.setdefault(None, CurrencyFigures())
        rest.total = None
        return rest

    def _add_run(self, figures: CurrencyFigures, run: _Run, amounts: Amounts | None) -> None:
        figures.orders += run.end - run.start
        if run.times is not None:
            first, last = run.times
            figures.first = first if figures.first is None else min(first, figures.first)
            figures.last = last if figures.last is None else max(last, figures.last)
        if amounts is None or figures.total is None:
            return
        part = amounts.total(run.start, run.end)
        if part is None:
            figures.total = None
            return
        figures.total = add(figures.total, part)
        if run.month is not None:
            figures.months[run.month] = add(figures.months.get(run.month, Decimal()), part)


def _runs(cells: OrderCells) -> Iterator[_Run]:
    """Cut a block into runs of one currency and one month."""
    if cells.times_are_true and cells.times and cells.currencies.cells is None:
        known = cast("Sequence[str]", cells.times)
        first, last = min(known), max(known)
        if last.startswith(first[:_MONTH_CHARACTERS]):
            yield _Run(cells.currencies.only, first[:_MONTH_CHARACTERS], (first, last), 0, cells.rows)
            return
    months = [None] * cells.rows if cells.times is None else list(map(_month, cells.times))
    currencies = cells.currencies.of_each(cells.rows)
    start = 0
    for (currency, month), run in groupby(zip(currencies, months, strict=True)):
        end = start + sum(1 for _ in run)
        # What has a month has a time.
        own = None if cells.times is None or month is None else cast("Sequence[str]", cells.times[start:end])
        yield _Run(currency, month, None if own is None else (min(own), max(own)), start, end)
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

    def read(self, block: Block, encoded: Sequence[EncodedColumn], amounts: Sequence[Amounts]) -> OrderCells:
        """Return the cells of a block of orders, which have been encoded; `amounts` has one entry a column."""

        def cells(index: int | None) -> Sequence[Cell] | None:
            return None if index is None else block.columns[index]

        return OrderCells(
            rows=block.rows,
            amounts=None if self.amount is None else amounts[self.amount],
            currencies=block.currencies(self.currency),
            times=cells(self.time),
            times_are_true=self.time is not None and encoded[self.time].is_uniform,
            statuses=cells(self.status),
        )
