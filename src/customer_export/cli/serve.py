"""`customer-export serve`: the HTTP API."""

import signal
import sys
from typing import Annotated

import structlog
import typer
import uvicorn

from customer_export.api.app import create_app
from customer_export.compose import open_services
from customer_export.errors import SourceUnavailableError
from customer_export.observability.logs import configure_logging
from customer_export.settings import Settings, read_settings

GRACE_SECONDS = 30  # for downloads that are under way when the server is asked to stop

log = structlog.get_logger()


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 for any that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Server processes.")] = 1,
) -> None:
    """Serve the API. Settings come from the environment or a .env file (docs/settings.md)."""
    settings = read_settings()
    configure_logging()
    check_services(settings)
    run_server(settings, host=host, port=port, workers=workers)


def check_services(settings: Settings) -> None:
    """Find mistakes in settings and map before listening. A database that is down may come up later."""
    with open_services(settings) as services:
        try:
            services.source.check()
        except SourceUnavailableError as failure:
            log.warning("source_unavailable_at_start", reason=failure.message)


def run_server(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Serve until told to stop. Several workers read the settings from the environment themselves."""
    # uvicorn hands the signal on when it has stopped; that it was asked to is no failure
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    uvicorn.run(
        create_app(settings) if workers == 1 else "customer_export.cli.serve:app_of_environment",
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,  # the audit says more, and paths hold customers' ids
        server_header=False,
        proxy_headers=False,  # anybody may send X-Forwarded-For
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def app_of_environment() -> object:
    """Make the application of a worker process."""
    configure_logging()
    return create_app(read_settings())
