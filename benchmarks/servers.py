"""The servers that are measured, each a process of its own, and what can be seen of them from outside."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.servers import PostgresqlServer

BIN = Path(sys.executable).parent
MAP = Path(__file__).with_name("shop.toml")
START_SECONDS = 30


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BenchmarkPostgresql(PostgresqlServer):
    """PostgreSQL on the loopback address: the way both servers reach it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.SETTINGS = (
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "shared_buffers=256MB",
            "max_wal_size=4GB",
            "fsync=off",
        )
        super().__init__()

    def url(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """Give the URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def cpu_seconds(self) -> float:
        """Say how much time of the cores the server and all its processes have had, those that ended included."""
        assert self._process is not None
        processes = dict(filter(None, map(_process_ticks, Path("/proc").glob("[0-9]*/stat"))))
        return sum(
            sum(ticks if pid == self._process.pid else ticks[:2])
            for pid, (parent, ticks) in processes.items()
            if self._process.pid in (pid, parent)
        ) / os.sysconf("SC_CLK_TCK")


def _process_ticks(stat: Path) -> tuple[int, tuple[int, list[int]]] | None:
    """Read a process's id, its parent's, and its ticks in user and system, then those of children that ended."""
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return None
    return int(stat.parent.name), (int(fields[1]), [int(field) for field in fields[11:15]])


@dataclass(frozen=True)
class Server:
    """A running export server; `token` is None where it asks for none."""

    base: str
    pid: int
    token: str | None = None


@contextmanager
def our_server(folder: Path, source_url: str, **settings: str) -> Iterator[Server]:
    """Run `customer-export serve` with the limits raised and the cache off, unless `settings` say otherwise."""
    port = free_port()
    environment = {
        **os.environ,
        "SOURCE_URL": source_url,
        "SOURCE_MAP": str(MAP),
        "DATABASE_URL": f"sqlite:///{folder / 'own.db'}",
        "EXPORT_RATE_LIMIT_MAX": str(10**9),
        "EXPORT_CACHE_TTL_MS": "0",
        **{f"EXPORT_MAX_SIZE_{name}": str(10**10) for name in ("CSV", "JSON", "NDJSON", "ZIP", "XLSX", "PDF")},
        **settings,
    }
    token = subprocess.run(
        [BIN / "customer-export", "token", "create", "benchmark"],
        env=environment, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    command = [str(BIN / "customer-export"), "serve", "--port", str(port)]
    with _running(command, environment, folder / "ours.log", f"http://127.0.0.1:{port}/healthz") as pid:
        yield Server(f"http://127.0.0.1:{port}", pid, token)


@contextmanager
def peer_server(folder: Path, peers: Path, database_url: str) -> Iterator[Server]:
    """Install the Node stack in `folder` and run it."""
    port = free_port()
    shutil.copytree(peers / "node-stack", folder / "node", copy_function=shutil.copyfile)
    subprocess.run(["npm", "install", "--no-package-lock", "--silent"], cwd=folder / "node", check=True)
    environment = {**os.environ, "DATABASE_URL": database_url, "PORT": str(port)}
    with _running(["node", str(folder / "node" / "server.mjs")], environment, folder / "peer.log", None) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], log: Path, ready_url: str | None) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=log.parent)
    try:
        deadline = time.monotonic() + START_SECONDS
        while ready_url is not None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                urlopen(ready_url, timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        if ready_url is None:
            time.sleep(1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(START_SECONDS)


@dataclass(frozen=True)
class Download:
    """One download as curl saw it."""

    first_byte_ms: float
    total_ms: float
    size_bytes: int


def download(server: Server, customer_id: object, query: str) -> Download:
    """Download one export and throw it away. Raises if the answer is not 200 or not whole."""
    command = [
        "curl", "-sS", "-o", os.devnull, "-w", "%{http_code} %{time_starttransfer} %{time_total} %{size_download}",
        f"{server.base}/api/admin/customers/{customer_id}/export?{query}",
    ]  # fmt: skip
    if server.token is not None:
        command += ["-H", f"Authorization: Bearer {server.token}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    status, first, total, size = answer.stdout.split()
    assert status == "200", f"{query}: {status}"
    return Download(float(first) * 1000, float(total) * 1000, int(size))


def peak_mb(pid: int) -> float:
    """Give the high-water mark of the memory of a process and its descendants, in MB."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
        except OSError:
            continue
    total_kb, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        total_kb += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
    return total_kb / 1024
