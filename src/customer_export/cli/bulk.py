"""`customer-export bulk`: exports of many customers, by a job and workers of its own, with or without a server."""

import contextlib
import getpass
import hashlib
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from customer_export.cli.passphrases import read_passphrase
from customer_export.cli.supervision import Supervision
from customer_export.compose import open_jobs, open_services
from customer_export.errors import ConfigurationError, ExportNotCompleteError, InvalidRequestError
from customer_export.jobs.files import shown_name, stored_name
from customer_export.jobs.look import job_manifest, show_job
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.access import LocalOperator, Principal, Scope
from customer_export.model.bulk import Layout
from customer_export.model.job import IN_FLIGHT, WITH_FILES, JobState
from customer_export.observability.logs import configure_logging
from customer_export.settings import read_settings

LOOK_SECONDS = 0.5
CONDITION = re.compile(r"(?P<column>[^=<>]+?)(?P<comparison>>=|<|=)(?P<value>.*)", re.DOTALL)

Members = Mapping[str, Any]
"""A job as `job_members` gives it."""


def bulk(
    customers: Annotated[list[str] | None, typer.Argument(help="Ids of customers.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All customers.")] = False,
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            help="Customers for whom this holds: COLUMN=VALUE, COLUMN>=VALUE or COLUMN<VALUE of their own section. "
            "May be given again: of several values of one column one has to hold.",
        ),
    ] = None,
    format: Annotated[str, typer.Option(help="A format of `export`.")] = "ndjson",  # noqa: A002
    layout: Annotated[
        Layout | None,
        typer.Option(help="A file a customer in archives, lines of one customer after another, or a table a section."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Copy the files into this folder. [default: leave them]")
    ] = None,
    sections: Annotated[str | None, typer.Option(help="Sections, separated by commas. [default: all]")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Only rows from this day or moment on.")] = None,
    to: Annotated[str | None, typer.Option(help="Only rows up to the end of this day, or before this moment.")] = None,
    tz: Annotated[str | None, typer.Option(help="IANA time zone of time stamps. [default: UTC]")] = None,
    locale: Annotated[str | None, typer.Option(help="Language of PDF, XLSX and ZIP. [default: en]")] = None,
    since: Annotated[
        str | None, typer.Option(help="A job of the same: only customers who have changed since then.")
    ] = None,
    template: Annotated[str | None, typer.Option(help="A template: NAME, or NAME@VERSION.")] = None,
    encrypt: Annotated[
        str | None, typer.Option(help="Encrypt the files: an age public key (age1…), or zip for AES-256 in ZIPs.")
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="The passphrase of --encrypt zip: a file's first line. [default: ask for it]"),
    ] = None,
    processes: Annotated[int, typer.Option(min=0, help="Workers: one a core; 0 leaves the work to others.")] = 1,
) -> None:
    """Export many customers. The same command goes on where it was stopped, whatever stopped it.

    The files lie in STORAGE_URL and under the job's id in the API. Standard output has the id.

    Example: customer-export bulk --all --format ndjson --layout lines -o exports --processes 4
    """
    configure_logging(level=logging.ERROR)
    wanted = {
        **_chosen(customers, everybody=everybody, conditions=filter_),
        "format": format,
        "layout": None if layout is None else layout.value,
        "sections": sections,
        "from": from_,
        "to": to,
        "tz": tz,
        "locale": locale,
        "since": since,
        "template": template,
        "encrypt": encrypt,
        "onDuplicate": "join",
    }
    passphrase = read_passphrase(passphrase_file, encrypt=encrypt)
    settings = read_settings()
    with open_services(settings) as services, open_jobs(settings, services) as jobs:
        user = getpass.getuser()
        call = JobCall(
            job_id=uuid4().hex,
            wanted=wanted,
            idempotency_key=None,
            credentials=LocalOperator(user=user),
            client=None,
            passphrase=passphrase,
        )
        job_id = submit_job(jobs, call, told=lambda _allowance: None).job.job_id
        typer.echo(job_id)
        principal = Principal(name=f"local:{user}", scopes=frozenset({Scope.ADMIN}))
        with _working(processes):
            members = _follow(jobs, job_id, principal)
        _report(members)
        if members["state"] in {state.value for state in WITH_FILES} and output is not None:
            _copy(jobs, job_id, principal, output)
        if members["state"] != JobState.FINISHED:
            raise ExportNotCompleteError(f"The job is {members['state']} ({members['code'] or 'no failure'})")


def _chosen(customers: list[str] | None, *, everybody: bool, conditions: list[str] | None) -> dict[str, object]:
    if everybody:
        return {"customers": "all"}
    if conditions:
        return {"filter": _filter(conditions)}
    return {"customers": customers} if customers else {}


def _filter(conditions: list[str]) -> dict[str, object]:
    equal: dict[str, list[str]] = {}
    bounds: dict[str, dict[str, str]] = {}
    for condition in conditions:
        found = CONDITION.fullmatch(condition)
        if found is None:
            raise InvalidRequestError(f"--filter {condition!r}: write COLUMN=VALUE, COLUMN>=VALUE or COLUMN<VALUE")
        column, value = found["column"].strip(), found["value"].strip()
        if found["comparison"] == "=":
            equal.setdefault(column, []).append(value)
        else:
            bounds.setdefault(column, {})["from" if found["comparison"] == ">=" else "before"] = value
    if both := equal.keys() & bounds.keys():
        raise InvalidRequestError(f"--filter: {sorted(both)[0]}: give either values or bounds")
    return {**equal, **bounds}


@contextlib.contextmanager
def _working(processes: int) -> Iterator[None]:
    supervision = Supervision(processes, quiet=True)
    supervision.start()
    try:
        yield
    finally:
        supervision.stop()


def _follow(jobs: Jobs, job_id: str, principal: Principal) -> Members:
    """Show the numbers of the API until the job has ended."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("customers, {task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("queued", total=None, rows=0)
        while True:
            members: Members = show_job(jobs, job_id, principal)
            customers = members["customers"]
            progress.update(
                task,
                description=members["state"],
                total=customers["total"],
                completed=customers["done"] + customers["failed"],
                rows=members["rows"],
            )
            if members["state"] not in {*(state.value for state in IN_FLIGHT), "cancelling"}:
                return members
            time.sleep(LOOK_SECONDS)


def _report(members: Members) -> None:
    customers = members["customers"]
    typer.echo(
        f"{members['state']}: {customers['done']:,} customers, {customers['failed']:,} failed, "
        f"{members['rows']:,} rows, {members['bytes']:,} bytes",
        err=True,
    )


def _copy(jobs: Jobs, job_id: str, principal: Principal, folder: Path) -> None:
    """Copy the files, each checked by its digest, and the manifest last."""
    try:
        for file in jobs.store.files(job_id):
            opened = jobs.storage.open(stored_name(file.artifact.name))
            digest = _write(folder / shown_name(file.artifact.name), opened.pieces)
            if digest != file.artifact.sha256:
                raise ExportNotCompleteError(f"{file.artifact.name} was changed in the storage; make the job anew")
        manifest = orjson.dumps(job_manifest(jobs, job_id, principal), option=orjson.OPT_INDENT_2)
        _write(folder / "manifest.json", iter([manifest]))
    except OSError as failure:
        raise ConfigurationError(
            f"{folder} cannot be written ({failure.strerror}); choose another --output"
        ) from failure


def _write(target: Path, pieces: Iterator[bytes]) -> str:
    """Write a file that takes its name when it is whole, and give its digest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest()
