"""What a map names of a database: the columns that it exports, uses or hides, and what it leaves out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from customer_export.model.catalogue import Catalogue
from customer_export.model.columns import SourceColumn
from customer_export.model.customer_map import CustomerMap, LinkStep, Query, Section, TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`columns` of `table` equal `to` of `target`, so that its rows are of whoever those of `target` are of.

    `conditional`: only some of its rows' do, so that the columns' names say nothing of other tables.
    """

    table: TableName
    columns: tuple[str, ...]
    target: TableName
    to: tuple[str, ...]
    conditional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedParts:
    """What a map names, in the catalogue's spelling of tables.

    `exported` columns leave the database; `used` ones are what links, look-ups, orders, times and titles need.
    `bases` are the tables that sections are of. `links` are the steps of all links, `kinds` the columns whose values
    say which rows one is for.
    """

    exported: Mapping[TableName, frozenset[str]]
    used: Mapping[TableName, frozenset[str]]
    hidden: Mapping[TableName, frozenset[str]]
    bases: frozenset[TableName]
    links: tuple[Edge, ...]
    kinds: Mapping[TableName, frozenset[str]]

    def read(self, table: TableName) -> frozenset[str]:
        """Give the columns of a table that an export reads."""
        return self.exported.get(table, frozenset()) | self.used.get(table, frozenset())

    @property
    def tables(self) -> tuple[TableName, ...]:
        """Every table that is read, in the map's order."""
        return tuple(dict.fromkeys([*self.used, *self.exported]))


def find_table(catalogue: Catalogue, name: TableName) -> TableName | None:
    """Find a table as the map spells it: with the schema or without, and where there is one only, in any case."""
    if name in catalogue.tables:
        return name
    alike = [
        one
        for one in catalogue.tables
        if one.name.casefold() == name.name.casefold() and (None in (one.schema, name.schema) or one == name)
    ]
    exact = [one for one in alike if one.name == name.name]
    found = exact or alike
    return found[0] if len(found) == 1 else None


def named_parts(customer_map: CustomerMap, catalogue: Catalogue) -> NamedParts:
    """Collect what a map names. Tables that the catalogue lacks are passed over: they are mismatches."""
    collected = _Collected(catalogue)
    customer = customer_map.customer
    own = (
        customer.key,
        *customer.title,
        *customer.search,
        *customer.given,
        *((customer.tenant,) if customer.tenant else ()),
    )
    collected.use(customer.table, own)
    for section in customer_map.sections:
        collected.add(section, customer.table)
    return collected.parts()


def needed_columns(customer_map: CustomerMap, catalogue: Catalogue) -> Mapping[TableName, tuple[str, ...]]:
    """Give the columns that exports by a map read, table by table, in the tables' own order."""
    named = named_parts(customer_map, catalogue)
    read = {table: named.read(table) for table in named.tables}
    return {
        table: tuple(column.name for column in catalogue.tables[table].columns if column.name in columns)
        for table, columns in read.items()
        if columns
    }


class _Collected:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._exported: dict[TableName, set[str]] = {}
        self._used: dict[TableName, set[str]] = {}
        self._hidden: dict[TableName, set[str]] = {}
        self._bases: dict[TableName, None] = {}
        self._links: dict[Edge, None] = {}
        self._kinds: dict[TableName, set[str]] = {}

    def parts(self) -> NamedParts:
        return NamedParts(
            exported=_frozen(self._exported),
            used=_frozen(self._used),
            hidden=_frozen(self._hidden),
            bases=frozenset(self._bases),
            links=tuple(self._links),
            kinds=_frozen(self._kinds),
        )

    def use(self, table: TableName, columns: Iterable[str]) -> None:
        self._put(self._used, table, columns)

    def add(self, section: Section, customer_table: TableName) -> None:
        if not isinstance(section.table, TableName):
            if isinstance(section.table, Query):
                self._read(section.table)
            return  # what a plug-in is given is the customer's
        base = find_table(self._catalogue, section.table)
        if base is not None:
            self._bases[base] = None
        scope: dict[str | None, TableName] = {None: section.table} | {
            lookup.name: lookup.table for lookup in section.lookups
        }
        for column in section.columns:
            self._put(self._hidden if column.hidden else self._exported, *_of(scope, column.source))
        for source in (*section.order, *((section.time,) if section.time else ())):
            self._put(self._used, *_of(scope, source))
        for lookup in section.lookups:
            self.use(lookup.table, (*lookup.to, *(column for column, _ in lookup.only_if)))
            for source in lookup.columns:
                self._put(self._used, *_of(scope, source))
        for link in section.links:
            self._follow(link, section.table, customer_table)

    def _read(self, query: Query) -> None:
        """Take what a query's text names for used: a column for one of whichever of its tables has it."""
        for found in filter(None, (find_table(self._catalogue, name) for name in query.reads)):
            columns = [column.name for column in self._catalogue.tables[found].columns]
            self.use(found, [one for one in columns if query.columns is None or one.lower() in query.columns])

    def _follow(self, link: Iterable[LinkStep], table: TableName, customer_table: TableName) -> None:
        for step in link:
            target = step.table or customer_table
            kinds = [column for column, _ in step.only_if]
            self.use(table, (*step.columns, *step.only_if_null, *step.only_if_zero, *kinds))
            self._put(self._kinds, table, kinds)
            self.use(target, step.to)
            here, there = find_table(self._catalogue, table), find_table(self._catalogue, target)
            if here is not None and there is not None:
                conditional = bool(step.only_if)
                self._links[
                    Edge(table=here, columns=step.columns, target=there, to=step.to, conditional=conditional)
                ] = None
            table = target

    def _put(self, parts: dict[TableName, set[str]], table: TableName, columns: Iterable[str]) -> None:
        found = find_table(self._catalogue, table)
        if found is not None:
            parts.setdefault(found, set()).update(columns)


def _of(scope: Mapping[str | None, TableName], source: SourceColumn) -> tuple[TableName, Iterator[str]]:
    return scope[source.lookup], iter([source.name])


def _frozen(parts: Mapping[TableName, set[str]]) -> dict[TableName, frozenset[str]]:
    return {table: frozenset(columns) for table, columns in parts.items()}
