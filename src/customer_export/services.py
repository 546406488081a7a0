"""What an export talks to: everything outside the process, and the clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from customer_export.auth.interface import Authenticator
from customer_export.cache.exports import ExportCache
from customer_export.limits.interface import RateLimiter
from customer_export.limits.keys import CountBy
from customer_export.model.policy import Policy
from customer_export.model.request import ExportFormat
from customer_export.observability.load import Load
from customer_export.observability.metrics import Metrics
from customer_export.source.interface import Source
from customer_export.store.interface import Store
from customer_export.store.template_interface import TemplateStore
from customer_export.writers.interface import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLimits:
    """What the operator allows. `largest_bytes` has an entry for every format that can be written.

    `time` is what an export may take, `job_time` what one may that is part of a job.
    """

    largest_bytes: Mapping[ExportFormat, int]
    stream_above_rows: int
    time: timedelta
    job_time: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How often: exports, failed authentications, and messages of webhooks that somebody has sent by hand.

    `secret` keeps the clients' keys from telling who they are.
    """

    exports: RateLimiter
    failures: RateLimiter
    messages: RateLimiter
    count_by: CountBy
    secret: bytes


class KnownCoverage(Protocol):
    """What is known of the map's coverage."""

    def known(self) -> Mapping[str, object] | None:
        """Give it as a manifest's members (docs/manifest.md), or None as long as nothing is known."""


class Signer(Protocol):
    """Signs manifests. Shared by all threads; `sign` asks nobody elsewhere."""

    def sign(self, members: Mapping[str, object]) -> Mapping[str, object]:
        """Give a JSON object's members with its signature as the last of them (docs/signing.md)."""

    def derive_secret(self, purpose: bytes) -> bytes:
        """Make a secret of 32 bytes that all processes share until the key changes."""

    def key_set(self) -> Mapping[str, object]:
        """Give all public keys that ever signed, as a JWK set."""

    def refresh(self) -> None:
        """Look which key is in use by now: another process may have made a new one. Raises StoreUnavailableError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Built once by `compose`, shared by all threads. `now` gives an aware moment. No policy, nothing masked.

    `source_id` tells this database of customers from others whose exports may lie in the same cache.
    `admits_at_once` says that knowing a caller, counting and looking into the cache ask nobody elsewhere: it takes some
    hundred microseconds at most, and may be done where nothing may wait.
    """

    source: Source
    coverage: KnownCoverage
    writers: Mapping[ExportFormat, Writer]
    authenticator: Authenticator
    store: Store
    templates: TemplateStore
    signer: Signer
    limits: ExportLimits
    rate: RateLimits
    cache: ExportCache
    metrics: Metrics
    load: Load
    source_id: str
    admits_at_once: bool
    policy: Policy | None
    now: Callable[[], datetime]
