"""A worker whose steps are files: what began, was made, was finished. Killed, frozen and restarted by tests."""

import hashlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from customer_export.engine.dbos_engine import DbosEngine
from customer_export.engine.interface import FanOut, Outcome
from program import forked

LOOK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is to be done: some parts, each of which takes so long; `poison` ends its worker `deaths` times."""

    parts: int
    part_seconds: float = 0.05
    lanes: int = 4
    poison: int | None = None
    deaths: int = 3


class FileSteps:
    """The steps; see `JobSteps`. Artifacts have deterministic names and appear whole."""

    def __init__(self, folder: Path, load: Load) -> None:
        self._folder = folder
        self._load = load

    def plan(self, job_id: str, *, attempt: int) -> FanOut:  # noqa: ARG002
        (self._folder / job_id).mkdir(exist_ok=True)
        return FanOut(parts=self._load.parts, lanes=self._load.lanes, is_small=False)

    def run_part(self, job_id: str, number: int, *, attempt: int) -> Outcome:  # noqa: ARG002
        note(self._folder / "begun", f"{job_id} {number} {os.getpid()}")
        if number == self._load.poison and len(begun(self._folder, job_id, number)) <= self._load.deaths:
            os._exit(9)
        time.sleep(self._load.part_seconds)
        write_whole(self._folder / job_id / f"part-{number:05}", content_of(job_id, number))
        return Outcome.DONE

    def finish(self, job_id: str, *, attempt: int) -> Outcome:  # noqa: ARG002
        write_whole(self._folder / job_id / "manifest", manifest_of(self._folder / job_id))
        note(self._folder / "finished", job_id)
        return Outcome.DONE


def content_of(job_id: str, number: int) -> str:
    """Give what a part makes, whoever makes it."""
    return f"{job_id} {number}\n" * 1_000


def manifest_of(folder: Path) -> str:
    """List the artifacts with their digests."""
    made = sorted(folder.glob("part-*"))
    return "".join(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in made)


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears at once."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def note(path: Path, line: str) -> None:
    """Append a line, in one write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def noted(path: Path) -> list[list[str]]:
    """Give the lines of a file in words; none if there is no file yet."""
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def begun(folder: Path, job_id: str, number: int) -> list[int]:
    """Give the processes that began a part."""
    return [int(words[2]) for words in noted(folder / "begun") if words[:2] == [job_id, str(number)]]


def start_worker(url: str, folder: Path, load: Load, *, jobs: tuple[str, ...] = ()) -> BaseProcess:
    """Start a worker, which enqueues some jobs first."""
    process = forked().Process(target=_work, args=(url, folder, load, jobs))
    process.start()
    return process


def _work(url: str, folder: Path, load: Load, jobs: tuple[str, ...]) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopping.set())
    engine = DbosEngine(url, FileSteps(folder, load), slots=2)
    engine.start()
    for job_id in jobs:
        engine.enqueue(job_id)
    note(folder / "started", f"{os.getpid()} {engine.worker_id}")
    while not stopping.is_set():
        engine.take_over()
        stopping.wait(LOOK_SECONDS)
    engine.close(patience=timedelta(seconds=5))
    os._exit(0)
