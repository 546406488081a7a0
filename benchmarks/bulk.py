"""Measure bulk exports: customers of 20 orders out of PostgreSQL, in process.

`make bench` runs it with the others; `python -m benchmarks.bulk` runs it alone, `--customers 100000` as in the goal.
"""

import argparse
import hashlib
import os
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import psycopg

from benchmarks.servers import BenchmarkPostgresql
from benchmarks.shop import SCHEMA
from customer_export.compose import open_services
from customer_export.export.cancellation import Cancellation
from customer_export.jobs.bulk.partition import export_partition
from customer_export.jobs.bulk.plan import plan_partitions
from customer_export.model.access import LocalOperator
from customer_export.model.bulk import EVERYBODY, BulkOrder, Chosen, Layout, Partition
from customer_export.model.bulk_result import PartitionResult
from customer_export.services import Services
from customer_export.settings import Settings

CUSTOMERS = 40_000
"""Two fifths of the goal's, and two partitions of tables: all cases together take two minutes."""

HEADINGS = (
    "layout, format",
    "workers",
    "customers a second",
    "on free cores",
    "own, a core",
    "goal a core",
    "µs of the database each",
    "MB",
    "peak MB",
)

Case: TypeAlias = tuple[Layout, str, int | None, float | None]
"""Layout, format, customers that are enough to tell, and the goal in customers a second and core."""

CASES: Sequence[Case] = (
    (Layout.LINES, "ndjson", None, 2_000),
    (Layout.TABLES, "ndjson", None, 2_000),
    (Layout.TABLES, "csv", None, None),
    (Layout.TABLES, "parquet", None, None),
    (Layout.FILES, "json", 5_000, None),
    (Layout.FILES, "csv", 5_000, None),
    (Layout.FILES, "xlsx", 1_000, None),
    (Layout.FILES, "pdf", 500, None),
)

_FILL = """
insert into customers
  select md5('c' || p)::uuid, 'c' || p || '@example.com', 'C' || p, 'O''Müller-Šimić', '+4930' || lpad(p::text, 7, '0'),
    'de-DE', (array['gold', 'silver', null])[p %% 3 + 1], p %% 2 = 1, '2016-01-01T00:00:00Z'
  from generate_series(1, %(customers)s) p;
insert into addresses
  select p * 2 + k, md5('c' || p)::uuid, (array['billing', 'shipping'])[k + 1], p || ' Hauptstraße', null, 'Berlin',
    lpad(p::text, 5, '0'), 'DE', k = 0 from generate_series(1, %(customers)s) p, generate_series(0, 1) k;
insert into tickets
  select p * 3 + k, md5('c' || p)::uuid, 'Question ' || k, 'closed',
    timestamptz '2016-01-01 00:00:00Z' + k * interval '1 day', null, repeat('Where is my order? ', 10)
  from generate_series(1, %(customers)s) p, generate_series(0, 2) k;
insert into orders
  select md5(p || '/' || n)::uuid, md5('c' || p)::uuid, 'C-' || lpad((p * 20 + n)::text, 8, '0'),
    (array['paid', 'shipped', 'delivered', 'refunded', 'cancelled'])[n %% 5 + 1],
    timestamptz '2016-01-01 00:00:00Z' + n * interval '200 hours', 'EUR',
    cents / 100.0, (cents * 19 / 100) / 100.0, 4.90, (cents + cents * 19 / 100 + 490) / 100.0, n %% 9 + 1, 'web',
    (array['Leave at the door, thanks', '=HYPERLINK("http://x","y")', 'Grüße aus München', '日本語のメモ',
      'a "quoted" word', E'two\\nlines', 'plain', 'gift', '-5 discount promised', ''])[n %% 10 + 1]
  from generate_series(0, 19) n, generate_series(1, %(customers)s) p,
    lateral (select 500 + (n::bigint * 7919 + p::bigint * 104729) %% 89500 as cents) made;
"""
"""Orders of one moment lie beside one another, as they were placed, not those of one customer."""


