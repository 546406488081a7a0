"""Links that no foreign key says: columns that are called like another table's key and have its values."""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.edges import Edge, is_unique
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.reference_names import MARKS, beginnings, core_of, ends_in, marked_core, names_in
from customer_export.mapping.words import common_prefix, singular, stem_of, words_of
from customer_export.model.catalogue import Catalogue, CatalogueColumn, CatalogueTable, Kind
from customer_export.model.customer_map import Conditions, TableName
from customer_export.model.evidence import Comparison, Match

STRONG_SHARE = 0.95  # of the values must be keys there; the rest may be rows that were deleted since
FEWEST_OF_SYNONYM = 3  # values that must match where the column is not called like the table itself
TELLING_BEGINNING = 5  # letters after which the shortest name that begins so is meant, if several do

PAIR = 2

_GENERIC = frozenset(
    {"id", "uuid", "guid", "code", "name", "no", "nr", "key", "number", "pk", "rowid", "oid", "title", "slug"}
)
_CUSTOMER_SYNONYMS = frozenset({"cust", "kd", "uid", "usr", "kunden", "author", "buyer", "owner"})

_FAMILIES = {Kind.INTEGER: "number", Kind.DECIMAL: "number", Kind.TEXT: "text", Kind.ENUM: "text", Kind.UUID: "uuid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A column that may lead to a table's key. `exact`: it is called like the table or its key.

    `only_if`: only rows with these values are suspected. `as_text`: the types differ.
    """

    table: TableName
    columns: tuple[str, ...]
    target: TableName
    to: tuple[str, ...]
    exact: bool
    only_if: Conditions = ()
    as_text: bool = False

    @property
    def comparison(self) -> Comparison:
        """What shows whether it is true."""
        return Comparison(
            table=self.table,
            columns=self.columns,
            target=self.target,
            to=self.to,
            only_if=self.only_if,
            as_text=self.as_text,
        )


class Suspicions:
    """All columns that are called as if they led somewhere, by where they would lead. Nothing is read for them.

    `explained` are columns of which something else says where they lead.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        customer: TableName,
        explained: Container[tuple[TableName, str]] = frozenset(),
    ) -> None:
        self._explained = explained
        self._catalogue = catalogue
        self._customer = customer
        self._prefix = common_prefix(name.name for name in catalogue.tables)
        self._stems = {name: self._stem(name) for name in catalogue.tables}
        self._named = Counter(name.name for name in catalogue.tables)
        self._compares_types = catalogue.server.startswith("PostgreSQL")
        self._told = {table.name: _told_columns(table) for table in catalogue.tables.values()}
        self._free: dict[str, list[tuple[CatalogueTable, CatalogueColumn]]] = {}
        self._synonyms: list[tuple[CatalogueTable, CatalogueColumn]] = []
        self._beginnings: dict[str, list[TableName]] = {}
        self._endings: dict[str, list[TableName]] = {}
        for table in catalogue.tables.values():
            if not table.is_view and self._is_beside(table.name):
                self._arrange(table)
                for ending in self._stems[table.name][-1:]:
                    self._endings.setdefault(ending, []).append(table.name)
                for beginning in beginnings(self._stems[table.name]):
                    self._beginnings.setdefault(beginning, []).append(table.name)

    def _arrange(self, table: CatalogueTable) -> None:
        """File a table's columns that no foreign key is about under what they may be called after."""
        for column in table.columns:
            words = words_of(column.name)
            if column.name in self._told[table.name] or (table.name, column.name) in self._explained or not words:
                continue
            if vocabulary.EMAIL.said_in(words) or vocabulary.PHONE.said_in(words):
                continue  # a natural key, which matches in other ways (natural.py)
            if table.primary_key == (column.name,) and len(words) == 1:
                continue  # an `id` of its own
            core = core_of(words)
            for name in {column.name, *names_in(core)}:
                self._free.setdefault(name, []).append((table, column))
            if core and self._is_synonym(core):
                self._synonyms.append((table, column))

    def of(self, target: TableName) -> Iterator[Suspicion]:
        """Give the columns of other tables that may lead to this one."""
        goal = self._catalogue.tables[target]
        composite = set[TableName]()
        for one in self._composites(goal):
            composite.add(one.table)
            yield one
        for table, column in self._candidates(goal):
            if table.name not in {target, *composite}:
                yield from self._suspected(table, column, goal)

    def _composites(self, goal: CatalogueTable) -> Iterator[Suspicion]:
        if len(goal.primary_key) < PAIR:
            return
        for table in self._catalogue.tables.values():
            if table.is_view or table.name == goal.name or not self._is_beside(table.name):
                continue
            columns = _composite(table, goal)
            keyed = {key.columns for key in table.foreign_keys}
            if columns and columns not in keyed and not set(columns) <= self._told[table.name]:
                yield Suspicion(table=table.name, columns=columns, target=goal.name, to=columns, exact=True)

    def _candidates(self, goal: CatalogueTable) -> Iterator[tuple[CatalogueTable, CatalogueColumn]]:
        stem = self._stems[goal.name]
        unique = [key[0] for key in goal.unique_keys if len(key) == 1]
        seen = set[tuple[TableName, str]]()
        wanted = dict.fromkeys([*unique, *stem[-1:], "".join(stem), *beginnings(stem)])
        found = [one for name in wanted for one in self._free.get(name, ())]
        if goal.name == self._customer:
            found += self._synonyms
        for table, column in found:
            if (table.name, column.name) not in seen:
                seen.add((table.name, column.name))
                yield table, column

    def _is_beside(self, table: TableName) -> bool:
        """Whether a table is of the customers' schema, or the only one of its name: other schemas may be tenants'."""
        return table.schema == self._customer.schema or self._named[table.name] == 1

    def _suspected(self, table: CatalogueTable, column: CatalogueColumn, goal: CatalogueTable) -> Iterator[Suspicion]:
        stem = self._stems[goal.name]
        key = goal.primary_key[0] if len(goal.primary_key) == 1 else None
        core = core_of(words_of(column.name))
        called_so = ends_in(core, stem)
        if table.primary_key == (column.name,) and not called_so:
            return  # `meta_id` of one table is not that of another
        to, exact = None, True
        if column.name.casefold() not in _GENERIC and is_unique(goal, [column.name]):
            to = column.name
        elif key is not None and called_so:
            to = key
        elif key is not None and (
            self._may_mean(goal.name, table.name, words_of(column.name))
            or self._is_in_module(core, table.name, goal.name)
        ):
            to, exact = key, False
        there = None if to is None else goal.column(to)
        if to is not None and there is not None and self._comparable(column, there):
            yield Suspicion(table=table.name, columns=(column.name,), target=goal.name, to=(to,), exact=exact)

    def _may_mean(self, goal: TableName, table: TableName, words: tuple[str, ...]) -> bool:
        """Whether a column's words are other words for the customer, or the beginning of a table's name."""
        core = core_of(words)
        synonym = bool(core) and goal == self._customer and self._is_synonym(core)
        return synonym or self._is_shortened(marked_core(words), table, goal)

    def _is_in_module(self, core: tuple[str, ...], table: TableName, goal: TableName) -> bool:
        """Whether a table's name ends in what a column is called after, behind its module's: `invoice_id`.

        It is the only one, as `account_invoice`, or the only one of the column's own module: then `move` of
        `stock_location` is `stock_move` and not `account_move`.
        """
        fits = self._endings.get(core[-1], ()) if core else ()
        if len(fits) > 1:
            module = self._stems[table][:1]
            fits = [one for one in fits if self._stems[one][:1] == module]
        return len(fits) == 1 and fits[0] == goal

    def _is_shortened(self, word: str | None, table: TableName, goal: TableName) -> bool:
        """Whether a word is the beginning of a table's name and of no other: `bestell` of `bestellungen`."""
        if word is None or any(stem[-1:] == (word,) for stem in self._stems.values()):
            return False
        fits = [one for one in self._beginnings.get(word, ()) if one != table]
        if len(word) >= TELLING_BEGINNING and fits:
            shortest = min(len(self._stems[one][-1]) for one in fits)
            fits = [one for one in fits if len(self._stems[one][-1]) == shortest]
        return fits == [goal]

    def _comparable(self, one: CatalogueColumn, other: CatalogueColumn) -> bool:
        if not self._compares_types:
            return Kind.BINARY not in (one.kind, other.kind) or one.kind is other.kind
        return _FAMILIES.get(one.kind, one.type) == _FAMILIES.get(other.kind, other.type)

    def _is_synonym(self, core: tuple[str, ...]) -> bool:
        last = core[-1:]
        return (
            last[0] in _CUSTOMER_SYNONYMS
            or vocabulary.CUSTOMERS.names(last)
            or vocabulary.LIKELY_PEOPLE.names(last)
            or vocabulary.AUTHORS.names(last)
        )

    def _stem(self, name: TableName) -> tuple[str, ...]:
        stem = stem_of(name.name)
        return stem[1:] if self._prefix and len(stem) > 1 and stem[0] == singular(self._prefix[0]) else stem


