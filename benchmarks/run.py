"""Measure: `make bench`, or `make bench PEERS=folder` to measure beside the stack that the specification names.

Everything runs on this machine, in one run; ratios are medians of pairs taken in turn. Takes about five minutes.
"""

import argparse
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.bulk import CUSTOMERS, measure_bulk
from benchmarks.many_sections import measure_sections
from benchmarks.proof import measure_proof
from benchmarks.servers import (
    BenchmarkPostgresql,
    Server,
    download,
    our_server,
    peak_mb,
    peer_server,
)
from benchmarks.service import measure_service
from benchmarks.shop import IDS, ORDERS, copy_to_sqlite, fill_postgresql

CASES = (
    ("typical", "json", 41, 1.0),
    ("typical", "csv", 41, 1.0),
    ("typical", "xlsx", 15, 0.5),
    ("typical", "pdf", 15, 0.6),
    ("regular", "json", 21, None),
    ("regular", "csv", 21, None),
    ("regular", "xlsx", 9, 0.3),
    ("regular", "pdf", 7, 0.3),
    ("big", "json", 9, 0.6),
    ("big", "csv", 9, 0.4),
    ("big", "xlsx", 3, 0.1),
    ("big", "pdf", 2, 0.2),
    ("whale", "csv", 3, 0.3),
)
"""Customer, format, pairs, and the ratio to the peer that is the goal."""

COPY_GOAL, FIRST_BYTE_GOAL_MS, MEMORY_GOAL_MB, SQLITE_GOAL_ROWS = 1.4, 300, 100, 200_000
_COLUMNS = "id,number,status,placed_at,currency,subtotal,tax,shipping,total,item_count,channel,note"


def main() -> None:
    """Run every measurement and print the tables of benchmarks/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, help="a folder with node-stack/, to measure beside ours")
    arguments = parser.parse_args()
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        folder.chmod(0o755)
        server = BenchmarkPostgresql()
        held.callback(server.remove)
        server.start()
        url = server.create_database("shop")
        fill_postgresql(url)
        ours = held.enter_context(our_server(folder, url))
        peer = None if arguments.peers is None else held.enter_context(peer_server(folder, arguments.peers, url))
        idle_mb = _warm(ours)
        _compare(ours, peer, idle_mb)
        _copy_limit(server, ours, url)
        measure_sections(server, folder)
        measure_service(folder, url)
        measure_bulk(server, folder, customers=CUSTOMERS)
        measure_proof(folder, url)
        shop = folder / "shop.db"
        copy_to_sqlite(url, shop)
        _sqlite(folder, shop)


def _warm(ours: Server) -> float:
    for file_format in ("json", "csv", "xlsx", "pdf"):
        download(ours, IDS["typical"], f"format={file_format}")
    return peak_mb(ours.pid)


def _query(who: str, file_format: str) -> str:
    # above 500 orders the peer's CSV holds the orders alone, so ours does too
    only = "&sections=orders" if file_format == "csv" and ORDERS[who] > 500 else ""
    return f"format={file_format}{only}"


def _compare(ours: Server, peer: Server | None, idle_mb: float) -> None:
    print("| case | ours ms | peer ms | ratio | goal | first byte ms | MB | peak above idle MB |")
    print("|---|---|---|---|---|---|---|---|")
    for who, file_format, pairs, goal in CASES:
        mine, theirs = [], []
        for number in range(pairs + 1):
            one = download(ours, IDS[who], _query(who, file_format))
            other = None if peer is None else download(peer, IDS[who], f"format={file_format}")
            if number:  # the first pair warms both up
                mine.append(one)
                theirs.append(other)
        others = [other.total_ms for other in theirs if other is not None]
        ratio = median([one.total_ms / other for one, other in zip(mine, others, strict=True)]) if others else None
        print(
            f"| {who}, {ORDERS[who]:,} orders, {file_format} | {median([one.total_ms for one in mine]):,.1f} "
            f"| {_shown(median(others) if others else None, ',.1f')} | {_shown(ratio, '.2f')} | {_shown(goal, '.1f')} "
            f"| {median([one.first_byte_ms for one in mine]):.1f} | {mine[-1].size_bytes / 1e6:.2f} "
            f"| {peak_mb(ours.pid) - idle_mb:.0f} |",
            flush=True,
        )
    print(f"\nGoals: first byte within {FIRST_BYTE_GOAL_MS} ms, at most {MEMORY_GOAL_MB} MB above idle.\n")


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _copy_limit(server: BenchmarkPostgresql, ours: Server, url: str) -> None:
    """Set a million orders over HTTP against psql's COPY of the same rows, in turn."""
    where = f"from orders where customer_id = '{IDS['whale']}' order by placed_at, id"
    copy = f"copy (select {_COLUMNS} {where}) to stdout (format csv)"
    ratios, seconds = [], []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([server.psql, url, "-qc", copy], stdout=subprocess.DEVNULL, check=True)
        limit = time.perf_counter() - began
        mine = download(ours, IDS["whale"], _query("whale", "csv")).total_ms / 1000
        ratios.append(mine / limit)
        seconds.append((mine, limit))
    mine, limit = (median(column) for column in zip(*seconds, strict=True))
    print("| a million orders | ours s | psql COPY s | ratio | goal |\n|---|---|---|---|---|")
    print(f"| csv | {mine:.2f} | {limit:.2f} | {median(ratios):.2f} | {COPY_GOAL} |\n", flush=True)


def _sqlite(folder: Path, shop: Path) -> None:
    """Measure a million orders out of SQLite, over HTTP."""
    with our_server(folder, f"sqlite:///{shop}") as ours:
        download(ours, IDS["typical"], "format=csv")
        seconds = [download(ours, IDS["whale"], _query("whale", "csv")).total_ms / 1000 for _ in range(3)]
    rate = ORDERS["whale"] / median(seconds)
    print("| SQLite | s | rows/s | goal |\n|---|---|---|---|")
    print(f"| a million orders, csv | {median(seconds):.2f} | {rate:,.0f} | {SQLITE_GOAL_ROWS:,} |", flush=True)


if __name__ == "__main__":
    main()
