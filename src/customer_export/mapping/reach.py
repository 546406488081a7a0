"""Which tables hold a customer's data, and by which links: from the customer outwards, along keys.

A row belongs to the customer if a column of its own says so, or else if it is part of a row that does. What many
customers share (products, countries, shops) is followed only where nothing else leads to a table, and columns that
say who made or handled a row are never followed further than to that row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.describing import describes
from customer_export.mapping.edges import (
    Edge,
    Role,
    foreign_edges,
    implied_edges,
    is_address,
    is_hub,
    is_nullable,
    is_unique,
    role_of,
)
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.inferred import Suspicion, Suspicions, guessed_edges
from customer_export.mapping.kinds import Kinds
from customer_export.mapping.reach_links import MOST_STEPS, Linking, Reached
from customer_export.mapping.words import stem_of
from customer_export.model.catalogue import Catalogue, CatalogueTable
from customer_export.model.customer_map import TableName
from customer_export.model.evidence import Match

WIDESPREAD_TABLES = 12  # a column that says who made a row, in so many tables, is there for the record of changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What holds data of the customer, in the order of the map, and what leads there and was left out, with the reason.

    `edges` are all that is known to hold tables together, but for what only some rows say. `one_to_one` are tables with
    one row of the customer's own, such as the account that a customer logs in with.
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
        self._know([*foreign_edges(catalogue), *implied_edges(catalogue, customer.name)])
        self._kinds = Kinds(catalogue, evidence, customer=customer.name)
        self._suspicions = Suspicions(catalogue, customer=customer.name, explained=self._kinds.explained)
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
        linking = Linking(
            self._found,
            customer=self._customer.name,
            one_to_one=self._one_to_one,
            edges=self._edges,
            evidence=self._evidence,
        )
        tables = linking.linked()
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
            if not edge.only_if:
                self._edges.append(edge)
            self._leaving.setdefault(edge.table, []).append(edge)
            self._arriving.setdefault(edge.target, []).append(edge)

    def _guess(self, target: TableName) -> None:
        """Add the edges to a table that no foreign key says, once."""
        if target in self._asked:
            return
        self._asked.add(target)
        suspicions = [*self._kinds.of(target), *self._suspicions.of(target)]
        edges, doubtful = guessed_edges(suspicions, self._evidence)
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
            if edge.only_if or edge.target in self._one_to_one or not is_unique(other, edge.to):
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
        return self._found[target].followed and (hubs or not self._found[target].is_shared)

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
                reached.shared = self._found[target].is_shared
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
                if edge.only_if or edge in reached.own or edge in reached.via or not is_unique(other, edge.to):
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
