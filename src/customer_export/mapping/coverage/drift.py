"""What a map records of a database, and how the database differs from it later."""

from collections.abc import Iterator, Mapping, Sequence

from customer_export.mapping.coverage.kinds import KindsOfTables
from customer_export.mapping.coverage.names import find_table
from customer_export.model.catalogue import Catalogue
from customer_export.model.coverage import Coverage, Standing
from customer_export.model.customer_map import RecordedSchema, RecordedTable, TableName
from customer_export.model.drift import Change, ChangeKind


def recorded_schema(coverage: Coverage, catalogue: Catalogue, kinds: KindsOfTables) -> RecordedSchema:
    """Give what there is to record: every table that reaches the customer or may, and every other that the map reads.

    Of what is left out as a whole it is the name alone, since nobody cares for its columns.
    """
    left_out = {one.table for one in coverage.tables if one.standing is Standing.EXCLUDED}
    tables = sorted(_reaching(coverage) | set(coverage.beside), key=_place)
    return {
        table: RecordedTable(columns={})
        if table in left_out
        else RecordedTable(
            columns={column.name: column.type for column in catalogue.tables[table].columns},
            kinds=kinds.get(table, {}),
        )
        for table in tables
    }


def _reaching(coverage: Coverage) -> set[TableName]:
    return {one.table for one in coverage.tables} | {one.table for one in coverage.perhaps}


def _place(table: TableName) -> tuple[str, str]:
    return table.schema or "", table.name


def drift_of(
    recorded: RecordedSchema, now: RecordedSchema, coverage: Coverage, catalogue: Catalogue
) -> tuple[Change, ...]:
    """Say what is different now, table by table."""
    before: dict[TableName, RecordedTable] = {}
    changes: list[Change] = []
    for name, described in recorded.items():
        table = find_table(catalogue, name)
        if table is None:
            changes.append(Change(kind=ChangeKind.DROPPED_TABLE, table=name))
        else:
            before[table] = described
    changes += [Change(kind=ChangeKind.NEW_TABLE, table=table) for table in _reaching(coverage) - before.keys()]
    for table, described in before.items():
        if table in now and now[table].columns and described.columns:
            changes += _column_changes(table, described.columns, now[table].columns)
            changes += _new_kinds(table, described.kinds, now[table].kinds)
    return tuple(sorted(changes, key=lambda one: (*_place(one.table), one.column or "", one.after or "")))


def _column_changes(table: TableName, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for column in now.keys() - before.keys():
        yield Change(kind=ChangeKind.NEW_COLUMN, table=table, column=column, after=now[column])
    for column, kind in before.items():
        if column not in now:
            yield Change(kind=ChangeKind.DROPPED_COLUMN, table=table, column=column, before=kind)
        elif kind != now[column]:
            yield Change(kind=ChangeKind.CHANGED_TYPE, table=table, column=column, before=kind, after=now[column])


def _new_kinds(
    table: TableName, before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]
) -> Iterator[Change]:
    """Tell the kinds that came since: those of a column of which nothing was recorded were never looked at."""
    for column, known in before.items():
        for value in now.get(column, ()):
            if value not in known:
                yield Change(kind=ChangeKind.NEW_KIND, table=table, column=column, after=value)
