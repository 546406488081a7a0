"""Whether totals are the sums of their parts: one SELECT a rule, in the export's own snapshot.

The database joins, groups and compares exact decimals, and gives how many totals there are, how many do not add up, and
the first of those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column
from customer_export.model.customer_map import Amounts, CustomerMap, ReconcileRule, Section, WithoutParts
from customer_export.model.totals import TotalMismatch, TotalsCheck
from customer_export.source.comparing import Expression, constant
from customer_export.source.select import Bounds, Statements

MOST_SAMPLES = 100  # mismatches that are listed: enough to see what they have in common, some 10 kB of a manifest
_EVERYTHING = Bounds(start=False, end=False)
_ONE, _ZERO = constant("1"), constant("0")


class ExactSums(Protocol):
    """How a database reckons with decimals exactly."""

    @property
    def joins_in_full(self) -> bool:
        """Whether totals and sums are joined in full, though only totals count."""

    def text(self, cell: Expression) -> Expression:
        """Give a cell as text that equals itself and nothing else; NULL is empty."""

    def shown(self, text: Expression) -> Expression:
        """Give such a text to read."""

    def amount(self, value: Expression, stored: TypeEngine[Any]) -> Expression:
        """Give a stored value as what can be added up exactly; what is no number counts for nothing."""

    def negative(self, amount: Expression) -> Expression:
        """Change the sign."""

    def added(self, amount: Expression) -> Expression:
        """Add up a group."""

    def difference(self, one: Expression, other: Expression) -> Expression:
        """Take `other`, 0 if it is NULL, away from `one`; NULL if that is no number."""

    def exceeds(self, difference: Expression, tolerance: Decimal) -> Expression:
        """Whether a number is farther from 0 than that."""


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule, and why it is not checked in this export: None if it is."""

    rule: ReconcileRule
    not_checked: str | None


def plan_rules(customer_map: CustomerMap, sections: Sequence[Section]) -> Sequence[PlannedRule]:
    """Say of each rule of the map whether these sections of an export, as the caller may see them, allow it."""
    asked = {section.name: section for section in sections}
    return [PlannedRule(rule, _obstacle(rule, asked)) for rule in customer_map.reconcile]


def _obstacle(rule: ReconcileRule, asked: Mapping[str, Section]) -> str | None:
    for amounts in rule.amounts:
        section = asked.get(amounts.section)
        if section is None:
            return f"the section {amounts.section!r} was not asked for"
        named = {amounts.column, amounts.key}
        if not named <= {one.name for one in section.exported_columns}:
            return f"{amounts.section}.{amounts.column} or its key is left out"
        column = _column(section, amounts.column)
        used = [column, _column(section, amounts.key)]
        used += [_column(section, column.currency)] if column.currency is not None else []
        if any(one.mask is not None for one in used):
            return f"{amounts.section}.{amounts.column}, its key or its currency is masked"
    return None


def checks_of(planned: Sequence[PlannedRule], answers: Sequence[Sequence[Sequence[object]]]) -> tuple[TotalsCheck, ...]:
    """Read the answers to the rules that are checked, in their order."""
    rest = iter(answers)
    return tuple(
        TotalsCheck(rule=one.rule.name, not_checked=one.not_checked)
        if one.not_checked is not None
        else totals_check(one.rule, next(rest))
        for one in planned
    )


def totals_check(rule: ReconcileRule, rows: Sequence[Sequence[object]]) -> TotalsCheck:
    """Read the answer to one rule."""
    checked, mismatched = (int(str(number)) for number in rows[0][:2])
    samples = [
        TotalMismatch(str(key), str(currency) or None, _plain(total), _plain(added), _plain(difference))
        for _, _, key, currency, total, added, difference in (rows if mismatched else ())
    ]
    return TotalsCheck(rule=rule.name, checked=checked, mismatched=mismatched, samples=tuple(samples))


