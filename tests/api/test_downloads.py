"""What a caller gets who does everything right."""

import base64
import hashlib
import json
import re
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest

from customer_export.demo.customers import (
    ABOVE_STREAMING,
    AT_STREAMING,
    BELOW_STREAMING,
    EMPTY,
    GUEST,
    HOSTILE,
    MOST_ORDERS,
    NO_ORDERS,
    TYPICAL,
    WellKnownCustomer,
)
from customer_export.model.audit import AuditEvent
from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import ExportFormat
from raw_client import head_of, reading
from server_process import ALL_OK, ServerProcess, export_path

MEDIA_TYPES = {
    ExportFormat.PDF: "application/pdf",
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.JSON: "application/json",
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.ZIP: "application/zip",
}


@pytest.mark.parametrize("file_format", ExportFormat)
def test_each_format_comes_with_the_headers_of_the_contract(server: ServerProcess, file_format: ExportFormat) -> None:
    before_ms = time.time_ns() // 1_000_000
    answer = server.get(TYPICAL.id, format=file_format)
    after_ms = time.time_ns() // 1_000_000
    headers = answer.headers
    assert answer.status_code == 200
    assert headers["content-type"] == MEDIA_TYPES[file_format]
    name = re.fullmatch(
        rf'attachment; filename="customer-{TYPICAL.id}-([0-9]{{13}})\.{file_format}"', headers["content-disposition"]
    )
    assert name is not None
    assert before_ms <= int(name[1]) <= after_ms
    assert int(headers["content-length"]) == int(headers["x-export-size"]) == len(answer.content) > 0
    assert headers["x-cache"] == "MISS"
    assert headers["cache-control"] == "private, no-cache, no-store, must-revalidate"
    assert headers["x-content-type-options"] == "nosniff"
    export_id = headers["x-export-id"]
    assert re.fullmatch("[0-9a-f]{32}", export_id)
    assert headers["link"] == (f'</api/admin/exports/{export_id}/manifest>; rel="describedby"; type="application/json"')
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert headers["repr-digest"] == f"sha-256=:{digest}:"


@pytest.mark.parametrize("customer", [BELOW_STREAMING, AT_STREAMING], ids=lambda customer: customer.name)
@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_up_to_500_orders_the_size_is_known_before_the_first_byte(
    server: ServerProcess, customer: WellKnownCustomer, file_format: str
) -> None:
    answer = server.get(customer.id, format=file_format)
    assert "transfer-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == int(answer.headers["x-export-size"]) == len(answer.content)


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_above_500_orders_it_is_chunked_and_says_no_size(server: ServerProcess, file_format: str) -> None:
    answer = server.get(ABOVE_STREAMING.id, format=file_format)
    assert answer.status_code == 200
    assert answer.headers["transfer-encoding"] == "chunked"
    assert {"content-length", "x-export-size", "repr-digest"}.isdisjoint(answer.headers)
    assert answer.headers["x-cache"] == "MISS"
    assert answer.headers["x-export-id"]


def test_json_is_sent_whole_whatever_its_size(server: ServerProcess) -> None:
    answer = server.get(ABOVE_STREAMING.id, format="json")
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_the_largest_section_decides_where_the_orders_are_not_asked_for(server: ServerProcess) -> None:
    small = server.get(ABOVE_STREAMING.id, format="csv", sections="profile,addresses")
    large = server.get(ABOVE_STREAMING.id, format="csv", sections="order_items")
    assert "content-length" in small.headers
    assert "transfer-encoding" in large.headers


