"""Schedules with several real workers, one of which is killed as they fall due."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from os import environ
from pathlib import Path

import pytest

from customer_export.compose import open_jobs, open_services
from customer_export.demo.customers import TYPICAL
from customer_export.jobs.schedules.edit import save_schedule
from customer_export.jobs.services import Jobs
from customer_export.model.access import LocalOperator
from customer_export.model.job import JobFilter
from customer_export.model.schedule import RunState, ScheduledRun, ScheduleState
from customer_export.settings import Settings
from job_client import LONG_PATIENCE_SECONDS
from own_databases import new_sqlite_store, new_store
from program import start_program
from servers import wait_until

SCHEDULES, WORKERS = 6, 2
EXPORT = {"customer": TYPICAL.id, "format": "csv", "sections": ["profile"], "from": "$previous", "to": "$due"}


class Site:
    """What jobs talk to, and workers on the same databases and storage."""

    def __init__(self, jobs: Jobs, environment: dict[str, str], folder: Path) -> None:
        self.jobs, self._environment, self._folder = jobs, environment, folder
        self.workers: list[BaseProcess] = []

    def start(self) -> None:
        """Start a worker and wait until it works."""
        log = self._folder / f"worker-{len(self.workers)}.log"
        worker = start_program(["worker"], environment=self._environment, folder=self._folder, output=log, errors=log)
        self.workers.append(worker)
        wait_until(
            lambda: log.is_file() and "worker_started" in log.read_text(encoding="utf-8"),
            what="a worker to start",
            patience_seconds=LONG_PATIENCE_SECONDS,
        )

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.join()


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, demo_shop: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        own = new_sqlite_store(tmp_path / "own.db")
    else:
        own = new_store(request.getfixturevalue("postgresql"), "schedule_workers")
    told = {
        "SOURCE_URL": f"sqlite:///{demo_shop}",
        "DATABASE_URL": own,
        "STORAGE_URL": f"file://{tmp_path / 'files'}",
    }
    settings = Settings(source_url=told["SOURCE_URL"], database_url=own, storage_url=told["STORAGE_URL"])
    with ExitStack() as held:
        services = held.enter_context(open_services(settings))
        jobs = held.enter_context(open_jobs(settings, services))
        site = Site(jobs, {"PATH": environ["PATH"], **told}, tmp_path)
        held.callback(site.end)
        yield site


def test_each_moment_is_one_job_though_several_workers_are_there_and_one_is_killed(site: Site) -> None:
    operator = LocalOperator(user="tester")
    body = {"name": "rare", "cron": "0 0 29 2 *", "export": EXPORT}
    ids = [str(save_schedule(site.jobs, body, operator, client=None)["id"]) for _ in range(SCHEDULES)]
    for _ in range(WORKERS):
        site.start()
    now = datetime.now(UTC)
    for number, schedule_id in enumerate(ids):
        due = now + timedelta(milliseconds=number)
        site.jobs.schedules.move(schedule_id, ScheduleState.ACTIVE, due_at=due, at=now)
    wait_until(lambda: any(runs_of(site, one) for one in ids), what="the first run", patience_seconds=60)
    site.workers[0].kill()
    wait_until(
        lambda: all([run.state for run in runs_of(site, one)] == [RunState.FINISHED] for one in ids),
        what="the end of all runs",
        patience_seconds=LONG_PATIENCE_SECONDS,
    )
    jobs_of_runs = {run.job_id for one in ids for run in runs_of(site, one)}
    assert jobs_of_runs == {job.job_id for job in site.jobs.store.jobs(JobFilter(), limit=100)}
    assert len(jobs_of_runs) == SCHEDULES


def runs_of(site: Site, schedule_id: str) -> list[ScheduledRun]:
    return list(site.jobs.schedules.runs(schedule_id, limit=10))
