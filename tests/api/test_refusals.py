"""What a caller gets when something is wrong before the first byte: a code, a status and a remedy, in one form."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from customer_export.demo.customers import ABOVE_STREAMING, MOST_ORDERS, TYPICAL
from customer_export.demo.shop import make_shop
from customer_export.model.access import Scope
from own_databases import new_store
from server_process import ALL_OK, ServerProcess, StartServer, export_path
from servers import PostgresqlServer
from whale_shop import HOSTILE_KEYS, SMALL, SMALL_ORDERS

MISSING_CUSTOMER = "12345678-0000-4000-8000-000000000000"


def assert_problem(answer: httpx.Response, status: int, code: str, *said: str) -> Mapping[str, Any]:
    """Hold an answer against the form of all errors, and give its members. `said` must stand in its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "private, no-cache, no-store, must-revalidate"
    assert answer.headers["x-content-type-options"] == "nosniff"
    members: Mapping[str, Any] = answer.json()
    assert members["code"] == code
    assert members["type"] == f"urn:customer-export:problem:{code}"
    assert members["status"] == status
    assert members["title"]
    assert members["detail"] == members["error"]
    assert members["requestId"] == answer.headers["x-request-id"]
    assert UUID(members["requestId"]).version == 4  # which it is None without the variant of RFC 9562
    assert members["instance"] == f"urn:uuid:{members['requestId']}"
    assert re.fullmatch("[0-9a-f]{32}", members["requestId"])
    for words in said:
        assert words in members["error"]
    return members


def refusal_on_record(server: ServerProcess, answer: httpx.Response) -> tuple[str, str | None, str | None]:
    """Give event, code and principal of the one record that an export must have which was refused before it began."""
    (record,) = server.audit(answer.json()["requestId"])
    return record.event, record.code, record.principal


def failure_on_record(server: ServerProcess, answer: httpx.Response) -> tuple[str, str | None, str | None]:
    """Give the same of the end of an export that failed on the way, before its first byte."""
    start, end = server.audit(answer.json()["requestId"])
    assert (start.event, start.principal) == ("started", end.principal)
    return end.event, end.code, end.principal


INVALID: list[tuple[dict[str, str], str]] = [
    ({}, "format: is missing; use one of pdf, csv, xlsx, json, ndjson"),
    ({"format": "doc"}, "format: is not known; use pdf, csv, xlsx, json, ndjson"),
    ({"format": "json", "secions": "orders"}, "secions: is not a parameter; did you mean sections?"),
    ({"format": "json", "qqqq": "1"}, "qqqq: is not a parameter; the parameters are format, sections, from"),
    ({"format": "json", "sections": "ordes"}, "sections: there is no section 'ordes'; did you mean orders?"),
    ({"format": "json", "sections": "%"}, "the sections are profile, addresses, orders"),
    ({"format": "json", "sections": ""}, "there is no section ''"),
    ({"format": "json", "from_": "yesterday"}, "from: is not a date; use 2026-01-31 or 2026-01-31T12:00:00+01:00"),
    ({"format": "json", "to": "2026-02-30"}, "to: is not a date"),
    ({"format": "json", "from_": "2026-02-03", "to": "2026-02-01"}, "to: lies before from; exchange them"),
    ({"format": "json", "from_": "2026-01-31T12:00:00"}, "from: has no offset; write +00:00"),
    ({"format": "json", "from_": "0001-01-01T00:00:00+05:00"}, "from: lies outside the years 1 to 9999"),
    ({"format": "json", "tz": "Mars/Olympus"}, "tz: is not a time zone; use an IANA name such as Europe/Berlin"),
    ({"format": "json", "bom": "true"}, "bom: only applies to format=csv; leave it out"),
    ({"format": "json", "attach": "json"}, "attach: only applies to format=pdf; leave it out"),
    ({"format": "pdf", "attach": "csv"}, "attach: is not known; use json"),
    ({"format": "ndjson", "profile": "raw"}, "profile: only applies to format=csv"),
    ({"format": "json", "delimiter": "tab"}, "delimiter: only applies to format=csv"),
    ({"format": "csv", "delimiter": "x"}, "delimiter: is not a delimiter; use comma, semicolon, tab or pipe"),
    ({"format": "csv", "bom": "perhaps"}, "bom: is neither true nor false"),
    ({"format": "csv", "profile": "rare"}, "profile: is not known; use spreadsheet or raw"),
]