@pytest.mark.parametrize("customer", [TYPICAL, ABOVE_STREAMING], ids=["spooled", "streamed"])
@pytest.mark.parametrize("file_format", ["csv", "json", "ndjson"])
def test_the_manifest_describes_the_file_that_arrived(
    server: ServerProcess, customer: WellKnownCustomer, file_format: str, demo_map: CustomerMap
) -> None:
    answer = server.get(customer.id, format=file_format)
    export_id = answer.headers["x-export-id"]
    manifest = server.manifest(export_id)
    assert manifest.status_code == 200
    assert manifest.headers["content-type"] == "application/json"
    members = manifest.json()
    assert members["exportId"] == export_id
    assert members["customer"] == {"id": customer.id}
    assert members["requestedBy"] == "admin"
    assert members["format"] == file_format
    assert members["parameters"] == {"format": file_format}
    assert members["map"] == {"name": demo_map.name, "version": demo_map.version}
    assert members["file"]["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert members["file"]["bytes"] == len(answer.content)
    assert members["file"]["name"] in answer.headers["content-disposition"]
    assert members["file"]["mediaType"] == answer.headers["content-type"]
    assert [section["name"] for section in members["sections"]] == [section.name for section in demo_map.sections]
    rows = {section["name"]: section["rows"] for section in members["sections"]}
    if file_format == "json":
        document = answer.json()
        assert {name: len(records) for name, records in document["sections"].items()} == rows
        assert unsigned(members) == unsigned(document["manifest"])
    if file_format == "ndjson":
        lines = [json.loads(line) for line in answer.content.splitlines()]
        assert Counter(line["section"] for line in lines[1:-1]) == Counter(rows)
        assert unsigned(members) == unsigned(lines[-1]["manifest"])


def unsigned(manifest: Mapping[str, object]) -> dict[str, object]:
    """Leave out what only one of the two has (file: beside the file, content: within it), and what is made of them."""
    return {name: member for name, member in manifest.items() if name not in {"file", "content", "signature"}}


@pytest.mark.parametrize("customer", [TYPICAL, ABOVE_STREAMING], ids=["one piece", "several pieces"])
def test_who_has_the_whole_file_may_leave_and_ask_for_the_manifest_at_once(
    server: ServerProcess, customer: WellKnownCustomer
) -> None:
    export_ids = []
    for _ in range(10):  # it is a race, which the one who leaves must not be able to lose
        with reading(server, f"{export_path(customer.id)}?format=json") as connection:
            _, headers = head_of(connection)
            left_bytes = int(headers["content-length"])
            while left_bytes:
                left_bytes -= len(connection.recv(left_bytes))
        export_ids.append(headers["x-export-id"])
        assert server.manifest(export_ids[-1]).status_code == 200
    assert {server.outcome(export_id).event for export_id in export_ids} == {AuditEvent.COMPLETED}


@pytest.mark.parametrize(
    "customer", [TYPICAL, NO_ORDERS, EMPTY, HOSTILE, GUEST, ABOVE_STREAMING], ids=lambda customer: customer.name
)
def test_both_databases_give_the_same_rows_of_the_same_shop(
    sqlite_server: ServerProcess, postgresql_server: ServerProcess, customer: WellKnownCustomer
) -> None:
    counted = []
    for server in (sqlite_server, postgresql_server):
        answer = server.get(customer.id, format="json")
        counted.append({name: len(rows) for name, rows in answer.json()["sections"].items()})
    assert counted[0] == counted[1]
    assert counted[0]["profile"] == 1


def test_every_order_of_the_database_arrives(sqlite_server: ServerProcess, demo_shop: Path) -> None:
    with closing(sqlite3.connect(demo_shop)) as connection:
        stored = connection.execute(
            "SELECT number, total FROM orders WHERE customer_id = ? ORDER BY placed_at, id", (MOST_ORDERS.id,)
        ).fetchall()
    document = sqlite_server.get(MOST_ORDERS.id, format="json", sections="orders").json()
    assert [(order["number"], order["total"]["amount"]) for order in document["sections"]["orders"]] == stored


def test_sections_come_in_the_order_of_the_map_and_only_those_asked_for(server: ServerProcess) -> None:
    document = server.get(TYPICAL.id, format="json", sections="orders, profile").json()
    assert list(document["sections"]) == ["profile", "orders"]
    assert document["export"]["sections"] == ["profile", "orders"]


def test_a_period_leaves_out_rows_and_the_manifest_says_so(server: ServerProcess) -> None:
    whole = server.get(TYPICAL.id, format="json", sections="profile,orders").json()["sections"]["orders"]
    days = sorted({order["placed_at"][:10] for order in whole})
    start, end = days[1], days[-2]
    answer = server.get(TYPICAL.id, format="json", sections="profile,orders", from_=start, to=end)
    document = answer.json()
    expected = [order for order in whole if start <= order["placed_at"][:10] <= end]
    assert document["sections"]["orders"] == expected != whole
    filtered = {section["name"]: section["filtered"] for section in document["manifest"]["sections"]}
    assert filtered == {"profile": False, "orders": True}


@pytest.mark.parametrize("period", [{"to": "9999-12-31"}, {"from_": "0001-01-01"}], ids=str)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "UTC"])
def test_the_first_and_the_last_day_that_there_are_leave_nothing_out(
    server: ServerProcess, period: dict[str, str], zone: str
) -> None:
    everything = server.get(TYPICAL.id, format="json", sections="orders", tz=zone)
    bounded = server.get(TYPICAL.id, format="json", sections="orders", tz=zone, **period)
    assert bounded.status_code == 200, bounded.text
    assert bounded.json()["sections"] == everything.json()["sections"]


