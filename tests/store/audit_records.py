"""Records for the tests of the audit, and ways to tamper with them that leave our own code out."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa

from customer_export.model.audit import AuditEvent, AuditRecord

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
ENDED = AuditRecord(
    at=NOW,
    event=AuditEvent.COMPLETED,
    export_id="",
    principal="jane",
    client="127.0.0.1",
    customer_id="42",
    format="csv",
    parameters="format=csv",
    rows=3,
    bytes=300,
    sha256="a" * 64,
    duration_ms=12,
)


def ended(**changes: object) -> AuditRecord:
    """Make the record of an export of its own that has ended."""
    return replace(ENDED, **{"export_id": uuid4().hex, **changes})  # type: ignore[arg-type]


def started(**changes: object) -> AuditRecord:
    """Make the record of an export of its own that has begun."""
    return ended(event=AuditEvent.STARTED, rows=None, bytes=None, sha256=None, duration_ms=None, **changes)


def tamper(engine: sa.Engine, *statements: str) -> None:
    """Do what somebody with the database's password can do."""
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
