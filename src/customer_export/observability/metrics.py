"""Metrics for Prometheus. Seconds and bytes are the units; no label holds anything of a customer."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache as remember
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

PREFIX = "customer_export"
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
BYTES = tuple(float(4**power) for power in range(5, 16))  # 1 KiB to 1 GiB
WARM = "warm"  # as the audit's `cache` says it of a file that nobody has asked for
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder through which several processes add up their figures; prometheus_client reads it."""


def forget_ended_processes(folder: Path) -> None:
    """Leave processes that have ended out of what is the case just now. What they have counted stays."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)  # sends nothing
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


Metric = TypeVar("Metric", Counter, Histogram)


def _by_labels(metric: Metric, labels: tuple[str, ...]) -> Callable[..., Metric]:
    """Find the metric of given labels in a tenth of the library's time. There are few, and it keeps them all, too."""
    return remember(metric.labels) if labels else lambda: metric


class Metrics:
    """What is counted; one object a process. Each method is called where the thing happens, and nowhere else."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._exports = self._counter("exports", "Exports that have ended", "format", "outcome", "cache")
        self._duration = self._seconds("export_duration", "From the request to the last byte", "format", "cache")
        self._first_byte = self._seconds("first_byte", "From the request to the first byte", "format")
        self._size = self._histogram("export_size_bytes", "Size of whole exports", "format", buckets=BYTES)
        self._rows = self._counter("rows", "Rows that have left in whole exports", "format")
        self._errors = self._counter("errors", "Answers that say what went wrong", "code", "status")
        self._limited = self._counter("rate_limited", "Requests refused by a rate limit", "limit")
        self._cache = self._counter("cache_requests", "Look-ups of finished exports", "result")
        self._joined = self._counter("single_flight_joins", "Requests that waited for another's export")
        self._warmed = self._counter("warmings", "Files made for the cache before anybody asked", "format", "outcome")
        self._warming = self._seconds("warming_duration", "How long it took to make a file for the cache", "format")
        self._not_warmed = self._counter("warming_skips", "Files that were not made for the cache", "reason")
        self._in_flight = self._gauge("exports_in_flight", "Exports under way")
        self._waiting = self._gauge("exports_waiting", "Exports that wait for a thread")
        self._snapshots = self._gauge("source_snapshots", "Connections to the customers' database in use")
        self._snapshot = self._seconds("source_snapshot", "How long a snapshot of the customers' database was open")
        self._answers = self._seconds("http_request_duration", "Answers of the API", "route", "method", "status")
        self._up = Gauge(
            f"{PREFIX}_dependency_up",
            "Whether a server that this one needs answered last (1) or not (0)",
            ["dependency"],
            registry=self._registry,
            multiprocess_mode="livemin",
        )

    def _counter(self, name: str, text: str, *labels: str) -> Callable[..., Counter]:
        return _by_labels(Counter(f"{PREFIX}_{name}", text, labels, registry=self._registry), labels)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, registry=self._registry, multiprocess_mode="livesum")

    def _seconds(self, name: str, text: str, *labels: str) -> Callable[..., Histogram]:
        return self._histogram(f"{name}_seconds", text, *labels, buckets=SECONDS)

    def _histogram(self, name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Callable[..., Histogram]:
        histogram = Histogram(f"{PREFIX}_{name}", text, labels, buckets=buckets, registry=self._registry)
        return _by_labels(histogram, labels)

    def ended(self, *, file_format: str | None, outcome: str, cache: str | None) -> None:
        """Count an export that ended; `outcome` is an event of the audit. Nobody has asked for one that is warmed."""
        if cache == WARM:
            self._warmed(file_format or "none", outcome).inc()
            return
        self._exports(file_format or "none", outcome, cache or "none").inc()

    def completed(self, *, file_format: str | None, cache: str | None, seconds: float, rows: int, size: int) -> None:
        """Count what an export that is whole took and held."""
        kind = file_format or "none"
        if cache == WARM:
            self._warming(kind).observe(seconds)
            return
        self._duration(kind, cache or "none").observe(seconds)
        self._size(kind).observe(size)
        self._rows(kind).inc(rows)

    def first_byte(self, *, file_format: str, seconds: float) -> None:
        """Note how long the first byte took."""
        self._first_byte(file_format).observe(seconds)

    def failed(self, *, code: str, status: int) -> None:
        """Count an answer that is an error."""
        self._errors(code, str(status)).inc()

    def limited(self, limit: str) -> None:
        """Count a request that a rate limit refused: `exports`, `authentication` or `messages`."""
        self._limited(limit).inc()

    def looked_up(self, result: str) -> None:
        """Count a look into the cache: `hit`, `miss` or `bypass`."""
        self._cache(result).inc()

    def joined(self) -> None:
        """Count a request that waits for an identical one."""
        self._joined().inc()

    def not_warmed(self, reason: str) -> None:
        """Count a file that was not made for the cache, once for each time that it is for another reason."""
        self._not_warmed(reason).inc()

    def in_flight(self) -> AbstractContextManager[None]:
        """Count an export as under way."""
        return self._in_flight.track_inprogress()

    def waiting(self) -> AbstractContextManager[None]:
        """Count an export as waiting for a thread."""
        return self._waiting.track_inprogress()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Count a connection to the customers' database as in use, and for how long."""
        with self._snapshots.track_inprogress(), self._snapshot().time():
            yield

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Note an answer; `route` is the path's pattern."""
        self._answers(route, method, str(status)).observe(seconds)

    def dependency(self, name: str, *, up: bool) -> None:
        """Note whether a server that this one needs answers."""
        self._up.labels(name).set(up)

    def text(self) -> bytes:
        """Give everything in Prometheus' text format, of all processes where there are several."""
        if FOLDER_VARIABLE not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
