"""The contract's headers, limits and errors, row by row, of a server with limit and cache as they are by default."""

import re
import select
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import pairwise
from typing import Any

import httpx
import pytest
from visitors import Visitor, new_period, new_visitor

from customer_export.demo.customers import ABOVE_STREAMING, TYPICAL
from customer_export.model.access import Scope
from customer_export.model.request import ExportFormat
from server_process import ServerProcess, StartServer
from servers import wait_until

MISSING_CUSTOMER = "12345678-0000-4000-8000-000000000000"
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "zip": "application/zip",
}
NO_STORE = "private, no-cache, no-store, must-revalidate"
SECURITY = {
    "cache-control": NO_STORE,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "referrer-policy": "no-referrer",
}


def seconds_until(moment: str) -> float:
    """Read a header such as X-RateLimit-Reset, which is UTC to the second."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()


def assert_limit_told(answer: httpx.Response, *, remaining: int) -> None:
    """Hold the headers of the rate limit against the contract's names and forms; none may stand there twice."""
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    assert len(names) == len(set(names)), names
    assert answer.headers["x-ratelimit-limit"] == "5"
    assert answer.headers["x-ratelimit-remaining"] == str(remaining)
    assert -1 < seconds_until(answer.headers["x-ratelimit-reset"]) <= 61
    assert answer.headers["ratelimit-policy"] == '"exports";q=5;w=60'
    assert answer.headers["ratelimit"].startswith(f'"exports";r={remaining}')


def assert_refused(answer: httpx.Response, status: int, code: str, error: str | None = None) -> dict[str, Any]:
    """Hold a refusal against the contract's form, and give its members."""
    assert answer.status_code == status, answer.text
    members: dict[str, Any] = answer.json()
    assert members["code"] == code
    if error is not None:
        assert members["error"] == error
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    return members


@pytest.mark.parametrize("file_format", ExportFormat)
def test_a_miss_and_its_hit_have_every_header_of_the_contract(visitor: Visitor, file_format: ExportFormat) -> None:
    asked = {"format": str(file_format), **new_period()}
    miss, hit = (visitor.get(TYPICAL.id, **asked) for _ in range(2))
    for answer, cache, remaining in ((miss, "MISS", 4), (hit, "HIT", 3)):
        headers = answer.headers
        assert answer.status_code == 200, answer.text
        assert headers["content-type"] == MEDIA_TYPES[file_format]
        name = rf'attachment; filename="customer-{TYPICAL.id}-[0-9]{{13}}\.{file_format}"'
        assert re.fullmatch(name, headers["content-disposition"])
        assert int(headers["content-length"]) == int(headers["x-export-size"]) == len(answer.content) > 0
        assert headers["x-cache"] == cache
        assert {name: headers[name] for name in SECURITY} == SECURITY
        assert_limit_told(answer, remaining=remaining)
    assert hit.content == miss.content
    assert hit.headers["x-export-id"] == miss.headers["x-export-id"]


def test_csv_of_more_than_500_orders_streams(visitor: Visitor) -> None:
    answer = visitor.get(ABOVE_STREAMING.id, format="csv", **new_period())
    assert answer.status_code == 200
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    assert "x-export-size" not in answer.headers
    assert answer.headers["x-cache"] == "MISS"
    assert_limit_told(answer, remaining=4)


