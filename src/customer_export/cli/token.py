"""`customer-export token`: who may use the API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from customer_export.auth.tokens import digest_of, new_secret
from customer_export.compose import open_store
from customer_export.errors import ConfigurationError
from customer_export.model.access import Scope
from customer_export.settings import Settings, read_settings
from customer_export.store.interface import StoredToken

app = typer.Typer(no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who will hold it; stands in the audit of every export.")],
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it allows; may be repeated. [default: customers:export]")
    ] = None,
    expires_in_days: Annotated[int, typer.Option(min=0, help="After how many days it ends; 0 for never.")] = 90,
) -> None:
    """Create a token and print it, alone, on standard output. It is not shown again: only its digest is kept."""
    typer.echo(create_token(read_settings(), name, scopes=scope or [Scope.EXPORT], expires_in_days=expires_in_days))


def create_token(settings: Settings, name: str, *, scopes: list[Scope], expires_in_days: int) -> str:
    """Keep a new token and give its secret."""
    if not name.strip() or not name.isprintable():
        raise ConfigurationError("The token needs a name of printable characters")
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
            )
        )
    return secret


@app.command("list")
def list_tokens() -> None:
    """List the tokens, without their secrets."""
    table = Table("name", "scopes", "created", "expires", "state")
    now = datetime.now(UTC)
    with open_store(read_settings()) as store:
        for token in store.tokens():
            ended = token.expires_at is not None and token.expires_at <= now
            state = "revoked" if token.revoked_at else "expired" if ended else "valid"
            expires = "never" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d}"
            table.add_row(token.name, " ".join(token.scopes), f"{token.created_at:%Y-%m-%d}", expires, state)
    Console().print(table)


@app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The name it was created with.")]) -> None:
    """Revoke the tokens of a name, at once."""
    with open_store(read_settings()) as store:
        if not store.revoke_token(name, at=datetime.now(UTC)):
            raise ConfigurationError(f"There is no valid token named {name!r}; customer-export token list")
