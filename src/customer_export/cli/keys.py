"""`customer-export keys`: the keys that sign manifests."""

from datetime import UTC, datetime
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from customer_export.cache.sealing import Seal, parse_keys
from customer_export.compose import open_signer, open_store
from customer_export.errors import ConfigurationError
from customer_export.export.signing import key_set, rotate_key
from customer_export.settings import read_settings
from customer_export.signing.keys import from_base64url, public_from_bytes, public_pem

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_keys() -> None:
    """List the keys that sign or once did, the oldest first."""
    with open_store(read_settings()) as store:
        keys = store.signing_keys()
    table = Table("key", "since", "until")
    for jwk in key_set(keys)["keys"]:
        table.add_row(str(jwk["kid"]), str(jwk["createdAt"]), str(jwk["retiredAt"] or ""))
    Console().print(table)


@app.command("rotate")
def rotate() -> None:
    """Make a new key. Running servers sign with it within a minute; the old public keys stay published."""
    settings = read_settings()
    if settings.export_signing_key_file is not None:
        raise ConfigurationError(
            "EXPORT_SIGNING_KEY_FILE holds the key that signs; put another key there and restart every process"
        )
    seal = Seal(parse_keys(settings.export_cache_keys.get_secret_value(), variable="EXPORT_CACHE_KEYS"))
    with open_store(settings) as store:
        rotate_key(store, seal=seal, now=datetime.now(UTC))
        typer.echo(store.signing_keys()[-1].key_id)


@app.command("export")
def export(
    pem: Annotated[bool, typer.Option("--pem", help="Only the key in use, as PEM for openssl.")] = False,
) -> None:
    """Print the public keys as a JWK set, for whoever checks manifests without the server; never a private one."""
    settings = read_settings()
    with open_store(settings) as store:
        signer = open_signer(settings, store)  # makes a key if there is none
        keys = store.signing_keys()
    if pem:
        public = next(key.public for key in keys if key.key_id == signer.key_id)
        typer.echo(public_pem(public_from_bytes(from_base64url(public))), nl=False)
    else:
        typer.echo(orjson.dumps(key_set(keys), option=orjson.OPT_INDENT_2))