@pytest.mark.parametrize(("parameters", "said"), INVALID, ids=lambda value: str(value)[:60])
def test_an_invalid_parameter_is_named_with_its_remedy(
    sqlite_server: ServerProcess, parameters: dict[str, str], said: str
) -> None:
    answer = sqlite_server.get(TYPICAL.id, **parameters)
    members = assert_problem(answer, 400, "VALIDATION_ERROR", said)
    assert members["error"].startswith("Invalid request parameters: ")
    assert refusal_on_record(sqlite_server, answer) == ("failed", "VALIDATION_ERROR", "admin")


def test_everything_that_is_wrong_is_told_at_once(sqlite_server: ServerProcess) -> None:
    with sqlite_server.client() as client:
        answer = client.get(f"{export_path('nobody')}?format=json&format=csv&tz=Mars&foo=1&bom=x")
    said = ("id: is not a valid customer id", "format: is given 2 times", "tz: ", "foo: ", "bom: ")
    assert_problem(answer, 400, "VALIDATION_ERROR", *said)


@pytest.mark.parametrize(
    "customer_id",
    ["1", "nobody", TYPICAL.id[:-1], TYPICAL.id + "0", TYPICAL.id.replace("-", ""), "%00", "a%00b", "%FF", "{}"],
)
def test_an_id_that_is_no_uuid_is_refused_and_on_record(server: ServerProcess, customer_id: str) -> None:
    with server.client() as client:
        answer = client.get(export_path(customer_id), params={"format": "json"})
    assert_problem(answer, 400, "VALIDATION_ERROR", "id: is not a valid customer id; use a UUID such as")
    assert refusal_on_record(server, answer) == ("failed", "VALIDATION_ERROR", "admin")


@pytest.mark.parametrize("customer_id", ["abc", "1.0", "0x10", "1" * 31, "%D9%A1"])
def test_an_id_that_is_no_integer_is_refused(number_server: ServerProcess, customer_id: str) -> None:
    with number_server.client() as client:
        answer = client.get(export_path(customer_id), params={"format": "json"})
    assert_problem(answer, 400, "VALIDATION_ERROR", "id: is not a valid customer id; use a whole number")


@pytest.mark.parametrize("customer_id", ["7", "007", "-0"])
def test_an_integer_id_is_taken_in_any_spelling(number_server: ServerProcess, customer_id: str) -> None:
    answer = number_server.get(customer_id, format="json")
    if customer_id == "-0":
        assert_problem(answer, 404, "CUSTOMER_NOT_FOUND")
    else:
        assert answer.json()["customer"] == {"id": "7", "title": "Seven"}


def test_an_integer_beyond_the_columns_type_is_nobody(number_server: ServerProcess) -> None:
    assert_problem(number_server.get("9" * 30, format="json"), 404, "CUSTOMER_NOT_FOUND")


@pytest.mark.parametrize("customer_id", ["%09", "a%00b", "x" * 256, "a%E2%80%8Bb", ""])
def test_an_id_that_is_no_printable_text_is_refused(whale_server: ServerProcess, customer_id: str) -> None:
    with whale_server.client() as client:
        answer = client.get(export_path(customer_id), params={"format": "json"})
    assert_problem(answer, 400, "VALIDATION_ERROR", "id: is not a valid customer id; use 1 to 255 printable characters")


