"""Figures of what is done in the background, as our database has them: the same from whichever server is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from customer_export.observability.metrics import PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundFigures:
    """How jobs, schedules and webhooks stand. Each mapping has every state, those of none with 0.

    `parts` are those of jobs in flight, `files` those that are kept and `file_bytes` their size. Seconds are since the
    oldest queued job was submitted, since the most overdue schedule was due, and since the oldest pending message of
    an enabled webhook was made; 0 if there is none. `schedule_failures` is the longest row of failures of an active
    schedule.
    """

    jobs: Mapping[str, int]
    queued_seconds: float
    parts: Mapping[str, int]
    files: int
    file_bytes: int
    schedules: Mapping[str, int]
    overdue_seconds: float
    schedule_failures: int
    webhooks: Mapping[str, int]
    messages: Mapping[str, int]
    pending_seconds: float

    def text(self) -> bytes:
        """Give them in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(_Collected(self))
        return generate_latest(registry)

    def families(self) -> Iterator[GaugeMetricFamily]:
        """Give them as metrics."""
        yield _by_state("jobs", "Jobs that are kept", self.jobs)
        yield _one("job_queue_age_seconds", "Age of the oldest job that no worker has begun", self.queued_seconds)
        yield _by_state("job_parts", "Parts of jobs in flight", self.parts)
        yield _one("job_files", "Files of jobs that are kept", self.files)
        yield _one("job_files_bytes", "Size of the files of jobs that are kept", self.file_bytes)
        yield _by_state("schedules", "Schedules", self.schedules)
        yield _one("schedule_overdue_seconds", "How long the most overdue schedule has been due", self.overdue_seconds)
        yield _one("schedule_failures_in_a_row", "Most failures in a row of a schedule", self.schedule_failures)
        yield _by_state("webhooks", "Webhooks", self.webhooks)
        yield _by_state("webhook_messages", "Messages that have not been taken", self.messages)
        yield _one("webhook_queue_age_seconds", "Age of the oldest message to be sent", self.pending_seconds)


class _Collected(Collector):
    def __init__(self, figures: BackgroundFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return self._figures.families()


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _by_state(name: str, text: str, counts: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["state"])
    for state, count in counts.items():
        family.add_metric([state], count)
    return family
