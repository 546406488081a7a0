"""`customer-export purge`: destroy every copy of a customer that is kept, queued or scheduled."""

import getpass
import logging
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import orjson
import typer

from customer_export.compose import open_jobs, open_services
from customer_export.errors import ConfigurationError
from customer_export.export.admission import ExportCall
from customer_export.jobs.purge import purge_customer
from customer_export.jobs.services import Jobs
from customer_export.model.access import LocalOperator
from customer_export.observability.logs import configure_logging
from customer_export.settings import Settings, read_settings

ReceiptFile = Annotated[Path | None, typer.Option("--receipt", help="Where to write the signed receipt.")]


def purge(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")], receipt_file: ReceiptFile = None
) -> None:
    """Destroy every copy of a customer that is kept, queued or scheduled, with a signed receipt.

    Standard output has what there was, a line each, and the receipt's id. Settings must be those of the servers.

    Example: customer-export purge 550e8400-e29b-41d4-a716-446655440000 --receipt receipt.json
    """
    configure_logging(level=logging.ERROR)
    settings = read_settings()
    _require_time_to_live(settings)
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=[],
        credentials=LocalOperator(user=getpass.getuser()),
        client=None,
    )
    elsewhere = _cached_elsewhere(settings)
    with open_services(settings, caching=elsewhere is None) as services, open_jobs(settings, services) as jobs:
        try:
            purge_customer(jobs, call, cached_elsewhere=elsewhere)
        finally:
            _tell(jobs, call.export_id, receipt_file)
    if elsewhere is not None:
        typer.echo(
            "What servers keep in their own memory cannot be seen from here: they drop it within seconds "
            f"(docs/erasure.md), and it expires within {elsewhere.total_seconds():g} seconds",
            err=True,
        )


def _require_time_to_live(settings: Settings) -> None:
    """Raise ConfigurationError where a purge from here would not look into Redis, whatever servers keep there."""
    if settings.redis_url is not None and settings.export_cache_ttl_ms == 0:
        raise ConfigurationError(
            "EXPORT_CACHE_TTL_MS is 0, which keeps no files; set it as the servers have it to drop what they keep"
        )


def _cached_elsewhere(settings: Settings) -> timedelta | None:
    """Say for how long servers keep files in memory; None if they share Redis, or keep none."""
    if settings.redis_url is not None or settings.export_cache_ttl_ms == 0:
        return None
    return timedelta(milliseconds=settings.export_cache_ttl_ms)


def _tell(jobs: Jobs, purge_id: str, receipt_file: Path | None) -> None:
    """Tell what the receipt says, if there is one: also of a purge that did not reach everything."""
    receipt = jobs.erasure.receipt(purge_id)
    if receipt is None:
        return
    destroyed = receipt["destroyed"]
    assert isinstance(destroyed, dict)
    for name, word in _WORDS.items():
        typer.echo(f"{word} {'unknown' if destroyed[name] is None else destroyed[name]}")
    typer.echo(f"receipt {purge_id}")
    if receipt_file is None:
        return
    try:
        receipt_file.write_bytes(orjson.dumps(receipt, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as failure:
        raise ConfigurationError(
            f"The receipt cannot be written to {receipt_file} ({failure.strerror}); it is kept under {purge_id}"
        ) from failure


_WORDS = {"cacheFiles": "cached", "jobs": "jobs", "parts": "parts", "files": "files", "schedules": "schedules"}
"""What standard output calls what a receipt counts."""
