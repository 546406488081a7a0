"""A client that stops taking its file holds the shop's tables as long as an export may take, and no longer."""

import time
from pathlib import Path

import psycopg
import pytest

from raw_client import head_of, reading
from server_process import StartServer
from servers import PostgresqlServer

LONGEST_SECONDS = 3.0
GRACE_SECONDS = 5.0  # for a machine in use
EVENTS = """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL, text TEXT NOT NULL);
INSERT INTO customers VALUES (1);
INSERT INTO events SELECT i, 1, repeat('text ', 20) FROM generate_series(1, 200000) i;
"""
MAP = """
map = 1
name = "Held"
[customer]
table = "customers"
key = "id"
key_type = "integer"
title = "id"
[orders]
section = "events"
[[sections]]
name = "events"
table = "events"
links = [[{ columns = "customer_id" }]]
order = "id"
columns = [{ name = "text", type = "text", personal_data = "none" }]
"""


def test_an_alter_table_waits_for_a_stalled_download_no_longer_than_an_export_may_take(
    start_server: StartServer, postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    url = postgresql.create_database("held", EVENTS)
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    server = start_server(
        SOURCE_URL=url, SOURCE_MAP=str(tmp_path / "map.toml"), EXPORT_TIMEOUT_MS=f"{LONGEST_SECONDS * 1000:.0f}"
    )
    with (
        reading(server, "/api/admin/customers/1/export?format=csv") as client,
        psycopg.connect(url, autocommit=True) as shop,
    ):
        status, _ = head_of(client)
        assert status == "HTTP/1.1 200 OK"
        shop.execute("SET lock_timeout = '20ms'")
        began = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            shop.execute("ALTER TABLE events ADD COLUMN early TEXT")
        shop.execute(f"SET lock_timeout = '{LONGEST_SECONDS + GRACE_SECONDS:.0f}s'")
        shop.execute("ALTER TABLE events ADD COLUMN note TEXT")
        assert time.monotonic() - began < LONGEST_SECONDS + GRACE_SECONDS
