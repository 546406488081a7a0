"""Put an export on record: the audit and one log event."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

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
from customer_export.model.request import ExportFormat, ExportRequest
from customer_export.observability.metrics import Metrics
from customer_export.store.interface import Appending, Store

log = structlog.get_logger()

INTERNAL_ERROR = "INTERNAL_ERROR"
"""The code of a failure that nobody foresaw."""

Later: TypeAlias = list[Future[None]]
"""Where records on their way are noted for a caller who must not block, and who awaits them before anything is said."""

_DENIALS = (
    AuthenticationRequiredError,
    InvalidTokenError,
    TokenExpiredError,
    InsufficientScopeError,
    TenantRestrictedError,
)

_FORMATS: Mapping[str | None, ExportFormat] = {one.value: one for one in ExportFormat}
"""What a caller may name: any other text as a label would be a series of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Writes the records of one export. `about` has what is known of it from the start, `known` what came since.

    Without `later`, `failed` returns when its record is written.
    """

    store: Store
    metrics: Metrics
    now: Callable[[], datetime]
    about: AuditRecord
    later: Later | None = None
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cache(self) -> CacheUse | None:
        """What the cache had; None if there was no question of it."""
        return self.known.get("cache")

    def of(self, *, principal: str) -> "Recorder":
        """Go on with who is asking."""
        return self._knowing(principal=principal)

    def about_customer(self, customer_id: str) -> "Recorder":
        """Go on with the id in its canonical text, by which the audit is searched, instead of as it was sent."""
        return self._knowing(customer_id=customer_id)

    def about_request(self, request: ExportRequest) -> "Recorder":
        """Go on with what was understood: the id in its canonical text, and the format, which a template may say."""
        return self._knowing(customer_id=request.customer_id, format=request.format)

    def from_cache(self, use: CacheUse, *, source_export_id: str | None = None) -> "Recorder":
        """Go on with what the cache had; of a hit, with the export that made the file."""
        return self._knowing(cache=use, source_export_id=source_export_id)

    def _knowing(self, **more: object) -> "Recorder":
        return Recorder(  # three times a request; `replace` takes half as long again
            store=self.store,
            metrics=self.metrics,
            now=self.now,
            about=self.about,
            later=self.later,
            known={**self.known, **more},
        )

    def recording_failures(self) -> "Recorder":
        """Put on record whatever goes wrong within: itself the context, since each request has five of them."""
        return self

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, failure: BaseException | None, _trace: object) -> None:
        """End; the failure goes on."""
        if failure is not None:
            self.failed(failure)

    def of_job(self, job_id: str) -> "Recorder":
        """Go on with the job that this export is part of."""
        return self._knowing(source_export_id=job_id)

    def submitted(self) -> None:
        """Record that a job was submitted, under its id."""
        self.store.record(self._ended(AuditEvent.SUBMITTED))

    def downloaded(self, *, size_bytes: int, sha256: str) -> None:
        """Record that a part of a file of a job is about to leave: so many bytes of a file of this digest."""
        self.store.record(self._ended(AuditEvent.DOWNLOADED, size_bytes=size_bytes, sha256=sha256))

    def job_completed(self, *, rows: int, size_bytes: int, sha256: str | None) -> None:
        """Record the end of a job that made files; the digest is that of its manifest's content."""
        self.store.record(self._ended(AuditEvent.COMPLETED, rows=rows, size_bytes=size_bytes, sha256=sha256))

    def job_failed(self, code: str) -> None:
        """Record the end of a job that made nothing."""
        self.store.record(self._ended(AuditEvent.FAILED, code=code))

    def counting(self, counts: str) -> "Recorder":
        """Go on with how much a purge has found, in the place of parameters, of which it has none."""
        return self._knowing(parameters=counts)

    def purged(self, *, size_bytes: int, sha256: str) -> None:
        """Record that files of so many bytes were destroyed, by a receipt of this digest."""
        self.store.record(self._ended(AuditEvent.PURGED, size_bytes=size_bytes, sha256=sha256))

    def starting(self) -> Appending:
        """Record the start in the background. Before that is written, no byte may leave."""
        return self.store.append([replace(self.about, at=self.now(), event=AuditEvent.STARTED, **self.known)])

    def keep(self, manifest: CompleteManifest) -> Appending:
        """Put a manifest on record in the background, before the file that it is of has gone."""
        appending = self.store.append([], manifest=manifest)
        appending.written.add_done_callback(lambda written: self._on_record(manifest.manifest.export_id, written))
        return appending

    def completed(self, proof: FileProof, *, rows: int, manifest: CompleteManifest | None = None) -> None:
        """Record the end of an export that is whole, together with the manifest if that is not on record yet."""
        record = self._completed(proof, rows)
        self.store.record(record, manifest=manifest)
        self._tell(record)

    def looked(self, *, rows: int) -> None:
        """Record the end of a look at a customer's first rows, which leaves no file."""
        self.store.record(self._ended(AuditEvent.COMPLETED, rows=rows))

    def completed_soon(self, proof: FileProof, *, rows: int, manifest: CompleteManifest | None = None) -> None:
        """Record likewise in the background; if that fails, the log says so."""
        record = self._completed(proof, rows)

        def told(written: "Future[None]") -> None:
            if self._on_record(record.export_id, written):
                self._tell(record)

        self.store.append([record], manifest=manifest).written.add_done_callback(told)

    def _on_record(self, export_id: str, written: "Future[None]") -> bool:
        """Say whether it was written, and tell the log if it was not."""
        failure = written.exception()
        if failure is not None:
            code = failure.code if isinstance(failure, ExportError) else INTERNAL_ERROR
            log.error("audit_failed", export_id=export_id, code=code)
        return failure is None

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
        if record.cache is CacheUse.WARM:
            log.info(
                "export_warmed",
                export_id=record.export_id,
                format=record.format,
                rows=record.rows,
                bytes=record.bytes,
                duration_ms=record.duration_ms,
            )
            return
        log.info(
            "export_completed",
            export_id=record.export_id,
            format=record.format,
            rows=record.rows,
            bytes=record.bytes,
            cache=record.cache,
            duration_ms=record.duration_ms,
        )

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
        appending = self.store.append([record])
        appending.written.add_done_callback(lambda written: self._on_record(record.export_id, written))
        if self.later is not None:
            self.later.append(appending.written)
            return
        with suppress(ExportError):
            appending.wait()

    def _ended(
        self,
        event: AuditEvent,
        *,
        rows: int | None = None,
        size_bytes: int | None = None,
        sha256: str | None = None,
        code: str | None = None,
    ) -> AuditRecord:
        file_format = _FORMATS.get(self.known.get("format", self.about.format))
        self.metrics.ended(file_format=file_format, outcome=event, cache=self.cache)
        now = self.now()
        duration_ms = (now - self.about.at) // timedelta(milliseconds=1)
        return replace(
            self.about,
            at=now,
            event=event,
            rows=rows,
            bytes=size_bytes,
            sha256=sha256,
            code=code,
            duration_ms=duration_ms,
            **self.known,
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
