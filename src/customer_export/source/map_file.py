"""Read a customer map from a TOML file; every mistake in it is reported with its key and the remedy."""

import difflib
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from customer_export.errors import MapError
from customer_export.model.columns import Column, SourceColumn
from customer_export.model.customer_map import (
    Customer,
    CustomerMap,
    Exclusion,
    Link,
    LinkStep,
    Lookup,
    OrdersRole,
    RecordedTable,
    Section,
)
from customer_export.model.disclosure import DsarInformation, SideInformation
from customer_export.source.map_contradictions import contradictions
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
from customer_export.source.reconcile_map import rule_of
from customer_export.source.section_origin import origin_of

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
    problems = list(contradictions(part))
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
        recorded=None
        if part.recorded is None
        else {one.table: RecordedTable(columns=one.columns, kinds=one.kinds) for one in part.recorded},
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
