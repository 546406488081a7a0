"""The engine under fire: whatever dies, nothing is lost or half there, and each job ends once with one manifest."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from fault_worker import Load, begun, content_of, manifest_of, noted, start_worker

from customer_export.engine.dbos_engine import LOST
from servers import PostgresqlServer, wait_until

LATEST_TAKE_OVER_SECONDS = 5.0
"""What is promised. It is one second where the other has a slot free; here it has to end a lane before."""
DEATHS = 5 if "FAULT_RUNS" in os.environ else 2  # in a row; each costs a second of computing, for the heir's start

NewDatabase = Callable[[], str]


class Site:
    """A database and a folder, and the workers on them."""

    def __init__(self, url: str, folder: Path, load: Load) -> None:
        self.url, self.folder, self.load = url, folder, load
        self.workers: list[BaseProcess] = []

    def start(self, *jobs: str) -> BaseProcess:
        """Start a worker and wait until it works."""
        worker = start_worker(self.url, self.folder, self.load, jobs=jobs)
        self.workers.append(worker)
        wait_until(lambda: self._has_started(worker), what="a worker to start")
        return worker

    def _has_started(self, worker: BaseProcess) -> bool:
        assert worker.exitcode is None, f"a worker ended with {worker.exitcode} while it started"
        return any(words[0] == str(worker.pid) for words in noted(self.folder / "started"))

    def kill(self, worker: BaseProcess) -> None:
        worker.kill()
        worker.join()

    def made(self, job_id: str) -> int:
        return len(list((self.folder / job_id).glob("part-*")))

    def wait_for(self, job_id: str, *, parts: int) -> None:
        wait_until(lambda: self.made(job_id) >= parts, what=f"{parts} parts of {job_id}")

    def wait_until_finished(self, *job_ids: str) -> None:
        for job_id in job_ids:
            wait_until(lambda: [job_id] in noted(self.folder / "finished"), what=f"the end of {job_id}")  # noqa: B023

    def check(self, job_id: str) -> None:
        """Make sure that nothing is lost, doubled or half there."""
        names = {f"part-{number:05}" for number in range(self.load.parts)}
        assert {path.name for path in (self.folder / job_id).glob("part-*")} == names
        for number in range(self.load.parts):
            text = (self.folder / job_id / f"part-{number:05}").read_text(encoding="utf-8")
            assert text == content_of(job_id, number)
        manifest = (self.folder / job_id / "manifest").read_text(encoding="utf-8")
        assert manifest == manifest_of(self.folder / job_id)

    def redone(self, job_id: str) -> int:
        """Count the parts that were begun again."""
        return sum(len(begun(self.folder, job_id, number)) - 1 for number in range(self.load.parts))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Make empty databases and give their URLs."""
    number = count()
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'own{next(number)}.db'}"
    postgresql = request.getfixturevalue("postgresql")
    return lambda: postgresql.create_database(f"faults{next(number)}")


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """What is closed when a test ends."""
    with ExitStack() as stack:
        yield stack


def site_of(url: str, folder: Path, load: Load, held: ExitStack) -> Site:
    site = Site(url, folder, load)
    held.callback(lambda: [site.kill(worker) for worker in site.workers])
    return site


def test_a_worker_that_is_killed_half_way_and_started_again_goes_on(
    new_database: NewDatabase, tmp_path: Path, held: ExitStack
) -> None:
    site = site_of(new_database(), tmp_path, Load(parts=40), held)
    first = site.start("a")
    site.wait_for("a", parts=10)
    site.kill(first)
    site.start()
    site.wait_until_finished("a")
    site.check("a")
    assert site.redone("a") <= 2


