"""The audit as it is read: entries by filter, and the whole chain."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from customer_export.model.audit import (
    MEMBER_NAMES,
    AuditEntry,
    AuditEvent,
    AuditFilter,
    AuditRecord,
    CacheUse,
    moment_text,
)
from customer_export.store.chain import Link, record_body
from customer_export.store.tables import AUDIT, AUDIT_HEAD, AUDIT_OPEN
from customer_export.store.verification import Ends, StoredLink

ROWS_AT_ONCE = 2_000  # of the chain in memory: about two megabytes
BEFORE_ALL = -(2**63)  # the smallest number that a column of ours can hold

_COLUMNS = [AUDIT.c[name] for name in MEMBER_NAMES]
_ENTRY = sa.select(AUDIT.c.sequence, AUDIT.c.hash, *_COLUMNS)


def select_entries(wanted: AuditFilter, *, before: int | None, limit: int, jobs: Sequence[str] = ()) -> sa.Select[Any]:
    """Select at most `limit` entries, the newest first. Those of `jobs` are about the customer, too."""
    conditions = [AUDIT.c[name] == value for name, value in _equal(wanted) if value is not None]
    if wanted.customer_id is not None:
        of_jobs = (
            AUDIT.c.export_id.in_(jobs),
            # as the index of downloads says it, word by word, since SQLite compares it so
            sa.and_(sa.text("audit.event = 'downloaded'"), AUDIT.c.source_export_id.in_(jobs)),
        )
        conditions.append(sa.or_(AUDIT.c.customer_id == wanted.customer_id, *(of_jobs if jobs else ())))
    if wanted.period.start is not None:
        conditions.append(AUDIT.c.at >= moment_text(wanted.period.start))
    if wanted.period.end is not None:
        conditions.append(AUDIT.c.at < moment_text(wanted.period.end))
    if before is not None:
        conditions.append(AUDIT.c.sequence < before)
    return _ENTRY.where(*conditions).order_by(AUDIT.c.sequence.desc()).limit(limit)


def _equal(wanted: AuditFilter) -> Sequence[tuple[str, str | None]]:
    return (
        ("principal", wanted.principal),
        ("event", wanted.event),
        ("format", wanted.format),
        ("export_id", wanted.export_id),
    )


def select_export(export_id: str) -> sa.Select[Any]:
    """Select the entries of one export, the oldest first."""
    return _ENTRY.where(AUDIT.c.export_id == export_id).order_by(AUDIT.c.sequence)


def select_abandoned(before: datetime) -> sa.Select[Any]:
    """Select the starts before a moment that have no end, the oldest first."""
    return (
        _ENTRY.join(AUDIT_OPEN, AUDIT_OPEN.c.export_id == AUDIT.c.export_id)
        .where(AUDIT_OPEN.c.at < moment_text(before), AUDIT.c.event == AuditEvent.STARTED)
        .order_by(AUDIT.c.sequence)
    )


def entry_of(row: sa.Row[Any]) -> AuditEntry:
    """Make an entry of a row."""
    members = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)
    sequence, hash_ = members.pop("sequence"), members.pop("hash")
    record = AuditRecord(
        **{
            **members,
            "at": datetime.fromisoformat(members["at"]),
            "event": AuditEvent(members["event"]),
            "cache": None if members["cache"] is None else CacheUse(members["cache"]),
        }
    )
    return AuditEntry(sequence=sequence, hash=hash_, record=record)


def read_ends(connection: Connection) -> Ends:
    """Read where the chain says that it ends and where it does, in one statement and so of one moment."""
    last, heads, sequence, hash_, open_exports = connection.execute(
        sa.select(
            sa.select(sa.func.coalesce(sa.func.max(AUDIT.c.sequence), 0)).scalar_subquery(),
            sa.select(sa.func.count()).select_from(AUDIT_HEAD).scalar_subquery(),
            sa.select(sa.func.max(AUDIT_HEAD.c.sequence)).scalar_subquery(),
            sa.select(sa.func.max(AUDIT_HEAD.c.hash)).scalar_subquery(),
            sa.select(sa.func.count()).select_from(AUDIT_OPEN).scalar_subquery(),
        )
    ).one()
    head = Link(sequence=sequence, hash=hash_) if heads == 1 else None
    return Ends(head=head, last=last, open_exports=open_exports)


def stored_links(engine: Engine, *, last: int) -> Iterator[StoredLink]:
    """Give the records up to a number in their order, some in memory at a time, and no transaction held between."""
    names = list(MEMBER_NAMES.values())
    page = _ENTRY.where(AUDIT.c.sequence > sa.bindparam("after"), AUDIT.c.sequence <= last)
    page = page.order_by(AUDIT.c.sequence).limit(ROWS_AT_ONCE)
    after = BEFORE_ALL
    while True:
        with engine.connect() as connection:
            rows = connection.execute(page, {"after": after}).all()
        for sequence, hash_, *values in rows:
            body = record_body(dict(zip(names, values, strict=True)))
            yield StoredLink(sequence=sequence, hash=hash_, body=body)
        if len(rows) < ROWS_AT_ONCE:
            return
        after = rows[-1].sequence
