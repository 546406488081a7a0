"""The links of tables that are reached: how a row of each leads to the customer, the surest way first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from customer_export.mapping import vocabulary
from customer_export.mapping.edges import Edge, Role, is_address, is_hub, is_nullable, is_part_of, role_of
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.words import stem_of
from customer_export.model.catalogue import CatalogueTable
from customer_export.model.customer_map import Link, LinkStep, TableName

MOST_STEPS = 6  # of a link: what is farther from the customer is hardly theirs, and slow to find
MOST_LINKS = 12  # of a section: each is a condition that the database looks at for every row
SELF_STEPS = 2  # how often a row's parent in its own table is asked for: a return's order, a reply's reply


@dataclass(kw_only=True)
class Reached:
    """A table that holds data of the customer. `parent` is the table under which it is listed.

    `followed` says whether tables that lead to it are the customer's, too. `own` are the edges that lead straight to
    the customer, `via` those that lead to tables that do.
    """

    table: CatalogueTable
    own: list[Edge] = field(default_factory=list)
    via: list[Edge] = field(default_factory=list)
    described: list[Edge] = field(default_factory=list)
    followed: bool = True
    shared: bool = False
    notes: list[str] = field(default_factory=list)
    links: tuple[Link, ...] = ()
    parent: TableName | None = None

    @property
    def is_shared(self) -> bool:
        """Whether many customers share its rows, so that what leads to them is followed only if nothing else does."""
        return self.shared or is_hub(self.table.name) or is_address(self.table.name)


class Linking:
    """Gives what was found its links. `one_to_one` are tables with one row of the customer's own."""

    def __init__(
        self,
        found: Mapping[TableName, Reached],
        *,
        customer: TableName,
        one_to_one: Mapping[TableName, Edge],
        edges: Iterable[Edge],
        evidence: Evidence,
    ) -> None:
        self._found = found
        self._customer = customer
        self._stem = stem_of(customer.name)
        self._one_to_one = one_to_one
        self._within = [edge for edge in edges if edge.table == edge.target]
        self._evidence = evidence

    def linked(self) -> dict[TableName, Reached]:
        """Give each table its links, parents before children, and list children under their parents."""
        ordered = self._in_order()
        done: dict[TableName, Reached] = {}
        for name in ordered:
            reached = self._found[name]
            links = list(self._links(reached, done))
            if not links:
                continue
            different = tuple(dict.fromkeys(links))
            if len(different) > MOST_LINKS:
                reached.notes.append(f"{len(different)} ways lead to the customer; these are the first {MOST_LINKS}")
            reached.links = different[:MOST_LINKS]
            done[name] = reached
        return _listed(done)

    def _in_order(self) -> list[TableName]:
        """Order tables so that each stands behind those that it leads to; of a circle, one has to be first."""
        ordered: dict[TableName, None] = {}
        visiting: set[TableName] = set()

        def visit(name: TableName) -> None:
            if name in ordered or name in visiting:
                return
            visiting.add(name)
            reached = self._found[name]
            needed = [edge.target for edge in reached.via] + [edge.table for edge in reached.described]
            for other in needed:
                if other in self._found and not (reached.own and other not in ordered and self._needs(other, name)):
                    visit(other)
            ordered[name] = None

        for name in sorted(self._found, key=lambda one: (not self._found[one].own, str(one))):
            visit(name)
        return list(ordered)

    def _needs(self, name: TableName, other: TableName) -> bool:
        return any(edge.target == other for edge in self._found[name].via)

    def _links(self, reached: Reached, done: Mapping[TableName, Reached]) -> Iterator[Link]:
        for edge in reached.own:
            yield (self._to_customer(edge),)
        owners = [column for edge in reached.own if not edge.only_if for column in edge.columns]
        yield from self._via_links(reached, owners, done)
        yield from self._kind_links(reached, owners, done)
        for edge in reached.described:
            yield from self._described_links(reached, edge, owners, done)
        yield from self._self_links(reached, done)

    def _to_customer(self, edge: Edge) -> LinkStep:
        """Give the last step: to the customer's key, or to what the customer has of a table with one row of theirs."""
        to = edge.to
        if edge.target in self._one_to_one:
            known = self._one_to_one[edge.target]
            to = tuple(known.columns[known.to.index(column)] for column in edge.to if column in known.to)
        return LinkStep(columns=edge.columns, table=None, to=to, only_if=edge.only_if)

    def _via_links(self, reached: Reached, owners: Sequence[str], done: Mapping[TableName, Reached]) -> Iterator[Link]:
        """Follow the best parent; and others only for the rows that the better ones say nothing of."""
        table = reached.table
        edges = [edge for edge in reached.via if not edge.only_if and self._leads_on(edge, done)]
        if any(not self._found[edge.target].is_shared for edge in edges):
            edges = [edge for edge in edges if not self._found[edge.target].is_shared]
        elif reached.own:
            return
        written = any(role_of(edge, self._stem) is Role.AUTHOR for edge in reached.own)
        edges.sort(key=lambda edge: self._rank(edge, table))
        nulls: tuple[str, ...] = tuple(owners)
        if owners and not is_nullable(table, owners) and not written:
            edges = [edge for edge in edges if is_part_of(table.name, edge.columns, edge.target, table.primary_key)]
        for edge in edges:
            part = is_part_of(table.name, edge.columns, edge.target, table.primary_key)
            said = owners and not written and not part and edge.guess is None
            if said and not self._evidence.has_rows(table.name, null=owners, given=edge.columns):
                continue  # every row says by itself whose it is
            condition = () if part or (written and edge is edges[0]) else nulls
            for link in done[edge.target].links:
                yield (edge.step(only_if_null=condition), *link)
            reached.parent = reached.parent or edge.target
            if not is_nullable(table, edge.columns) and not owners:
                return
            nulls = (*nulls, *edge.columns)

    def _kind_links(self, reached: Reached, owners: Sequence[str], done: Mapping[TableName, Reached]) -> Iterator[Link]:
        """Follow rows to what they say that they are about, unless every row says by itself whose it is."""
        written = any(role_of(edge, self._stem) is Role.AUTHOR for edge in reached.own)
        if owners and not written and not is_nullable(reached.table, owners):
            return
        for edge in reached.via:
            if edge.only_if and self._leads_on(edge, done) and not is_hub(edge.target):
                reached.parent = reached.parent or edge.target
                step = edge.step(only_if_null=() if written else tuple(owners))
                yield from ((step, *link) for link in done[edge.target].links)

    def _leads_on(self, edge: Edge, done: Mapping[TableName, Reached]) -> bool:
        return edge.target in done and self._steps(done[edge.target]) < MOST_STEPS

    def _rank(self, edge: Edge, table: CatalogueTable) -> tuple[bool, bool, bool, int]:
        return (
            not is_part_of(table.name, edge.columns, edge.target, table.primary_key),
            is_nullable(table, edge.columns),
            edge.guess is not None,
            self._steps(self._found[edge.target]),
        )

    def _steps(self, reached: Reached) -> int:
        return min((len(link) for link in reached.links), default=MOST_STEPS)

    def _described_links(
        self, reached: Reached, edge: Edge, owners: Sequence[str], done: Mapping[TableName, Reached]
    ) -> Iterator[Link]:
        if edge.table == self._customer:
            yield (LinkStep(columns=edge.to, table=None, to=edge.columns),)
            return
        if edge.table not in done:
            return
        step = LinkStep(columns=edge.to, table=edge.table, to=edge.columns, only_if_null=tuple(owners))
        reached.parent = reached.parent or edge.table
        for link in done[edge.table].links:
            if len(link) < MOST_STEPS:
                yield (step, *link)

    def _self_links(self, reached: Reached, done: Mapping[TableName, Reached]) -> Iterator[Link]:
        """Follow a row's parent in its own table, where the row itself says nothing of a customer."""
        table = reached.table
        deciding = [column for edge in (*reached.own, *reached.via) if not edge.only_if for column in edge.columns]
        deciding = [column for column in dict.fromkeys(deciding) if is_nullable(table, [column])]
        if not deciding or len(reached.own) + len(reached.via) == 0:
            return
        for edge in self._within:
            if edge.table != table.name or set(edge.columns) & set(deciding):
                continue
            if not self._evidence.has_rows(table.name, null=deciding, given=edge.columns):
                continue
            step = edge.step(only_if_null=tuple(deciding))
            base: list[Link] = [(self._to_customer(one),) for one in reached.own]
            base += [
                (one.step(), *link) for one in reached.via if one.target in done for link in done[one.target].links
            ]
            for steps in range(1, SELF_STEPS + 1):
                yield from ((*[step] * steps, *link) for link in base if len(link) + steps <= MOST_STEPS)
            reached.notes.append(
                f"a row without a customer belongs to that of its {edge.columns[-1]}, up to {SELF_STEPS} times over"
            )


