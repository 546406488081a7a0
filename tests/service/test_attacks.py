"""Whoever tries to get what is not theirs gets nothing, and stands in the audit."""

import socket
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import new as hmac_of
from json import dumps
from urllib.parse import quote, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from visitors import CONTRACT, new_visitor

from customer_export.demo.customers import TYPICAL
from identity_provider import AUDIENCE, IdentityProvider, key_for, rsa_key, running_provider
from server_process import ServerProcess, StartServer, export_path
from servers import PATIENCE_SECONDS

TENANTS_SHOP = """
CREATE TABLE customers (id integer NOT NULL PRIMARY KEY, name text, shop text);
INSERT INTO customers VALUES (1, 'Ada', 'acme'), (2, 'Bob', 'other'), (3, 'Cyd', NULL);
"""
TENANTS_MAP = """
map = 1
name = "Tenants"
[customer]
table = "customers"
key = "id"
key_type = "integer"
title = "name"
tenant = "shop"
[[sections]]
name = "profile"
table = "customers"
links = [[{ columns = "id" }]]
order = "id"
columns = [{ name = "name", type = "text", personal_data = "identity" }]
"""
UNHURRIED = {**CONTRACT, "EXPORT_RATE_LIMIT_MAX": "100000", "EXPORT_AUTH_FAILURE_MAX": "100000"}


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    """An identity provider."""
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(
    shared_servers: StartServer, provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory
) -> ServerProcess:
    """A server that takes the provider's tokens, on a shop of several tenants."""
    folder = tmp_path_factory.mktemp("tenants")
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        connection.executescript(TENANTS_SHOP)
    (folder / "map.toml").write_text(TENANTS_MAP, encoding="utf-8")
    return shared_servers(
        **UNHURRIED,
        SOURCE_URL=f"sqlite:///{folder / 'shop.db'}",
        SOURCE_MAP=str(folder / "map.toml"),
        EXPORT_JWT_ISSUER=provider.issuer,
        EXPORT_JWT_AUDIENCE=AUDIENCE,
        EXPORT_JWT_ALGORITHMS="RS256,ES256",
        EXPORT_JWT_TENANT_CLAIM="shop",
    )


def jwt_now(provider: IdentityProvider, **changes: object) -> str:
    """Make a token of the provider's that is good now."""
    now = datetime.now(UTC)
    times = {"iat": int(now.timestamp()), "exp": int((now + timedelta(minutes=5)).timestamp())}
    return provider.token(**{"shop": "acme", **times, **changes})  # type: ignore[arg-type]


def part(members: object) -> bytes:
    """Write a part of a JWT."""
    return urlsafe_b64encode(dumps(members).encode()).rstrip(b"=")


def forged(provider: IdentityProvider, header: dict[str, object], secret: bytes | None) -> str:
    """Make a JWT by hand: not signed at all, or with HMAC."""
    now = datetime.now(UTC)
    claims = provider.claims(shop="acme", iat=int(now.timestamp()), exp=int((now + timedelta(minutes=5)).timestamp()))
    signed = part({"typ": "JWT", "kid": "rsa", **header}) + b"." + part(claims)
    signature = b"" if secret is None else urlsafe_b64encode(hmac_of(secret, signed, sha256).digest()).rstrip(b"=")
    return (signed + b"." + signature).decode()


def public_text(key_format: PublicFormat) -> bytes:
    """Give the provider's public key as text, which everybody has."""
    return key_for("RS256").public_key().public_bytes(Encoding.PEM, key_format)


def test_a_good_token_of_the_provider_gets_in(guarded: ServerProcess, provider: IdentityProvider) -> None:
    visitor = new_visitor(guarded)
    for algorithm in ("RS256", "ES256"):
        headers = {"Authorization": f"Bearer {jwt_now(provider, algorithm=algorithm)}"}
        assert visitor.get("1", headers=headers, format="json").status_code == 200
    assert {record.principal for record in visitor.records()} == {f"jwt:{provider.issuer}#4711"}


