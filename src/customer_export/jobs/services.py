"""What jobs talk to, beside what every export does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from customer_export.cache.sealing import Seal
from customer_export.jobs.figures import KeptFigures
from customer_export.model.request import ExportFormat
from customer_export.model.warming import WarmingLimits
from customer_export.services import Services
from customer_export.storage.interface import Storage
from customer_export.store.demand import DemandStore
from customer_export.store.erasure_interface import ErasureStore
from customer_export.store.job_interface import JobStore
from customer_export.store.schedule_interface import ScheduleStore
from customer_export.store.webhook_interface import WebhookStore
from customer_export.webhooks.sending import Send


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """What the operator allows a job: the largest file of one customer, the time for one part, and how long it is kept.

    `keep_files` is how long files are kept after the job's end, `keep_history` the job itself after that, `links` how
    long a link is good. `webhooks` is how many one owner may have.
    """

    largest_bytes: int
    part_time: timedelta
    keep_files: timedelta
    keep_history: timedelta
    links: timedelta
    webhooks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdn:
    """A content delivery network in front of the storage: its URL without a slash at the end, and the shared key."""

    url: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Built once by `compose`, shared by all threads. `seal` seals secrets of webhooks, `send` sends messages.

    `warming` is None where no file is made for the cache before anybody asks.
    """

    services: Services
    store: JobStore
    schedules: ScheduleStore
    webhooks: WebhookStore
    erasure: ErasureStore
    storage: Storage
    limits: JobLimits
    seal: Seal
    send: Send
    figures: KeptFigures
    demand: DemandStore
    warming: WarmingLimits | None = None
    cdn: Cdn | None = None

    def exporting(self) -> Services:
        """Give the services with the limits of jobs: larger files than a request may wait for."""
        largest: Mapping[ExportFormat, int] = dict.fromkeys(ExportFormat, self.limits.largest_bytes)
        limits = replace(self.services.limits, largest_bytes=largest, time=self.limits.part_time)
        return replace(self.services, limits=limits)