@pytest.mark.parametrize("customer_id", HOSTILE_KEYS)
def test_any_text_key_reaches_its_customer_and_never_a_header(whale_server: ServerProcess, customer_id: str) -> None:
    with whale_server.client() as client:
        answer = client.get(export_path(quote(customer_id, safe="").replace(".", "%2E")), params={"format": "json"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["customer"] == {"id": customer_id, "title": customer_id}
    name = re.fullmatch(r'attachment; filename="([^"]*)"', answer.headers["content-disposition"])
    assert name is not None
    assert re.fullmatch(r"customer-[A-Za-z0-9._-]+-[0-9]{13}\.json", name[1])
    assert whale_server.outcome(answer.headers["x-export-id"]).customer_id == customer_id


@pytest.mark.parametrize("customer_id", ["%0D%0ASet-Cookie:%20a=b", "%0A", TYPICAL.id + "%0A"])
def test_line_ends_are_part_of_no_id_and_of_no_header(server: ServerProcess, customer_id: str) -> None:
    with server.client() as client:
        answer = client.get(export_path(customer_id), params={"format": "json"})
    assert_problem(answer, 400, "VALIDATION_ERROR")
    assert "set-cookie" not in answer.headers
    assert refusal_on_record(server, answer) == ("failed", "VALIDATION_ERROR", "admin")


def test_an_unknown_customer_is_not_found_and_on_record(server: ServerProcess) -> None:
    answer = server.get(MISSING_CUSTOMER, format="csv")
    assert_problem(answer, 404, "CUSTOMER_NOT_FOUND", "Customer not found")
    assert failure_on_record(server, answer) == ("failed", "CUSTOMER_NOT_FOUND", "admin")


@pytest.mark.parametrize(
    "authorization", [None, "", "Basic YWRtaW46YWRtaW4=", "Token abc"], ids=["none", "empty", "basic", "other"]
)
def test_without_a_bearer_token_nobody_gets_in(server: ServerProcess, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = server.ask(f"{export_path(TYPICAL.id)}?format=json", headers=headers)
    assert_problem(answer, 401, "AUTHENTICATION_REQUIRED", "Authorization header", "Bearer")
    assert answer.headers["www-authenticate"] == 'Bearer realm="customer-export"'
    assert refusal_on_record(server, answer) == ("denied", "AUTHENTICATION_REQUIRED", None)


@pytest.mark.parametrize("secret", ["cex_wrong", "' OR 1=1 --", "é", "x" * 4000])
def test_a_wrong_token_is_refused(server: ServerProcess, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}".encode()}
    answer = server.ask(f"{export_path(TYPICAL.id)}?format=json", headers=headers)
    assert_problem(answer, 401, "INVALID_TOKEN", "ask your administrator for a new one")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert refusal_on_record(server, answer) == ("denied", "INVALID_TOKEN", None)


def test_revoked_and_expired_and_under_scoped_tokens_are_told_apart(server: ServerProcess) -> None:
    tokens = {
        "INVALID_TOKEN": server.new_token(name="gone", revoked=True),
        "TOKEN_EXPIRED": server.new_token(name="late", expires_in=timedelta(seconds=-1)),
        "INSUFFICIENT_SCOPE": server.new_token(Scope.AUDIT, name="auditor"),
    }
    for code, secret in tokens.items():
        headers = {"Authorization": f"Bearer {secret}"}
        answer = server.ask(f"{export_path(TYPICAL.id)}?format=json", headers=headers)
        assert_problem(answer, 403 if code == "INSUFFICIENT_SCOPE" else 401, code)
        assert refusal_on_record(server, answer)[:2] == ("denied", code)
    challenge = answer.headers["www-authenticate"]
    assert challenge == 'Bearer realm="customer-export", error="insufficient_scope", scope="customers:export"'


def test_the_scheme_of_a_token_is_spelled_in_any_case_and_admin_may_everything(server: ServerProcess) -> None:
    headers = {"Authorization": f"bEARER {server.new_token(Scope.ADMIN, name='root')}"}
    answer = server.ask(f"{export_path(TYPICAL.id)}?format=json&sections=profile", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["export"]["requestedBy"] == "root"


@pytest.mark.parametrize("path", ["/api/admin/exports/0/manifest", "/api/admin/schemas/document.json"])
def test_manifests_and_the_schema_need_a_token_too(server: ServerProcess, path: str) -> None:
    assert_problem(server.ask(path), 401, "AUTHENTICATION_REQUIRED")
    auditor = {"Authorization": f"Bearer {server.new_token(Scope.AUDIT, name='auditor')}"}
    assert_problem(server.ask(path, headers=auditor), 403, "INSUFFICIENT_SCOPE")


def test_who_is_not_known_learns_nothing_about_what_exists(server: ServerProcess) -> None:
    answers = [
        server.ask(f"{export_path(customer)}?format={file_format}")
        for customer, file_format in ((TYPICAL.id, "json"), (MISSING_CUSTOMER, "json"), ("nonsense", "nonsense"))
    ]
    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(401, answers[0].json()["error"])}


@pytest.mark.parametrize("export_id", ["0" * 32, "nonsense", "%00", "x" * 500])
def test_there_is_no_manifest_of_an_export_that_never_was(server: ServerProcess, export_id: str) -> None:
    assert_problem(server.manifest(export_id), 404, "EXPORT_NOT_FOUND", "Export not found")


def test_there_is_no_manifest_of_an_export_that_failed_or_was_denied(server: ServerProcess) -> None:
    failed = server.get(MISSING_CUSTOMER, format="json")
    denied = server.ask(f"{export_path(TYPICAL.id)}?format=json")
    for answer, code in ((failed, "CUSTOMER_NOT_FOUND"), (denied, "AUTHENTICATION_REQUIRED")):
        manifest = server.manifest(answer.json()["requestId"])
        assert_problem(manifest, 409, "EXPORT_NOT_COMPLETE", f"ended with {code}")


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/admin/customers", "/docs", "/openapi.json", "/api/admin/exporters"]
)
def test_an_unknown_path_is_a_problem_like_any_other(server: ServerProcess, path: str) -> None:
    assert_problem(server.ask(path), 404, "NOT_FOUND", path)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD"])
def test_an_export_is_only_got(server: ServerProcess, method: str) -> None:
    answer = server.ask(f"{export_path(TYPICAL.id)}?format=json", method=method, headers=server.bearer)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    if method != "HEAD":
        assert_problem(answer, 405, "METHOD_NOT_ALLOWED", method)


def test_a_spooled_export_beyond_its_limit_is_refused_before_the_first_byte(limited_server: ServerProcess) -> None:
    answer = limited_server.get(TYPICAL.id, format="json")
    members = assert_problem(answer, 413, "EXPORT_SIZE_EXCEEDED", "Export data too large")
    assert members["limitBytes"] == 5000
    assert failure_on_record(limited_server, answer) == ("failed", "EXPORT_SIZE_EXCEEDED", "admin")


def test_a_stream_that_surely_does_not_fit_is_refused_by_its_estimate(limited_server: ServerProcess) -> None:
    answer = limited_server.get(MOST_ORDERS.id, format="csv")
    members = assert_problem(answer, 413, "EXPORT_SIZE_EXCEEDED")
    assert members["limitBytes"] == 40_000
    assert members["estimatedBytes"] > 4 * 40_000


def test_a_stream_that_may_not_fit_is_made_to_see(limited_server: ServerProcess) -> None:
    whole = limited_server.get(ABOVE_STREAMING.id, format="ndjson", sections="orders")
    assert whole.status_code == 413
    assert whole.json()["limitBytes"] == 150_000
    fitting = limited_server.get(ABOVE_STREAMING.id, format="csv", sections="shipments", from_="2999-01-01")
    assert fitting.status_code == 200


@pytest.fixture(scope="module")
def limited_server(shared_servers: StartServer, demo_shop: Path) -> ServerProcess:
    """A server that allows small files only."""
    return shared_servers(
        SOURCE_URL=f"sqlite:///{demo_shop}",
        EXPORT_MAX_SIZE_JSON="5000",
        EXPORT_MAX_SIZE_CSV="40000",
        EXPORT_MAX_SIZE_NDJSON="150000",
    )


NUMBER_MAP = """
map = 1
name = "Numbers"
[customer]
table = "people"
key = "id"
key_type = "integer"
title = "name"
[[sections]]
name = "profile"
table = "people"
links = [[{ columns = "id" }]]
order = "id"
columns = [{ name = "name", type = "text", personal_data = "identity" }]
"""


@pytest.fixture(scope="module")
def number_server(
    shared_servers: StartServer, postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> ServerProcess:
    """A server on a shop that numbers its customers."""
    people = "CREATE TABLE people (id integer PRIMARY KEY, name text); INSERT INTO people VALUES (7, 'Seven')"
    path = tmp_path_factory.mktemp("map") / "numbers.toml"
    path.write_text(NUMBER_MAP, encoding="utf-8")
    return shared_servers(SOURCE_URL=postgresql.create_database("numbers", people), SOURCE_MAP=str(path))


def test_a_sqlite_file_that_is_not_there_yet(start_server: StartServer, tmp_path: Path) -> None:
    shop = tmp_path / "shop.db"
    server = start_server(SOURCE_URL=f"sqlite:///{shop}")
    refused = server.get(TYPICAL.id, format="json")
    members = assert_problem(refused, 503, "SOURCE_UNAVAILABLE", "There is no SQLite file", "SOURCE_URL")
    assert members["retryAfter"] == int(refused.headers["retry-after"]) > 0
    ready = server.ask("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (503, {**ALL_OK, "source": "SOURCE_UNAVAILABLE"})
    assert server.ask("/healthz").status_code == 200
    make_shop(shop, customers=15, most_orders=1)
    assert server.get(TYPICAL.id, format="json").status_code == 200


def test_a_database_that_stops_and_starts_again(
    start_server: StartServer, mortal_postgresql: PostgresqlServer, whale_map: Path
) -> None:
    shop = mortal_postgresql.create_database("shop", SMALL_SHOP)
    server = start_server(SOURCE_URL=shop, SOURCE_MAP=str(whale_map))
    assert server.get(SMALL, format="json").status_code == 200
    mortal_postgresql.stop()
    answer = server.get(SMALL, format="json")
    assert_problem(answer, 503, "SOURCE_UNAVAILABLE", "check SOURCE_URL and the server")
    assert answer.headers["retry-after"] == "5"
    assert failure_on_record(server, answer) == ("failed", "SOURCE_UNAVAILABLE", "admin")
    assert server.ask("/readyz").json()["checks"]["source"] == "SOURCE_UNAVAILABLE"
    mortal_postgresql.start()
    assert server.get(SMALL, format="json").status_code == 200


def test_without_our_own_database_nothing_leaves(
    start_server: StartServer, mortal_postgresql: PostgresqlServer, demo_shop: Path
) -> None:
    server = start_server(SOURCE_URL=f"sqlite:///{demo_shop}", DATABASE_URL=new_store(mortal_postgresql, "own"))
    assert server.get(TYPICAL.id, format="json").status_code == 200
    mortal_postgresql.stop()
    answer = server.get(TYPICAL.id, format="json")
    assert_problem(answer, 503, "STORE_UNAVAILABLE", "DATABASE_URL", "put on record")
    assert server.ask("/readyz").json()["checks"] == {**ALL_OK, "store": "STORE_UNAVAILABLE"}
    logged = [event["event"] for event in server.events(answer.json()["requestId"])]
    assert logged == ["export_failed", "audit_failed"]
    mortal_postgresql.start()
    assert server.get(TYPICAL.id, format="json").status_code == 200


SMALL_SHOP = f"""
CREATE TABLE customers (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id text, placed_at timestamptz, total numeric(12, 2), note text);
INSERT INTO customers VALUES ('{SMALL}', 'Small Fry');
INSERT INTO orders SELECT n, '{SMALL}', now(), 1, NULL FROM generate_series(1, {SMALL_ORDERS}) AS n;
"""


def test_a_map_that_no_longer_fits_names_the_column_and_the_nearest_one(
    start_server: StartServer, postgresql: PostgresqlServer, whale_map: Path
) -> None:
    server = start_server(SOURCE_URL=postgresql.create_database("drifting", SMALL_SHOP), SOURCE_MAP=str(whale_map))
    assert server.get(SMALL, format="json").status_code == 200
    postgresql.execute("drifting", "ALTER TABLE orders RENAME COLUMN note TO notes")
    answers = [server.get(SMALL, format="csv", sections="orders") for _ in range(2)]
    for answer in answers:
        assert_problem(answer, 500, "MAP_MISMATCH", "'Whales' does not fit the database", "note")
        assert failure_on_record(server, answer) == ("failed", "MAP_MISMATCH", "admin")
    assert "sections[orders].columns[note]" in answers[1].json()["error"]
    assert "did you mean 'notes'?" in answers[1].json()["error"]
    postgresql.execute("drifting", "ALTER TABLE orders RENAME COLUMN notes TO note")
    assert server.get(SMALL, format="csv", sections="orders").status_code == 200
