"""Texts of databases in other encodings arrive in UTF-8, by every way to read."""

import psycopg
import pytest
from psycopg import sql

from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.source.postgresql.snapshot import SMALL_ROWS
from customer_maps import make_map, section
from databases import opened, read, streaming
from servers import PostgresqlServer

NOTES = make_map(section("notes", {"id": "integer", "text": "text"}))
SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE notes (id int PRIMARY KEY, customer_id int, text text);
INSERT INTO customers VALUES (1, 'a'), (2, 'b');
"""


def store(server: PostgresqlServer, encoding: str, content: bytes) -> str:
    """Make a database in an encoding and put a text's bytes into it: once for customer 1, and often for customer 2."""
    name = f"in_{encoding.lower()}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0").format(
                sql.Identifier(name), sql.Literal(encoding)
            )
        )
    server.execute(name, SCHEMA)
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.pgconn.exec_(f"SET client_encoding = '{encoding}'".encode())
        insert = b"INSERT INTO notes SELECT i, 1 + (i > 1)::int, '%b' FROM generate_series(1, %d) i"
        connection.pgconn.exec_(insert % (content, SMALL_ROWS + 2))
    return server.url(name)


@pytest.mark.parametrize(
    ("encoding", "content", "text"),
    [
        ("LATIN1", "Zoë £".encode("latin-1"), "Zoë £"),
        ("WIN1252", "€ „“".encode("cp1252"), "€ „“"),
        ("EUC_JP", "日本".encode("euc_jp"), "日本"),
        ("SQL_ASCII", "Zoë 日本".encode(), "Zoë 日本"),
        ("SQL_ASCII", "Zoë".encode("latin-1"), "Zo\ufffd"),
    ],
)
def test_texts_arrive_in_utf8(postgresql: PostgresqlServer, encoding: str, content: bytes, text: str) -> None:
    with opened(store(postgresql, encoding, content), NOTES) as source:
        assert read(source, "1")["notes"] == [("1", text)]
        assert {row[1] for row in read(source, "2")["notes"]} == {text}
        with streaming(source, "2") as (_, (notes,)):
            texts = notes.json_batches()
            if texts is not None:
                assert {one for _, cells in texts for one in cells} == {f'"{text}"'.encode()}
        layout = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=None, places=(0, 1))
        with streaming(source, "2") as (_, (notes,)):
            records = notes.csv_records(layout)
            if records is not None:
                assert b"".join(one.text for one in records).decode().count(f",{text}\r\n") == SMALL_ROWS + 1
        assert (texts is None) == (records is None) == (encoding == "SQL_ASCII")
