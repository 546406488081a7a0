"""Put an export on record: the audit and one log event."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from customer_export.errors import (
    AuthenticationRequiredError,
    CustomerNotFoundError,
    ExportError,
    InsufficientScopeError,
    InvalidTokenError,
    RateLimitExceededError,
    TenantRestrictedError,
    TokenExpiredError,
)
from customer_export.model.audit import AuditEvent, AuditRecord, CacheUse
from customer_export.model.manifest import CompleteManifest, FileProof
from customer_export.observability.metrics import Metrics
from customer_export.store.interface import Store

log = structlog.get_logger()

INTERNAL_ERROR = "INTERNAL_ERROR"
"""The code of a failure that nobody foresaw."""

_DENIALS = (
    AuthenticationRequiredError,
    InvalidTokenError,
    TokenExpiredError,
    InsufficientScopeError,
    TenantRestrictedError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Writes the records of one export. `about` has what is known of it from the start."""

    store: Store
    metrics: Metrics
    now: Callable[[], datetime]
    about: AuditRecord

    def of(self, *, principal: str) -> "Recorder":
        """Go on with who is asking."""
        return replace(self, about=replace(self.about, principal=principal))

    def about_customer(self, customer_id: str) -> "Recorder":
        """Go on with the id in its canonical text, by which the audit is searched, instead of as it was sent."""
        return replace(self, about=replace(self.about, customer_id=customer_id))

    def from_cache(self, use: CacheUse, *, source_export_id: str | None = None) -> "Recorder":
        """Go on with what the cache had; of a hit, with the export that made the file."""
        return replace(self, about=replace(self.about, cache=use, source_export_id=source_export_id))

    @contextmanager
    def recording_failures(self) -> Iterator[None]:
        """Put on record whatever goes wrong within."""
        try:
            yield
        except BaseException as failure:
            self.failed(failure)
            raise

    def purged(self) -> None:
        """Record that the kept files of a customer were dropped."""
        self.store.record(self._ended(AuditEvent.PURGED))

    def started(self, manifest: CompleteManifest | None = None) -> None:
        """Record the start, before the first byte leaves, together with the manifest if it is known by then."""
        self.store.record(self._started(), manifest=manifest)

    def completed(self, proof: FileProof, *, rows: int, manifest: CompleteManifest | None = None) -> None:
        """Record the end of an export that is whole, together with the manifest if that is not on record yet."""
        record = self._completed(proof, rows)
        self.store.record(record, manifest=manifest)
        self._tell(record)

    def looked(self, *, rows: int) -> None:
        """Record the end of a look at a customer's first rows, which leaves no file."""
        self.store.record(self._ended(AuditEvent.COMPLETED, rows=rows))

    def completed_soon(self, proof: FileProof, *, rows: int) -> None:
        """Record likewise in the background; if that fails, the log says so."""
        record = self._completed(proof, rows)
        self.store.append([record]).written.add_done_callback(lambda written: self._told(record, written))

    def _told(self, record: AuditRecord, written: "Future[None]") -> None:
        failure = written.exception()
        if failure is None:
            self._tell(record)
        else:
            code = failure.code if isinstance(failure, ExportError) else INTERNAL_ERROR
            log.error("audit_failed", export_id=record.export_id, code=code)

    def _completed(self, proof: FileProof, rows: int) -> AuditRecord:
        return self._ended(AuditEvent.COMPLETED, rows=rows, size_bytes=proof.size_bytes, sha256=proof.sha256)

    def _tell(self, record: AuditRecord) -> None:
        self.metrics.completed(
            file_format=record.format,
            cache=record.cache,
            seconds=(record.at - self.about.at).total_seconds(),
            rows=record.rows or 0,
            size=record.bytes or 0,
        )
        log.info(
            "export_completed",
            export_id=record.export_id,
            format=record.format,
            rows=record.rows,
            bytes=record.bytes,
            cache=record.cache,
            duration_ms=record.duration_ms,
        )

    def _started(self) -> AuditRecord:
        return replace(self.about, at=self.now(), event=AuditEvent.STARTED)

    def failed(self, failure: BaseException) -> None:
        """Record the end of an export that is not whole. If even that fails, the log says so."""
        event = _ending(failure)
        code = failure.code if isinstance(failure, ExportError) else INTERNAL_ERROR
        record = replace(self._ended(event), code=code)
        unforeseen = code == INTERNAL_ERROR
        report = log.error if unforeseen else log.warning
        report(
            f"export_{event}",
            export_id=record.export_id,
            code=code,
            reason=type(failure).__name__,
            duration_ms=record.duration_ms,
            exc_info=failure if unforeseen else None,
        )
        try:
            self.store.record(record)
        except ExportError as second:
            log.error("audit_failed", export_id=record.export_id, code=second.code)  # noqa: TRY400  (no trace: foreseen)

    def _ended(
        self,
        event: AuditEvent,
        *,
        rows: int | None = None,
        size_bytes: int | None = None,
        sha256: str | None = None,
    ) -> AuditRecord:
        self.metrics.ended(file_format=self.about.format, outcome=event, cache=self.about.cache)
        now = self.now()
        duration_ms = (now - self.about.at) // timedelta(milliseconds=1)
        return replace(
            self.about,
            at=now,
            event=event,
            rows=rows,
            bytes=size_bytes,
            sha256=sha256,
            duration_ms=duration_ms,
        )


def _ending(failure: BaseException) -> AuditEvent:
    match failure:
        case RateLimitExceededError():
            return AuditEvent.LIMITED
        case CustomerNotFoundError(denied=True):
            return AuditEvent.DENIED
        case _ if isinstance(failure, _DENIALS):
            return AuditEvent.DENIED
        case _:
            return AuditEvent.FAILED
