"""Which tables reach the customer: by foreign keys, by the map's own links, and by columns that are called like those.

Ways lead from a table to the one that it points at, so what the customer's rows themselves point at (products,
countries) is not theirs. Only of a table that does nothing but join two others is the far side theirs, too.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from customer_export.mapping.coverage.names import Edge, NamedParts
from customer_export.model.catalogue import Catalogue, CatalogueTable, Kind
from customer_export.model.customer_map import TableName

_SAYS_NOTHING = frozenset({"id", "uuid", "guid", "key", "code", "number", "no", "name", "email", "slug"})
"""Names that any table has for purposes of its own: that one links by such a column says nothing of the others."""

_BESIDE_A_JOIN = frozenset({Kind.TIMESTAMP, Kind.BOOLEAN})
"""What a table that only joins two others may hold besides: since when, and whether still."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Tables that reach the customer, each with its path, the nearest first.

    `beyond` are those that do so only through a table that is left out, which is their value. `far` are the far sides
    of tables that join them to the customer.
    """

    paths: Mapping[TableName, Path]
    beyond: Mapping[TableName, TableName]
    far: Mapping[TableName, Path]


def reach_of(catalogue: Catalogue, named: NamedParts, *, customer: TableName, left_out: frozenset[TableName]) -> Reach:
    """Follow everything that leads to the customer. What is `left_out` is reached, and not followed further."""
    roots = {root: (str(root),) for root in _roots(catalogue, named, customer)}
    stop = left_out - roots.keys()  # the table behind a view may be left out, and leads to all the same
    arriving: dict[TableName, list[Edge]] = {}
    for edge in _edges(catalogue, named, customer):
        arriving.setdefault(edge.target, []).append(edge)
    paths = _followed(arriving, roots, stop=stop)
    far = dict(_far_sides(catalogue, paths, left_out))
    beyond: dict[TableName, TableName] = {}
    for table in [one for one in paths if one in stop]:
        further = _followed(arriving, paths, stop=frozenset(paths) - {table})
        beyond |= dict.fromkeys((one for one in further if one not in paths), table)
        paths = further
    return Reach(paths=paths, beyond=beyond, far={one: path for one, path in far.items() if one not in paths})


def _roots(catalogue: Catalogue, named: NamedParts, customer: TableName) -> Iterator[TableName]:
    """Give the customer table, and if it is a view, the tables that foreign keys lead to in its place."""
    yield customer
    if catalogue.tables[customer].is_view:
        for link in named.links:
            if link.target == customer:
                for key in catalogue.tables[link.table].foreign_keys:
                    if key.columns == link.columns:
                        yield key.table


def _followed(
    arriving: Mapping[TableName, list[Edge]], known: Mapping[TableName, Path], *, stop: frozenset[TableName]
) -> dict[TableName, Path]:
    """Give what is known and all that leads to it, breadth first, without going on from where to `stop`."""
    paths = dict(known)
    waiting = deque(paths)
    while waiting:
        target = waiting.popleft()
        for edge in () if target in stop else arriving.get(target, ()):
            if edge.table not in paths:
                paths[edge.table] = (spelled_columns(edge.table, edge.columns), *paths[target])
                waiting.append(edge.table)
    return paths


def _edges(catalogue: Catalogue, named: NamedParts, customer: TableName) -> Iterator[Edge]:
    for table in catalogue.tables.values():
        for key in table.foreign_keys:
            yield Edge(table=table.name, columns=key.columns, target=key.table, to=key.to)
    yield from named.links
    known = {link.columns: link for link in named.links if _is_telling(link, catalogue.tables[link.target], customer)}
    for table in catalogue.tables.values():
        if not table.is_view:
            yield from _by_name(table, known)


def _is_telling(link: Edge, target: CatalogueTable, customer: TableName) -> bool:
    """Whether a column's name alone says where it leads: it equals a key, and is called like no other."""
    is_key = link.target == customer or link.to in (target.primary_key, *target.unique_keys)
    is_key = is_key and not link.conditional
    return is_key and link.table != link.target and not {one.lower() for one in link.columns} <= _SAYS_NOTHING


def _by_name(table: CatalogueTable, known: Mapping[tuple[str, ...], Edge]) -> Iterator[Edge]:
    names = {column.name for column in table.columns}
    led_elsewhere = {key.columns for key in table.foreign_keys}
    for columns, link in known.items():
        if names.issuperset(columns) and columns not in led_elsewhere and table.name != link.target:
            yield Edge(table=table.name, columns=columns, target=link.target, to=link.to)


def _far_sides(
    catalogue: Catalogue, paths: Mapping[TableName, Path], left_out: frozenset[TableName]
) -> Iterator[tuple[TableName, Path]]:
    for name, path in paths.items():
        table = catalogue.tables[name]
        if name in left_out or not _only_joins(table):
            continue
        for key in table.foreign_keys:
            if key.table not in paths:
                yield key.table, (spelled_columns(name, key.columns), *path)


def _only_joins(table: CatalogueTable) -> bool:
    joining = {column for key in table.foreign_keys for column in key.columns} | set(table.primary_key)
    others = [column for column in table.columns if column.name not in joining]
    return len(table.foreign_keys) > 1 and all(column.kind in _BESIDE_A_JOIN for column in others)


def spelled_columns(table: TableName, columns: tuple[str, ...]) -> str:
    """Spell columns with their table: `orders.customer_id`, or of several `orders.(shop, number)`."""
    return f"{table}.{columns[0]}" if len(columns) == 1 else f"{table}.({', '.join(columns)})"
