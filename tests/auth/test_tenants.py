"""Whoever is held to a tenant reaches its customers, and nobody learns whether there are others."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from customer_export.auth.tokens import TokenAuthenticator, digest_of
from customer_export.compose import open_services
from customer_export.errors import CustomerNotFoundError, ExportError, TenantRestrictedError
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import start_export
from customer_export.model.access import BearerToken, Credentials, LocalOperator, Scope
from customer_export.model.audit import AuditEvent
from customer_export.model.customer_map import CustomerMap
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.source.registry import open_source
from customer_export.store.interface import StoredToken
from customer_maps import make_map, section
from mariadb_server import MariadbServer
from own_databases import new_sqlite_store
from servers import PostgresqlServer

CUSTOMERS = """
CREATE TABLE customers (id integer NOT NULL PRIMARY KEY, name text, shop text, number integer, "key" {uuid});
INSERT INTO customers VALUES
    (1, 'Ada', 'acme', 17, '6f0e5f0e-0000-4000-8000-00000000000a'),
    (2, 'Bob', 'other', 18, '6f0e5f0e-0000-4000-8000-00000000000b'),
    (3, 'Cyd', NULL, NULL, NULL),
    (4, 'Dan', '', 0, NULL),
    (5, 'Eve', 'ACME', 170, NULL);
"""
SECTIONS = [section("profile", {"name": "text"}, table="customers", links=[[{"columns": "id"}]])]

KEY = "6f0e5f0e-0000-4000-8000-00000000000a"
TENANTS = ("acme", "other", "17", "017", "17.0", "", "x' OR 1=1", KEY, KEY.upper())


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a shop that several tenants share."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("tenants") / "shop.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(CUSTOMERS.format(uuid="text"))
        return f"sqlite:///{path}"
    server: PostgresqlServer | MariadbServer = request.getfixturevalue(request.param)
    return server.create_database("tenants", CUSTOMERS.format(uuid="uuid"))


@contextmanager
def serving(shop: str, customer_map: CustomerMap, tmp_path: Path) -> Iterator[Services]:
    """Open services on the shop, which know the tokens `cex_TENANT`, and `cex_` of nobody's."""

    def find_token(digest: str) -> StoredToken | None:
        tenant = {digest_of(f"cex_{one}"): one for one in TENANTS}.get(digest)
        if tenant is None and digest != digest_of("cex_all"):
            return None
        token = StoredToken(
            name="jane", digest=digest, scopes=(Scope.ADMIN,), created_at=services.now(), expires_at=None
        )
        return replace(token, tenant=tenant)

    changes = {
        "database_url": new_sqlite_store(tmp_path / "own.db"),
        "source_map": None,
        "redis_url": None,
        "export_rate_limit_max": 10_000,
    }
    settings = Settings().model_copy(update=changes)
    source = open_source(shop, customer_map, connections=2)
    try:
        with open_services(settings) as services:
            yield replace(services, source=source, authenticator=TokenAuthenticator(find_token))
    finally:
        source.close()


def export(services: Services, credentials: Credentials, customer_id: str, *, export_id: str = "") -> bytes:
    call = ExportCall(
        export_id=export_id or uuid4().hex,
        customer_id=customer_id,
        parameters=[("format", "csv")],
        credentials=credentials,
        client=None,
    )
    started = start_export(services, call, cancellation=Cancellation())
    try:
        content = b"".join(started.pieces())
        started.finish()
        return content
    finally:
        started.close()


def reached(services: Services, tenant: str) -> set[str]:
    """Name the customers that the bearer of a tenant's token can export."""
    names = set()
    for number in range(1, 7):
        with suppress(CustomerNotFoundError):
            names.add(export(services, BearerToken(secret=f"cex_{tenant}"), str(number)).decode().split()[1])
    return names


@pytest.mark.parametrize(
    ("column", "tenant", "customers"),
    [
        ("shop", "acme", {"Ada"}),
        ("shop", "other", {"Bob"}),
        ("shop", "17", set()),
        ("shop", "x' OR 1=1", set()),
        ("number", "17", {"Ada"}),
        ("number", "017", set()),
        ("number", "17.0", set()),
        ("number", "acme", set()),
        ("key", KEY, {"Ada"}),
        ("key", KEY.upper(), set()),
        ("key", "acme", set()),
        ("shop", "all", {"Ada", "Bob", "Cyd", "Dan", "Eve"}),
    ],
)
def test_a_tenants_token_reaches_its_customers_only(
    shop: str, tmp_path: Path, column: str, tenant: str, customers: set[str]
) -> None:
    with serving(shop, make_map(*SECTIONS, tenant=column), tmp_path) as services:
        assert reached(services, tenant) == customers


def test_another_tenants_customer_is_not_there_and_the_attempt_is_on_record(shop: str, tmp_path: Path) -> None:
    with serving(shop, make_map(*SECTIONS, tenant="shop"), tmp_path) as services:
        messages = set()
        for customer_id in ("2", "3", "4", "5", "99"):
            export_id = uuid4().hex
            with pytest.raises(CustomerNotFoundError) as refused:
                export(services, BearerToken(secret="cex_acme"), customer_id, export_id=export_id)
            messages.add(refused.value.message)
            start, end = services.store.audit_of(export_id)
            assert start.event is AuditEvent.STARTED
            assert (end.event, end.code, end.principal) == (AuditEvent.DENIED, "CUSTOMER_NOT_FOUND", "jane")
            assert (start.customer_id, end.customer_id) == (customer_id, customer_id)
        assert messages == {"Customer not found"}
        export_id = uuid4().hex
        with pytest.raises(CustomerNotFoundError):
            export(services, BearerToken(secret="cex_all"), "99", export_id=export_id)
        assert [record.event for record in services.store.audit_of(export_id)] == [
            AuditEvent.STARTED,
            AuditEvent.FAILED,
        ]


def test_without_a_tenant_column_whoever_is_held_to_a_tenant_is_refused(shop: str, tmp_path: Path) -> None:
    with serving(shop, make_map(*SECTIONS), tmp_path) as services:
        export_id = uuid4().hex
        with pytest.raises(TenantRestrictedError):
            export(services, BearerToken(secret="cex_acme"), "1", export_id=export_id)
        (record,) = services.store.audit_of(export_id)
        assert (record.event, record.code) == (AuditEvent.DENIED, "TENANT_RESTRICTED")
        assert b"Bob" in export(services, BearerToken(secret="cex_all"), "2")


def test_an_empty_tenant_is_a_tenant_and_whoever_has_a_shell_has_none(shop: str, tmp_path: Path) -> None:
    with serving(shop, make_map(*SECTIONS, tenant="shop"), tmp_path) as services:
        assert reached(services, "") == {"Dan"}
        assert b"Bob" in export(services, LocalOperator(user="root"), "2")


def test_a_tenant_column_that_is_not_there_is_named(shop: str, tmp_path: Path) -> None:
    with serving(shop, make_map(*SECTIONS, tenant="shopp"), tmp_path) as services:
        with pytest.raises(ExportError) as wrong:
            export(services, LocalOperator(user="root"), "1")
        assert (
            "customer.tenant: the table 'customers' has no column 'shopp'; did you mean 'shop'?" in wrong.value.message
        )