def test_another_worker_takes_over_within_seconds(new_database: NewDatabase, tmp_path: Path, held: ExitStack) -> None:
    site = site_of(new_database(), tmp_path, Load(parts=24, part_seconds=0.4), held)
    first, second = site.start("a"), site.start()
    wait_until(lambda: {pid for number in range(24) for pid in begun(tmp_path, "a", number)} >= {first.pid, second.pid},
               what="both to work")  # fmt: skip
    site.kill(first)
    killed_at = time.monotonic()
    cut_off = [
        number for number in range(24)
        if begun(tmp_path, "a", number)[-1:] == [first.pid] and not (tmp_path / "a" / f"part-{number:05}").exists()
    ]  # fmt: skip
    assert cut_off
    wait_until(
        lambda: all(begun(tmp_path, "a", number)[-1] == second.pid for number in cut_off[:1]), what="the take-over"
    )
    assert time.monotonic() - killed_at < LATEST_TAKE_OVER_SECONDS
    site.wait_until_finished("a")
    site.check("a")


def test_chaos_loses_nothing(new_database: NewDatabase, tmp_path: Path, held: ExitStack) -> None:
    site = site_of(new_database(), tmp_path, Load(parts=120, part_seconds=0.05), held)
    dice = random.Random(7)
    living = [site.start("a", "b"), site.start()]
    for _ in range(DEATHS):
        next_death = site.made("a") + site.made("b") + dice.randrange(24)
        wait_until(lambda: site.made("a") + site.made("b") > next_death, what="some parts")  # noqa: B023
        if {"a", "b"} <= {words[0] for words in noted(tmp_path / "finished")}:
            break
        victim = living.pop(dice.randrange(2))
        site.kill(victim)
        living.append(site.start())
    site.wait_until_finished("a", "b")
    for job_id in ("a", "b"):
        site.check(job_id)


def test_a_worker_that_is_told_to_stop_hands_its_work_over(
    new_database: NewDatabase, tmp_path: Path, held: ExitStack
) -> None:
    site = site_of(new_database(), tmp_path, Load(parts=20, part_seconds=0.1), held)
    first = site.start("a")
    site.wait_for("a", parts=3)
    first.terminate()
    first.join(30)
    assert first.exitcode == 0
    site.start()
    site.wait_until_finished("a")
    site.check("a")


def test_a_part_that_ends_its_workers_does_not_hold_up_the_others(
    new_database: NewDatabase, tmp_path: Path, held: ExitStack
) -> None:
    site = site_of(new_database(), tmp_path, Load(parts=12, poison=5, deaths=3), held)
    worker = site.start("a")
    for _ in range(3):
        worker.join(30)
        assert worker.exitcode == 9
        worker = site.start()
    site.wait_until_finished("a")
    site.check("a")
    assert len(begun(tmp_path, "a", 5)) == 4


def test_a_restart_of_the_database_ends_workers_who_lost_their_lock_and_nothing_else(
    mortal_postgresql: PostgresqlServer, tmp_path: Path, held: ExitStack
) -> None:
    site = site_of(mortal_postgresql.create_database("faults"), tmp_path, Load(parts=60), held)
    workers = [site.start("a"), site.start()]
    site.wait_for("a", parts=10)
    mortal_postgresql.crash()
    mortal_postgresql.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == LOST
    site.start()
    site.wait_until_finished("a")
    site.check("a")


def test_a_worker_that_was_frozen_and_taken_for_dead_ends_itself(
    postgresql: PostgresqlServer, tmp_path: Path, held: ExitStack
) -> None:
    site = site_of(postgresql.create_database("split"), tmp_path, Load(parts=40, part_seconds=0.1), held)
    frozen = site.start("a")
    assert frozen.pid is not None
    site.wait_for("a", parts=4)
    os.kill(frozen.pid, signal.SIGSTOP)
    (worker_id,) = (words[1] for words in noted(tmp_path / "started"))
    ended = postgresql.execute(
        "split",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
        f"left('customer-export worker {worker_id}', 63)",
    )
    assert ended == [(True,)]
    site.start()
    wait_until(
        lambda: any(int(words[2]) != frozen.pid for words in noted(tmp_path / "begun")), what="the other to take over"
    )
    os.kill(frozen.pid, signal.SIGCONT)
    frozen.join(30)
    assert frozen.exitcode == LOST
    site.wait_until_finished("a")
    site.check("a")
