"""What JSON and NDJSON say about the export before its data."""

from customer_export.model.document import Document


def export_head(document: Document) -> dict[str, object]:
    """Describe the export: who asked for what, of which moment, by which map. Documented in docs/formats/json.md."""
    request = document.request
    period = request.period
    return {
        "id": document.export_id,
        "createdAt": document.created_at.isoformat(timespec="milliseconds"),
        "snapshotAt": document.snapshot_at,
        "requestedBy": document.requested_by,
        "map": {"name": document.map_name, "version": document.map_version},
        "sections": list(request.sections),
        "from": None if period.start is None else period.start.isoformat(),
        "to": None if period.end is None else period.end.isoformat(),
        "timeZone": request.time_zone,
        "software": f"customer-export {document.product_version}",
    }


def dsar_head(document: Document) -> dict[str, object]:
    """Say what the cover of an answer to a data subject says; nothing of any other export."""
    return {} if document.dsar is None else {"dsar": document.dsar.members()}


def customer_head(document: Document) -> dict[str, object]:
    """Name the customer."""
    return {"id": document.request.customer_id, "title": document.customer_title}
