"""Put an export on record: the audit and one log event."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from customer_export.errors import ExportError
from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.model.manifest import CompleteManifest
from customer_export.store.interface import Store

log = structlog.get_logger()

INTERNAL_ERROR = "INTERNAL_ERROR"
"""The code of a failure that nobody foresaw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Writes the records of one export. `about` has what is known of it from the start."""

    store: Store
    now: Callable[[], datetime]
    about: AuditRecord

    def of(self, *, principal: str) -> "Recorder":
        """Go on with who is asking."""
        return replace(self, about=replace(self.about, principal=principal))

    def started(self, manifest: CompleteManifest | None = None) -> None:
        """Record the start, before the first byte leaves, together with the manifest if it is known by then."""
        self.store.record(replace(self.about, at=self.now(), event=AuditEvent.STARTED), manifest=manifest)

    def completed(self, manifest: CompleteManifest, *, keep_manifest: bool) -> None:
        """Record the end of an export that is whole."""
        record = self._ended(
            AuditEvent.COMPLETED,
            rows=manifest.rows,
            size_bytes=manifest.file.size_bytes,
            sha256=manifest.file.sha256,
        )
        self.store.record(record, manifest=manifest if keep_manifest else None)
        log.info(
            "export_completed",
            export_id=record.export_id,
            format=record.format,
            rows=record.rows,
            bytes=record.bytes,
            duration_ms=record.duration_ms,
        )

    def failed(self, failure: BaseException, *, event: AuditEvent = AuditEvent.FAILED) -> None:
        """Record the end of an export that is not whole. If even that fails, the log says so."""
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
