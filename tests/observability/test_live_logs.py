"""A running server's log: known events with known fields, and faults without what they were about."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from customer_export.demo.customers import TYPICAL
from customer_export.model.request import ExportFormat
from customer_export.observability.logs import COMMON_FIELDS, EVENT_FIELDS
from own_databases import new_store
from server_process import ServerProcess
from servers import PostgresqlServer, wait_until

SEEDED = "seeded.person@example.org"


@pytest.fixture
def server(tmp_path: Path, postgresql: PostgresqlServer, postgresql_shop: str) -> Iterator[ServerProcess]:
    store = new_store(postgresql, "logged_store")
    running = ServerProcess(tmp_path, {"SOURCE_URL": postgresql_shop, "DATABASE_URL": store})
    try:
        yield running.start()
    finally:
        running.close()


def lines_of(server: ServerProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.splitlines()]


def test_a_log_has_known_events_with_known_fields(server: ServerProcess) -> None:
    for file_format in ExportFormat:
        assert server.get(TYPICAL.id, format=file_format).status_code == 200
    assert server.get(SEEDED, format="csv").status_code == 400
    refused = {"Authorization": f"Bearer {SEEDED}", "X-Forwarded-For": SEEDED, "User-Agent": SEEDED}
    assert server.ask(f"/api/admin/customers/{SEEDED}/export?format=csv", headers=refused).status_code == 401
    wait_until(lambda: server.log.count("export_completed") == len(ExportFormat), what="the ends to be logged")
    assert SEEDED not in server.log
    own = [line for line in lines_of(server) if "logger" not in line]
    assert {line["event"] for line in own} == {"export_completed", "export_failed", "export_denied"}
    for line in own:
        assert "dropped" not in line
        assert line.keys() <= COMMON_FIELDS | EVENT_FIELDS[line["event"]]


def test_a_fault_is_logged_under_the_request_id_without_what_it_was_about(
    server: ServerProcess, postgresql: PostgresqlServer
) -> None:
    export_id = server.get(TYPICAL.id, format="csv").headers["x-export-id"]
    wait_until(
        lambda: server.manifest(export_id).status_code == 200, what="the manifest, which is written behind the file"
    )
    with psycopg.connect(postgresql.url("logged_store"), autocommit=True) as connection:
        connection.execute("UPDATE manifest SET members = %s WHERE export_id = %s", ["{" + SEEDED, export_id])
    answer = server.manifest(export_id)
    assert answer.status_code == 500
    wait_until(lambda: "Traceback" in server.log, what="the fault to be logged, which comes after its answer")
    (fault,) = [line for line in lines_of(server) if line["level"] == "error"]
    assert fault["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" in fault["exception"]
    assert fault["exception"].endswith("JSONDecodeError")
    assert SEEDED not in server.log
