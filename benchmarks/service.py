"""Measure the service around an export: finished files out of the cache, and small exports beside four large ones.

`make bench` runs it after the others. Hits are asked for by wrk (Debian: apt-get install wrk).
"""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from benchmarks.servers import Download, Server, download, our_server
from benchmarks.shop import IDS

CONNECTIONS, SECONDS = 16, 8
WARM_SECONDS = 3  # while a server that has just begun still reads the fonts of its reports
HITS_GOAL, HITS_P99_GOAL_MS, WHALES_GOAL = 2_000, 20, 5.0
SMALL_EXPORTS = 150


def measure_service(folder: Path, url: str) -> None:
    """Print the table of the cache's hits, and that of small exports beside four whales."""
    with our_server(folder, url, EXPORT_CACHE_TTL_MS="300000", EXPORT_RATE_LIMIT_WINDOW_MS="1000") as server:
        _hits(server)
    with our_server(folder, url) as server:
        _beside_whales(server)


def _hits(server: Server) -> None:
    wrk = shutil.which("wrk")
    if wrk is None:
        print("\nHits of the cache are not measured: there is no wrk.", flush=True)
        return
    query = "format=json"
    download(server, IDS["typical"], query)
    address = f"{server.base}/api/admin/customers/{IDS['typical']}/export?{query}"
    command = [wrk, "-t1", f"-c{CONNECTIONS}", "--latency", "-H", f"Authorization: Bearer {server.token}", address]
    subprocess.run([*command, f"-d{WARM_SECONDS}s"], capture_output=True, check=True)
    told = subprocess.run([*command, f"-d{SECONDS}s"], capture_output=True, text=True, check=True).stdout
    rate = float(_figure(told, "Requests/sec:"))
    print("\n| hits of the cache, 16 connections | requests/s | goal | p99 | goal ms |\n|---|---|---|---|---|")
    print(
        f"| 20 orders, json | {rate:,.0f} | {HITS_GOAL:,} | {_figure(told, '99%')} | {HITS_P99_GOAL_MS} |", flush=True
    )


def _figure(told: str, name: str) -> str:
    """Find a figure in what wrk tells."""
    return next(line.split()[1] for line in told.splitlines() if line.split()[:1] == [name])


def _beside_whales(server: Server) -> None:
    idle = _small(server)
    with _whales(server):
        busy = _small(server)
    print("\n| 20 orders, json | p50 ms | p99 ms |\n|---|---|---|")
    print(f"| alone | {_quantile(idle, 50):.1f} | {_quantile(idle, 99):.1f} |")
    print(f"| beside four streams of a million orders | {_quantile(busy, 50):.1f} | {_quantile(busy, 99):.1f} |")
    print(f"\np99 {_quantile(busy, 99) / _quantile(idle, 99):.1f} times; goal: at most {WHALES_GOAL:g}.", flush=True)


def _small(server: Server) -> list[Download]:
    return [download(server, IDS["typical"], "format=json") for _ in range(SMALL_EXPORTS)]


def _quantile(downloads: list[Download], percent: int) -> float:
    return quantiles([one.total_ms for one in downloads], n=100)[percent - 1]


@contextmanager
def _whales(server: Server) -> Iterator[None]:
    """Stream a million orders four times over, again and again, as long as the block lasts."""
    done = threading.Event()

    def stream() -> None:
        while not done.is_set():
            download(server, IDS["whale"], "format=csv&sections=orders")

    threads = [threading.Thread(target=stream) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    yield
    done.set()
    for thread in threads:
        thread.join()
