"""`customer-export export`: one export without a server."""

import contextlib
import getpass
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated
from uuid import uuid4

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TotalFileSizeColumn

from customer_export.cli.passphrases import read_passphrase
from customer_export.compose import open_services
from customer_export.errors import ConfigurationError
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.pipeline import start_export
from customer_export.model.access import LocalOperator
from customer_export.model.disclosure import DsarProfile
from customer_export.model.manifest import CompleteManifest
from customer_export.model.request import Attachment, CsvProfile, ExportFormat
from customer_export.observability.logs import configure_logging
from customer_export.services import Services
from customer_export.settings import read_settings

STANDARD_OUTPUT = Path("-")


def export(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    format: Annotated[ExportFormat, typer.Option(help="The format of the file.")] = ExportFormat.JSON,  # noqa: A002
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write, - for standard output. [default: the export's own name]",
        ),
    ] = None,
    sections: Annotated[str | None, typer.Option(help="Sections, separated by commas. [default: all]")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Only rows from this day or moment on.")] = None,
    to: Annotated[str | None, typer.Option(help="Only rows up to the end of this day, or before this moment.")] = None,
    tz: Annotated[str | None, typer.Option(help="IANA time zone of time stamps. [default: UTC]")] = None,
    locale: Annotated[str | None, typer.Option(help="Language of PDF, XLSX and ZIP. [default: en]")] = None,
    delimiter: Annotated[str | None, typer.Option(help="CSV: comma, semicolon, tab or pipe.")] = None,
    bom: Annotated[bool | None, typer.Option(help="CSV: begin with a byte order mark.")] = None,
    profile: Annotated[CsvProfile | None, typer.Option(help="CSV: neutralise formulas, or change nothing.")] = None,
    template: Annotated[str | None, typer.Option(help="A template: NAME, or NAME@VERSION.")] = None,
    attach: Annotated[Attachment | None, typer.Option(help="PDF: attach the same export as JSON (PDF/A-3).")] = None,
    dsar: Annotated[
        DsarProfile | None, typer.Option(help="Make the answer to the customer's own request for their data.")
    ] = None,
    encrypt: Annotated[
        str | None, typer.Option(help="Encrypt the file: an age public key (age1…), or zip for AES-256 in a ZIP.")
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="The passphrase of --encrypt zip: a file's first line. [default: ask for it]"),
    ] = None,
    manifest: Annotated[Path | None, typer.Option(help="Write the manifest to this file, too.")] = None,
) -> None:
    """Export one customer into a file, by the same steps as the API.

    The file appears under its name when it is whole, never before.

    Example: customer-export export 550e8400-e29b-41d4-a716-446655440000 --format csv -o customer.csv
    """
    given = {
        "format": format.value,
        "sections": sections,
        "from": from_,
        "to": to,
        "tz": tz,
        "locale": locale,
        "delimiter": delimiter,
        "bom": None if bom is None else str(bom).lower(),
        "profile": profile,
        "template": template,
        "attach": attach,
        "dsar": dsar,
        "encrypt": encrypt,
    }
    configure_logging(level=logging.ERROR)
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=[(name, str(value)) for name, value in given.items() if value is not None],
        credentials=LocalOperator(user=getpass.getuser()),
        client=None,
        passphrase=read_passphrase(passphrase_file, encrypt=encrypt),
    )
    with open_services(read_settings()) as services:
        complete = write_export(services, call, output)
    if manifest is not None:
        with _whole_file(manifest) as file:
            file.write(orjson.dumps(complete.members(), option=orjson.OPT_INDENT_2))


def write_export(services: Services, call: ExportCall, output: Path | None) -> CompleteManifest:
    """Make an export, write it under its own name if there is no other, and say what it is."""
    started = start_export(services, call, cancellation=Cancellation())
    try:
        target = output or Path(started.file_name)
        with _whole_file(target) as file:
            _copy(started, file)
        started.finish()
    finally:
        started.close()
    complete = started.manifest
    typer.echo(
        f"{target}: {complete.rows:,} rows, {complete.file.size_bytes:,} bytes, sha256 {complete.file.sha256}",
        err=True,
    )
    return complete


@contextlib.contextmanager
def _whole_file(target: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its name when everything is in it and on the disk, and otherwise is gone.

    Standard output, a device or a pipe is written to as it is: it must never be replaced by a file.
    """
    try:
        if target == STANDARD_OUTPUT:
            with open(sys.stdout.fileno(), "wb", closefd=False) as file:
                yield file
        elif target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
        else:
            with _replacing(target) as file:
                yield file
    except OSError as failure:
        raise ConfigurationError(
            f"{target} cannot be written ({failure.strerror}); choose another --output"
        ) from failure


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _copy(started: StartedExport, file: IO[bytes]) -> None:
    columns = (TextColumn("{task.description}"), TotalFileSizeColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(started.file_name, total=None)
        for piece in started.pieces():
            file.write(piece)
            progress.update(task, advance=len(piece))