def test_the_customer_is_found_by_an_id_in_capitals(server: ServerProcess) -> None:
    document = server.get(HOSTILE.id.upper(), format="json", sections="profile").json()
    assert document["customer"]["id"] == HOSTILE.id


def test_csv_options_reach_the_file(server: ServerProcess) -> None:
    answer = server.get(TYPICAL.id, format="csv", sections="profile", delimiter="semicolon", bom="true")
    assert answer.content.startswith(b"\xef\xbb\xbfid;email;")
    formula = server.get(HOSTILE.id, format="csv", sections="profile")
    raw = server.get(HOSTILE.id, format="csv", sections="profile", profile="raw")
    assert "'=HYPERLINK" in formula.text
    assert "'=HYPERLINK" not in raw.text
    assert "=HYPERLINK" in raw.text


def test_every_document_is_valid_against_the_schema_that_the_server_publishes(server: ServerProcess) -> None:
    with server.client() as client:
        answer = client.get("/api/admin/schemas/document.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/schema+json"
    schema = answer.json()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for customer in (TYPICAL, EMPTY, HOSTILE, GUEST):
        document = server.get(customer.id, format="json").json()
        assert document["$schema"] == schema["$id"]
        validator.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**document, "sections": {"orders": [{}]}})


def test_health_and_readiness_need_no_token_and_tell_no_secret(server: ServerProcess) -> None:
    assert server.ask("/healthz").json() == {"status": "ok"}
    ready = server.ask("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": ALL_OK})


@pytest.mark.parametrize("customer", [TYPICAL, ABOVE_STREAMING], ids=["spooled", "streamed"])
def test_the_audit_has_the_start_and_one_end_of_each_export(server: ServerProcess, customer: WellKnownCustomer) -> None:
    answer = server.get(customer.id, format="csv", tz="Europe/Paris")
    export_id = answer.headers["x-export-id"]
    ended = server.outcome(export_id)
    started = server.audit(export_id)[0]
    for record in (started, ended):
        assert (record.principal, record.client) == ("admin", "127.0.0.1")
        assert record.customer_id == customer.id
        assert (record.format, record.parameters) == ("csv", "format=csv&tz=Europe/Paris")
        assert record.code is None
    assert started.event is AuditEvent.STARTED
    assert ended.event is AuditEvent.COMPLETED
    assert ended.bytes == len(answer.content)
    assert ended.sha256 == hashlib.sha256(answer.content).hexdigest()
    assert ended.duration_ms is not None
    assert [event["event"] for event in server.events(export_id)] == ["export_completed"]


def test_curl_saves_the_file_under_the_name_that_the_server_gives(sqlite_server: ServerProcess, tmp_path: Path) -> None:
    done = subprocess.run(
        ["curl", "-sfOJ", "-H", f"Authorization: Bearer {sqlite_server.admin_token}",
         f"{sqlite_server.url}{export_path(TYPICAL.id)}?format=csv"],
        cwd=tmp_path, check=False,
    )  # fmt: skip
    (file,) = tmp_path.iterdir()
    assert done.returncode == 0
    assert re.fullmatch(rf"customer-{TYPICAL.id}-[0-9]{{13}}\.csv", file.name)
    assert file.read_bytes() == sqlite_server.get(TYPICAL.id, format="csv").content


@pytest.mark.parametrize("customer", [TYPICAL, ABOVE_STREAMING], ids=["spooled", "streamed"])
def test_twenty_downloads_at_once_all_arrive(server: ServerProcess, customer: WellKnownCustomer) -> None:
    expected = server.get(customer.id, format="csv").content
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: server.get(customer.id, format="csv"), range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert {answer.content for answer in answers} == {expected}
    assert len({answer.headers["x-export-id"] for answer in answers}) == 20