def _listed(done: Mapping[TableName, Reached]) -> dict[TableName, Reached]:
    """List each table under its parent, as deep as parents go."""
    children: dict[TableName | None, list[TableName]] = {}
    for name, reached in done.items():
        children.setdefault(reached.parent if reached.parent in done else None, []).append(name)
    listed: dict[TableName, Reached] = {}

    def visit(names: Iterable[TableName]) -> None:
        for name in sorted(names, key=_importance):
            if name not in listed:
                listed[name] = done[name]
                visit(children.get(name, []))

    visit(children.get(None, []))
    visit(done)  # of a circle nobody is first
    return listed


def _importance(name: TableName) -> tuple[int, str]:
    """Sort what describes people before what they ordered, that before the rest, and logs last."""
    stem = stem_of(name.name)
    ranks = (
        (0, vocabulary.PEOPLE.names(stem) or vocabulary.CUSTOMERS.names(stem)),
        (1, is_address(name)),
        (2, vocabulary.ORDERS.names(stem) or vocabulary.ORDERS.names(stem[-1:])),
        (6, vocabulary.LOGS.said_in(stem)),
        (5, vocabulary.MESSAGES.said_in(stem)),
        (3, vocabulary.PAYMENTS.said_in(stem)),
    )
    return next((rank for rank, says in ranks if says), 4), str(name)