def test_the_sixth_export_in_a_minute_is_refused_in_the_words_of_the_contract(visitor: Visitor) -> None:
    answers = [visitor.get(TYPICAL.id, format="json", sections="profile") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [int(one.headers["x-ratelimit-remaining"]) for one in answers] == [4, 3, 2, 1, 0, 0]
    members = assert_refused(answers[5], 429, "RATE_LIMIT_EXCEEDED", "Too many export requests")
    assert_limit_told(answers[5], remaining=0)
    wait = int(answers[5].headers["retry-after"])
    assert members["retryAfter"] == wait
    assert 1 <= wait <= 60
    assert seconds_until(answers[5].headers["x-ratelimit-reset"]) <= wait + 1
    assert [record.event for record in visitor.records()][-1] == "limited"


def test_every_refusal_tells_the_limit_and_only_what_was_counted_uses_it_up(visitor: Visitor) -> None:
    auditor = {"Authorization": f"Bearer {visitor.server.new_token(Scope.AUDIT, name='auditor')}"}
    wrong = {"Authorization": "Bearer cex_wrong"}
    one_section = {"format": "json", "sections": "profile"}
    assert visitor.get(TYPICAL.id, **one_section).status_code == 200
    refusals = [
        (visitor.get(TYPICAL.id, format="doc"), 400, "VALIDATION_ERROR", 4),
        (visitor.get("nobody", format="json"), 400, "VALIDATION_ERROR", 4),
        (visitor.get(TYPICAL.id, headers={}, **one_section), 401, "AUTHENTICATION_REQUIRED", 4),
        (visitor.get(TYPICAL.id, headers=wrong, **one_section), 401, "INVALID_TOKEN", 4),
        (visitor.get(TYPICAL.id, headers=auditor, **one_section), 403, "INSUFFICIENT_SCOPE", 4),
        (visitor.get(MISSING_CUSTOMER, **one_section), 404, "CUSTOMER_NOT_FOUND", 3),
    ]
    for answer, status, code, remaining in refusals:
        assert_refused(answer, status, code)
        assert_limit_told(answer, remaining=remaining)
        assert "retry-after" not in answer.headers
    assert {record.code for record in visitor.records() if record.code} == {code for _, _, code, _ in refusals}


def test_who_has_used_up_their_exports_is_still_told_what_else_is_wrong(visitor: Visitor) -> None:
    for _ in range(5):
        assert visitor.get(TYPICAL.id, format="json", sections="profile").status_code == 200
    answer = visitor.get(TYPICAL.id, format="doc")
    assert_refused(answer, 400, "VALIDATION_ERROR")
    assert_limit_told(answer, remaining=0)
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({}, "Invalid request parameters: format: is missing; use one of pdf, csv, xlsx, json, ndjson, zip"),
        ({"format": "doc"}, "Invalid request parameters: format: is not known; "),
    ],
)
def test_a_wrong_request_is_told_in_the_words_of_the_contract(
    memory_service: ServerProcess, asked: dict[str, str], error: str
) -> None:
    members = assert_refused(new_visitor(memory_service).get(TYPICAL.id, **asked), 400, "VALIDATION_ERROR")
    assert members["error"].startswith(error)


def test_an_unknown_customer_is_told_in_the_words_of_the_contract(memory_service: ServerProcess) -> None:
    answer = new_visitor(memory_service).get(MISSING_CUSTOMER, format="pdf")
    assert_refused(answer, 404, "CUSTOMER_NOT_FOUND", "Customer not found")


@pytest.fixture(scope="module")
def small_service(shared_servers: StartServer) -> ServerProcess:
    """A server on which no format may be larger than a thousand bytes."""
    limits = {f"EXPORT_MAX_SIZE_{file_format.upper()}": "1000" for file_format in ExportFormat}
    return shared_servers(**limits)


@pytest.mark.parametrize("file_format", ExportFormat)
def test_each_format_has_its_own_limit_which_413_tells(small_service: ServerProcess, file_format: str) -> None:
    members = assert_refused(
        small_service.get(TYPICAL.id, format=file_format), 413, "EXPORT_SIZE_EXCEEDED", "Export data too large"
    )
    assert members["limitBytes"] == 1000
    assert "estimatedBytes" in members


def test_a_stream_that_cannot_fit_is_refused_with_its_estimate(small_service: ServerProcess) -> None:
    members = assert_refused(
        small_service.get(ABOVE_STREAMING.id, format="csv"), 413, "EXPORT_SIZE_EXCEEDED", "Export data too large"
    )
    assert members["estimatedBytes"] > members["limitBytes"] == 1000


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/nowhere", 404), ("/", 404)]
)
def test_every_answer_has_the_security_headers(memory_service: ServerProcess, path: str, status: int) -> None:
    answer = memory_service.ask(path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    assert "server" not in answer.headers


def test_each_export_is_on_record_with_who_whom_what_and_how_it_ended(visitor: Visitor) -> None:
    asked = {"format": "csv", **new_period()}
    answers = [visitor.get(TYPICAL.id, **asked) for _ in range(2)]
    wait_until(lambda: len(visitor.records()) == 4, what="both ends to be on record")
    records = visitor.records()
    assert [record.event for record in records] == ["started", "completed"] * 2
    assert [record.cache for record in records] == ["miss", "miss", "hit", "hit"]
    for answer, record in zip(answers, (records[1], records[3]), strict=True):
        assert record.export_id == answer.headers["x-request-id"]
        assert (record.principal, record.client, record.customer_id) == ("admin", visitor.address, TYPICAL.id)
        assert (record.format, record.bytes) == ("csv", len(answer.content))
        assert record.rows is not None
        assert record.duration_ms is not None
    assert records[3].source_export_id == records[1].export_id
    assert {record.sha256 for record in records[1::2]} == {records[1].sha256}
    assert all(one.at <= other.at for one, other in pairwise(records))
    assert visitor.server.store.verify_chain().whole


def test_a_connection_outlives_the_pauses_of_whoever_keeps_it(memory_service: ServerProcess) -> None:
    """Proxies keep connections for a minute: one that the server closes first may take a request with it."""
    with closing(HTTPConnection(memory_service.url.removeprefix("http://"))) as connection:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        kept = connection.sock
        assert kept is not None
        assert select.select([kept], [], [], 6.0)[0] == []  # uvicorn itself closes after five: then it could be read
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        assert connection.sock is kept
