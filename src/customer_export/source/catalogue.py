"""Read the catalogue of a database through SQLAlchemy: a few queries a schema, however many tables there are."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import ObjectKind
from sqlalchemy.types import NullType

from customer_export.model.catalogue import Catalogue, CatalogueColumn, CatalogueTable, ForeignKey, Kind
from customer_export.model.customer_map import TableName
from customer_export.source.keys import index_options, indexed_columns, unique_keys
from customer_export.source.stored_types import kind_of

_Read = TypeVar("_Read")
_Key: TypeAlias = tuple[str | None, str]

_SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys"})
_PRODUCTS = {"postgresql": "PostgreSQL", "sqlite": "SQLite", "mysql": "MySQL", "mariadb": "MariaDB"}

UUID_IN_BYTES = "binary(16)"
"""How MySQL spells the type that it keeps UUIDs in."""

_UNLISTED = {
    # partitions are read through their parent; an extension's tables are the extension's
    "postgresql": """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition OR EXISTS (SELECT FROM pg_depend d
  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')""",
    # where a full-text index keeps its words
    "sqlite": "SELECT NULL, name FROM pragma_table_list WHERE type = 'shadow'",
}
"""Tables that are no tables of their own, by schema and name."""

_SPELLINGS = {
    "postgresql": """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')""",
    "sqlite": """
SELECT NULL, t.name, x.name, x.type FROM sqlite_schema t, pragma_table_xinfo(t.name) x WHERE t.type = 'table'""",
    "mysql": "SELECT table_schema, table_name, column_name, column_type FROM information_schema.columns",
    "mariadb": "SELECT table_schema, table_name, column_name, column_type FROM information_schema.columns",
}
"""The server's own spelling of each column's type: schema, table, column, type."""

_POSTGRESQL_FOREIGN_KEYS = """
SELECT n.nspname, c.relname,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns,
  tn.nspname, t.relname,
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS referred
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE k.contype = 'f' ORDER BY k.conrelid, k.conkey"""
"""SQLAlchemy goes by the search path, which hides the schema of what can be found in two of them."""


def read_catalogue(connection: sa.Connection) -> Catalogue:
    """Describe all tables and views of a database, system tables aside.

    Of MySQL and MariaDB, whose schemas are databases, it is the connection's own database.
    """
    with warnings.catch_warnings():
        # an index on an expression is no key, and of a type unknown to SQLAlchemy the server's spelling is right
        warnings.filterwarnings("ignore", category=sa.exc.SAWarning)
        return _Reading(connection).catalogue()


