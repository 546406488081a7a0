"""`customer-export audit`: what is on record, and whether it is still what was recorded."""

from datetime import UTC
from typing import Annotated

import orjson
import typer

from customer_export.api.audit_parameters import resolve_audit_request
from customer_export.cli.terminal import harmless
from customer_export.compose import open_store
from customer_export.model.audit import AuditEntry, AuditEvent
from customer_export.model.request import ExportFormat
from customer_export.settings import read_settings
from customer_export.store.chain import Link

PAGE_RECORDS = 500  # read at a time

app = typer.Typer(no_args_is_help=True)


@app.command("verify")
def verify(
    expect_head: Annotated[
        str | None, typer.Option(metavar="HASH", help="The hash of an anchor: a head that was kept elsewhere.")
    ] = None,
    at: Annotated[int | None, typer.Option(min=0, metavar="SEQUENCE", help="The anchor's record number.")] = None,
) -> None:
    """Compute the chain of the audit again, record by record, and say everything that is wrong with it.

    The exit code is 0 if the chain is whole, else 1. Standard output has the number of records and the head: keep it
    somewhere else, and give it with --expect-head and --at the next time.

    Example: customer-export audit verify --expect-head 5f0c… --at 1207
    """
    if (expect_head is None) != (at is None):
        raise typer.BadParameter("give --expect-head and --at together: an anchor is a hash and its record number")
    anchor = None if expect_head is None or at is None else Link(sequence=at, hash=expect_head.lower())
    with open_store(read_settings()) as store:
        found = store.verify_chain(anchor)
    typer.echo(f"records {found.records}\nsequence {found.head.sequence}\nhead {found.head.hash}")
    if found.open_exports:
        typer.echo(f"{found.open_exports} exports have a start and no end on record", err=True)
    for finding in found.findings:
        typer.echo(f"{finding.problem}: {finding.message}", err=True)
    if found.problems > len(found.findings):
        typer.echo(f"and {found.problems - len(found.findings)} problems more", err=True)
    if not found.whole:
        raise typer.Exit(1)


@app.command("list")
def list_records(
    customer: Annotated[str | None, typer.Option(help="Only about this customer id.")] = None,
    principal: Annotated[str | None, typer.Option(help="Only of this name of a token, or local:LOGIN.")] = None,
    event: Annotated[AuditEvent | None, typer.Option(help="Only of this event.")] = None,
    format: Annotated[ExportFormat | None, typer.Option(help="Only of exports in this format.")] = None,  # noqa: A002
    from_: Annotated[str | None, typer.Option("--from", help="Only from this day (UTC) or moment on.")] = None,
    to: Annotated[str | None, typer.Option(help="Only up to the end of this day (UTC), or before this moment.")] = None,
    export: Annotated[str | None, typer.Option(help="Only of this export id.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many records; 0 for all.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with every member.")] = False,
) -> None:
    """List what is on record, the newest first.

    Example: customer-export audit list --customer 550e8400-e29b-41d4-a716-446655440000 --from 2026-01-01
    """
    given = {
        "customer": customer,
        "principal": principal,
        "event": event,
        "format": format,
        "from": from_,
        "to": to,
        "export": export,
    }
    wanted = resolve_audit_request([(name, value) for name, value in given.items() if value is not None]).wanted
    if not as_json:
        typer.echo(
            _line("record", "at (UTC)", "event", "format", "bytes", "cache", "export", "principal, customer, code")
        )
    before, left = None, limit or None
    with open_store(read_settings()) as store:
        while left is None or left > 0:
            asked = PAGE_RECORDS if left is None else min(left, PAGE_RECORDS)
            entries = store.audit(wanted, before=before, limit=asked)
            for entry in entries:
                typer.echo(orjson.dumps(entry.members()) if as_json else _line(*_fields(entry)))
            if len(entries) < asked:
                break
            before, left = entries[-1].sequence, None if left is None else left - asked


def _fields(entry: AuditEntry) -> tuple[str, ...]:
    record = entry.record
    return (
        f"{entry.sequence}",
        f"{record.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        record.event,
        record.format or "-",
        "-" if record.bytes is None else f"{record.bytes:,}",
        record.cache or "-",
        record.export_id,
        ", ".join(harmless(text or "-") for text in (record.principal, record.customer_id, record.code)),
    )


def _line(*texts: str) -> str:
    """Put texts of a known size under one another; the last may be of any size."""
    widths = (9, 19, 9, 6, 14, 6, 32, 0)
    return "  ".join(f"{text:<{width}}" for text, width in zip(texts, widths, strict=True))
