"""Links that no foreign key says: columns that are called like another table's key and have its values."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from customer_export.mapping import vocabulary
from customer_export.mapping.edges import Edge, is_unique
from customer_export.mapping.evidence import Evidence
from customer_export.mapping.words import common_prefix, singular, stem_of, words_of
from customer_export.model.catalogue import Catalogue, CatalogueColumn, CatalogueTable, Kind
from customer_export.model.customer_map import TableName
from customer_export.model.evidence import Match

STRONG_SHARE = 0.95  # of the values must be keys there; the rest may be rows that were deleted since
FEWEST_OF_SYNONYM = 3  # values that must match where the column is not called like the table itself

_MARKS = frozenset(
    {"id", "ids", "no", "nr", "num", "number", "key", "code", "fk", "uuid", "guid", "ref", "pk", "oid", "uid"}
)
_LEADING_MARKS = frozenset({"id", "fk", "ref"})
_GENERIC = frozenset(
    {"id", "uuid", "guid", "code", "name", "no", "nr", "key", "number", "pk", "rowid", "oid", "title", "slug"}
)
_CUSTOMER_SYNONYMS = frozenset({"cust", "kd", "uid", "usr", "kunden", "author", "buyer", "owner"})

_FAMILIES = {Kind.INTEGER: "number", Kind.DECIMAL: "number", Kind.TEXT: "text", Kind.ENUM: "text", Kind.UUID: "uuid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A column that may lead to a table's key. `exact`: it is called like the table or its key."""

    table: TableName
    columns: tuple[str, ...]
    target: TableName
    to: tuple[str, ...]
    exact: bool


class Suspicions:
    """All columns that are called as if they led somewhere, by where they would lead. Nothing is read for them."""

    def __init__(self, catalogue: Catalogue, *, customer: TableName) -> None:
        self._catalogue = catalogue
        self._customer = customer
        self._prefix = common_prefix(name.name for name in catalogue.tables)
        self._stems = {name: self._stem(name) for name in catalogue.tables}
        self._named = Counter(name.name for name in catalogue.tables)
        self._compares_types = catalogue.server.startswith("PostgreSQL")

    def of(self, target: TableName) -> Iterator[Suspicion]:
        """Give the columns of other tables that may lead to this one."""
        goal = self._catalogue.tables[target]
        for table in self._catalogue.tables.values():
            if table.is_view or table.name == target or not self._is_beside(table.name):
                continue
            keyed = {key.columns for key in table.foreign_keys}
            told = {column for columns in keyed for column in columns}
            composite = _composite(table, goal)
            if composite and composite not in keyed and not set(composite) <= told:
                yield Suspicion(table=table.name, columns=composite, target=target, to=composite, exact=True)
                continue
            for column in table.columns:
                if column.name not in told:
                    yield from self._suspected(table, column, goal)

    def _is_beside(self, table: TableName) -> bool:
        """Whether a table is of the customers' schema, or the only one of its name: other schemas may be tenants'."""
        return table.schema == self._customer.schema or self._named[table.name] == 1

    def _suspected(self, table: CatalogueTable, column: CatalogueColumn, goal: CatalogueTable) -> Iterator[Suspicion]:
        key = goal.primary_key[0] if len(goal.primary_key) == 1 else None
        if table.primary_key == (column.name,) and len(words_of(column.name)) == 1:
            return  # an `id` of its own
        to, exact = None, True
        if vocabulary.EMAIL.said_in(words_of(column.name)) or vocabulary.PHONE.said_in(words_of(column.name)):
            return  # a natural key, which matches in other ways (natural.py)
        core = _core(words_of(column.name), self._stems[goal.name])
        own_key = table.primary_key == (column.name,) and not _ends_in(core, self._stems[goal.name])
        if own_key:
            return  # `meta_id` of one table is not that of another
        if column.name.casefold() not in _GENERIC and is_unique(goal, [column.name]):
            to = column.name
        elif key is not None:
            if core and _ends_in(core, self._stems[goal.name]):
                to = key
            elif core and goal.name == self._customer and self._is_synonym(core):
                to, exact = key, False
        there = None if to is None else goal.column(to)
        if to is not None and there is not None and self._comparable(column, there):
            yield Suspicion(table=table.name, columns=(column.name,), target=goal.name, to=(to,), exact=exact)

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


def _core(words: tuple[str, ...], stem: tuple[str, ...]) -> tuple[str, ...]:
    """Take off a column's name what only says that it is a reference: `fk_customer_id` is `customer`."""
    core = list(words)
    while len(core) > 1 and core[-1] in _MARKS:
        core.pop()
    if len(core) == len(words) and singular(core[-1]) != core[-1]:
        return ()  # `num_orders` counts them
    while len(core) > 1 and core[0] in _LEADING_MARKS:
        core.pop(0)
    glued = re.fullmatch(rf"({re.escape(''.join(stem))}s?)(?:{'|'.join(sorted(_MARKS))})", core[-1])
    if glued is not None:
        core[-1] = "".join(stem)
    return tuple(singular(word) for word in core)


def _ends_in(core: tuple[str, ...], stem: tuple[str, ...]) -> bool:
    return bool(core) and (
        core[-len(stem) :] == stem or core[-1] == "".join(stem) or (len(stem) > 1 and "".join(core) == "".join(stem))
    )


def measure(suspicion: Suspicion, evidence: Evidence) -> tuple[Match | None, bool]:
    """Hold a suspicion against the data; the second value says whether it is strong enough to be used.

    An empty column called like the table proves nothing, and costs nothing to follow.
    """
    match = evidence.match(suspicion.table, suspicion.columns, target=suspicion.target, to=suspicion.to)
    if match is None:
        return None, False
    if match.compared == 0:
        marked = words_of(suspicion.columns[-1])[-1] in _MARKS or suspicion.columns == suspicion.to
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
            edges.append(Edge(table=one.table, columns=one.columns, target=one.target, to=one.to, guess=match))
        elif match is not None and match.found:
            doubtful.append((one, match))
    return edges, doubtful