class _Reading:
    """One reading of a catalogue, with what holds for all of its schemas."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._inspector = sa.inspect(connection)
        self._default = self._inspector.default_schema_name
        self._spellings = self._read_spellings()
        self._unlisted = {(self._short(schema), name) for schema, name in self._rows(_UNLISTED)}
        self._foreign = self._postgresql_foreign_keys() if self._dialect == "postgresql" else None

    def catalogue(self) -> Catalogue:
        tables = [table for schema in self._schemas() for table in self._tables(schema)]
        names = _Names(table.name for table in tables)
        by_name = {table.name: table for table in tables}
        return Catalogue(
            server=self._server(),
            tables={name: _with_known_keys(table, names, by_name) for name, table in by_name.items()},
        )

    def _server(self) -> str:
        version = ".".join(str(part) for part in self._connection.dialect.server_version_info or ())
        maria = getattr(self._connection.dialect, "is_mariadb", False)
        return f"{_PRODUCTS['mariadb' if maria else self._dialect]} {version}".rstrip(".")

    def _schemas(self) -> Iterator[str | None]:
        """Name the schemas, the connection's own first and as None."""
        yield None
        if self._dialect == "postgresql":
            for schema in self._inspector.get_schema_names():
                if schema not in _SYSTEM_SCHEMAS and schema != self._default and not schema.startswith("pg_temp_"):
                    yield schema

    def _tables(self, schema: str | None) -> list[CatalogueTable]:
        inspector = self._inspector
        columns = self._all(inspector.get_multi_columns, schema, inspector.get_columns)
        primary = {
            key: tuple(constraint["constrained_columns"])
            for key, constraint in self._all(
                inspector.get_multi_pk_constraint, schema, inspector.get_pk_constraint
            ).items()
        }
        unique = self._all(inspector.get_multi_unique_constraints, schema, inspector.get_unique_constraints)
        indexes = self._all(inspector.get_multi_indexes, schema, inspector.get_indexes, **index_options(inspector))
        foreign = self._foreign_keys(schema) if self._foreign is None else self._foreign
        comments = self._comments(schema)
        views = self._views(schema)
        return [
            CatalogueTable(
                name=TableName(*key),
                is_view=key[1] in views,
                columns=tuple(self._column(key, column) for column in described),
                primary_key=primary.get(key, ()),
                unique_keys=unique_keys(described, primary.get(key, ()), unique.get(key, ()), indexes.get(key, ())),
                foreign_keys=tuple(foreign.get(key, ())),
                indexes=indexed_columns(primary.get(key, ()), unique.get(key, ()), indexes.get(key, ())),
                comment=comments.get(key),
            )
            for key, described in columns.items()
            if described and key not in self._unlisted
        ]

    def _all(
        self,
        read_many: Callable[..., Mapping[Any, _Read]],
        schema: str | None,
        read_one: Callable[..., _Read],
        **options: bool,
    ) -> dict[_Key, _Read]:
        """Read a schema at once, or table by table where one spoils it for all (a view whose table is gone)."""
        try:
            return dict(read_many(schema=schema, kind=ObjectKind.ANY, **options))
        except sa.exc.DBAPIError:
            if self._dialect == "postgresql":  # which lets no view lose its table
                raise
            found: dict[_Key, _Read] = {}
            for name in [*self._inspector.get_table_names(schema=schema), *self._views(schema)]:
                try:
                    found[schema, name] = read_one(name, schema=schema, **options)
                except (sa.exc.DBAPIError, sa.exc.NoSuchTableError, sa.exc.UnreflectableTableError):
                    continue
            return found

    def _views(self, schema: str | None) -> list[str]:
        views = self._inspector.get_view_names(schema=schema)
        try:
            return [*views, *self._inspector.get_materialized_view_names(schema=schema)]
        except NotImplementedError:  # of databases that have none
            return views

    def _comments(self, schema: str | None) -> dict[_Key, str | None]:
        try:
            comments = self._inspector.get_multi_table_comment(schema=schema, kind=ObjectKind.ANY)
        except NotImplementedError:  # SQLite keeps none
            return {}
        return {key: comment["text"] for key, comment in comments.items()}

    def _column(self, table: _Key, column: Mapping[str, Any]) -> CatalogueColumn:
        name = str(column["name"])
        spelled = self._spellings.get((table, name)) or _spelled(column["type"])
        in_bytes = self._dialect in ("mysql", "mariadb") and spelled == UUID_IN_BYTES
        return CatalogueColumn(
            name=name,
            type=spelled,
            kind=Kind.UUID if in_bytes else kind_of(column["type"]),
            nullable=bool(column["nullable"]),
            comment=column.get("comment"),
        )

    def _foreign_keys(self, schema: str | None) -> Mapping[_Key, Sequence[ForeignKey]]:
        reflected = self._all(self._inspector.get_multi_foreign_keys, schema, self._inspector.get_foreign_keys)
        return {
            key: [
                ForeignKey(
                    columns=tuple(one["constrained_columns"]),
                    table=TableName(self._short(one["referred_schema"]), one["referred_table"]),
                    to=tuple(one["referred_columns"]),
                )
                for one in keys
            ]
            for key, keys in reflected.items()
        }

    def _postgresql_foreign_keys(self) -> Mapping[_Key, Sequence[ForeignKey]]:
        found: dict[_Key, list[ForeignKey]] = {}
        for schema, name, columns, to_schema, to_name, to in self._query(_POSTGRESQL_FOREIGN_KEYS):
            target = TableName(self._short(to_schema), to_name)
            key = ForeignKey(columns=tuple(columns), table=target, to=tuple(to))
            found.setdefault((self._short(schema), name), []).append(key)
        return found

    def _read_spellings(self) -> dict[tuple[_Key, str], str]:
        rows = self._rows(_SPELLINGS)
        return {((self._short(schema), table), column): type_name for schema, table, column, type_name in rows}

    def _rows(self, queries: Mapping[str, str]) -> Sequence[Any]:
        if self._dialect not in queries:
            return []
        try:
            return self._query(queries[self._dialect])
        except sa.exc.DBAPIError:
            if self._dialect == "sqlite":  # an old one without these pragmas
                return []
            raise

    def _query(self, text: str) -> Sequence[Any]:
        return self._connection.execute(sa.text(text)).all()

    def _short(self, schema: str | None) -> str | None:
        return None if schema == self._default else schema


class _Names:
    """Finds tables as databases do that don't mind the case of names."""

    def __init__(self, names: Iterable[TableName]) -> None:
        self._known = set(names)
        self._folded = {_folded(name): name for name in self._known}

    def find(self, name: TableName) -> TableName | None:
        return name if name in self._known else self._folded.get(_folded(name))


def _folded(name: TableName) -> tuple[str | None, str]:
    return name.schema, name.name.casefold()


def _with_known_keys(
    table: CatalogueTable, names: _Names, tables: Mapping[TableName, CatalogueTable]
) -> CatalogueTable:
    """Drop foreign keys that lead nowhere, and spell the others as their tables do."""
    return CatalogueTable(
        name=table.name,
        is_view=table.is_view,
        columns=table.columns,
        primary_key=table.primary_key,
        unique_keys=table.unique_keys,
        foreign_keys=tuple(dict.fromkeys(_known_keys(table, names, tables))),
        indexes=table.indexes,
        comment=table.comment,
    )


def _known_keys(
    table: CatalogueTable, names: _Names, tables: Mapping[TableName, CatalogueTable]
) -> Iterator[ForeignKey]:
    for key in table.foreign_keys:
        target = names.find(key.table)
        if target is None:
            continue
        columns = _spelled_columns(table, key.columns)
        to = _spelled_columns(tables[target], key.to or tables[target].primary_key)
        if columns and len(columns) == len(to):
            yield ForeignKey(columns=columns, table=target, to=to)


def _spelled_columns(table: CatalogueTable, columns: Sequence[str]) -> tuple[str, ...]:
    """Spell columns as their table does; empty if it lacks one."""
    known = {column.name.casefold(): column.name for column in table.columns}
    own = {column.name for column in table.columns}
    spelled = [column if column in own else known.get(column.casefold()) for column in columns]
    return () if None in spelled else tuple(column for column in spelled if column is not None)


def _spelled(kind: sa.types.TypeEngine[Any]) -> str:
    return "" if isinstance(kind, NullType) else str(kind).lower()
