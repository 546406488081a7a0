"""The demo shop in MariaDB: the same rows in the types that a shop on MySQL would have."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from mariadb_server import MariadbServer
from shop_copy import TYPES

Value: TypeAlias = str | int | bytes | None

ROWS_AT_A_TIME = 500
_OF_POSTGRESQL = {
    "uuid": "BINARY(16)",
    "numeric": "VARCHAR(40)",  # as many decimals as the currency has, which no DECIMAL keeps
    "timestamp": "DATETIME(6)",
    "timestamptz": "TIMESTAMP(6) NULL",
    "bytea": "LONGBLOB",
}
"""MariaDB's types for those of the copy in PostgreSQL; the others have the same names."""
_OUT_OF_RANGE = frozenset({"consents.decided_at", "consents.withdrawn_at"})
"""Moments that a TIMESTAMP cannot hold, which ends in 2038."""
_KEYED = {
    "customers.email": "VARCHAR(320)",
    "orders.email": "VARCHAR(320)",
    "products.sku": "VARCHAR(64)",
}
"""Texts with an index, which have to have a length."""


def copy_shop_to_mariadb(shop: Path, server: MariadbServer, *, database: str) -> str:
    """Copy the shop at `shop` into a new database and give its URL."""
    url = server.create_database(database, f"SET foreign_key_checks = 0; {_schema()}")
    with closing(sqlite3.connect(shop)) as source, server.connect(database) as target, target.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0; SET unique_checks = 0; BEGIN")
        tables = source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
        for (table,) in tables.fetchall():
            rows = source.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in rows.description]
            values = [_to_value(TYPES.get(f"{table}.{name}")) for name in names]
            insert = f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(names))})"
            while batch := rows.fetchmany(ROWS_AT_A_TIME):
                stored = [[of(cell) for of, cell in zip(values, row, strict=True)] for row in batch]
                cursor.executemany(insert, stored)
        cursor.execute(f"COMMIT; {_indexes()}")
    return url


def _to_value(kind: str | None) -> Callable[[Value], Value]:
    match kind:
        case "uuid":
            return lambda cell: None if cell is None else UUID(str(cell)).bytes
        case "timestamptz":
            return lambda cell: cell.removesuffix("+00:00").replace("T", " ") if isinstance(cell, str) else cell
        case _:
            return lambda cell: cell


def _text(name: str) -> str:
    return files("customer_export.demo").joinpath(name).read_text(encoding="utf-8")


def _indexes() -> str:
    """Write the shop's indexes without what MariaDB has not: expressions and conditions."""
    plain = _text("indexes.sql").replace("lower(email)", "email").replace(" WHERE customer_id IS NULL", "")
    return plain.replace("UNIQUE INDEX customers_email", "INDEX customers_email")


def _schema() -> str:
    """Write the shop's schema with MariaDB's types."""
    lines = []
    table = ""
    for line in _text("schema.sql").splitlines():
        if named := re.match(r"CREATE TABLE (\w+)", line):
            table = named[1]
        lines.append(_typed(table, line.replace(" WITHOUT ROWID", "")))
    return "\n".join(lines)


def _typed(table: str, line: str) -> str:
    """Give a column of the schema its type; other lines stay."""
    column = re.match(r"    (\w+) (TEXT|INTEGER|BLOB)\b", line)
    if column is None:
        return line
    name = f"{table}.{column[1]}"
    kind = "timestamp" if name in _OUT_OF_RANGE else TYPES.get(name)
    if kind is not None:
        return line.replace(column[2], _OF_POSTGRESQL.get(kind, kind), 1)
    return line.replace("TEXT", _KEYED.get(name, "LONGTEXT"), 1)
