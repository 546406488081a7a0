"""What goes wrong after the first byte: no such download looks whole or holds the database, each is on record once."""

import hashlib
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from customer_export.model.audit import AuditEvent
from raw_client import head_of, reading, rest_of
from server_process import ServerProcess, StartServer, export_path
from servers import PATIENCE_SECONDS, PostgresqlServer, wait_until
from whale_shop import SMALL, WHALE, WHALE_ORDERS

WHALE_PATH = f"{export_path(WHALE)}?format=csv&sections=orders"
FREED_SECONDS = 3  # a second is what we promise; the rest is for a busy machine
LARGEST_GROWTH_BYTES = 40_000_000
"""How far the server's memory may grow over an export of 40 MB and more; it is about 10 MB, whatever the size."""


def activity(postgresql: PostgresqlServer, database: str = "whales") -> list[tuple[object, ...]]:
    """Give the statements and transactions that clients have open in a database, and not what the server does there."""
    return postgresql.execute(
        "postgres",
        "SELECT pid, state, query FROM pg_stat_activity"
        f" WHERE datname = '{database}' AND state <> 'idle' AND backend_type = 'client backend'",
    )


def is_free(postgresql: PostgresqlServer) -> bool:
    return not activity(postgresql)


@contextmanager
def locked(shop: str, table: str) -> Iterator[None]:
    """Keep a table to ourselves: whoever reads it waits."""
    with psycopg.connect(shop) as connection:
        connection.execute("SET lock_timeout = '10s'")
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[call-overload]
        yield
        connection.rollback()


def waiting_for_lock(postgresql: PostgresqlServer, database: str) -> bool:
    found = postgresql.execute(
        "postgres",
        f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'",
    )
    return bool(found)


