"""Manifests on record."""

from collections.abc import Mapping

from customer_export.errors import ExportNotCompleteError, ExportNotFoundError
from customer_export.model.audit import AuditEvent
from customer_export.services import Services


def recorded_manifest(services: Services, export_id: str, *, tenant: str | None) -> Mapping[str, object]:
    """Find a manifest. Raises ExportNotFoundError, and ExportNotCompleteError if the export has none."""
    manifest = find_manifest(services, export_id, tenant=tenant, last=True)
    assert manifest is not None  # at the last look there is one, or an error
    return manifest


def find_manifest(services: Services, export_id: str, *, tenant: str | None, last: bool) -> Mapping[str, object] | None:
    """Find a manifest; None: it may be there in a moment, and this was not the last look. Raises the same.

    It goes on record when its file is whole, and stays whatever becomes of the download: others may have that file.
    """
    records = services.store.audit_of(export_id) if export_id.isalnum() else []
    if not records:
        raise ExportNotFoundError
    failed = records[-1].event in {AuditEvent.FAILED, AuditEvent.DENIED, AuditEvent.LIMITED}
    manifest = services.store.manifest(export_id)
    if manifest is None and not failed and not last:
        return None
    if tenant is not None and (manifest is None or manifest["tenant"] != tenant):
        raise ExportNotFoundError  # who is held to a tenant learns nothing of others' exports
    if manifest is None:
        how = f"ended with {records[-1].code}" if failed else "has not ended yet"
        raise ExportNotCompleteError(f"The export {how}; only a complete export has a manifest")
    return manifest
