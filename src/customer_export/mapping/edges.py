"""How tables hang together: foreign keys and what looks like one, and the part that people have in a row."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from customer_export.mapping import vocabulary
from customer_export.mapping.words import stem_of, words_of
from customer_export.model.catalogue import Catalogue, CatalogueTable
from customer_export.model.customer_map import Conditions, LinkStep, TableName
from customer_export.model.evidence import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`columns` of `table` equal `to` of `target`. A `guess` is no foreign key, but went by names and values.

    `only_if`: only rows with these values lead there, and others elsewhere, so that no look-up can be made of it.
    """

    table: TableName
    columns: tuple[str, ...]
    target: TableName
    to: tuple[str, ...]
    guess: Match | None = None
    only_if: Conditions = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the column that says the most: the last, since what comes before is often a tenant."""
        return words_of(self.columns[-1])

    def step(self, *, only_if_null: tuple[str, ...] = ()) -> LinkStep:
        """Give the step of a link that goes this way."""
        return LinkStep(
            columns=self.columns, table=self.target, to=self.to, only_if_null=only_if_null, only_if=self.only_if
        )


@unique
class Role(StrEnum):
    """What the people whom a column names have to do with the row."""

    OWNER = "owner"
    AUTHOR = "author"
    MAKER = "maker"
    HANDLER = "handler"


def role_of(edge: Edge, target_stem: tuple[str, ...]) -> Role:
    """Say what a column that leads to people says of them: `customer_id` owns, `approved_by` has handled."""
    words = edge.words
    if vocabulary.HANDLERS.said_in(words):
        return Role.HANDLER
    if vocabulary.MAKERS.said_in(words):
        return Role.MAKER
    if vocabulary.STAFF.said_in(words) and not vocabulary.STAFF.said_in(target_stem):
        return Role.MAKER
    return Role.AUTHOR if vocabulary.AUTHORS.said_in(words) else Role.OWNER


def foreign_edges(catalogue: Catalogue) -> list[Edge]:
    """Give every foreign key as an edge."""
    return [
        Edge(table=table.name, columns=key.columns, target=key.table, to=key.to)
        for table in catalogue.tables.values()
        for key in table.foreign_keys
    ]


def implied_edges(catalogue: Catalogue, target: TableName) -> list[Edge]:
    """Give what composite foreign keys say of their parts: `(company_id, ad_id)` of a click names the ad's company.

    They lead straight to `target`, and for rows whose ad is not known, too.
    """
    told = {
        (edge.table, edge.columns[0]): edge.to[0]
        for edge in foreign_edges(catalogue)
        if edge.target == target and len(edge.to) == 1
    }
    parts = [
        ((edge.table, column), (edge.target, to))
        for edge in foreign_edges(catalogue)
        if len(edge.columns) > 1
        for column, to in zip(edge.columns, edge.to, strict=True)
    ]
    implied: dict[tuple[TableName, str], str] = {}
    before = -1
    while len(implied) > before:
        before = len(implied)
        known = told | implied
        implied |= {one: known[other] for one, other in parts if other in known and one not in known}
    return [
        Edge(table=table, columns=(column,), target=target, to=(to,))
        for (table, column), to in implied.items()
        if table != target
    ]


def is_nullable(table: CatalogueTable, columns: Iterable[str]) -> bool:
    """Whether one of the columns may be NULL, so that a row may lead nowhere. SQLite's keys only say so."""
    described = [table.column(column) for column in columns if column not in table.primary_key]
    return any(column is not None and column.nullable for column in described)


def is_unique(table: CatalogueTable, columns: Iterable[str]) -> bool:
    """Whether no two rows agree in these columns."""
    own = set(columns)
    return any(set(key) <= own for key in table.unique_keys)


def is_hub(table: TableName) -> bool:
    """Whether a table's name is that of something which many customers share, such as products and countries."""
    stem = stem_of(table.name)
    return vocabulary.HUBS.names(stem) or vocabulary.HUBS.names(stem[-1:]) or vocabulary.HUBS.names(stem[-2:])


def is_address(table: TableName) -> bool:
    """Whether a table is one of addresses or other ways to reach somebody, by its name."""
    return vocabulary.ADDRESSES.said_in(stem_of(table.name)[-1:])


def is_part_of(table: TableName, columns: Iterable[str], parent: TableName, primary_key: tuple[str, ...]) -> bool:
    """Whether rows of a table are parts of another's, as `order_items` of `orders`, going by names and keys."""
    own, stem = stem_of(table.name), stem_of(parent.name)
    if not stem:
        return False  # a name without letters or digits
    named = "".join(stem) in "".join(own) or (len(stem) > 1 and stem[-1] in own[:-1])
    return named or (bool(primary_key) and set(columns) <= set(primary_key))
