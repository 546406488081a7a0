"""Changes on record: of what decides about the exports of others."""

from typing import Literal
from urllib.parse import urlencode
from uuid import uuid4

from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.services import Services


def record_change(
    services: Services,
    kind: Literal["schedule", "webhook", "template"],
    thing: str,
    change: str,
    *,
    principal: str,
    client: str | None,
    customer_id: str | None = None,
    **more: str,
) -> None:
    """Put on record that somebody is about to make, change or delete something. Raises StoreUnavailableError.

    `thing` is its id, or its name if it has none.
    """
    record = AuditRecord(
        at=services.now(),
        event=AuditEvent.CHANGED,
        export_id=uuid4().hex,
        principal=principal,
        client=client,
        customer_id=customer_id,
        format=None,
        parameters=urlencode({kind: thing, "change": change, **more}),
    )
    services.store.record(record)