def test_a_killed_backend_ends_the_download_with_an_error_and_the_next_one_works(
    whale_server: ServerProcess, postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    head, body = tmp_path / "head", tmp_path / "body"
    curl = subprocess.Popen(
        ["curl", "-sS", "--limit-rate", "2M", "-D", head, "-o", body, "-H",
         f"Authorization: Bearer {whale_server.admin_token}", whale_server.url + WHALE_PATH],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        wait_until(lambda: body.exists() and body.stat().st_size > 100_000, what="the first bytes")
        ((pid, _, query),) = activity(postgresql)
        assert "COPY" in str(query)
        postgresql.execute("postgres", f"SELECT pg_terminate_backend({pid})")
        assert curl.wait(PATIENCE_SECONDS) == 18  # "transfer closed with outstanding read data remaining"
    finally:
        curl.kill()
        curl.communicate()
    export_id = head.read_text().lower().split("x-export-id: ")[1][:32]
    ended = whale_server.outcome(export_id)
    assert (ended.event, ended.code) == (AuditEvent.FAILED, "SOURCE_UNAVAILABLE")
    (event,) = whale_server.events(export_id)
    assert (event["event"], event["code"], event["level"]) == ("export_failed", "SOURCE_UNAVAILABLE", "warning")
    assert "Traceback" not in whale_server.log
    refused = whale_server.manifest(export_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "EXPORT_NOT_COMPLETE")
    received = body.read_bytes()
    assert received.startswith(b"id,placed_at,total,note\r\n")
    assert b"error" not in received.lower()
    assert whale_server.get(SMALL, format="csv").status_code == 200


def test_a_client_that_goes_away_in_mid_stream_frees_the_database(
    whale_server: ServerProcess, postgresql: PostgresqlServer
) -> None:
    with reading(whale_server, WHALE_PATH) as connection:
        status, headers = head_of(connection)
        assert status == "HTTP/1.1 200 OK"
        assert activity(postgresql)
    wait_until(lambda: is_free(postgresql), what="the database to be free", patience_seconds=FREED_SECONDS)
    assert_cancelled(whale_server, headers["x-export-id"])


def test_a_client_that_goes_away_before_the_first_byte_frees_the_database(
    whale_server: ServerProcess, whale_shop: str, postgresql: PostgresqlServer
) -> None:
    path = f"{WHALE_PATH}&tz=Europe/Paris"  # by which the export is found: its id never reaches anybody
    with locked(whale_shop, "orders"):
        with reading(whale_server, path):
            wait_until(lambda: waiting_for_lock(postgresql, "whales"), what="the export to wait")
        wait_until(
            lambda: not waiting_for_lock(postgresql, "whales"),
            what="the database to be free",
            patience_seconds=FREED_SECONDS,
        )
    wait_until(lambda: whale_server.exports_with("tz=Europe/Paris"), what="the export on record")
    (export_id,) = whale_server.exports_with("tz=Europe/Paris")
    wait_until(lambda: len(whale_server.audit(export_id)) > 1, what="the end of the export on record")
    start, end = whale_server.audit(export_id)
    assert (start.event, end.event, end.code) == (AuditEvent.STARTED, AuditEvent.FAILED, "EXPORT_CANCELLED")
    assert len(whale_server.events(export_id)) == 1
    assert whale_server.get(SMALL, format="csv").status_code == 200


def assert_cancelled(server: ServerProcess, export_id: str) -> None:
    ended = server.outcome(export_id)
    assert (ended.event, ended.code) == (AuditEvent.FAILED, "EXPORT_CANCELLED")
    assert [event["event"] for event in server.events(export_id)] == ["export_failed"]
    assert server.manifest(export_id).status_code == 409
    assert server.get(SMALL, format="csv").status_code == 200
    assert "never retrieved" not in server.log
    assert "Traceback" not in server.log


def test_many_clients_that_go_away_leave_every_connection_usable(
    whale_server: ServerProcess, postgresql: PostgresqlServer
) -> None:
    for _ in range(12):  # more than there are connections
        with reading(whale_server, WHALE_PATH) as connection:
            head_of(connection)
    wait_until(lambda: is_free(postgresql), what="the database to be free", patience_seconds=FREED_SECONDS)
    assert whale_server.get(SMALL, format="csv").status_code == 200
    assert "never retrieved" not in whale_server.log


@pytest.fixture(scope="module")
def hasty_server(shared_servers: StartServer, whale_shop: str, whale_map: Path) -> ServerProcess:
    """A server whose exports may take a second and a half."""
    return shared_servers(SOURCE_URL=whale_shop, SOURCE_MAP=str(whale_map), EXPORT_TIMEOUT_MS="1500")


def test_a_client_that_never_reads_is_ended_in_time(hasty_server: ServerProcess, postgresql: PostgresqlServer) -> None:
    with reading(hasty_server, WHALE_PATH) as connection:
        _, headers = head_of(connection)
        ended = hasty_server.outcome(headers["x-export-id"])
        wait_until(lambda: is_free(postgresql), what="the database to be free", patience_seconds=FREED_SECONDS)
        received = rest_of(connection)
    assert ended.event is AuditEvent.FAILED
    assert ended.code in {"EXPORT_CANCELLED", "EXPORT_TIMEOUT"}
    assert not received.endswith(b"0\r\n\r\n")
    assert len(received) < WHALE_ORDERS * 100
    assert len(hasty_server.events(headers["x-export-id"])) == 1


def test_a_statement_that_takes_too_long_is_a_time_out(
    hasty_server: ServerProcess, whale_shop: str, postgresql: PostgresqlServer
) -> None:
    with locked(whale_shop, "orders"):
        answer = hasty_server.get(WHALE, format="csv", sections="orders")
    assert answer.status_code == 504
    assert answer.json()["code"] == "EXPORT_TIMEOUT"
    assert "raise EXPORT_TIMEOUT_MS" in answer.json()["error"]
    start, end = hasty_server.audit(answer.json()["requestId"])
    assert (start.event, end.event, end.code) == (AuditEvent.STARTED, AuditEvent.FAILED, "EXPORT_TIMEOUT")
    assert is_free(postgresql)


def test_a_stream_that_outgrows_its_limit_is_broken_off(
    start_server: StartServer, postgresql: PostgresqlServer, whale_map: Path
) -> None:
    # the orders' notes grow, so the beginning of the file promises a small one
    shop = postgresql.create_database(
        "growing",
        """CREATE TABLE customers (id text PRIMARY KEY, name text NOT NULL);
        CREATE TABLE orders (id integer PRIMARY KEY, customer_id text, placed_at timestamptz, total numeric(12, 2),
                             note text);
        INSERT INTO customers VALUES ('grower', 'Grower');
        INSERT INTO orders SELECT n, 'grower', timestamptz '2020-01-01' + n * interval '1 minute', 1,
            repeat('x', CASE WHEN n < 12000 THEN 30 ELSE 3000 END) FROM generate_series(1, 12500) AS n;""",
    )
    server = start_server(SOURCE_URL=shop, SOURCE_MAP=str(whale_map), EXPORT_MAX_SIZE_CSV="1000000")
    with reading(server, f"{export_path('grower')}?format=csv&sections=orders") as connection:
        status, headers = head_of(connection)
        received = rest_of(connection)
    assert (status, headers["transfer-encoding"]) == ("HTTP/1.1 200 OK", "chunked")
    assert not received.endswith(b"0\r\n\r\n")
    assert 0 < len(received) <= 1_001_000
    ended = server.outcome(headers["x-export-id"])
    assert (ended.event, ended.code) == (AuditEvent.FAILED, "EXPORT_SIZE_EXCEEDED")


def test_a_server_that_is_asked_to_stop_finishes_its_downloads(
    start_server: StartServer, whale_shop: str, whale_map: Path
) -> None:
    server = start_server(afresh=True, SOURCE_URL=whale_shop, SOURCE_MAP=str(whale_map))
    with reading(server, WHALE_PATH) as connection:
        _, headers = head_of(connection)
        server.terminate()
        wait_until(lambda: "Shutting down" in server.log, what="the server to begin to stop")
        body = rest_of(connection)
    assert headers["transfer-encoding"] == "chunked"
    assert body.endswith(b"0\r\n\r\n")
    assert server.ended() == 0
    assert "Traceback" not in server.log
    assert server.outcome(headers["x-export-id"]).event is AuditEvent.COMPLETED


def test_a_whale_grows_no_memory_and_blocks_nobody(whale_server: ServerProcess) -> None:
    process = psutil.Process(whale_server.pid)
    assert whale_server.get(SMALL, format="csv").status_code == 200
    idle_bytes = peak_bytes = process.memory_info().rss
    digest, size_bytes, slowest_seconds = hashlib.sha256(), 0, 0.0
    with whale_server.client() as client, client.stream("GET", WHALE_PATH) as answer:
        for number, piece in enumerate(answer.iter_raw(1 << 20)):
            digest.update(piece)
            size_bytes += len(piece)
            peak_bytes = max(peak_bytes, process.memory_info().rss)
            if number % 10 == 0:
                began = time.monotonic()
                assert client.get("/healthz").status_code == 200
                assert client.get(f"{export_path(SMALL)}?format=json").status_code == 200
                slowest_seconds = max(slowest_seconds, time.monotonic() - began)
    assert size_bytes > LARGEST_GROWTH_BYTES
    assert peak_bytes - idle_bytes < LARGEST_GROWTH_BYTES
    assert slowest_seconds < 2
    file = whale_server.manifest(answer.headers["x-export-id"]).json()["file"]
    assert (file["bytes"], file["sha256"]) == (size_bytes, digest.hexdigest())


def test_eight_whales_at_a_time_leave_the_health_check_alone(whale_server: ServerProcess) -> None:
    with ExitStack() as clients:
        connections = [clients.enter_context(reading(whale_server, WHALE_PATH)) for _ in range(8)]
        for connection in connections:
            head_of(connection)
        assert whale_server.ask("/healthz").status_code == 200
    wait_until(lambda: whale_server.get(SMALL, format="csv").status_code == 200, what="a free connection")


def test_slow_readers_do_not_slow_each_other(whale_server: ServerProcess) -> None:
    """One client stands still; the others' streams go on beside it."""
    with reading(whale_server, WHALE_PATH) as standing_still:
        head_of(standing_still)
        sizes = []
        threads = [
            threading.Thread(target=lambda: sizes.append(len(whale_server.get(WHALE, format="csv").content)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
    assert len(sizes) == 2
    assert len(set(sizes)) == 1
