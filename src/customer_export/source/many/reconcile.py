"""Whether totals are the sums of their parts, of many customers at once: `rule_statement` grouped by the key."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from customer_export.model.customer_map import Amounts, ReconcileRule, Section
from customer_export.source.comparing import constant
from customer_export.source.many.interface import CustomerChoice
from customer_export.source.many.statements import ManyStatements
from customer_export.source.reconcile import MOST_SAMPLES, ExactSums, compared_cells, made_once, selected_amounts
from customer_export.source.select import Bounds

_EVERYTHING = Bounds(start=False, end=False)
_ONE, _ZERO = constant("1"), constant("0")


def rules_statement(
    statements: ManyStatements,
    sums: ExactSums,
    rule: ReconcileRule,
    sections: Sequence[Section],
    bounds: Bounds,
    choice: CustomerChoice,
) -> sa.Select[Any]:
    """Select key, checked, mismatched, and the samples, a row each: at least one of each customer who has totals."""
    asked = {section.name: section for section in sections}

    def amounts(of: Amounts, period: Bounds) -> sa.Select[Any]:
        section = asked[of.section]
        selected = selected_amounts(statements, sums, of, section)
        return statements.keyed(section, selected, period, choice, key=statements.key).order_by(None)

    totals = amounts(rule.total, bounds).subquery("totals")
    parts = sa.union_all(*(statements.worked_out(amounts(part, _EVERYTHING)) for part in rule.parts)).subquery("parts")
    key, kind, currency, amount = parts.c
    added = made_once(
        sa.select(key, kind, currency, sums.added(amount).label("v2")).group_by(key, kind, currency), "added"
    )
    low, high = sa.func.min(added.c.v1).label("low"), sa.func.max(added.c.v1).label("high")
    kinds = sa.select(added.c.k, added.c.v0, low, high).group_by(added.c.k, added.c.v0).subquery("kinds")
    joined = totals.outerjoin(
        kinds, sa.and_(kinds.c.k == totals.c.k, kinds.c.v0 == totals.c.v0), full=sums.joins_in_full
    ).outerjoin(
        added,
        sa.and_(added.c.k == totals.c.k, added.c.v0 == totals.c.v0, added.c.v1 == totals.c.v1),
        full=sums.joins_in_full,
    )
    cells = compared_cells(sums, rule, totals, kinds, added)
    labelled = [cell.label(f"v{number}") for number, cell in enumerate(cells)]
    compared = sa.select(totals.c.k, *labelled).select_from(joined)
    return _counted(statements, sums, rule, made_once(compared, "compared"))


def _counted(statements: ManyStatements, sums: ExactSums, rule: ReconcileRule, compared: sa.CTE) -> sa.Select[Any]:
    is_off = sa.or_(compared.c.v5 == _ONE, sums.exceeds(compared.c.v4, rule.tolerance))
    judged = sa.select(*list(compared.c)[:6], sa.case((is_off, _ONE), else_=_ZERO).label("off"))
    totals = made_once(judged, "judged")
    counted = totals.c.v4.is_not(None)
    counts = (
        sa.select(
            totals.c.k,
            sa.func.count().label("checked"),
            sa.func.coalesce(sa.func.sum(totals.c.off), _ZERO).label("mismatched"),
        )
        .where(counted)
        .group_by(totals.c.k)
        .subquery("counted")
    )
    place = sa.func.row_number().over(partition_by=totals.c.k, order_by=totals.c.v0).label("place")
    samples = sa.select(*list(totals.c)[:6], place).where(counted, totals.c.off == _ONE).subquery("samples")
    first = sa.and_(samples.c.k == counts.c.k, samples.c.place <= constant(str(MOST_SAMPLES)))
    return (
        sa.select(
            statements.key_text(counts.c.k).label("k"), counts.c.checked, counts.c.mismatched, *list(samples.c)[1:6]
        )
        .select_from(counts.outerjoin(samples, first))
        .order_by(*statements.key_order(counts.c.k), samples.c.place)
    )
