"""Read a customer map from a TOML file; every mistake in it is reported with its key and the remedy."""

import difflib
import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from zoneinfo import available_timezones

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from customer_export.errors import MapError
from customer_export.model.columns import Column, ColumnType, SourceColumn
from customer_export.model.customer_map import (
    Customer,
    CustomerMap,
    Exclusion,
    Link,
    LinkStep,
    Lookup,
    OrdersRole,
    Section,
)
from customer_export.model.disclosure import DsarInformation, SideInformation
from customer_export.source.map_document import (
    AmountsPart,
    ColumnPart,
    CustomerPart,
    DsarPart,
    ExclusionPart,
    LinkStepPart,
    LookupPart,
    MapPart,
    OrdersPart,
    Part,
    PartAmountsPart,
    ReconcilePart,
    RecordedTablePart,
    SectionPart,
    label_of,
)
from customer_export.source.ready_maps import find_map
from customer_export.source.reconcile_map import rule_contradictions, rule_of
from customer_export.source.section_origin import origin_contradictions, origin_of

VERSION_DIGITS = 16  # 64 bits of SHA-256: enough to tell versions of one map apart, short enough to read out


def load_map(path: Path) -> CustomerMap:
    """Read and check the map at `path`, or the ready map if that is `ready:NAME`.

    Raises MapError with every mistake found, not just the first.
    """
    try:
        content = find_map(path).read_bytes()
    except OSError as failure:
        raise MapError(str(path), [f"cannot be read ({failure.strerror}); set SOURCE_MAP to a map"]) from failure
    return parse_map(content, file=str(path))


def parse_map(content: bytes, *, file: str) -> CustomerMap:
    """Check a map's text; `file` names it in messages. Raises MapError."""
    try:
        tree = tomllib.loads(content.decode("utf-8-sig"))  # some editors begin a file with a mark
    except UnicodeDecodeError as failure:
        raise MapError(file, [f"is not UTF-8 (byte {failure.start}); save it as UTF-8"]) from failure
    except tomllib.TOMLDecodeError as failure:
        raise MapError(file, [f"is not TOML: {failure}"]) from failure
    try:
        part = MapPart.model_validate(tree)
    except ValidationError as failure:
        problems = [_describe(error, tree) for error in failure.errors(include_url=False)]
        raise MapError(file, problems) from failure
    problems = list(_contradictions(part))
    if problems:
        raise MapError(file, problems)
    return _build(part, version=hashlib.sha256(content).hexdigest()[:VERSION_DIGITS])


def _describe(error: ErrorDetails, tree: Mapping[str, object]) -> str:
    place, known = _place(error["loc"], tree)
    match error["type"]:
        case "missing":
            return f"{place} is missing; add it"
        case "extra_forbidden":
            return f"{place} is not a key of this table; {_nearest(str(error['loc'][-1]), known)}"
        case "enum" | "literal_error":
            expected = str(error.get("ctx", {}).get("expected", ""))
            return f"{place} is {error['input']!r}; use one of {expected}"
        case "string_pattern_mismatch":
            pattern = error.get("ctx", {}).get("pattern", "")
            return f"{place} is {error['input']!r}; it must match {pattern}"
        case _:
            return f"{place}: {error['msg'][:1].lower()}{error['msg'][1:]}"


_KEYS: Mapping[str, type[Part]] = {
    "customer": CustomerPart,
    "orders": OrdersPart,
    "sections": SectionPart,
    "columns": ColumnPart,
    "lookups": LookupPart,
    "links": LinkStepPart,
    "reconcile": ReconcilePart,
    "total": AmountsPart,
    "parts": PartAmountsPart,
    "exclude": ExclusionPart,
    "recorded": RecordedTablePart,
    "dsar": DsarPart,
}
"""The keys of the table that stands under each name."""


def _place(location: Sequence[int | str], tree: object) -> tuple[str, Iterable[str]]:
    """Spell a location with the names of what it leads through: `sections[orders].columns[total].type`."""
    spelled, node, fields = "", tree, list(MapPart.model_fields)
    for step in location:
        if isinstance(step, int):
            node = node[step] if isinstance(node, list) and step < len(node) else None
            name = node.get("name") if isinstance(node, dict) else None
            spelled += f"[{name if isinstance(name, str) else step + 1}]"
        else:
            if isinstance(node, dict) and step in node:
                node = node[step]
            if step in _KEYS and step is not location[-1]:
                fields = list(_KEYS[step].model_fields)
            spelled += f".{step}" if spelled else step
    return spelled, fields


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(names)}"


def _contradictions(part: MapPart) -> Iterator[str]:
    """Find what each part allows by itself but not beside the others."""
    if part.time_zone not in available_timezones():
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


def _build(part: MapPart, *, version: str) -> CustomerMap:
    customer = part.customer
    return CustomerMap(
        name=part.name,
        version=version,
        time_zone=part.time_zone,
        customer=Customer(
            table=customer.table,
            key=customer.key,
            key_type=customer.key_type,
            title=tuple(customer.title),
            search=tuple(customer.search),
            tenant=customer.tenant,
            unique=customer.unique,
            given=tuple(dict.fromkeys(column for section in part.sections for column in section.given)),
        ),
        orders=None if part.orders is None else OrdersRole(**part.orders.model_dump()),
        sections=tuple(_section(section, key=customer.key) for section in part.sections),
        excluded=tuple(
            Exclusion(table=one.table, columns=tuple(one.columns), reason=one.reason) for one in part.exclude
        ),
        reconcile=tuple(map(rule_of, part.reconcile)),
        dsar=None if part.dsar is None else _dsar(part.dsar),
        recorded=None if part.recorded is None else {one.table: one.columns for one in part.recorded},
    )


def _dsar(part: DsarPart) -> DsarInformation:
    return DsarInformation(**{**part.model_dump(), "profiles": tuple(part.profiles)})


def _section(part: SectionPart, *, key: str) -> Section:
    return Section(
        name=part.name,
        label=part.label or label_of(part.name),
        table=origin_of(part),
        links=tuple(_link(link, key=key) for link in part.links),
        lookups=tuple(
            Lookup(
                name=one.name,
                columns=tuple(one.columns),
                table=one.table,
                to=tuple(one.to),
                unique=one.unique,
                only_if=tuple(one.only_if.items()),
            )
            for one in part.lookups
        ),
        order=tuple(part.order),
        time=part.time,
        unique=tuple(part.unique),
        side=SideInformation(
            purpose=part.purpose,
            recipients=part.recipients,
            retention=part.retention,
            origin=part.origin,
            obtained_from=part.obtained_from,
        ),
        columns=tuple(
            Column(
                name=column.name,
                label=column.label or label_of(column.name),
                type=column.type,
                source=column.source or SourceColumn(None, column.name),
                personal_data=column.personal_data,
                currency=column.currency,
                currency_code=column.currency_code,
                stored_as=column.stored_as,
                counted_in=column.counted_in,
                hidden=column.hidden,
                origin=column.origin or part.origin,
                third_party=column.third_party,
                protected=column.protected,
            )
            for column in part.columns
        ),
    )


def _link(steps: Sequence[LinkStepPart], *, key: str) -> Link:
    return tuple(
        LinkStep(
            columns=tuple(step.columns),
            table=step.table,
            to=tuple(step.to or [key]),
            ignore_case=step.ignore_case,
            only_if_null=tuple(step.only_if_null),
            only_if_zero=tuple(step.only_if_zero),
            only_if=tuple(step.only_if.items()),
        )
        for step in steps
    )
