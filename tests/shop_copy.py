"""The demo shop in PostgreSQL: the same rows in the types that a shop on PostgreSQL would have."""

import re
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:  # benchmarks know the module by another name
    from servers import PostgresqlServer

TYPES = {
    "customers.id": "uuid",
    "customers.birth_date": "date",
    "customers.currency": "char(3)",
    "customers.store_credit": "numeric",
    "customers.marketing_opt_in": "boolean",
    "customers.preferences": "json",
    "customers.avatar": "bytea",
    "customers.created_at": "timestamp",
    "customers.updated_at": "timestamptz",
    "customers.locale": "varchar(35)",
    "addresses.customer_id": "uuid",
    "addresses.is_default": "boolean",
    "addresses.created_at": "timestamp",
    "addresses.deleted_at": "timestamp",
    "products.weight_kg": "numeric(12,3)",
    "orders.id": "bigint",
    "orders.customer_id": "uuid",
    "orders.number": "varchar(20)",
    "orders.placed_at": "timestamp",
    "orders.currency": "char(3)",
    "orders.subtotal": "numeric",
    "orders.discount": "numeric",
    "orders.tax": "numeric",
    "orders.shipping": "numeric",
    "orders.total": "numeric",
    "order_items.order_id": "bigint",
    "order_items.position": "smallint",
    "order_items.unit_price": "numeric",
    "order_items.line_total": "numeric",
    "payments.order_id": "bigint",
    "payments.amount": "numeric",
    "payments.currency": "char(3)",
    "payments.card_last_digits": "char(4)",
    "payments.paid_at": "timestamptz",
    "refunds.order_id": "bigint",
    "refunds.amount": "numeric",
    "refunds.currency": "char(3)",
    "refunds.refunded_at": "timestamptz",
    "shipments.order_id": "bigint",
    "shipments.weight_kg": "numeric(12,3)",
    "shipments.shipped_at": "timestamptz",
    "shipments.delivered_at": "timestamptz",
    "reviews.customer_id": "uuid",
    "reviews.rating": "smallint",
    "reviews.published": "boolean",
    "reviews.written_at": "timestamp",
    "tickets.customer_id": "uuid",
    "tickets.opened_at": "timestamp",
    "tickets.closed_at": "timestamp",
    "ticket_messages.sent_at": "timestamptz",
    "consents.customer_id": "uuid",
    "consents.granted": "boolean",
    "consents.decided_at": "timestamptz",
    "consents.withdrawn_at": "timestamptz",
    "logins.customer_id": "uuid",
    "logins.logged_in_at": "timestamptz",
    "logins.succeeded": "boolean",
    "notes.customer_id": "uuid",
    "notes.written_at": "timestamp",
}
"""Every column that is not what its declaration says in SQLite: text or integer."""

IMPOSSIBLE_DATE = "0000-00-00"  # PostgreSQL has no such date; a shop that moved there stored NULL


def copy_shop(shop: Path, server: "PostgresqlServer", *, database: str) -> str:
    """Copy the shop at `shop` into a new database and give its URL."""
    url = server.create_database(database)
    with closing(sqlite3.connect(shop)) as source, psycopg.connect(url) as target:
        target.execute(_schema())
        tables = source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
        for (table,) in tables.fetchall():
            rows = source.execute(f"SELECT * FROM {table}")
            with target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                for row in rows:
                    copy.write_row([None if cell == IMPOSSIBLE_DATE else cell for cell in row])
        target.execute(_text("indexes.sql"))
    return url


def _text(name: str) -> str:
    return files("customer_export.demo").joinpath(name).read_text(encoding="utf-8")


def _schema() -> str:
    """Write the shop's schema with PostgreSQL's types."""
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
    kind = TYPES.get(f"{table}.{column[1]}") if column else None
    if column is None or kind is None:
        return line
    typed = line.replace(column[2], kind, 1)
    return re.sub(r" CHECK \(\w+ IN \(0, 1\)\)", "", typed) if kind == "boolean" else typed
