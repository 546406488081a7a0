"""Whatever happens to an export, nothing of a customer is in the log, the metrics or the names of cached files."""

from contextlib import closing
from urllib.parse import quote

import pytest
from visitors import CONTRACT, Visitor, new_visitor, redis_of

from customer_export.model.access import Scope
from customer_export.model.request import ExportFormat
from raw_client import head_of, reading
from server_process import ServerProcess, StartServer, export_path
from servers import PostgresqlServer, wait_until
from valkey_servers import ValkeyServer

ADA = "ada.qvist@personal.example"
NAMES = ("Qvistgaard", "Ada Wilhelmina")
ADDRESS = "17 Marmalade Crescent"
NOTE = "prefers to be called after eight"
BROKEN = "no-number-but-a-diagnosis"
SECRETS = (ADA, "ada.qvist", *NAMES, "Marmalade", NOTE, "diagnosis", quote(ADA, safe=""))

SHOP = f"""
CREATE TABLE customers (id text PRIMARY KEY, first_name text, last_name text, street text);
CREATE TABLE scores (
    id integer PRIMARY KEY, customer_id text, body text, score integer GENERATED ALWAYS AS (body::integer) VIRTUAL
);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id text, total text, note text);
INSERT INTO customers VALUES ('{ADA}', '{NAMES[1]}', '{NAMES[0]}', '{ADDRESS}');
INSERT INTO scores VALUES (1, '{ADA}', '{BROKEN}');
INSERT INTO orders SELECT n, '{ADA}', '12.50', repeat('{NOTE} ', 40) FROM generate_series(1, 30000) AS n;
ANALYZE;
"""
SHOP_MAP = """
map = 1
name = "Secrets"
[customer]
table = "customers"
key = "id"
key_type = "text"
title = ["first_name", "last_name"]
[orders]
section = "orders"
[[sections]]
name = "profile"
table = "customers"
links = [[{ columns = "id" }]]
order = "id"
columns = [
  { name = "id", type = "email", personal_data = "contact" },
  { name = "last_name", type = "text", personal_data = "identity" },
  { name = "street", type = "text", personal_data = "contact" },
]
[[sections]]
name = "scores"
table = "scores"
links = [[{ columns = "customer_id" }]]
order = "id"
columns = [{ name = "score", type = "integer", personal_data = "sensitive" }]
[[sections]]
name = "orders"
table = "orders"
links = [[{ columns = "customer_id" }]]
order = "id"
columns = [
  { name = "total", type = "text", personal_data = "financial" },
  { name = "note", type = "text", personal_data = "communication" },
]
"""


@pytest.fixture(scope="module")
def discreet(
    shared_servers: StartServer,
    postgresql: PostgresqlServer,
    _shared_valkey: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> ServerProcess:
    """A server on a shop whose ids are addresses, where much goes wrong."""
    path = tmp_path_factory.mktemp("map") / "secrets.toml"
    path.write_text(SHOP_MAP, encoding="utf-8")
    return shared_servers(
        **{**CONTRACT, "EXPORT_RATE_LIMIT_MAX": "10"},
        **redis_of(_shared_valkey),
        SOURCE_URL=postgresql.create_database("secrets", SHOP),
        SOURCE_MAP=str(path),
        EXPORT_MAX_SIZE_JSON="100000",
    )


def told_by(server: ServerProcess) -> str:
    """Give all that an operator may read: the log and the metrics."""
    return server.log + server.ask("/metrics").text


def assert_discreet(server: ServerProcess) -> None:
    """Look for everything that is secret, and for the tokens."""
    told = told_by(server)
    assert [secret for secret in (*SECRETS, server.admin_token) if secret.lower() in told.lower()] == []


@pytest.fixture
def ada(discreet: ServerProcess) -> Visitor:
    """Somebody who asks about her."""
    return new_visitor(discreet)


@pytest.mark.parametrize("file_format", ExportFormat)
def test_of_an_export(ada: Visitor, file_format: str) -> None:
    for _ in range(2):
        answer = ada.get(ADA, format=file_format, sections="profile")
        assert answer.status_code == 200, answer.text
    wait_until(lambda: ada.server.events(answer.headers["x-request-id"]), what="the log to say so")
    assert_discreet(ada.server)


def test_of_a_failure_whose_cause_quotes_what_it_read(ada: Visitor) -> None:
    for file_format in ("csv", "json"):
        answer = ada.get(ADA, format=file_format, sections="scores")
        assert answer.status_code >= 500
        assert not [secret for secret in SECRETS if secret in answer.text]
    assert_discreet(ada.server)


def test_of_a_stream_that_breaks_off(ada: Visitor) -> None:
    with reading(ada.server, f"{export_path(quote(ADA))}?format=csv&sections=orders") as connection:
        _, headers = head_of(connection)
    ended = ada.server.outcome(headers["x-export-id"])
    assert ended.code == "EXPORT_CANCELLED"
    assert_discreet(ada.server)


def test_of_refusals_of_every_kind(ada: Visitor) -> None:
    auditor = {"Authorization": f"Bearer {ada.server.new_token(Scope.AUDIT, name='auditor')}"}
    refused = [
        ada.get(ADA, format="json", sections="orders"),
        ada.get(ADA, format=NOTE),
        ada.get(ADA, format="csv", sections=NAMES[0]),
        ada.get(ADA, headers={}, format="csv"),
        ada.get(ADA, headers={"Authorization": f"Bearer {NOTE}"}, format="csv"),
        ada.get(ADA, headers=auditor, format="csv"),
        ada.get(f"{ADA}.example", format="csv"),
        ada.ask(f"/api/admin/customers/{ADA}/nothing"),
        ada.ask(f"/api/admin/customers/{ADA}/export", method="DELETE"),
        ada.ask(f"/api/admin/audit?customer={ADA}"),
    ]
    assert [answer.status_code for answer in refused] == [413, 400, 400, 401, 401, 403, 404, 404, 405, 403]
    statuses = [ada.get(ADA, format="csv", sections="profile").status_code for _ in range(12)]
    assert statuses[-1] == 429
    assert_discreet(ada.server)


def test_of_estimates_purges_and_a_reader_of_the_audit(ada: Visitor) -> None:
    root = {"Authorization": f"Bearer {ada.server.new_token(Scope.ADMIN, name='root')}"}
    estimate = ada.ask(f"{export_path(ADA)}/estimate?format=csv&sections=profile,orders", headers=root)
    assert estimate.status_code == 200
    assert ada.ask(f"/api/admin/customers/{ADA}/purge", method="POST", headers=root).status_code == 200
    found = ada.ask(f"/api/admin/audit?customer={ADA}", headers=root)
    assert found.json()["records"], "the audit is where it belongs"
    assert_discreet(ada.server)


def test_of_what_is_kept_in_valkey_no_name_tells_whose_it_is(ada: Visitor, valkey: ValkeyServer) -> None:
    assert ada.get(ADA, format="json", sections="profile").status_code == 200
    with closing(valkey.client()) as client:
        names = b" ".join(client.scan_iter(count=10_000)).decode("latin-1")
    assert "customer-export:cache" in names
    assert [secret for secret in (*SECRETS, ada.address) if secret in names] == []
