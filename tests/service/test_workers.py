"""`serve --workers`: several processes on one port, which must know of one another."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from visitors import CONTRACT, new_period, new_visitor, redis_of

from customer_export.cli.serve import HUNG_SECONDS
from customer_export.demo.customers import TYPICAL
from program import start_program
from server_process import ServerProcess, StartServer
from servers import PATIENCE_SECONDS, wait_until
from valkey_servers import ValkeyServer

# One that dies while its parent asks after it is taken for hung: the parent holds the pipe's other end too, and so is
# told of no end of it.
LATEST_REPLACEMENT_SECONDS = HUNG_SECONDS


def test_several_processes_without_redis_are_refused(tmp_path: Path, demo_shop: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "SOURCE_URL": f"sqlite:///{demo_shop}"}
    log = tmp_path / "log"
    process = start_program(
        ["serve", "--port", "0", "--workers", "2"], environment=environment, folder=tmp_path, output=log, errors=log
    )
    process.join(PATIENCE_SECONDS)
    assert process.exitcode == 1
    told = log.read_text(encoding="utf-8")
    for words in ("REDIS_URL is not set", "--workers is 2", "rate limit", "redis://localhost:6379", "CONFIGURATION_"):
        assert words in told
    assert "Traceback" not in told
    assert "running on" not in told


@pytest.fixture(scope="module")
def pair(shared_servers: StartServer, _shared_valkey: ValkeyServer) -> ServerProcess:
    """A server of two workers, each of which takes seconds of computing to start; the last test ends it."""
    environment = {**CONTRACT, **redis_of(_shared_valkey)}
    return shared_servers(afresh=True, workers=2, **environment)


def workers_of(server: ServerProcess) -> set[int]:
    """Give the pids of the workers that have opened the application."""
    children = psutil.Process(server.pid).children()
    return {child.pid for child in children if f"Started server process [{child.pid}]" in server.log}


def figure(server: ServerProcess, name: str) -> float:
    """Read the figures of all workers, and add up those of a name."""
    lines = server.ask("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_two_workers_share_limit_cache_and_figures(pair: ServerProcess) -> None:
    wait_until(lambda: len(workers_of(pair)) == 2, what="both workers")
    visitors = [new_visitor(pair) for _ in range(6)]
    period = new_period()
    before = figure(pair, "customer_export_cache_requests_total")

    def ask(number: int) -> int:
        return visitors[number % 6].get(TYPICAL.id, format="json", **period).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(ask, range(48)))
    assert (statuses.count(200), statuses.count(429)) == (30, 18)
    assert figure(pair, "customer_export_cache_requests_total") - before == 30
    assert figure(pair, "customer_export_rate_limited_total") == 18
    assert figure(pair, "customer_export_exports_in_flight") == 0
    assert figure(pair, "customer_export_dependency_up") == 1


def test_a_worker_that_dies_is_replaced_and_in_the_end_nothing_is_left(pair: ServerProcess) -> None:
    wait_until(lambda: len(workers_of(pair)) == 2, what="both workers")
    visitor = new_visitor(pair)
    assert visitor.get(TYPICAL.id, format="json", sections="profile").status_code == 200
    counted = figure(pair, "customer_export_exports_total")
    before = workers_of(pair)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_until(
        lambda: len(workers_of(pair) - {victim}) == 2,
        what="a new worker",
        patience_seconds=LATEST_REPLACEMENT_SECONDS + PATIENCE_SECONDS,
    )
    assert figure(pair, "customer_export_exports_total") >= counted
    folder = Path(psutil.Process(max(workers_of(pair))).environ()["PROMETHEUS_MULTIPROC_DIR"])
    wait_until(lambda: not list(folder.glob(f"gauge_live*_{victim}.db")), what="the dead worker to be forgotten")
    assert visitor.get(TYPICAL.id, format="json", sections="profile").status_code == 200
    workers = workers_of(pair)
    pair.terminate()
    assert pair.ended() == 0
    assert not folder.exists()
    assert not any(psutil.pid_exists(pid) for pid in workers)
