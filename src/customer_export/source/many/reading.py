"""What reading many customers has in common on every database."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import orjson

from customer_export.model.bulk import Comparison
from customer_export.model.columns import Batch, Cell, ColumnType
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import JsonBatch
from customer_export.model.ledger import AlterationKind, Ledger, Original, SectionLedger
from customer_export.model.request import Period
from customer_export.model.totals import TotalsCheck
from customer_export.source.many.interface import CountedCustomer, CustomerChoice, Note, RowCondition
from customer_export.source.many.statements import AFTER, ID, THROUGH, VALUE
from customer_export.source.reading import given_values, period_parameters, title_and_counts
from customer_export.source.reconcile import PlannedRule, totals_check
from customer_export.source.select import CUSTOMER_TENANT


class BatchNotes(SectionLedger):
    """Takes the notes of one batch, whose rows are those of several customers."""

    def __init__(self) -> None:
        super().__init__(Ledger(), "")
        self.taken: list[Note] = []

    def add(self, column: str, kind: AlterationKind, places: Sequence[int], original: Original | None = None) -> None:
        """Note a change."""
        if places:
            self.taken.append((column, kind, places, [] if original is None else [original(one) for one in places]))


Values = Mapping[str, str | int | None]


def choice_values(choice: CustomerChoice, *, ids: Sequence[str | int | None], time_zone: str) -> Values:
    """Give the parameters of a choice; `ids` are its ids as the database compares them."""
    values: dict[str, str | int | None] = {AFTER: choice.after, THROUGH: choice.through, CUSTOMER_TENANT: choice.tenant}
    values |= {f"{ID}{number}": one for number, one in enumerate(ids)}
    for number, condition in enumerate(choice.conditions):
        for place, value in enumerate(condition.values):
            values |= _condition_values(condition, f"{VALUE}{number}_{place}", value, time_zone=time_zone)
    return values


def _condition_values(condition: RowCondition, name: str, value: str, *, time_zone: str) -> Values:
    if condition.column.type not in (ColumnType.DATE, ColumnType.TIMESTAMP):
        return {name: value}
    moment = datetime.fromisoformat(value)
    period = Period(start=moment) if condition.comparison is Comparison.FROM else Period(end=moment)
    return {f"{name}_{one}": number for one, number in period_parameters(period, time_zone=time_zone).items()}


def counted_customer(customer_map: CustomerMap, row: Sequence[Cell | int]) -> CountedCustomer:
    """Read a row of `ManyStatements.counted`."""
    key, *found = row
    title, counts = title_and_counts(customer_map, found)
    return CountedCustomer(key=str(key), title=title, given=given_values(customer_map, found), counts=tuple(counts))


def text_columns(batch: JsonBatch) -> Batch:
    """Read JSON texts as cells, all columns at once."""
    rows = len(batch[0])
    cells: list[Cell] = orjson.loads(b"[" + b",".join([b",".join(texts) for texts in batch]) + b"]")
    return [cells[start : start + rows] for start in range(0, len(cells), rows)]


def grouped_totals(
    number: int, rule: PlannedRule, rows: Iterator[Sequence[Cell | int]]
) -> Iterator[tuple[str, int, TotalsCheck]]:
    """Put the rows of one customer's totals together: what was counted, and a row a sample."""
    key, group = None, list[Sequence[Cell | int]]()
    for row in rows:
        if group and row[0] != key:
            yield str(key), number, totals_check(rule.rule, group)
            group = []
        key = row[0]
        group.append(row[1:])
    if group:
        yield str(key), number, totals_check(rule.rule, group)
