"""The shop that is measured on: four tables as a stranger would have designed them, filled by the database itself."""

import sqlite3
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psycopg

SPACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
ORDERS = {"typical": 20, "regular": 500, "big": 10_000, "whale": 1_000_000, "large": 100_000}
"""The customers that are measured, by their number of orders; a thousand others have 20 each."""

IDS = {name: uuid.uuid5(SPACE, name) for name in ORDERS}
OTHERS = 1_000

SCHEMA = """
create table customers (
  id uuid primary key, email text not null, first_name text, last_name text, phone text, locale text,
  loyalty_tier text, marketing_consent boolean not null, created_at timestamp with time zone not null);
create table addresses (
  id integer primary key, customer_id uuid not null references customers(id), kind text not null,
  line1 text, line2 text, city text, postcode text, country char(2), is_default boolean not null);
create table orders (
  id uuid primary key, customer_id uuid not null references customers(id), number text not null,
  status text not null, placed_at timestamp with time zone not null, currency char(3) not null,
  subtotal numeric(12,2) not null, tax numeric(12,2) not null, shipping numeric(12,2) not null,
  total numeric(12,2) not null, item_count integer not null, channel text, note text);
create index orders_by_customer on orders (customer_id, placed_at, id);
create table tickets (
  id integer primary key, customer_id uuid not null references customers(id), subject text not null,
  status text not null, opened_at timestamp with time zone not null, closed_at timestamp with time zone, body text);
create index addresses_by_customer on addresses (customer_id);
create index tickets_by_customer on tickets (customer_id);
"""
_FILL = """
create temporary table plan (customer_id uuid, name text, orders integer, place integer);
insert into plan select id::uuid, name, orders, place from unnest(%(ids)s::text[], %(names)s::text[], %(orders)s::int[])
  with ordinality as t(id, name, orders, place);
insert into customers
  select customer_id, name || '@example.com', initcap(name), 'O''Müller-Šimić', '+4930' || lpad(place::text, 7, '0'),
    'de-DE', (array['gold', 'silver', null])[place %% 3 + 1], place %% 2 = 1, '2016-01-01T00:00:00Z' from plan;
insert into addresses
  select place * 2 + k, customer_id, (array['billing', 'shipping'])[k + 1], place || ' Hauptstraße', null, 'Berlin',
    lpad(place::text, 5, '0'), 'DE', k = 0 from plan, generate_series(0, 1) k;
insert into tickets
  select place * 3 + k, customer_id, 'Question ' || k, 'closed',
    timestamptz '2016-01-01 00:00:00Z' + k * interval '1 day', null, repeat('Where is my order? ', 10)
  from plan, generate_series(0, 2) k;
insert into orders
  select md5(name || '/' || n)::uuid, customer_id, upper(left(name, 3)) || '-' || lpad(n::text, 8, '0'),
    (array['paid', 'shipped', 'delivered', 'refunded', 'cancelled'])[n %% 5 + 1],
    timestamptz '2016-01-01 00:00:00Z' + n * interval '200 seconds', 'EUR',
    cents / 100.0, (cents * 19 / 100) / 100.0, 4.90, (cents + cents * 19 / 100 + 490) / 100.0, n %% 9 + 1, 'web',
    (array['Leave at the door, thanks', '=HYPERLINK("http://x","y")', 'Grüße aus München', '日本語のメモ',
      'a "quoted" word', E'two\\nlines', 'plain', 'gift', '-5 discount promised', ''])[n %% 10 + 1]
  from plan, lateral (select n, 500 + (n::bigint * 7919 + place * 104729) %% 89500 as cents
                      from generate_series(0, orders - 1) n) made;
"""


def fill_postgresql(url: str) -> None:
    """Make the shop in an empty database; a quarter of a minute."""
    names = [*ORDERS, *(f"c{number}" for number in range(OTHERS))]
    parameters = {
        "ids": [str(uuid.uuid5(SPACE, name)) for name in names],
        "names": names,
        "orders": [ORDERS.get(name, 20) for name in names],
    }
    with psycopg.connect(url) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(SCHEMA)
        cursor.execute(_FILL, parameters)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def copy_to_sqlite(url: str, path: Path) -> None:
    """Copy the shop into a SQLite file, as an application would have stored it."""
    with sqlite3.connect(path) as target, psycopg.connect(url) as source:
        target.executescript(SCHEMA)
        for table in ("customers", "addresses", "orders", "tickets"):
            with source.cursor(name=table) as cursor:
                cursor.itersize = 10_000
                cursor.execute(f"select * from {table} order by ctid")  # as they were inserted: in order of time
                rows = ([_stored(value) for value in row] for row in cursor)
                first = next(rows)
                insert = f"insert into {table} values ({','.join('?' * len(first))})"
                target.execute(insert, first)
                target.executemany(insert, rows)
    target.close()


def _stored(value: object) -> object:
    match value:
        case None | bool() | int():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case _:
            return str(value)
