"""What MySQL's information_schema says of the map's tables. It shows what the role may read, and asks for no more.

SQLAlchemy's own look at MySQL reads SHOW CREATE TABLE, which a role with rights on some columns alone may not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from customer_export.model.columns import Cell
from customer_export.model.customer_map import CustomerMap, TableName
from customer_export.source.mysql.connection import MysqlConnection
from customer_export.source.mysql.query import describe_query, described_types
from customer_export.source.mysql.types import declared_type
from customer_export.source.schema import DatabaseTable, Tables, fitting_tables

_ENGINE = """
SELECT t.table_name, t.engine, e.transactions FROM information_schema.tables t
LEFT JOIN information_schema.engines e ON e.engine = t.engine
WHERE table_schema = COALESCE(%(schema)s, DATABASE()) AND table_name = %(table)s
"""
_COLUMNS = """
SELECT column_name, data_type, column_type, character_maximum_length, character_set_name, collation_name,
       numeric_precision, numeric_scale, is_nullable
FROM information_schema.columns
WHERE table_schema = COALESCE(%(schema)s, DATABASE()) AND table_name = %(table)s ORDER BY ordinal_position
"""
_TYPED_BY = ("data_type", "column_type", "length", "charset", "collation", "precision", "scale")
_KEYS = """
SELECT index_name, column_name, sub_part FROM information_schema.statistics
WHERE table_schema = COALESCE(%(schema)s, DATABASE()) AND table_name = %(table)s AND non_unique = 0
ORDER BY index_name = 'PRIMARY' DESC, index_name, seq_in_index
"""
_NAMES = "SELECT table_name FROM information_schema.tables WHERE table_schema = COALESCE(%(schema)s, DATABASE())"


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlSchema:
    """The map's tables, and those of them that no snapshot holds still, with their storage engines."""

    tables: Tables
    unsteady: Mapping[TableName, str]


def inspect_schema(connection: MysqlConnection, customer_map: CustomerMap) -> MysqlSchema:
    """Describe the map's tables. Raises MapMismatchError, or pymysql.Error."""
    unsteady: dict[TableName, str] = {}

    def describe(name: TableName) -> DatabaseTable | None:
        place = {"schema": name.schema, "table": name.name}
        found = connection.ask(_ENGINE, place)
        if not found:
            return None
        ((_, engine, transactions),) = found
        if engine is not None and transactions != "YES":
            unsteady[name] = engine
        columns = connection.ask(_COLUMNS, place)
        if not columns:  # a view that cannot be opened: whoever selects from it is told why
            return DatabaseTable(
                types=described_types(connection, sa.table(name.name, schema=name.schema)), unique_keys=()
            )
        return _described(columns, connection.ask(_KEYS, place))

    def names(schema: str | None) -> Sequence[str]:
        return [str(name) for (name,) in connection.ask(_NAMES, {"schema": schema})]

    tables = fitting_tables(
        customer_map,
        describe=describe,
        names=names,
        query=partial(describe_query, connection, customer_map.customer.key_type),
    )
    return MysqlSchema(tables=tables, unsteady=unsteady)


def _described(columns: Sequence[Sequence[Cell]], keys: Sequence[Sequence[Cell]]) -> DatabaseTable:
    types = {
        str(name): declared_type(**dict(zip(_TYPED_BY, described, strict=True))) for name, *described, _ in columns
    }
    nullable = {name for name, *_, nullable in columns if nullable != "NO"}
    members: dict[Cell, list[Cell]] = {}
    unusable: set[Cell] = set()
    for index, column, sub_part in keys:
        members.setdefault(index, []).append(column)
        if column is None or column in nullable or sub_part is not None:  # of an expression, or of a beginning alone
            unusable.add(index)
    return DatabaseTable(
        types=types,
        unique_keys=tuple(
            dict.fromkeys(frozenset(map(str, key)) for index, key in members.items() if index not in unusable)
        ),
    )
