"""Tables that share an e-mail address or another natural key with the customer, though no key says so: guests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.draft import Proposal
from customer_export.mapping.edges import is_nullable
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.reach import Reach
from customer_export.mapping.reach_links import MOST_STEPS, Reached
from customer_export.mapping.words import words_of
from customer_export.model.catalogue import Catalogue, CatalogueColumn, CatalogueTable, Kind
from customer_export.model.customer_map import Link, LinkStep, TableName
from customer_export.model.evidence import Comparison, Match

_NUMBERS = vocabulary.Terms("""
customer number, customer no, customer nr, client number, account number, kundennummer, kunden nr, kundennr
member number, membership number, loyalty number, card no, loyalty card
""")
_TEXTS = frozenset({Kind.TEXT, Kind.OTHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalKey:
    """A column of the customer table that people give instead of a key, and the terms it goes by."""

    column: str
    terms: vocabulary.Terms
    ignore_case: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalLinks:
    """What natural keys lead to: more links of tables that are reached, and tables that nothing else leads to."""

    of_reached: Mapping[TableName, tuple[Proposal, ...]]
    of_others: Mapping[TableName, tuple[Proposal, ...]]


def natural_keys(customer: CatalogueTable, key: str) -> list[NaturalKey]:
    """Give the customer's e-mail address, telephone and customer number, as far as the table has them."""
    keys: list[NaturalKey] = []
    for terms, ignore_case in ((vocabulary.EMAIL, True), (vocabulary.PHONE, False), (_NUMBERS, False)):
        found = [column.name for column in customer.columns if _goes_by(column, terms) and column.name != key]
        if found:
            keys.append(
                NaturalKey(
                    column=min(found, key=lambda name: len(words_of(name))), terms=terms, ignore_case=ignore_case
                )
            )
    return keys


def find_natural_links(
    customer: CatalogueTable, key: str, catalogue: Catalogue, reach: Reach, evidence: Evidence
) -> NaturalLinks:
    """Find what matches by natural keys, and measure how much of it does."""
    keys = natural_keys(customer, key)
    of_reached: dict[TableName, tuple[Proposal, ...]] = {}
    of_others: dict[TableName, tuple[Proposal, ...]] = {}
    for table in catalogue.tables.values():
        if table.is_view or table.name == customer.name or table.name in reach.one_to_one:
            continue
        if table.name.schema != customer.name.schema and table.name not in reach.tables:
            continue  # other schemas may be other tenants'
        reached = reach.tables.get(table.name)
        if reached is not None:
            if not any(_goes_by(column, natural.terms) for natural in keys[:1] for column in table.columns):
                continue  # what is said of it need not be looked at
            unsaid = _unsaid(reached, evidence)
            if unsaid is not None:
                of_reached[table.name] = tuple(_proposals(table, keys[:1], unsaid, customer.name, evidence))
        elif table.name not in reach.left_out:
            of_others[table.name] = tuple(_proposals(table, keys, _Unsaid(), customer.name, evidence))
    found = {name: proposals for name, proposals in of_reached.items() if proposals}
    return NaturalLinks(
        of_reached={**found, **_inherited(reach, found)},
        of_others={name: proposals for name, proposals in of_others.items() if proposals},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unsaid:
    """The columns in which a row that says nothing of a customer has NULL, and those in which it has 0 or NULL."""

    null: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()


def _unsaid(reached: Reached, evidence: Evidence) -> _Unsaid | None:
    """Give the columns that say nothing of a customer in a guest's row; None where every row says it."""
    own = dict.fromkeys(
        (column, edge.target, to)
        for edge in reached.own
        for column, to in zip(edge.columns, edge.to, strict=True)
        if not edge.only_if
    )
    zero = {one: None for one, target, to in own if _is_zero_nobody(reached.table, one, target, to, evidence)}
    null = {one: None for one, _, _ in own if one not in zero}
    if not own or not all(is_nullable(reached.table, [one]) for one in null):
        return None
    return _Unsaid(null=tuple(null), zero=tuple(zero))


def _is_zero_nobody(table: CatalogueTable, column: str, target: TableName, to: str, evidence: Evidence) -> bool:
    """Whether a table has 0 where it names nobody: rows have it, and nobody is known by it."""
    described = table.column(column)
    return (
        described is not None
        and described.kind is Kind.INTEGER
        and evidence.has_zeros(target, to) is False
        and evidence.has_zeros(table.name, column) is True
    )


def _proposals(
    table: CatalogueTable, keys: list[NaturalKey], unsaid: _Unsaid, customer: TableName, evidence: Evidence
) -> Iterator[Proposal]:
    nobody = (*unsaid.null, *unsaid.zero)
    for natural in keys:
        for column in table.columns:
            if not _goes_by(column, natural.terms) or column.name in nobody:
                continue
            match = evidence.match(
                Comparison(
                    table=table.name,
                    columns=(column.name,),
                    target=customer,
                    to=(natural.column,),
                    ignore_case=natural.ignore_case,
                    only_if_null=unsaid.null,
                    only_if_zero=unsaid.zero,
                )
            )
            if match is not None and match.found:
                step = LinkStep(
                    columns=(column.name,),
                    table=None,
                    to=(natural.column,),
                    ignore_case=natural.ignore_case,
                    only_if_null=unsaid.null,
                    only_if_zero=unsaid.zero,
                )
                yield Proposal(link=(step,), why=_measured(match, column.name, natural.column, nobody))


def _goes_by(column: CatalogueColumn, terms: vocabulary.Terms) -> bool:
    words = words_of(column.name)
    refused = terms is vocabulary.EMAIL and vocabulary.NOT_EMAIL.said_in(words)
    return column.kind in _TEXTS and terms.said_in(words) and not refused


def _measured(match: Match, column: str, to: str, nobody: tuple[str, ...]) -> str:
    of = f"of rows without {', '.join(nobody)}, " if nobody else ""
    return f"{of}{match.found} of {match.compared} values of {column} ({match.share:.0%}) are a customer's {to}"


def _inherited(reach: Reach, found: Mapping[TableName, tuple[Proposal, ...]]) -> dict[TableName, tuple[Proposal, ...]]:
    """Let what is part of a guest's row be reached as that row is."""
    inherited: dict[TableName, tuple[Proposal, ...]] = {}
    for name, reached in reach.tables.items():
        more: list[Link] = []
        for link in reached.links:
            for place, step in enumerate(link[:-1]):
                through = found.get(step.table) if step.table is not None else None
                if through is not None and place + 2 <= MOST_STEPS:
                    more += [(*link[: place + 1], *proposal.link) for proposal in through]
        if more:
            own = found.get(name, ())
            why = "as those that these are part of"
            inherited[name] = (*own, *(Proposal(link=link, why=why) for link in dict.fromkeys(more)))
    return inherited
