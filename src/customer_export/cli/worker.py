"""`customer-export worker`: makes what jobs ask for."""

import logging
import os
import signal
import sys
import threading
from functools import partial
from typing import Annotated

import structlog
import typer

from customer_export.cli.supervision import Supervision
from customer_export.compose import open_jobs, open_services
from customer_export.engine.dbos_engine import DbosEngine
from customer_export.jobs.worker import work
from customer_export.observability.logs import configure_logging
from customer_export.settings import read_settings

log = structlog.get_logger()


def worker(
    processes: Annotated[int, typer.Option(min=1, help="Processes: one a core is best.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", hidden=True, help="Log errors alone.")] = False,
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End with the standard input.")] = False,
) -> None:
    """Work on jobs, beside servers and other workers on any machine that reaches the same databases and storage.

    On SIGTERM it ends what it can within seconds, and leaves the rest to others.
    """
    configure_logging(level=logging.ERROR if quiet else logging.INFO)
    if processes > 1:
        _watch(processes)
    else:
        _work(is_beside=beside)


def _watch(processes: int) -> None:
    """Keep so many workers running until told to stop."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    supervision = Supervision(processes)
    supervision.start()
    stopping.wait()
    supervision.stop()


def _work(*, is_beside: bool) -> None:
    settings = read_settings()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    if is_beside:
        threading.Thread(target=_stop_with_input, args=(stopping,), daemon=True).start()
    with open_services(settings) as services, open_jobs(settings, services) as jobs:
        make_engine = partial(DbosEngine, settings.database_url)
        work(jobs, make_engine, stopping=stopping, started=lambda: log.info("worker_started", pid=os.getpid()))
        sys.stdout.flush()
        sys.stderr.flush()
        # what a part still uses is not closed: its thread holds what others do by now, and ends with the process
        os._exit(0)


def _stop_with_input(stopping: threading.Event) -> None:
    """Stop when the process that began this one has gone: its end of the pipe is closed then, however it ended."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    stopping.set()
