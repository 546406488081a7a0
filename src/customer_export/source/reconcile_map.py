"""The rules of a map by which totals have to add up: their mistakes, and their values."""

from collections.abc import Iterator
from decimal import Decimal

from customer_export.model.columns import ColumnType
from customer_export.model.customer_map import Amounts, ReconcileRule
from customer_export.source.map_document import AmountsPart, MapPart, PartAmountsPart, ReconcilePart

AMOUNTS = (ColumnType.MONEY, ColumnType.DECIMAL, ColumnType.INTEGER)
"""What can be added up exactly."""


def rule_of(part: ReconcilePart) -> ReconcileRule:
    """Give a rule without contradictions."""
    return ReconcileRule(
        name=part.name,
        total=_amounts(part.total),
        parts=tuple(map(_amounts, part.parts)),
        tolerance=Decimal(part.tolerance),
        without_parts=part.without_parts,
    )


def _amounts(part: AmountsPart) -> Amounts:
    subtract = isinstance(part, PartAmountsPart) and part.subtract
    return Amounts(section=part.section, column=part.column, key=part.key, subtract=subtract)


def rule_contradictions(part: MapPart) -> Iterator[str]:
    """Find what rules name and the sections don't have."""
    for rule in part.reconcile:
        place = f"reconcile[{rule.name}]"
        yield from _amounts_contradictions(part, rule.total, f"{place}.total")
        for number, amounts in enumerate(rule.parts, start=1):
            yield from _amounts_contradictions(part, amounts, f"{place}.parts[{number}]")


def _amounts_contradictions(part: MapPart, amounts: AmountsPart, place: str) -> Iterator[str]:
    section = next((one for one in part.sections if one.name == amounts.section), None)
    if section is None:
        yield f"{place}.section is {amounts.section!r}, which is no section of this map; name one of them"
        return
    if section.plugin is not None:
        yield f"{place}.section is {section.name!r}, which a plug-in gives; only what the database holds is added up"
    types = {column.name: column.type for column in section.columns if not column.hidden}
    if types.get(amounts.column) not in AMOUNTS:
        kinds = " or ".join(AMOUNTS)
        yield f"{place}.column is {amounts.column!r}; name a shown column of type {kinds} of {section.name!r}"
    if amounts.key not in types:
        yield f"{place}.key is {amounts.key!r}; name a shown column of {section.name!r}"
