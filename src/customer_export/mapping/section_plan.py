"""What sections are made of and with: the plan of one, and what is known of the whole database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from customer_export.mapping.draft import Proposal
from customer_export.mapping.edges import Edge
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.money import Currencies
from customer_export.mapping.words import common_prefix, map_name, words_of
from customer_export.model.catalogue import Catalogue, CatalogueTable
from customer_export.model.customer_map import Link, TableName

PROFILE = "profile"
"""The section of the customer's own row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionPlan:
    """What a section is made of: its table, how it is linked, and the rows that its rows are part of."""

    table: CatalogueTable
    links: tuple[Link, ...]
    parents: tuple[Edge, ...] = ()
    parent: TableName | None = None
    notes: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    name: str | None = None
    proposed: bool = False
    timeless: bool = False


class Workshop:
    """What the sections of one map are made with."""

    def __init__(
        self, catalogue: Catalogue, evidence: Evidence, edges: Sequence[Edge], *, key: str, people: Iterable[TableName]
    ) -> None:
        self._catalogue = catalogue
        self._evidence = evidence
        self._leaving: dict[TableName, list[Edge]] = {}
        self._arriving: dict[TableName, list[Edge]] = {}
        for edge in edges:
            self._leaving.setdefault(edge.table, []).append(edge)
            self._arriving.setdefault(edge.target, []).append(edge)
        self._people = frozenset(people)
        self._prefix = common_prefix(name.name for name in catalogue.tables)
        self.key = key
        self._currencies = Currencies(catalogue, evidence, edges)
        self._names: list[str] = []

    def took(self, name: str) -> None:
        """Keep a name from being given to another section."""
        self._names.append(name)

    def name_of(self, plan: SectionPlan) -> str:
        """Give a section's name, which no other has."""
        words = words_of(plan.table.name.name)
        short = "_".join(words[1:]) if self._prefix and words[:1] == self._prefix and len(words) > 1 else None
        return map_name(plan.name or short or plan.table.name.name, self._names, fallback="section")

    def leaving(self, table: TableName) -> list[Edge]:
        """Give the edges from a table to others."""
        return [edge for edge in self._leaving.get(table, ()) if edge.target != table]

    def arriving(self, table: TableName) -> list[Edge]:
        """Give the edges to a table from others."""
        return [edge for edge in self._arriving.get(table, ()) if edge.table != table]

    def all_leaving(self, table: TableName) -> list[Edge]:
        """Give the same, and those to the table itself."""
        return self._leaving.get(table, [])

    @property
    def evidence(self) -> Evidence:
        """What the data says."""
        return self._evidence

    @property
    def catalogue(self) -> Catalogue:
        """What the database says of itself."""
        return self._catalogue

    @property
    def currencies(self) -> Currencies:
        """Where currencies are."""
        return self._currencies

    def is_of_people(self, table: TableName) -> bool:
        """Whether a table's rows describe the customer in person."""
        return table in self._people
