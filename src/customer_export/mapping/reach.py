"""Which tables hold a customer's data, and by which links: from the customer outwards, along keys.

A row belongs to the customer if a column of its own says so, or else if it is part of a row that does. What many
customers share (products, countries, shops) is followed only where nothing else leads to a table, and columns that
say who made or handled a row are never followed further than to that row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from customer_export.mapping import vocabulary
from customer_export.mapping.describing import describes
from customer_export.mapping.edges import (
    Edge,
    Role,
    foreign_edges,
    is_address,
    is_hub,
    is_nullable,
    is_part_of,
    is_unique,
    role_of,
)
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.inferred import Suspicion, Suspicions, guessed_edges
from customer_export.mapping.words import stem_of
from customer_export.model.catalogue import Catalogue, CatalogueTable
from customer_export.model.customer_map import Link, LinkStep, TableName
from customer_export.model.evidence import Match

MOST_STEPS = 6  # of a link: what is farther from the customer is hardly theirs, and slow to find
MOST_LINKS = 12  # of a section: each is a condition that the database looks at for every row
SELF_STEPS = 2  # how often a row's parent in its own table is asked for: a return's order, a reply's reply
WIDESPREAD_TABLES = 12  # a column that says who made a row, in so many tables, is there for the record of changes


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What holds data of the customer, in the order of the map, and what leads there and was left out, with the reason.

    `edges` are all that is known to hold tables together. `one_to_one` are tables with one row of the customer's own,
    such as the account that a customer logs in with.
    """

    tables: Mapping[TableName, Reached]
    left_out: Mapping[TableName, str]
    edges: Sequence[Edge]
    one_to_one: Mapping[TableName, Edge]
    doubtful: Sequence[tuple[Suspicion, Match]]
    remarks: Sequence[str]


def reach_from(customer: CatalogueTable, key: str, catalogue: Catalogue, evidence: Evidence) -> Reach:
    """Find what holds data of a customer. `key` is the column that customers are known by."""
    return _Search(customer, key, catalogue, evidence).reach()