def attacks_on(provider: IdentityProvider) -> dict[str, str]:
    """Make tokens that must not get in."""
    good = jwt_now(provider)
    header, claims, signature = good.split(".")
    hour_ago = int((datetime.now(UTC) - timedelta(hours=1)).timestamp())
    return {
        "none": forged(provider, {"alg": "none"}, None),
        "None": forged(provider, {"alg": "nOnE"}, None),
        "no signature": f"{header}.{claims}.",
        "HMAC with the public key": forged(provider, {"alg": "HS256"}, public_text(PublicFormat.SubjectPublicKeyInfo)),
        "HMAC with the other text": forged(provider, {"alg": "HS256"}, public_text(PublicFormat.PKCS1)),
        "HMAC that says RS256": forged(provider, {"alg": "RS256"}, public_text(PublicFormat.SubjectPublicKeyInfo)),
        "an algorithm that is not allowed": jwt_now(provider, algorithm="PS256"),
        "another issuer": jwt_now(provider, iss=f"{provider.url}/realms/other"),
        "another audience": jwt_now(provider, aud="another-service"),
        "another key": jwt_now(provider, key=rsa_key(1)),
        "a key of its own": jwt_now(provider, key=rsa_key(1), header={"jku": "http://127.0.0.1:9/", "kid": "../rsa"}),
        "other claims": f"{header}.{part(provider.claims(shop='acme', sub='root')).decode()}.{signature}",
        "no tenant": jwt_now(provider, shop=None),
        "expired": jwt_now(provider, exp=hour_ago),
    }


def test_no_forged_token_gets_in_and_each_is_on_record(guarded: ServerProcess, provider: IdentityProvider) -> None:
    attacks = attacks_on(provider)
    for name, token in attacks.items():
        visitor = new_visitor(guarded)
        answer = visitor.get("1", headers={"Authorization": f"Bearer {token}"}, format="json")
        assert answer.status_code == 401, name
        expected = "TOKEN_EXPIRED" if name == "expired" else "INVALID_TOKEN"
        assert answer.json()["code"] == expected, name
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        (record,) = visitor.records()
        assert (record.event, record.code, record.principal) == ("denied", expected, None), name
    assert not [token for token in attacks.values() if token in guarded.log]


def test_a_token_without_the_scope_is_refused_by_name(guarded: ServerProcess, provider: IdentityProvider) -> None:
    visitor = new_visitor(guarded)
    headers = {"Authorization": f"Bearer {jwt_now(provider, scope='openid profile')}"}
    assert visitor.get("1", headers=headers, format="json").json()["code"] == "INSUFFICIENT_SCOPE"
    (record,) = visitor.records()
    assert (record.event, record.principal) == ("denied", f"jwt:{provider.issuer}#4711")


def test_another_tenants_customer_is_not_there_and_the_attempt_is_on_record(
    guarded: ServerProcess, provider: IdentityProvider
) -> None:
    visitor = new_visitor(guarded)
    headers = {"Authorization": f"Bearer {jwt_now(provider, shop='acme')}"}
    mine = visitor.get("1", headers=headers, format="json")
    assert mine.status_code == 200
    answers = [visitor.get(customer, headers=headers, format="json") for customer in ("2", "3", "4711")]
    assert {(one.status_code, one.json()["code"], one.json()["error"]) for one in answers} == {
        (404, "CUSTOMER_NOT_FOUND", "Customer not found")
    }
    estimate = visitor.ask(f"{export_path('2')}/estimate?format=json", headers=headers)
    assert estimate.status_code == 404
    denied = [record for record in visitor.records() if record.event == "denied"]
    assert [record.customer_id for record in denied] == ["2", "3", "4711", "2"]


def test_a_kept_file_and_a_manifest_of_another_tenant_are_out_of_reach(
    guarded: ServerProcess, provider: IdentityProvider
) -> None:
    visitor = new_visitor(guarded)
    made = visitor.get("2", format="json")
    assert (made.status_code, visitor.get("2", format="json").headers["x-cache"]) == (200, "HIT")
    headers = {"Authorization": f"Bearer {jwt_now(provider, shop='acme')}"}
    assert visitor.get("2", headers=headers, format="json").status_code == 404
    manifest = f"/api/admin/exports/{made.headers['x-export-id']}/manifest"
    assert visitor.ask(manifest, headers=headers).status_code == 404
    assert visitor.ask("/api/admin/audit", headers=headers).status_code == 403