@dataclass(frozen=True)
class Written:
    """What a folder says of a file."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Folder:
    """Writes files as a storage does: beside their place, flushed, and moved there."""

    path: Path

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> Written:  # noqa: ARG002
        """Write a file."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}")
        digest, size_bytes = hashlib.sha256(), 0
        with unfinished.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size_bytes += len(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        return Written(size_bytes, digest.hexdigest())


@contextmanager
def services_over(url: str, folder: Path) -> Iterator[Services]:
    """Open what a worker has."""
    settings = Settings().model_copy(
        update={
            "source_url": url,
            "source_map": Path(__file__).with_name("shop.toml"),
            "database_url": f"sqlite:///{folder / f'own-{os.getpid()}.db'}",
        }
    )
    with open_services(settings) as services:
        yield services


def fill(url: str, customers: int) -> None:
    """Make the shop in an empty database."""
    with psycopg.connect(url) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(SCHEMA)
        cursor.execute(_FILL, {"customers": customers})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def order_of(layout: Layout, file_format: str, chosen: Chosen = EVERYBODY) -> BulkOrder:
    """Make an order."""
    return BulkOrder(
        job_id=hashlib.sha256(f"{layout}{file_format}".encode()).hexdigest()[:32],
        created_at=datetime.now(UTC),
        customers=chosen,
        layout=layout,
        format=file_format,
    )


@dataclass(frozen=True)
class Took:
    """What some partitions took one process. It was `ready_seconds` without a core, since others had them all."""

    customers: int
    seconds: float
    own_seconds: float
    ready_seconds: float
    size_bytes: int
    peak_mb: float


def export(url: str, folder: Path, order: BulkOrder, partitions: Sequence[Partition]) -> Took:
    """Export partitions, one after the other, as a worker does."""
    with services_over(url, folder) as services:
        principal = services.authenticator.authenticate(LocalOperator(user="bench"), now=services.now())
        began, began_own, began_ready = time.perf_counter(), time.process_time(), ready_seconds()
        results: list[PartitionResult] = [
            export_partition(
                services,
                order,
                partition,
                principal=principal,
                artifacts=Folder(folder / "files"),
                cancellation=Cancellation(),
                told=lambda _customers, _rows: None,
            )
            for partition in partitions
        ]
        return Took(
            customers=sum(result.customers for result in results),
            seconds=time.perf_counter() - began,
            own_seconds=time.process_time() - began_own,
            ready_seconds=ready_seconds() - began_ready,
            size_bytes=sum(file.size_bytes for result in results for file in result.files),
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


def ready_seconds() -> float:
    """Say how long this thread, which does the work, has waited for a core (Linux: Documentation/scheduler)."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def plan(url: str, folder: Path, order: BulkOrder) -> Sequence[Partition]:
    """Cut the customers into partitions."""
    with services_over(url, folder) as services:
        principal = services.authenticator.authenticate(LocalOperator(user="bench"), now=services.now())
        return plan_partitions(services, order, principal=principal)


def measure_bulk(server: BenchmarkPostgresql, folder: Path, *, customers: int, cases: Sequence[Case] = CASES) -> None:
    """Print the table of bulk exports.

    "On free cores" leaves out how long a process was ready while others had the cores: what it would be with a core for
    each of them. A database's backend is a process, too: how long that was ready is left in.
    """
    url = server.create_database("bulk")
    fill(url, customers)
    print(f"\n{customers:,} customers of 20 orders:\n")
    print(f"| {' | '.join(HEADINGS)} |")
    print("|---" * len(HEADINGS) + "|")
    for layout, file_format, enough, goal in cases:
        order = order_of(layout, file_format)
        partitions = plan(url, folder, order)
        if enough is not None:
            partitions = partitions[: max(1, enough // partitions[0].customers)]
        for workers in (1,) if goal is None else (1, 2):
            _measure(server, url, folder, order, partitions, goal, workers=workers)


def _measure(
    server: BenchmarkPostgresql,
    url: str,
    folder: Path,
    order: BulkOrder,
    partitions: Sequence[Partition],
    goal: float | None,
    *,
    workers: int,
) -> None:
    began_database = server.cpu_seconds()
    shares = [partitions[number::workers] for number in range(workers)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(export, url, folder, order, share) for share in shares if share]
        took = [run.result() for run in runs]
    customers, seconds = sum(one.customers for one in took), max(one.seconds for one in took)
    free = max(one.seconds - one.ready_seconds for one in took)
    own = sum(one.own_seconds for one in took)
    database = server.cpu_seconds() - began_database
    cells = (
        f"{order.layout}, {order.format}",
        f"{workers}",
        f"{customers / seconds:,.0f}",
        f"{customers / free:,.0f}",
        f"{customers / own:,.0f}",
        "–" if goal is None else f"{goal:,.0f}",
        f"{database / customers * 1e6:,.0f}",
        f"{sum(one.size_bytes for one in took) / 1e6:,.1f}",
        f"{max(one.peak_mb for one in took):.0f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Measure on a PostgreSQL of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--goals", action="store_true", help="only the cases that have a goal")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = BenchmarkPostgresql()
        try:
            server.start()
            cases = [case for case in CASES if case[3] is not None or not arguments.goals]
            measure_bulk(server, folder, customers=arguments.customers, cases=cases)
        finally:
            server.remove()


if __name__ == "__main__":
    main()