def _plain(number: object) -> str:
    """Write a number without the zeros that databases put behind it, each its own number of them."""
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rule_statement(
    statements: Statements, sums: ExactSums, rule: ReconcileRule, sections: Sequence[Section], bounds: Bounds
) -> sa.Select[Any]:
    """Select how many totals were checked, how many do not add up, and the first of those: a row even if there is none.

    The period holds for the totals; their parts may be of any time.
    """
    asked = {section.name: section for section in sections}
    totals = _rows(statements, sums, rule.total, asked[rule.total.section], bounds).subquery("totals")
    parts = sa.union_all(
        *(_rows(statements, sums, part, asked[part.section], _EVERYTHING) for part in rule.parts)
    ).subquery("parts")
    key, currency, amount = parts.c.v0, parts.c.v1, parts.c.v2
    added = made_once(sa.select(key, currency, sums.added(amount).label("v2")).group_by(key, currency), "added")
    low, high = sa.func.min(added.c.v1).label("low"), sa.func.max(added.c.v1).label("high")
    kinds = sa.select(added.c.v0, low, high).group_by(added.c.v0).subquery("kinds")
    joined = totals.outerjoin(kinds, kinds.c.v0 == totals.c.v0, full=sums.joins_in_full).outerjoin(
        added, sa.and_(added.c.v0 == totals.c.v0, added.c.v1 == totals.c.v1), full=sums.joins_in_full
    )
    cells = compared_cells(sums, rule, totals, kinds, added)
    compared = sa.select(*(cell.label(f"v{number}") for number, cell in enumerate(cells))).select_from(joined)
    return _counted(sums, rule, made_once(compared, "compared"))


def compared_cells(
    sums: ExactSums, rule: ReconcileRule, totals: sa.FromClause, kinds: sa.FromClause, added: sa.FromClause
) -> Sequence[Expression]:
    """Give key, currency, total, sum, difference and whether there are parts in another currency.

    A total that does not count has no difference. Were it left out by a condition on its parts, the outer join would
    be none, and SQLite would look through all totals of a customer for each sum.
    """
    foreign = sa.or_(kinds.c.low != totals.c.v1, kinds.c.high != totals.c.v1)
    difference = sums.difference(totals.c.v2, added.c.v2)
    if rule.without_parts is WithoutParts.IGNORE:
        difference = sa.case((kinds.c.v0.is_not(None), difference))
    return [
        sums.shown(totals.c.v0),
        sums.shown(totals.c.v1),
        totals.c.v2,
        sa.func.coalesce(added.c.v2, _ZERO),
        difference,
        sa.case((foreign, _ONE), else_=_ZERO),
    ]


def _counted(sums: ExactSums, rule: ReconcileRule, compared: sa.CTE) -> sa.Select[Any]:
    """Count what is compared, and show what is off. A total without a difference does not count, nor a lone sum.

    That is asked of rows that are made once: were it asked of the joins, they would not be full ones any more.
    """
    is_off = sa.or_(compared.c.v5 == _ONE, sums.exceeds(compared.c.v4, rule.tolerance))
    judged = sa.select(*list(compared.c)[:5], sa.case((is_off, _ONE), else_=_ZERO).label("off"))
    totals = made_once(judged, "judged")
    counted = totals.c.v4.is_not(None)
    counts = (
        sa.select(
            sa.func.count().label("checked"), sa.func.coalesce(sa.func.sum(totals.c.off), _ZERO).label("mismatched")
        )
        .select_from(totals)
        .where(counted)
    )
    first = sa.select(*list(totals.c)[:5]).where(counted, totals.c.off == _ONE).order_by(totals.c.v0)
    first = first.limit(constant(str(MOST_SAMPLES))).offset(
        _ZERO
    )  # of no offset SQLAlchemy makes a parameter in SQLite
    numbers, samples = counts.subquery("counted"), first.subquery("samples")
    return sa.select(*numbers.c, *samples.c).select_from(numbers.outerjoin(samples, sa.literal_column("1 = 1")))


def made_once(selected: sa.Select[Any], name: str) -> sa.CTE:
    """Have rows made once, though they are read twice; the other databases do so by themselves."""
    return selected.cte(name).prefix_with("MATERIALIZED", dialect="sqlite")


def _rows(
    statements: Statements, sums: ExactSums, amounts: Amounts, section: Section, bounds: Bounds
) -> sa.Select[Any]:
    """Select key, currency and amount of a section's rows."""
    return statements.select(section, selected_amounts(statements, sums, amounts, section), bounds).order_by(None)


def selected_amounts(
    statements: Statements, sums: ExactSums, amounts: Amounts, section: Section
) -> Sequence[Expression]:
    """Give key, currency and amount of a section's rows as expressions."""
    cells = dict(zip(section.exported_columns, statements.cells(section), strict=True))
    column = _column(section, amounts.column)
    currency = constant(f"'{column.currency_code or ''}'")  # by its pattern, three letters
    if column.currency is not None:
        currency = cells[_column(section, column.currency)]
    amount = sums.amount(*statements.value(section, column))
    return [
        sums.text(cells[_column(section, amounts.key)]),
        sums.text(currency),
        sums.negative(amount) if amounts.subtract else amount,
    ]


def _column(section: Section, name: str) -> Column:
    return next(column for column in section.exported_columns if column.name == name)
