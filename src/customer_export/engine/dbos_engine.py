"""The engine on DBOS, in the same database as our own tables: SQLite or PostgreSQL.

A job is a workflow that plans, starts some lanes, waits for them and finishes; a lane is a workflow that does one part
after the other, each a step. Steps that were done are not done again, whoever goes on with the workflow. DBOS's own
processes take over only what one of the same name left behind; `take_over` does so for all who died.

DBOS is imported when it starts: it takes half a second that no other command has to spend. It is one of a process.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import sqlalchemy as sa
import structlog

from customer_export.engine.interface import MOST_ATTEMPTS, FanOut, JobSteps, Outcome
from customer_export.engine.liveness import AdvisoryLiveness, FileLiveness, Liveness, LivenessLostError

NAME = "customer-export"
VERSION = "1"
"""Of the workflows below. Work is only done by workers of the version that began it, so this changes when they do, and
not with the program: DBOS would otherwise take a hash of the source and strand whatever was under way."""

JOBS, SMALL, LARGE = "customer-export-jobs", "customer-export-small", "customer-export-large"
COORDINATED = 32  # jobs at a time whose lanes a worker waits for: a thread each, which does nothing
POLL_SECONDS = 0.5  # how soon a queued piece is taken: three queues, two short transactions a second each
LISTEN_SECONDS = 0.2  # how soon a job sees that its lanes are done
SCHEDULER_SECONDS = 30.0  # it has no schedules
MOST_RECOVERIES = 1_000
"""How often a workflow is taken over before DBOS gives it up. Parts count their own attempts (jobs/steps.py): one
that kills its workers fails alone, and the others of its lane go on."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(seconds=30)
LOST = 75  # EX_TEMPFAIL of sysexits.h: whoever watches over this process starts it again
LOOK_SECONDS = 0.05

PENDING, ENDED = "PENDING", ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

log = structlog.get_logger()

Result = TypeVar("Result")


