"""`customer-export serve`: the HTTP API."""

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn

from customer_export.api.app import create_app
from customer_export.cli.supervision import Supervision
from customer_export.compose import open_jobs, open_services
from customer_export.errors import ConfigurationError, SourceUnavailableError
from customer_export.observability.logs import configure_logging
from customer_export.observability.metrics import FOLDER_VARIABLE, forget_ended_processes
from customer_export.settings import Settings, read_settings

GRACE_SECONDS = 30  # for downloads that are under way when the server is asked to stop
KEPT_SECONDS = 75  # that an idle connection is kept: proxies keep theirs for 60, and who closes first loses no request
HUNG_SECONDS = 30  # a worker that has not answered its parent for so long is replaced, and its downloads break off

log = structlog.get_logger()


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 for any that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Server processes.")] = 1,
) -> None:
    """Serve the API. Settings come from the environment or a .env file (docs/settings.md)."""
    settings = read_settings()
    configure_logging()
    check_workers(settings, workers=workers)
    check_address(host, port)
    check_services(settings)
    run_server(settings, host=host, port=port, workers=workers)


def check_workers(settings: Settings, *, workers: int) -> None:
    """Refuse several processes that do not know of one another. Raises ConfigurationError."""
    if workers > 1 and settings.redis_url is None:
        raise ConfigurationError(
            f"REDIS_URL is not set, and --workers is {workers}: each process would count the rate limit by itself, so "
            f"that a client gets {workers} times as many exports, and a purge would reach one cache of {workers}; set "
            "REDIS_URL (redis://localhost:6379, for one) or use --workers 1"
        )


def check_address(host: str, port: int) -> None:
    """Refuse an address that nobody can listen on, before anything is begun there. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as failure:
        raise ConfigurationError(
            f"Nobody can listen on {host}, port {port} ({failure.strerror}); choose another --host or --port, or end "
            "what listens there"
        ) from failure


def check_services(settings: Settings) -> None:
    """Find mistakes in settings and map before listening. A database that is down may come up later."""
    with open_services(settings) as services, open_jobs(settings, services):
        try:
            services.source.check()
        except SourceUnavailableError as failure:
            log.warning("source_unavailable_at_start", reason=failure.message)


def run_server(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Serve until told to stop. Several workers read the settings from the environment themselves."""
    # uvicorn hands the signal on when it has stopped; that it was asked to is no failure
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    with _metrics_folder(workers), _workers_beside(settings):
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
            timeout_keep_alive=KEPT_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_worker_healthcheck=HUNG_SECONDS,
        )


@contextmanager
def _workers_beside(settings: Settings) -> Iterator[None]:
    """Keep workers for jobs running, in processes of their own: what they make must not hold up a request."""
    supervision = Supervision(settings.export_worker_processes)
    supervision.start()
    try:
        yield
    finally:
        supervision.stop()


@contextmanager
def _metrics_folder(workers: int) -> Iterator[None]:
    """Give several workers a folder to add up their figures in; they look for it when they import the library."""
    if workers == 1 or FOLDER_VARIABLE in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="customer-export-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        yield


def app_of_environment() -> object:
    """Make the application of a worker process, which may be there in place of one that died."""
    forget_ended_processes(Path(os.environ[FOLDER_VARIABLE]))
    configure_logging()
    return create_app(read_settings())
