"""Measure the PDF writer alone: `python -m benchmarks.pdf`. Each report is of another customer.

`python -m benchmarks.pdf URL`, of a database that benchmarks/shop.py has filled, measures how long others wait in the
server instead while it makes the PDF of 100,000 orders.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.servers import Server, download, our_server
from benchmarks.shop import IDS
from benchmarks.xlsx import Held, Orders
from customer_export.model.customer_map import OrdersRole
from customer_export.model.document import Document
from customer_export.model.request import CsvOptions, ExportFormat, ExportRequest, Period
from customer_export.writers.pdf import PdfWriter, RendererPool

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SIZES = ((20, 101), (500, 31), (5_000, 7), (10_000, 5))


def _document(number: int) -> Document:
    return Document(
        export_id=f"0f8fad5b-d9cb-469f-a165-{number:012}",
        created_at=_START,
        snapshot_at=_START.isoformat(),
        product_version="0",
        requested_by="benchmark",
        customer_title=f"Ada Lovelace {number}",
        map_name="shop",
        map_version="0",
        request=ExportRequest(
            customer_id=str(number),
            format=next(iter(ExportFormat)),
            sections=("orders",),
            period=Period(),
            time_zone="UTC",
            locale="en",
            csv=CsvOptions(),
            parameters=(),
        ),
        orders=OrdersRole(section="orders", amount="total", time="placed_at", status="status"),
        manifest=dict,
    )


def _memory_mb(process: int | str, name: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


_HUNDRED_THOUSAND = "format=pdf&sections=orders&from=2021-09-14T00:00:00Z"
"""About so many orders of the whale."""

_IDLE_SECONDS = 5
_PAUSE_SECONDS = 0.01


def measure_others(url: str) -> None:
    """Print how long a health check and a small export take, idle and while a PDF of 100,000 orders is made."""
    os.environ |= {"EXPORT_RATE_LIMIT_MAX": "1000000", "EXPORT_CACHE_TTL_MS": "0"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, our_server(Path(folder), url) as server:
        download(server, IDS["typical"], "format=pdf")
        idle_end = time.perf_counter() + _IDLE_SECONDS
        print("| | health check ms, p50 | p99 | 20 orders as JSON ms, p50 | p99 |\n|---|---|---|---|---|")
        _print_waits("idle", _probe(server, until=lambda: time.perf_counter() > idle_end))
        large = threading.Thread(target=download, args=(server, IDS["whale"], _HUNDRED_THOUSAND))
        large.start()
        _print_waits("during the PDF", _probe(server, until=lambda: not large.is_alive()))


def _probe(server: Server, *, until: Callable[[], bool]) -> tuple[list[float], list[float]]:
    """Ask for both in turn on one connection; milliseconds each."""
    times: tuple[list[float], list[float]] = ([], [])
    paths = ("/healthz", f"/api/admin/customers/{IDS['typical']}/export?format=json")
    headers = {"Authorization": f"Bearer {server.token}"}
    with closing(HTTPConnection(server.base.removeprefix("http://"))) as connection:
        while not until():
            for path, taken in zip(paths, times, strict=True):
                start = time.perf_counter()
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                answer.read()
                taken.append((time.perf_counter() - start) * 1e3)
                assert answer.status == 200, f"{path}: {answer.status}"
            time.sleep(_PAUSE_SECONDS)
    return times


def _print_waits(when: str, times: tuple[list[float], list[float]]) -> None:
    cells = [f"{statistics.median(taken):.1f} | {sorted(taken)[int(len(taken) * 0.99)]:.1f}" for taken in times]
    print(f"| {when} | {' | '.join(cells)} |", flush=True)


def measure_writer() -> None:
    """Print the median and the best time of a few sizes, and the memory of the largest."""
    with closing(RendererPool()) as pool:
        pool.warm()
        writer = PdfWriter(pool)
        list(writer.write(_document(0), [Orders(20)]))
        print("| orders | median ms | best ms | bytes |\n|---|---|---|---|")
        for rows, runs in _SIZES:
            held = Held(rows, made=tuple(Orders(rows).batches()))
            times = []
            for run in range(runs):
                start = time.perf_counter()
                size = sum(map(len, writer.write(_document(run), [held])))
                times.append((time.perf_counter() - start) * 1e3)
            print(f"| {rows:,} | {statistics.median(times):.1f} | {min(times):.1f} | {size:,} |")
        # Linux: forget the highest memory so far.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        idle = _memory_mb("self", "VmRSS")
        start = time.perf_counter()
        size = sum(map(len, writer.write(_document(1), [Orders(100_000)])))
        print(
            f"100,000 orders, made while written: {time.perf_counter() - start:.1f} s, {size:,} bytes, "
            f"{_memory_mb('self', 'VmHWM') - idle:.0f} MB above idle, children "
            + ", ".join(f"{_memory_mb(child, 'VmHWM'):.0f} MB" for child in pool.child_processes())
        )


def main() -> None:
    """Measure what the command line asks for."""
    if len(sys.argv) > 1:
        measure_others(sys.argv[1])
    else:
        measure_writer()


if __name__ == "__main__":
    main()