def new_worker_id() -> str:
    """Name a worker: new for every start, so that none can be taken for its own ghost."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid4().hex[:8]}"


def make_liveness(database_url: str, worker_id: str) -> Liveness:
    """Make the lock that fits the database."""
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database)).absolute()
        return FileLiveness(path.with_name(f"{path.name}.workers"), worker_id)
    return AdvisoryLiveness(_libpq(url), worker_id)


class DbosEngine:
    """Does the steps of jobs. `slots` are how many parts of large jobs, and of small ones, it does at a time."""

    def __init__(self, database_url: str, steps: JobSteps, *, slots: int = 1) -> None:
        self._url = database_url
        self._steps = steps
        self._slots = slots
        self.worker_id = new_worker_id()
        self._liveness = make_liveness(database_url, self.worker_id)
        self._closing = threading.Event()
        self._running = _Running()

    def start(self) -> None:
        """Take the lock, then launch: work is never held without it."""
        from dbos import DBOS, DBOSConfig  # noqa: PLC0415

        from customer_export.engine.serializer import JsonSerializer  # noqa: PLC0415

        self._liveness.acquire()
        url = sa.make_url(self._url)
        is_sqlite = url.get_backend_name() == "sqlite"
        config = DBOSConfig(
            name=NAME,
            system_database_url=url.render_as_string(hide_password=False) if is_sqlite else _libpq(url),
            application_version=VERSION,
            executor_id=self.worker_id,
            serializer=JsonSerializer(),
            notification_listener_polling_interval_sec=LISTEN_SECONDS,
            scheduler_polling_interval_sec=SCHEDULER_SECONDS,
            log_level="ERROR",
        )
        DBOS(config=config)
        self._dbos = DBOS

        @DBOS.workflow(name="job", max_recovery_attempts=MOST_RECOVERIES)
        def job(job_id: str) -> None:
            self._do_job(job_id)

        @DBOS.workflow(name="lane", max_recovery_attempts=MOST_RECOVERIES)
        def lane(job_id: str, lane: int, lanes: int, parts: int) -> None:
            self._do_lane(job_id, lane, lanes, parts)

        self._job, self._lane = job, lane
        DBOS.launch()
        for queue, at_once in ((JOBS, COORDINATED), (SMALL, self._slots), (LARGE, self._slots)):
            DBOS.register_queue(
                queue, worker_concurrency=at_once, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
            )

    def enqueue(self, job_id: str) -> None:
        """Queue its workflow, whose id is the job's."""
        from dbos import SetWorkflowID  # noqa: PLC0415

        with SetWorkflowID(_workflow_id(job_id)):
            self._dbos.enqueue_workflow(JOBS, self._job, job_id)

    def take_over(self) -> int:
        """Look at the workers of all pending workflows, and hand back what those had whose lock can be got."""
        try:
            self._liveness.check()
            pending = self._dbos.list_workflows(status=PENDING, load_input=False, load_output=False)
            workers = {one.executor_id for one in pending if one.executor_id} - {self.worker_id}
            return sum(self._take_over_from(worker) for worker in sorted(workers))
        except LivenessLostError:
            log.error("worker_lost_its_lock", worker=self.worker_id)  # noqa: TRY400  (its words are the database's)
            os._exit(LOST)

    def _take_over_from(self, worker_id: str) -> int:
        with self._liveness.seizing(worker_id) as is_dead:
            if not is_dead:
                return 0
            # private, but the only way that keeps the count of attempts and leaves cancelled work alone
            taken = len(self._dbos._recover_pending_workflows([worker_id]))  # noqa: SLF001
        log.warning("work_taken_over", worker=worker_id, pieces=taken)
        return taken

    def has_ended(self, job_id: str) -> bool:
        """Look at its workflow."""
        status = self._dbos.get_workflow_status(_workflow_id(job_id))
        return status is not None and status.status in ENDED

    def forget(self, *, before: datetime) -> int:
        """Delete workflows that ended, with their steps."""
        ended = self._dbos.list_workflows(
            status=list(ENDED),
            completed_before=before.astimezone(UTC).isoformat(),
            limit=1_000,
            load_input=False,
            load_output=False,
        )
        ids = [one.workflow_id for one in ended]
        if ids:
            self._dbos.delete_workflows(ids)
        return len(ids)

    def close(self, *, patience: timedelta) -> None:
        """Let steps end; whoever has not ended by then, or ends now, does not go on: others do."""
        self._closing.set()
        ends_at = time.monotonic() + patience.total_seconds()
        while self._running.count and time.monotonic() < ends_at:
            time.sleep(LOOK_SECONDS)
        self._liveness.release()

    def _do_job(self, job_id: str) -> None:
        plan = self._until_planned(job_id)
        for handle in [self._start_lane(job_id, lane, plan) for lane in range(plan["lanes"])]:
            with suppress(Exception):  # a lane that was given up: `finish` sees which of its parts are not done
                handle.get_result()
        self._until_done("finish", lambda attempt: self._steps.finish(job_id, attempt=attempt))

    def _until_planned(self, job_id: str) -> dict[str, Any]:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            plan: dict[str, Any] | None = self._step("plan", lambda: self._plan(job_id, attempt))  # noqa: B023
            if plan is not None:
                return plan
            self._wait(attempt)
        return {"parts": 0, "lanes": 0, "queue": SMALL}

    def _plan(self, job_id: str, attempt: int) -> dict[str, Any] | None:
        fan_out: FanOut | None = self._steps.plan(job_id, attempt=attempt)
        if fan_out is None:
            return None
        return {"parts": fan_out.parts, "lanes": fan_out.lanes, "queue": SMALL if fan_out.is_small else LARGE}

    def _start_lane(self, job_id: str, lane: int, plan: dict[str, Any]) -> Any:
        from dbos import SetWorkflowID  # noqa: PLC0415

        with SetWorkflowID(f"{_workflow_id(job_id)}-{lane}"):
            return self._dbos.enqueue_workflow(plan["queue"], self._lane, job_id, lane, plan["lanes"], plan["parts"])

    def _do_lane(self, job_id: str, lane: int, lanes: int, parts: int) -> None:
        for number in range(lane, parts, lanes):
            if self._until_done("part", self._part(job_id, number)) is Outcome.STOP:
                return

    def _part(self, job_id: str, number: int) -> Callable[[int], Outcome]:
        return lambda attempt: self._steps.run_part(job_id, number, attempt=attempt)

    def _until_done(self, name: str, work: Callable[[int], Outcome]) -> Outcome:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            outcome = Outcome(self._step(name, lambda: work(attempt).value))  # noqa: B023
            if outcome is not Outcome.AGAIN:
                return outcome
            self._wait(attempt)
        return Outcome.DONE

    def _step(self, name: str, work: Callable[[], Result]) -> Result:
        """Do a step that DBOS remembers. While this closes, what came of it is not remembered: others do it again."""

        def do() -> Result:
            with self._running:
                result = work()
            if self._closing.is_set():
                threading.Event().wait()  # until the process ends, and its work with it
            return result

        done: Result = self._dbos.run_step({"name": name}, do)
        return done

    def _wait(self, attempt: int) -> None:
        """Wait in a way that outlives this process."""
        wait: timedelta = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
        self._dbos.sleep(wait.total_seconds())


class _Running:
    """Counts the steps that run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def __enter__(self) -> None:
        with self._lock:
            self.count += 1

    def __exit__(self, *failure: object) -> None:
        with self._lock:
            self.count -= 1


def _workflow_id(job_id: str) -> str:
    return f"job-{job_id}"


def _libpq(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def migrate_engine(database_url: str) -> None:
    """Bring the engine's own tables to the newest schema: once, when PostgreSQL's are upgraded."""
    from dbos import DBOS  # noqa: PLC0415

    DBOS.migrate(system_database_url=_libpq(sa.make_url(database_url)))