def _composite(table: CatalogueTable, goal: CatalogueTable) -> tuple[str, ...]:
    """Give the key of several columns that another table has by the same names; empty if it has not."""
    key = goal.primary_key
    if len(key) == 1 or all(column.casefold() in _GENERIC for column in key):
        return ()
    kinds = {column.name: column.kind for column in table.columns}
    same = all(column in kinds and kinds[column] == _kind(goal, column) for column in key)
    return key if same else ()


def _kind(table: CatalogueTable, column: str) -> Kind | None:
    described = table.column(column)
    return None if described is None else described.kind


def _told_columns(table: CatalogueTable) -> frozenset[str]:
    return frozenset(column for key in table.foreign_keys for column in key.columns)


def measure(suspicion: Suspicion, evidence: Evidence) -> tuple[Match | None, bool]:
    """Hold a suspicion against the data; the second value says whether it is strong enough to be used.

    An empty column called like the table proves nothing, and costs nothing to follow.
    """
    match = evidence.match(suspicion.comparison)
    if match is None:
        return None, False
    if match.compared == 0:
        marked = not MARKS.isdisjoint(words_of(suspicion.columns[-1])[-1:]) or suspicion.columns == suspicion.to
        return match, suspicion.exact and marked
    enough = suspicion.exact or match.compared >= FEWEST_OF_SYNONYM
    return match, enough and match.share >= STRONG_SHARE


def guessed_edges(
    suspicions: Sequence[Suspicion], evidence: Evidence
) -> tuple[list[Edge], list[tuple[Suspicion, Match]]]:
    """Give the suspicions that hold as edges, and those that hold for some values only, with what was measured."""
    edges: list[Edge] = []
    doubtful: list[tuple[Suspicion, Match]] = []
    for one in suspicions:
        match, strong = measure(one, evidence)
        if match is not None and strong:
            edges.append(
                Edge(
                    table=one.table,
                    columns=one.columns,
                    target=one.target,
                    to=one.to,
                    guess=match,
                    only_if=one.only_if,
                )
            )
        elif match is not None and match.found:
            doubtful.append((one, match))
    return edges, doubtful
