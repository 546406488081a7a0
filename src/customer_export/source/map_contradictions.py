"""What each part of a customer map allows by itself, and not beside the others."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from customer_export.model.columns import ColumnType, SourceColumn
from customer_export.model.time_zones import zone_names
from customer_export.source.map_document import ColumnPart, LinkStepPart, MapPart, SectionPart
from customer_export.source.reconcile_map import rule_contradictions
from customer_export.source.section_origin import origin_contradictions


def contradictions(part: MapPart) -> Iterator[str]:
    """Find what each part allows by itself but not beside the others."""
    if part.time_zone not in zone_names():
        yield f"time_zone is {part.time_zone!r}; use an IANA name such as 'Europe/Berlin'"
    yield from _repeated("sections", (section.name for section in part.sections))
    for section in part.sections:
        yield from _section_contradictions(section)
    yield from _orders_contradictions(part)
    yield from _repeated("reconcile", (rule.name for rule in part.reconcile))
    yield from rule_contradictions(part)


def _repeated(place: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{place}[{name}] stands there {count} times; names must differ"


def _section_contradictions(section: SectionPart) -> Iterator[str]:
    place = f"sections[{section.name}]"
    yield from origin_contradictions(section, place)
    names = [column.name for column in section.columns]
    lookups = [lookup.name for lookup in section.lookups]
    yield from _repeated(f"{place}.columns", names)
    yield from _repeated(f"{place}.lookups", lookups)
    if all(column.hidden for column in section.columns):
        yield f"{place}.columns are all hidden; show one or leave the section out"
    for column in section.columns:
        yield from _column_contradictions(column, place=f"{place}.columns[{column.name}]", section=section)
    for position, lookup in enumerate(section.lookups):
        yield from _width(f"{place}.lookups[{lookup.name}]", lookup.columns, lookup.to)
        for source in lookup.columns:
            yield from _unknown_lookup(f"{place}.lookups[{lookup.name}].columns", source, lookups[:position])
    for column in section.columns:
        yield from _unknown_lookup(f"{place}.columns[{column.name}].source", column.source, lookups)
    for ordered in (*section.order, section.time):
        yield from _unknown_lookup(f"{place}.order or time", ordered, lookups)
    for number, link in enumerate(section.links, start=1):
        yield from _link_contradictions(f"{place}.links[{number}]", link)


def _column_contradictions(column: ColumnPart, *, place: str, section: SectionPart) -> Iterator[str]:
    money = column.type is ColumnType.MONEY
    given = [name for name in (column.currency, column.currency_code) if name is not None]
    if money and len(given) != 1:
        yield f'{place} is money; say its currency: currency = "column" or currency_code = "EUR"'
    if not money and given:
        yield f"{place} is {column.type}, not money; remove its currency"
    if column.stored_as is not None and column.type not in (ColumnType.DATE, ColumnType.TIMESTAMP):
        yield f"{place} is {column.type}; remove its stored_as, or make it a date or a timestamp"
    if column.counted_in is not None and not money:
        yield f"{place} is {column.type}; remove its counted_in, or make it money"
    shown = {other.name for other in section.columns if not other.hidden}
    if column.currency is not None and column.currency not in shown:
        yield f"{place}.currency is {column.currency!r}, which is no shown column of the section; add that column"


def _unknown_lookup(place: str, source: SourceColumn | None, lookups: Sequence[str]) -> Iterator[str]:
    lookup = None if source is None else source.lookup
    if lookup is not None and lookup not in lookups:
        yield f"{place} names {str(source)!r}, but the section has no lookup {lookup!r} before it; add the lookup"


def _link_contradictions(place: str, link: Sequence[LinkStepPart]) -> Iterator[str]:
    for number, step in enumerate(link, start=1):
        last = number == len(link)
        if last and step.table is not None:
            end = "add a last step without `table` that reaches the customer"
            yield f"{place} ends at the table {str(step.table)!r}; {end}"
        if not last and step.table is None:
            yield f"{place}, step {number} reaches the customer before the end; give it a `table` or end there"
        if not last and step.table is not None and step.to is None:
            yield f"{place}, step {number} has no `to`; name the columns of {str(step.table)!r} that it equals"
        if step.to is not None:
            yield from _width(f"{place}, step {number}", step.columns, step.to)
        elif len(step.columns) != 1:
            yield f"{place}, step {number} has several columns; name as many customer columns in `to`"


def _width(place: str, columns: Sequence[object], to: Sequence[object]) -> Iterator[str]:
    if len(columns) != len(to):
        yield f"{place} joins {len(columns)} columns to {len(to)}; give `columns` and `to` the same number"


def _orders_contradictions(part: MapPart) -> Iterator[str]:
    if part.orders is None:
        return
    section = next((one for one in part.sections if one.name == part.orders.section), None)
    if section is None:
        yield f"orders.section is {part.orders.section!r}, which is no section of this map; name one of them"
        return
    types = {column.name: column.type for column in section.columns if not column.hidden}
    wanted = (
        ("amount", part.orders.amount, {ColumnType.MONEY}),
        ("time", part.orders.time, {ColumnType.DATE, ColumnType.TIMESTAMP}),
        ("status", part.orders.status, set(ColumnType)),
    )
    for key, name, allowed in wanted:
        if name is not None and types.get(name) not in allowed:
            kinds = "" if len(allowed) == len(ColumnType) else f" of type {' or '.join(sorted(allowed))}"
            yield f"orders.{key} is {name!r}; name a shown column{kinds} of the section {section.name!r}"
