"""GET /api/admin/audit against running servers: who may, what is found, page by page."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from test_refusals import assert_problem

from customer_export.auth.tokens import digest_of, new_secret
from customer_export.demo.customers import TYPICAL
from customer_export.model.access import Scope
from customer_export.store.interface import StoredToken
from server_process import ServerProcess

PATH = "/api/admin/audit"
MEMBERS = {
    "sequence", "at", "bytes", "cache", "client", "code", "customerId", "durationMs", "event", "exportId", "format",
    "parameters", "principal", "rows", "sha256", "sourceExportId", "hash",
}  # fmt: skip


def auditor(server: ServerProcess) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.new_token(Scope.AUDIT, name='auditor')}"}


def ask(server: ServerProcess, headers: dict[str, str], **parameters: str) -> httpx.Response:
    named = {name.rstrip("_"): value for name, value in parameters.items()}
    return httpx.get(f"{server.url}{PATH}", params=named, headers=headers, timeout=30)


def records(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-cache, no-store, must-revalidate"
    listed: list[dict[str, Any]] = answer.json()["records"]
    return listed


def test_an_export_is_found_with_its_start_and_its_end(server: ServerProcess) -> None:
    export_id = server.get(TYPICAL.id, format="json").headers["x-export-id"]
    server.outcome(export_id)
    completed, started = records(ask(server, auditor(server), export=export_id))
    assert set(completed) == set(started) == MEMBERS
    assert (started["event"], completed["event"]) == ("started", "completed")
    assert completed["customerId"] == TYPICAL.id
    assert completed["sequence"] > started["sequence"]
    assert server.store.verify_chain().whole


def test_filters_meet(server: ServerProcess) -> None:
    server.get(TYPICAL.id, format="doc")
    headers = auditor(server)
    found = records(ask(server, headers, customer=TYPICAL.id, event="failed", limit="500"))
    assert found
    assert {(each["customerId"], each["event"]) for each in found} == {(TYPICAL.id, "failed")}
    assert records(ask(server, headers, to="2020-01-01")) == []
    assert records(ask(server, headers, from_="2020-01-01T00:00:00Z", limit="1"))
    assert records(ask(server, headers, principal="nobody", customer="a\0b")) == []


def test_pages_lead_to_all_records_once(server: ServerProcess) -> None:
    headers = auditor(server)
    for _ in range(5):
        server.get(TYPICAL.id, format="doc")
    whole = [each["sequence"] for each in records(ask(server, headers, event="failed", limit="500"))][:12]
    seen: list[int] = []
    parameters = {"event": "failed", "limit": "2"}
    while len(seen) < len(whole):
        answer = ask(server, headers, **parameters)
        seen += [each["sequence"] for each in records(answer)]
        following = answer.json()["next"]
        if following is None:
            assert "link" not in answer.headers
            break
        assert answer.headers["link"] == f'<{following}>; rel="next"'
        assert urlsplit(following).path == PATH
        parameters = dict(parse_qsl(urlsplit(following).query))
        assert parameters["event"] == "failed"
    assert seen[: len(whole)] == whole
    assert len(whole) >= 5


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"costumer": "1"}, "costumer: is not a parameter; did you mean customer?"),
        ({"qq": "1"}, "the parameters are customer, principal, event, format, from, to, export, limit, cursor"),
        ({"limit": "501"}, "limit: is not a whole number from 1 to 500"),
        ({"limit": "0"}, "limit: is not a whole number"),
        ({"limit": "many"}, "limit: is not a whole number"),
        (
            {"event": "begun"},
            "event: is not known; use started, completed, failed, denied, limited, purged,",
        ),
        ({"format": "doc"}, "format: is not known; use pdf"),
        ({"from_": "yesterday"}, "from: is not a moment; use 2026-01-31"),
        ({"to": "2026-01-31T12:00:00"}, "to: has no offset; write Z"),
        ({"from_": "0001-01-01T00:00:00+05:00"}, "from: is not a moment"),
        ({"export": "x"}, "export: is not an export id"),
        ({"cursor": "x"}, "cursor: is none that a page gave"),
        ({"cursor": "ж"}, "cursor: is none that a page gave"),
        ({"customer": ""}, "customer: is empty; leave it out"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_invalid_parameter_is_named_with_its_remedy(
    sqlite_server: ServerProcess, parameters: dict[str, str], said: str
) -> None:
    assert_problem(ask(sqlite_server, auditor(sqlite_server), **parameters), 400, "VALIDATION_ERROR", said)


def test_a_repeated_parameter_is_an_error(sqlite_server: ServerProcess) -> None:
    answer = httpx.get(f"{sqlite_server.url}{PATH}?limit=1&limit=2", headers=auditor(sqlite_server), timeout=30)
    assert_problem(answer, 400, "VALIDATION_ERROR", "limit: is given 2 times")


def test_only_who_may_read_the_audit_does(sqlite_server: ServerProcess) -> None:
    assert_problem(ask(sqlite_server, {}), 401, "AUTHENTICATION_REQUIRED")
    assert_problem(ask(sqlite_server, {"Authorization": "Bearer cex_wrong"}), 401, "INVALID_TOKEN")
    answer = ask(sqlite_server, sqlite_server.bearer)
    assert_problem(answer, 403, "INSUFFICIENT_SCOPE", "audit:read")
    assert 'scope="audit:read"' in answer.headers["www-authenticate"]
    admin = {"Authorization": f"Bearer {sqlite_server.new_token(Scope.ADMIN)}"}
    assert records(ask(sqlite_server, admin, limit="1")) is not None


def test_reading_is_logged_and_adds_nothing_to_the_audit(sqlite_server: ServerProcess) -> None:
    headers = auditor(sqlite_server)
    before = sqlite_server.store.verify_chain().records
    answer = ask(sqlite_server, headers, customer=TYPICAL.id, limit="3")
    assert sqlite_server.store.verify_chain().records == before
    (line,) = [line for line in sqlite_server.log.splitlines() if answer.headers["x-request-id"] in line]
    assert '"event": "audit_read"' in line
    assert '"principal": "auditor"' in line
    assert TYPICAL.id not in line


def test_who_is_held_to_a_tenant_does_not_see_the_audit_of_all(sqlite_server: ServerProcess) -> None:
    secret = new_secret()
    sqlite_server.store.add_token(
        StoredToken(
            name="auditor of the north",
            digest=digest_of(secret),
            scopes=(Scope.AUDIT,),
            created_at=datetime.now(UTC),
            expires_at=None,
            tenant="north",
        )
    )
    answer = ask(sqlite_server, {"Authorization": f"Bearer {secret}"})
    assert_problem(answer, 403, "TENANT_RESTRICTED", "not restricted to one")
