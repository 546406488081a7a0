"""`customer-export token create`: what a token may be made with, and what is kept of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from customer_export.auth.tokens import TokenAuthenticator
from customer_export.cli.token import app
from customer_export.compose import open_store
from customer_export.errors import ConfigurationError
from customer_export.model.access import BearerToken, Principal, Scope
from customer_export.settings import Settings

Token = Callable[..., Result]


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    """Run `customer-export token` on a database of its own."""
    monkeypatch.chdir(tmp_path)
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'own.db'}", "COLUMNS": "200"}
    monkeypatch.setenv("DATABASE_URL", environment["DATABASE_URL"])
    return lambda *arguments: CliRunner().invoke(app, arguments, env=environment)


def known_by(secret: str) -> Principal:
    with open_store(Settings()) as store:
        return TokenAuthenticator(store.token).authenticate(BearerToken(secret=secret), now=datetime.now(UTC))


def test_a_token_is_held_to_the_tenant_it_was_made_for(token: Token) -> None:
    held = token("create", "jane", "--tenant", "acme")
    assert known_by(held.stdout.strip()) == Principal(name="jane", scopes=frozenset({Scope.EXPORT}), tenant="acme")
    assert known_by(token("create", "jane").stdout.strip()).tenant is None
    listed = token("list").stdout
    assert listed.count("acme") == 1


def test_scopes_are_ours_or_the_policys(token: Token) -> None:
    created = token(
        "create", "jane", "--scope", "customers:export", "--scope", "customers:export:finance", "--scope", "audit:read"
    )
    assert known_by(created.stdout.strip()).scopes == {"customers:export", "customers:export:finance", "audit:read"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("jane", "--scope", "customer:export"), "'customer:export' is no scope; did you mean customers:export?"),
        (("jane", "--scope", "root"), "'root' is no scope; use customers:export, customers:export:unmasked"),
        (("jane", "--scope", "customers:export:a b"), "'customers:export:a b' is no scope"),
        (("jane", "--scope", ""), "'' is no scope"),
        (("jane", "--tenant", ""), "leave --tenant out"),
        (("jane", "--tenant", " "), "leave --tenant out"),
        (("jane", "--tenant", "a\nb"), "leave --tenant out"),
        (("local:root",), "begin it with neither local: nor jwt:"),
        (("jwt:login.example#4711",), "begin it with neither local: nor jwt:"),
        (("  ",), "printable characters"),
    ],
)
def test_what_makes_no_sense_is_told(token: Token, arguments: tuple[str, ...], told: str) -> None:
    refused = token("create", *arguments)
    assert isinstance(refused.exception, ConfigurationError)
    assert told in refused.exception.message
    assert refused.stdout == ""


def test_all_that_makes_no_sense_is_told_at_once(token: Token) -> None:
    refused = token("create", "jwt:x", "--scope", "a", "--scope", "b", "--tenant", "")
    assert isinstance(refused.exception, ConfigurationError)
    assert len(refused.exception.message.splitlines()) == 4
