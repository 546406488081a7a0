"""`customer-export token`: who may use the API."""

import difflib
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from customer_export.auth.remembered import MOMENT
from customer_export.auth.tokens import RESERVED_PREFIXES, digest_of, new_secret
from customer_export.compose import open_store
from customer_export.errors import ConfigurationError
from customer_export.model.access import VIEW_PREFIX, Scope, known_scopes
from customer_export.settings import Settings, read_settings
from customer_export.store.interface import StoredToken

app = typer.Typer(no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who will hold it; stands in the audit of every export.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it allows: {', '.join(Scope)}, or customers:export:NAME of the policy; may be repeated. "
            "[default: customers:export]"
        ),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="The only tenant whose customers it reaches.")] = None,
    expires_in_days: Annotated[int, typer.Option(min=0, help="After how many days it ends; 0 for never.")] = 90,
) -> None:
    """Create a token and print it, alone, on standard output. It is not shown again: only its digest is kept."""
    secret = create_token(
        read_settings(), name, scopes=scope or [Scope.EXPORT], expires_in_days=expires_in_days, tenant=tenant
    )
    typer.echo(secret)


def create_token(
    settings: Settings, name: str, *, scopes: Sequence[str], expires_in_days: int, tenant: str | None = None
) -> str:
    """Keep a new token and give its secret. Raises ConfigurationError if name, scopes or tenant make no sense."""
    problems = list(_mistakes(name, scopes, tenant))
    if problems:
        raise ConfigurationError("\n".join(problems))
    now = datetime.now(UTC)
    secret = new_secret()
    with open_store(settings) as store:
        store.add_token(
            StoredToken(
                name=name,
                digest=digest_of(secret),
                scopes=tuple(dict.fromkeys(scopes)),
                created_at=now,
                expires_at=now + timedelta(days=expires_in_days) if expires_in_days else None,
                tenant=tenant,
            )
        )
    return secret


def _mistakes(name: str, scopes: Sequence[str], tenant: str | None) -> Iterator[str]:
    if not name.strip() or not name.isprintable():
        yield "The token needs a name of printable characters"
    if name.startswith(RESERVED_PREFIXES):
        yield f"{name!r} could be taken for somebody else; begin it with neither {' nor '.join(RESERVED_PREFIXES)}"
    for scope in scopes:
        if not known_scopes([scope]) or not scope.isascii() or not scope.isprintable() or " " in scope:
            near = difflib.get_close_matches(scope, list(Scope), n=1)
            remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(Scope)} or {VIEW_PREFIX}NAME"
            yield f"{scope!r} is no scope; {remedy}"
    if tenant is not None and (not tenant.strip() or not tenant.isprintable()):
        yield "The tenant is empty or not printable; leave --tenant out for a token that reaches all customers"


@app.command("list")
def list_tokens() -> None:
    """List the tokens, without their secrets."""
    table = Table("name", "scopes", "tenant", "created", "expires", "state")
    now = datetime.now(UTC)
    with open_store(read_settings()) as store:
        for token in store.tokens():
            ended = token.expires_at is not None and token.expires_at <= now
            state = "revoked" if token.revoked_at else "expired" if ended else "valid"
            expires = "never" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d}"
            scopes, created = " ".join(token.scopes), f"{token.created_at:%Y-%m-%d}"
            table.add_row(token.name, scopes, token.tenant or "", created, expires, state)
    Console().print(table)


@app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The name it was created with.")]) -> None:
    """Revoke the tokens of a name, at once."""
    with open_store(read_settings()) as store:
        if not store.revoke_token(name, at=datetime.now(UTC)):
            raise ConfigurationError(f"There is no valid token named {name!r}; customer-export token list")
    time.sleep(MOMENT.total_seconds())  # from here on no server takes it any more
