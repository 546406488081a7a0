"""What the proof costs: exports with it, and without, in turn, in one process.

Without means: no digests of rows and keys, none of the file, and no signature. Everything else is the same.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from uuid import uuid4

from benchmarks.servers import MAP, BenchmarkPostgresql
from benchmarks.shop import IDS, ORDERS, fill_postgresql
from customer_export.compose import open_services
from customer_export.export import proven, rendering
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import start_export
from customer_export.export.proven import ProvenSection
from customer_export.model.access import LocalOperator
from customer_export.model.csv_table import CsvTable
from customer_export.model.customer_map import Section
from customer_export.model.document import SectionStream
from customer_export.model.written import WrittenBytes
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.store.database import open_database, upgrade

CASES = (("whale", "csv", 5), ("large", "xlsx", 7))
"""Customer, format and pairs: what the goal is set for."""
COST_GOAL = 1.1


def measure_proof(folder: Path, url: str) -> None:
    """Print the ratios; each is the median of pairs taken in turn, by the clock and by this process's work."""
    print("| the proof | s with | s without | ratio | ratio of work | goal |\n|---|---|---|---|---|---|")
    with _services(folder, url) as services:
        for who, file_format, pairs in CASES:
            seconds, work = [], []
            export = partial(_export, services, str(IDS[who]), file_format)
            for number in range(pairs + 1):
                whole = _timed(export)
                with _without_proof(services) as bare:
                    plain = _timed(partial(_export, bare, str(IDS[who]), file_format))
                if number:  # the first pair warms both up
                    seconds.append((whole[0], plain[0]))
                    work.append(whole[1] / plain[1])
            ratio = median(one / other for one, other in seconds)
            mine, other = (median(column) for column in zip(*seconds, strict=True))
            print(
                f"| {ORDERS[who]:,} orders, {file_format} | {mine:.2f} | {other:.2f} "
                f"| {ratio:.2f} | {median(work):.2f} | {COST_GOAL} |",
                flush=True,
            )


def _timed(act: Callable[[], None]) -> tuple[float, float]:
    began, work = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - began, time.process_time() - work


@contextmanager
def _services(folder: Path, url: str) -> Iterator[Services]:
    own = f"sqlite:///{folder / 'proof.db'}"
    engine = open_database(own)
    upgrade(engine)
    engine.dispose()
    largest = {f"export_max_size_{name}": 10**10 for name in ("csv", "xlsx")}
    settings = Settings().model_copy(update={"source_url": url, "source_map": MAP, "database_url": own, **largest})
    with open_services(settings) as services:
        yield services


def _export(services: Services, customer_id: str, file_format: str) -> None:
    """Export as the command line does, into nothing."""
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=[("format", file_format), ("sections", "orders")],
        credentials=LocalOperator(user="benchmark"),
        client=None,
    )
    started = start_export(services, call, cancellation=Cancellation())
    try:
        with Path(os.devnull).open("wb") as nothing:
            for piece in started.pieces():
                nothing.write(piece)
        started.finish()
    finally:
        started.close()


class _BareSection(ProvenSection):
    """A section that is not digested."""

    def __init__(self, stream: SectionStream, section: Section, table: CsvTable) -> None:
        super().__init__(stream, section, table)
        for way in ("batches", "csv_records", "json_batches"):
            setattr(self, way, getattr(stream, way))


class _CountedBytes(WrittenBytes):
    """Counts what is written, and hashes nothing."""

    def add(self, piece: bytes) -> None:
        self._size_bytes += len(piece)


class _NoSigner:
    """Signs nothing."""

    def __init__(self, services: Services) -> None:
        self.key_set, self.refresh = services.signer.key_set, services.signer.refresh

    def sign(self, members: Mapping[str, object]) -> Mapping[str, object]:
        return members


@contextmanager
def _without_proof(services: Services) -> Iterator[Services]:
    """Take the proof out of the pipeline, for as long as this lasts."""
    changes = ((proven, "ProvenSection", _BareSection), (rendering, "WrittenBytes", _CountedBytes))
    kept = [(module, name, getattr(module, name)) for module, name, _ in changes]
    try:
        for module, name, change in changes:
            setattr(module, name, change)
        yield replace(services, signer=_NoSigner(services))
    finally:
        for module, name, one in kept:
            setattr(module, name, one)


def main() -> None:
    """Measure this alone, on a shop of its own."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        folder.chmod(0o755)
        server = BenchmarkPostgresql()
        held.callback(server.remove)
        server.start()
        url = server.create_database("shop")
        fill_postgresql(url)
        measure_proof(folder, url)


if __name__ == "__main__":
    main()
