"""Hold a map against a catalogue: what of all that reaches the customer is mapped, left out on purpose, or neither."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from customer_export.errors import MapMismatchError
from customer_export.mapping.coverage.guesses import possibilities_of
from customer_export.mapping.coverage.names import NamedParts, find_table, named_parts
from customer_export.mapping.coverage.reach import Path, Reach, reach_of, spelled_columns
from customer_export.model.catalogue import Catalogue, CatalogueTable
from customer_export.model.coverage import ColumnCoverage, Coverage, Standing, TableCoverage
from customer_export.model.customer_map import CustomerMap, TableName

HIDDEN = "hidden"
"""The reason of a column that a section names and hides."""

LISTED_TABLES = 10  # enough to see which database it is


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeftOut:
    """Exclusions by table, in the catalogue's spelling: the reason of a whole table, and of each column."""

    tables: Mapping[TableName, str]
    columns: Mapping[TableName, Mapping[str, str]]
    gone: tuple[str, ...]


def coverage_of(customer_map: CustomerMap, catalogue: Catalogue) -> Coverage:
    """Say how complete a map is. Raises MapMismatchError if the catalogue has no customer table."""
    customer = find_table(catalogue, customer_map.customer.table)
    if customer is None:
        raise MapMismatchError(customer_map.name, [_no_customer_table(customer_map, catalogue)])
    named = named_parts(customer_map, catalogue)
    left_out = _left_out(customer_map, catalogue)
    reach = reach_of(catalogue, named, customer=customer, left_out=frozenset(left_out.tables))
    tables = tuple(_covered_tables(catalogue, named, left_out, reach))
    theirs = [one.table for one in tables if one.standing is not Standing.EXCLUDED]
    seen = {one.table for one in tables}
    return Coverage(
        tables=tables,
        beside=tuple(table for table in named.tables if table not in seen),
        perhaps=possibilities_of(
            catalogue,
            customer=customer,
            theirs=[table for table in theirs if table not in reach.far],
            known=frozenset(seen | set(named.tables) | left_out.tables.keys()),
        ),
        gone=left_out.gone,
        contradicted=tuple(_contradicted(named, left_out)),
        unfollowed=tuple(_unfollowed(catalogue, named, left_out, customer, theirs)),
    )


def _no_customer_table(customer_map: CustomerMap, catalogue: Catalogue) -> str:
    tables = sorted(str(name) for name in catalogue.tables)
    listed = ", ".join(tables[:LISTED_TABLES]) or "no table that the role may see"
    more = ", …" if len(tables) > LISTED_TABLES else ""
    return (
        f"customer.table: there is no table {str(customer_map.customer.table)!r}; SOURCE_URL may name another database "
        f"than the map is of: this one has {listed}{more}"
    )


def _left_out(customer_map: CustomerMap, catalogue: Catalogue) -> _LeftOut:
    tables: dict[TableName, str] = {}
    columns: dict[TableName, dict[str, str]] = {}
    gone: list[str] = []
    for exclusion in customer_map.excluded:
        table = find_table(catalogue, exclusion.table)
        if table is None:
            gone.append(f"exclude: there is no table {str(exclusion.table)!r} any more; remove the exclusion")
        elif not exclusion.columns:
            tables[table] = exclusion.reason
        else:
            columns.setdefault(table, {}).update(dict.fromkeys(exclusion.columns, exclusion.reason))
            gone += [
                f"exclude: the table {str(table)!r} has no column {column!r} any more; remove it from the exclusion"
                for column in exclusion.columns
                if catalogue.tables[table].column(column) is None
            ]
    return _LeftOut(tables=tables, columns=columns, gone=tuple(gone))


def _covered_tables(
    catalogue: Catalogue, named: NamedParts, left_out: _LeftOut, reach: Reach
) -> Iterator[TableCoverage]:
    for name, path in reach.paths.items():
        yield _covered(catalogue.tables[name], path, named, left_out, reach.beyond.get(name))
    for name, path in reach.far.items():
        if name in named.bases:
            yield _covered(catalogue.tables[name], path, named, left_out, None)
        else:
            standing = Standing.MAPPED if name in named.tables else Standing.UNCOVERED
            reason = left_out.tables.get(name) if standing is Standing.UNCOVERED else None
            yield TableCoverage(
                table=name,
                path=path,
                standing=standing if reason is None else Standing.EXCLUDED,
                columns=(),
                reason=reason,
            )


def _covered(
    table: CatalogueTable, path: Path, named: NamedParts, left_out: _LeftOut, through: TableName | None
) -> TableCoverage:
    reason = left_out.tables.get(table.name)
    if reason is None and through is not None:
        reason = f"reaches the customer only through {through}, which is left out"
    standing = Standing.UNCOVERED if reason is None else Standing.EXCLUDED
    if named.read(table.name):
        standing = Standing.MAPPED
    columns = _covered_columns(table, named, left_out, whole_table=reason)
    return TableCoverage(
        table=table.name,
        path=path,
        standing=standing,
        columns=tuple(columns),
        reason=reason if standing is Standing.EXCLUDED else None,
    )


def _covered_columns(
    table: CatalogueTable, named: NamedParts, left_out: _LeftOut, *, whole_table: str | None
) -> Iterator[ColumnCoverage]:
    read = named.read(table.name)
    hidden = dict.fromkeys(named.hidden.get(table.name, ()), HIDDEN)
    reasons = {**hidden, **left_out.columns.get(table.name, {})}
    for column in table.columns:
        reason = None if column.name in read else reasons.get(column.name, whole_table)
        standing = Standing.MAPPED if column.name in read else Standing.UNCOVERED
        yield ColumnCoverage(
            name=column.name,
            type=column.type,
            standing=standing if reason is None else Standing.EXCLUDED,
            reason=reason,
        )


def _contradicted(named: NamedParts, left_out: _LeftOut) -> Iterator[str]:
    """Name columns that are left out by name and exported all the same."""
    for table, columns in left_out.columns.items():
        for column in columns:
            if column in named.exported.get(table, ()):
                yield f"exclude: {table}.{column} is exported by a section; remove the exclusion or the column"
    for table in left_out.tables:
        if table in named.bases:
            yield f"exclude: {table} is left out, and a section is of it; remove the exclusion or the section"


def _unfollowed(
    catalogue: Catalogue, named: NamedParts, left_out: _LeftOut, customer: TableName, theirs: list[TableName]
) -> Iterator[str]:
    """Name foreign keys to the customer besides those that links follow, of tables that sections are of.

    One that nothing names is an uncovered column already; this is about those that are exported and not followed.
    """
    followed = {(link.table, link.columns) for link in named.links}
    for name in theirs:
        for key in catalogue.tables[name].foreign_keys if name in named.bases and name != customer else ():
            passed_over = set(key.columns) <= left_out.columns.get(name, {}).keys()
            if key.table == customer and (name, key.columns) not in followed and not passed_over:
                yield (
                    f"{spelled_columns(name, key.columns)} leads to the customer, too, and no link follows it: rows "
                    "that only it ties to them are not exported"
                )
