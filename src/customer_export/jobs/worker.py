"""A worker: does the steps of jobs, and what is to be done now and then, until it is told to stop."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from customer_export.engine.interface import JobEngine, JobSteps
from customer_export.errors import ExportError
from customer_export.jobs.schedules.firing import forget_runs, run_schedules
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import Steps
from customer_export.jobs.upkeep import dispatch, end_lost, sweep, sweep_orphans
from customer_export.jobs.webhooks.deliver import Deliverer

TICK_SECONDS = 1.0
"""How soon a new job is begun, and the work of a dead worker taken over."""

SWEEP_SECONDS = 60.0
ORPHANS_SECONDS = 3_600.0  # it lists all files of all jobs
PATIENCE = timedelta(seconds=10)
"""How long a worker that stops waits for its parts to notice: they look twice a second, and a PDF's page at its end."""

MakeEngine = Callable[[JobSteps], JobEngine]

log = structlog.get_logger()


def work(jobs: Jobs, make_engine: MakeEngine, *, stopping: threading.Event, started: Callable[[], None]) -> None:
    """Work until `stopping` is set; what is left then is taken over by others. `started` is called when it has begun.

    Raises what the engine raises when it starts. What fails later is tried again: only a lost lock ends the process.
    """
    steps = Steps(jobs=jobs, stopping=stopping)
    engine = make_engine(steps)
    engine.start()
    started()
    deliverer = Deliverer(jobs)
    chores: list[_Chore] = [
        _Chore(TICK_SECONDS, "take_over", engine.take_over),
        _Chore(TICK_SECONDS, "run_schedules", lambda: run_schedules(jobs)),
        _Chore(TICK_SECONDS, "dispatch", lambda: dispatch(jobs, engine)),
        _Chore(SWEEP_SECONDS, "end_lost", lambda: end_lost(jobs, steps, engine)),
        _Chore(TICK_SECONDS, "webhooks", deliverer.send_due),
        _Chore(SWEEP_SECONDS, "forget_deliveries", deliverer.forget),
        _Chore(SWEEP_SECONDS, "forget_runs", lambda: forget_runs(jobs)),
        _Chore(SWEEP_SECONDS, "sweep", lambda: sweep(jobs, engine)),
        _Chore(ORPHANS_SECONDS, "sweep_orphans", lambda: sweep_orphans(jobs)),
    ]
    while not stopping.is_set():
        for chore in chores:
            chore.do_if_due()
        stopping.wait(TICK_SECONDS)
    deliverer.close()
    engine.close(patience=PATIENCE)


class _Chore:
    """Something that is done every so many seconds, and once at the beginning."""

    def __init__(self, every_seconds: float, name: str, do: Callable[[], object]) -> None:
        self._every_seconds = every_seconds
        self._name = name
        self._do = do
        self._due_at = 0.0

    def do_if_due(self) -> None:
        """Do it if it is time; what fails is tried again next time."""
        now = time.monotonic()
        if now < self._due_at:
            return
        self._due_at = now + self._every_seconds - TICK_SECONDS / 2
        try:
            self._do()
        except ExportError as failure:
            log.warning("chore_failed", chore=self._name, code=failure.code)
        except Exception:  # the engine's own words for a database that is down differ by database
            log.exception("chore_failed", chore=self._name)
