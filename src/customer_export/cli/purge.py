"""`customer-export purge`: drop what Redis keeps of a customer, and end their jobs."""

import getpass
import logging
from functools import partial
from typing import Annotated
from uuid import uuid4

import typer

from customer_export.compose import open_jobs, open_services
from customer_export.errors import ConfigurationError
from customer_export.export.admission import ExportCall
from customer_export.export.purge import purge_exports
from customer_export.jobs.purge import purge_jobs
from customer_export.model.access import LocalOperator
from customer_export.observability.logs import configure_logging
from customer_export.settings import Settings, read_settings


def purge(customer_id: Annotated[str, typer.Argument(help="The customer's id.")]) -> None:
    """Drop every file of a customer that is kept in Redis, end their jobs with all files, and record it.

    Standard output has the number of files of the cache, and the number of jobs. Settings must be those of the servers.

    Example: customer-export purge 550e8400-e29b-41d4-a716-446655440000
    """
    configure_logging(level=logging.ERROR)
    settings = read_settings()
    _require_reach(settings)
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=[],
        credentials=LocalOperator(user=getpass.getuser()),
        client=None,
    )
    with open_services(settings, caching=True) as services, open_jobs(settings, services) as jobs:
        purged = purge_exports(services, call, purge_jobs=partial(purge_jobs, jobs))
    typer.echo(f"purged {purged.files}")
    typer.echo(f"jobs {purged.jobs}")


def _require_reach(settings: Settings) -> None:
    """Raise ConfigurationError where a purge from here would find nothing, whatever the servers keep."""
    if settings.redis_url is None:
        raise ConfigurationError(
            "REDIS_URL is not set, so each server keeps files in its own memory, which cannot be reached from here; "
            "send POST /api/admin/customers/{id}/purge to it, or set REDIS_URL as the servers have it"
        )
    if settings.export_cache_ttl_ms == 0:
        raise ConfigurationError(
            "EXPORT_CACHE_TTL_MS is 0, which keeps no files; set it as the servers have it to drop what they keep"
        )
