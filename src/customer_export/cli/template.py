"""`customer-export template`: choices of sections, columns, labels and looks that everybody can use by name."""

import getpass
import json
import logging
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import orjson
import typer
from rich.console import Console
from rich.table import Table

from customer_export.cli.export import write_export
from customer_export.compose import open_services
from customer_export.errors import InvalidRequestError
from customer_export.export.admission import ExportCall
from customer_export.export.templates.edit import (
    delete_template,
    list_templates,
    preview_draft,
    read_draft,
    save_template,
    show_template,
)
from customer_export.model.access import LocalOperator, Principal, Scope
from customer_export.model.request import ExportFormat
from customer_export.observability.logs import configure_logging
from customer_export.services import Services
from customer_export.settings import read_settings

AT_ONCE = 200

app = typer.Typer(no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="NAME, or NAME@VERSION.")]
Name = Annotated[str, typer.Argument(help="The template's name: small letters, digits and hyphens.")]
File = Annotated[Path, typer.Argument(help="A TOML or JSON file with the template.")]


@contextmanager
def _services() -> Iterator[tuple[Services, Principal]]:
    configure_logging(level=logging.ERROR)
    principal = Principal(name=f"local:{getpass.getuser()}", scopes=frozenset({Scope.ADMIN}))
    with open_services(read_settings()) as services:
        yield services, principal


@app.command("save")
def save(name: Name, file: File) -> None:
    """Keep a template as a new version, and print NAME@VERSION.

    Example: customer-export template save orders-desk orders-desk.toml
    """
    wanted = _read(file)
    with _services() as (services, principal):
        members, _ = save_template(services, name, wanted, principal)
    typer.echo(f"{members['name']}@{members['version']}")


@app.command("check")
def check(file: File) -> None:
    """Say what is wrong with a template, and keep nothing."""
    wanted = _read(file)
    with _services() as (services, principal):
        read_draft(services, "draft", wanted, principal)
    typer.echo(f"{file} fits the customer map", err=True)


@app.command("preview")
def preview(
    file: File,
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    format: Annotated[ExportFormat, typer.Option(help="The format of the file.")] = ExportFormat.PDF,  # noqa: A002
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write. [default: the export's own name]")
    ] = None,
) -> None:
    """Export a customer by a template that is not saved yet."""
    wanted = _read(file)
    with _services() as (services, principal):
        call = ExportCall(
            export_id=uuid4().hex,
            customer_id=customer_id,
            parameters=[("format", format.value)],
            credentials=LocalOperator(user=getpass.getuser()),
            client=None,
            draft=preview_draft(wanted, services, principal),
        )
        write_export(services, call, output)


@app.command("list")
def list_all() -> None:
    """List all templates."""
    table = Table("template", "description", "saved", "by", box=None)
    after: str | None = None
    with _services() as (services, _principal):
        while True:
            page, after = list_templates(services, after=after, limit=AT_ONCE)
            for one in page:
                names = (f"{one['name']}@{one['version']}", one["description"], one["savedAt"], one["savedBy"])
                table.add_row(*map(str, names))
            if after is None:
                break
    Console(soft_wrap=True).print(table)


@app.command("show")
def show(reference: Reference) -> None:
    """Show a template and its versions, as JSON."""
    with _services() as (services, _principal):
        typer.echo(json.dumps(show_template(services, reference), indent=2, ensure_ascii=False))


@app.command("remove")
def remove(name: Name) -> None:
    """Have nobody use a template any more."""
    with _services() as (services, principal):
        delete_template(services, name, principal)


def _read(file: Path) -> object:
    """Read TOML or JSON, by the file's name."""
    try:
        text = file.read_bytes()
        return orjson.loads(text) if file.suffix == ".json" else tomllib.loads(text.decode())
    except OSError as failure:
        raise InvalidRequestError(f"{file} cannot be read ({failure.strerror}); give another file") from failure
    except (orjson.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        kind = "JSON" if file.suffix == ".json" else "TOML"
        raise InvalidRequestError(f"{file} is no {kind}: {failure}") from failure