INJECTIONS = [
    "%0D%0ASet-Cookie:%20a=b",
    f"{TYPICAL.id}%0d%0aX-Evil:%201",
    f"{TYPICAL.id}%0A",
    "%0A",
    f"{TYPICAL.id}%E5%98%8D%E5%98%8ASet-Cookie:x",
    f"{TYPICAL.id}%00",
    f"{TYPICAL.id}%22%3B%20filename%3D%22evil.exe",
    "..%2f..%2f..%2fetc%2fpasswd",
    f"{TYPICAL.id}'%20OR%20'1'='1",
    "%FF%FE",
]


@pytest.mark.parametrize("customer_id", INJECTIONS)
def test_nothing_gets_into_a_header_through_the_id(memory_service: ServerProcess, customer_id: str) -> None:
    visitor = new_visitor(memory_service)
    answer = visitor.get(customer_id, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert not {"set-cookie", "x-evil"} & set(answer.headers)
    (record,) = visitor.records()
    assert (record.event, record.code, record.principal) == ("failed", "VALIDATION_ERROR", "admin")


@pytest.mark.parametrize(
    "query",
    [
        "format=csv&limit=-1",
        "format=csv&sections=" + "x" * 20_000,
        "format=csv&sections=" + ",".join(["orders"] * 5_000) + ",x",
        "format=csv&from=-9999999-01-01",
        "format=csv&from=" + "9" * 5_000,
        "format=csv&tz=" + quote("../../../etc/passwd"),
        "format=csv&tz=" + "A" * 10_000,
        "format=" + "csv" * 5_000,
        "format=csv&locale=" + "e" * 10_000,
        "format=csv&delimiter=%0D%0A",
        "&".join(f"p{number}={number}" for number in range(2_000)),
        "format=csv&format=pdf",
        "format=csv&%00=%00",
        "format=csv&bom=%F0%9F%92%A9",
    ],
    ids=lambda query: query[:30],
)
def test_parameters_beyond_all_measure_are_refused_and_on_record(memory_service: ServerProcess, query: str) -> None:
    visitor = new_visitor(memory_service)
    answer = visitor.ask(f"{export_path(TYPICAL.id)}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    (record,) = visitor.records()
    assert (record.event, record.code) == ("failed", "VALIDATION_ERROR")
    assert len(record.parameters) <= 2_000


def test_what_a_caller_makes_up_gets_into_no_figure(memory_service: ServerProcess) -> None:
    visitor = new_visitor(memory_service)
    assert visitor.ask(f"{export_path(TYPICAL.id)}?format=madeup").status_code == 400
    figures = memory_service.ask("/metrics").text
    assert 'customer_export_exports_total{cache="none",format="none",outcome="failed"}' in figures
    assert "madeup" not in figures


@pytest.mark.parametrize("length", [8_000, 200_000])
def test_headers_beyond_all_measure_end_in_no_failure_of_ours(memory_service: ServerProcess, length: int) -> None:
    """What the HTTP parser itself refuses reaches nobody, and so no record."""
    visitor = new_visitor(memory_service)
    for name in ("Authorization", "X-Forwarded-For", "Accept-Encoding", "X-Anything"):
        place = urlsplit(memory_service.url)
        with socket.create_connection((str(place.hostname), place.port), PATIENCE_SECONDS) as connection:
            head = f"GET {export_path(TYPICAL.id)}?format=json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
            connection.sendall(f"{head}{name}: {'x' * length}\r\n\r\n".encode())
            status = connection.recv(12)
        assert status in {b"HTTP/1.1 400", b"HTTP/1.1 401", b"HTTP/1.1 429", b"HTTP/1.1 431", b""}
    assert visitor.get(TYPICAL.id, format="json", sections="profile").status_code == 200


def test_a_token_in_the_query_or_in_a_cookie_is_none(memory_service: ServerProcess) -> None:
    visitor = new_visitor(memory_service)
    token = memory_service.admin_token
    path = f"{export_path(TYPICAL.id)}?format=json&access_token={token}"
    answer = visitor.ask(path, headers={"Cookie": f"token={token}", "X-Api-Key": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "AUTHENTICATION_REQUIRED")
    assert token not in memory_service.log