class _Search:
    def __init__(self, customer: CatalogueTable, key: str, catalogue: Catalogue, evidence: Evidence) -> None:
        self._customer = customer
        self._key = key
        self._catalogue = catalogue
        self._evidence = evidence
        self._stem = stem_of(customer.name.name)
        self._edges: list[Edge] = []
        self._leaving: dict[TableName | None, list[Edge]] = {}
        self._arriving: dict[TableName | None, list[Edge]] = {}
        self._know(foreign_edges(catalogue))
        self._suspicions = Suspicions(catalogue, customer=customer.name)
        self._asked: set[TableName] = set()
        self._doubtful: list[tuple[Suspicion, Match]] = []
        self._found: dict[TableName, Reached] = {}
        self._one_to_one: dict[TableName, Edge] = {}
        self._left_out: dict[TableName, str] = {}
        self._remarks: list[str] = []

    def reach(self) -> Reach:
        self._guess(self._customer.name)
        self._find_one_to_one()
        self._take_own()
        self._take_parts(hubs=False)
        self._take_makers()
        self._take_parts(hubs=True)
        self._take_described()
        self._take_parts(hubs=False)
        tables = self._linked()
        self._leave_out()
        return Reach(
            tables=tables,
            left_out=self._left_out,
            edges=self._edges,
            one_to_one=self._one_to_one,
            doubtful=self._doubtful,
            remarks=self._remarks,
        )

    def _table(self, name: TableName) -> CatalogueTable:
        return self._catalogue.tables[name]

    def _know(self, edges: Iterable[Edge]) -> None:
        for edge in edges:
            self._edges.append(edge)
            self._leaving.setdefault(edge.table, []).append(edge)
            self._arriving.setdefault(edge.target, []).append(edge)

    def _guess(self, target: TableName) -> None:
        """Add the edges to a table that no foreign key says, once."""
        if target in self._asked:
            return
        self._asked.add(target)
        edges, doubtful = guessed_edges(list(self._suspicions.of(target)), self._evidence)
        self._know(edges)
        self._doubtful += doubtful

    def _between(self, *, table: TableName | None = None, target: TableName | None = None) -> Iterator[Edge]:
        """Give the edges that leave a table, or that arrive at one."""
        edges = self._leaving.get(table, ()) if table is not None else self._arriving.get(target, ())
        yield from (edge for edge in edges if edge.table != edge.target)

    # What the customer's row itself leads to

    def _find_one_to_one(self) -> None:
        """Find the tables with one row of the customer's own: the account they log in with, the person they are."""
        for edge in list(self._between(table=self._customer.name)):
            other = self._table(edge.target)
            if edge.target in self._one_to_one or not is_unique(other, edge.to):
                continue
            if describes(edge, self._customer, other, self._evidence):
                self._one_to_one[edge.target] = edge
                followed = not is_address(edge.target)
                self._found[edge.target] = Reached(table=other, described=[edge], followed=followed)
                if followed:
                    self._guess(edge.target)

    # Columns that lead straight to the customer

    def _take_own(self) -> None:
        for target in [self._customer.name, *self._one_to_one]:
            if target != self._customer.name and not self._found[target].followed:
                continue
            stem = stem_of(target.name)
            for edge in list(self._between(target=target)):
                if edge.table == self._customer.name or edge.table in self._one_to_one:
                    continue
                if role_of(edge, stem) in (Role.OWNER, Role.AUTHOR):
                    reached = self._take(edge.table)
                    reached.own.append(edge)
                    # what a clerk has handled is not a customer's because clerks have accounts, too
                    reached.followed = not vocabulary.STAFF.names(stem_of(edge.table.name)[-1:])

    def _take(self, name: TableName) -> Reached:
        return self._found.setdefault(name, Reached(table=self._table(name)))

    def _take_makers(self) -> None:
        """Take what a customer made and nobody owns, unless everything in the database says who made it."""
        made: dict[TableName, list[Edge]] = {}
        counted: dict[str, int] = {}
        for target in [self._customer.name, *self._one_to_one]:
            for edge in self._between(target=target):
                if edge.table in self._found or edge.table == self._customer.name:
                    continue
                if role_of(edge, stem_of(target.name)) is Role.MAKER:
                    made.setdefault(edge.table, []).append(edge)
                    counted[edge.columns[-1]] = counted.get(edge.columns[-1], 0) + 1
        for name, edges in made.items():
            rare = [edge for edge in edges if counted[edge.columns[-1]] < WIDESPREAD_TABLES]
            if rare and not is_hub(name):
                reached = self._take(name)
                reached.own += rare
                reached.followed = False
                reached.notes.append(f"{rare[0].columns[-1]} says who made the row; what belongs to it is not followed")

    # Tables whose rows are parts of rows that are the customer's

    def _take_parts(self, *, hubs: bool) -> None:
        """Take tables that lead to tables that are taken, until there are no more."""
        waiting = list(self._found)
        for _ in range(MOST_STEPS - 1):
            found: list[TableName] = []
            for target in waiting:
                if self._is_followed(target, hubs=hubs):
                    self._guess(target)
                    found += self._parts_of(target)
            if not found:
                return
            waiting = found

    def _is_followed(self, target: TableName, *, hubs: bool) -> bool:
        return self._found[target].followed and (hubs or not self._is_shared(target))

    def _is_shared(self, name: TableName) -> bool:
        return self._found[name].shared or is_hub(name) or is_address(name)

    def _parts_of(self, target: TableName) -> Iterator[TableName]:
        if target in self._one_to_one:
            return
        for edge in list(self._between(target=target)):
            stem = stem_of(target.name)
            if edge.table == self._customer.name or edge.table in self._one_to_one:
                continue
            if role_of(edge, stem) in (Role.MAKER, Role.HANDLER):
                continue
            known = edge.table in self._found
            reached = self._take(edge.table)
            if edge not in reached.via:
                reached.via.append(edge)
            if not known:
                reached.shared = self._is_shared(target)
                yield edge.table

    # Tables that rows of the customer's lead to, and nobody else's

    def _take_described(self) -> None:
        """Take the addresses, payments and the like that the customer's rows lead to, and no other's."""
        for name, reached in list(self._found.items()):
            if reached.shared or is_hub(name) or not reached.followed:
                continue
            for edge in self._between(table=name):
                other = self._table(edge.target)
                if edge.target == self._customer.name or edge.target in self._one_to_one:
                    continue
                if edge in reached.own or edge in reached.via or not is_unique(other, edge.to):
                    continue
                self._describe(edge, reached.table, other)

    def _describe(self, edge: Edge, table: CatalogueTable, other: CatalogueTable) -> None:
        known = self._found.get(edge.target)
        if known is not None and not known.described:
            owned = [column for one in known.own for column in one.columns]
            named = is_address(edge.target)
            if named and owned and not known.via and is_nullable(other, owned):
                known.described.append(edge)  # an address that an order has, and no customer
            return
        if describes(edge, table, other, self._evidence):
            self._take(edge.target).described.append(edge)

    # Links

    def _linked(self) -> dict[TableName, Reached]:
        """Give each table its links, parents before children, and list children under their parents."""
        ordered = self._in_order()
        done: dict[TableName, Reached] = {}
        for name in ordered:
            reached = self._found[name]
            links = list(self._links(reached, done))
            if not links:
                continue
            reached.links = tuple(dict.fromkeys(links))[:MOST_LINKS]
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
        owners = [column for edge in reached.own for column in edge.columns]
        yield from self._via_links(reached, owners, done)
        for edge in reached.described:
            yield from self._described_links(reached, edge, owners, done)
        yield from self._self_links(reached, done)

    def _to_customer(self, edge: Edge) -> LinkStep:
        """Give the last step: to the customer's key, or to what the customer has of a table with one row of theirs."""
        to = edge.to
        if edge.target in self._one_to_one:
            known = self._one_to_one[edge.target]
            to = tuple(known.columns[known.to.index(column)] for column in edge.to if column in known.to)
        return LinkStep(columns=edge.columns, table=None, to=to)

    def _via_links(self, reached: Reached, owners: Sequence[str], done: Mapping[TableName, Reached]) -> Iterator[Link]:
        """Follow the best parent; and others only for the rows that the better ones say nothing of."""
        table = reached.table
        edges = [edge for edge in reached.via if edge.target in done and self._steps(done[edge.target]) < MOST_STEPS]
        if any(not self._is_shared(edge.target) for edge in edges):
            edges = [edge for edge in edges if not self._is_shared(edge.target)]
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
        if edge.table == self._customer.name:
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
        deciding = [column for edge in (*reached.own, *reached.via) for column in edge.columns]
        deciding = [column for column in dict.fromkeys(deciding) if is_nullable(table, [column])]
        if not deciding or len(reached.own) + len(reached.via) == 0:
            return
        for edge in self._edges:
            if edge.table != table.name or edge.target != table.name or set(edge.columns) & set(deciding):
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

    # What is left out

    def _leave_out(self) -> None:
        """Give everything else that leads to the customer by keys a reason for being left out."""
        taken = {name for name, reached in self._found.items() if reached.links}
        known = {self._customer.name, *taken}
        waiting = list(known)
        while waiting:
            target = waiting.pop(0)
            for edge in self._between(target=target):
                if edge.table not in known:
                    known.add(edge.table)
                    waiting.append(edge.table)
                    self._left_out[edge.table] = self._reason(edge)

    def _reason(self, edge: Edge) -> str:
        column = ", ".join(edge.columns)
        if edge.target in {self._customer.name, *self._one_to_one}:
            return f"{column} says who made or handled a row, not whose it is"
        if edge.target in self._left_out:
            return f"leads to the customer only through {edge.target}, which is left out"
        role = role_of(edge, stem_of(edge.target.name))
        if role in (Role.MAKER, Role.HANDLER):
            return f"{column} says who made or handled a row, not whose it is"
        return f"leads to the customer only through {edge.target}, which many may share, or too far away"


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
