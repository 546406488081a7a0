"""Several processes on one server keep one limit."""

import subprocess
import sys
from pathlib import Path

import pytest

from valkey_servers import ValkeyCluster, ValkeyServer

PROCESSES = 2
THREADS = 6
TRIES = 10

RUSH = """
import sys, threading
from limiters import FIVE_A_MINUTE, PATIENT, limiters

url, threads, tries = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
allowed = []
with limiters(url, call_time=PATIENT) as make:
    limiter = make(FIVE_A_MINUTE)
    limiter.check()
    print("ready", flush=True)
    together = threading.Barrier(threads)
    def run(customer):
        together.wait()
        for _ in range(tries):
            told = limiter.take(customer)
            assert told.enforced
            allowed.extend([told.remaining] * told.allowed)
    for customer in sys.stdin.read().split():
        allowed.clear()
        rush = [threading.Thread(target=run, args=(customer,)) for _ in range(threads)]
        for thread in rush: thread.start()
        for thread in rush: thread.join()
        print(customer, *allowed, flush=True)
"""


@pytest.mark.parametrize("kind", ["valkey", "valkey_cluster"])
def test_two_processes_never_let_a_sixth_through(kind: str, request: pytest.FixtureRequest) -> None:
    server: ValkeyServer | ValkeyCluster = request.getfixturevalue(kind)
    customers = [f"client-{number}" for number in range(8)]
    command = [sys.executable, "-c", RUSH, server.url, str(THREADS), str(TRIES)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent)
        for _ in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(" ".join(customers))
            process.stdin.close()
        allowed: dict[str, list[int]] = {customer: [] for customer in customers}
        for process in processes:
            assert process.stdout is not None
            for line in process.stdout:
                customer, *remaining = line.split()
                allowed[customer] += map(int, remaining)
            assert process.wait() == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    assert [sorted(allowed[customer]) for customer in customers] == [[0, 1, 2, 3, 4]] * len(customers)
