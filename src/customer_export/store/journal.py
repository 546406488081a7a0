"""The audit as it is written: records, manifests and the chain's head, in one transaction of the driver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from customer_export.errors import ExportInterruptedError, StoreUnavailableError
from customer_export.model.audit import MEMBER_NAMES, AuditEvent, AuditRecord, AuditValue, keepable_text
from customer_export.store.chain import Link, link_hash, record_body
from customer_export.store.connections import Connections, DriverConnection, Parameters
from customer_export.store.database import unavailable
from customer_export.store.group_commit import Pending
from customer_export.store.journal_statements import POSTGRESQL, SQLITE
from customer_export.store.tables import AUDIT, AUDIT_HEAD, AUDIT_OPEN, MANIFESTS

_BEGINNINGS = {AuditEvent.STARTED, AuditEvent.SUBMITTED}

Known = Mapping[str, set[str]]
"""The events that are on record of each export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecord:
    """A record that can be kept: its members, and their canonical JSON; which export it is of, and what happened."""

    members: Mapping[str, AuditValue]
    body: bytes
    export_id: str
    event: str


def kept_record(record: AuditRecord) -> KeptRecord:
    """Prepare a record for the database; what it may not keep is replaced."""
    members = record.members()
    try:
        body = record_body(members)
        keepable = b"\\u0000" not in body  # which a backslash before that text also looks like, and is not harmed
    except TypeError:  # orjson's for half a surrogate pair
        keepable = False
    if not keepable:
        members = {name: keepable_text(value) if isinstance(value, str) else value for name, value in members.items()}
        body = record_body(members)
    return KeptRecord(members=members, body=body, export_id=str(members["exportId"]), event=record.event.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is appended, all of it or nothing. `manifest` is a row."""

    records: tuple[KeptRecord, ...]
    manifest: Parameters | None


@dataclass(slots=True)
class _Additions:
    """Rows to be written by one transaction, and the head of the chain after it."""

    head: Link
    records: list[Parameters] = field(default_factory=list)
    manifests: list[Parameters] = field(default_factory=list)
    opened: dict[str, Parameters] = field(default_factory=dict)
    closed: list[Parameters] = field(default_factory=list)


class Journal:
    """Appends entries. Correct with any number of threads and processes: the head is locked while it is moved."""

    def __init__(self, engine: Engine, connections: Connections) -> None:
        self._connections = connections
        sql = connections.sql
        self._own = SQLITE if engine.dialect.name == "sqlite" else POSTGRESQL
        self._head = sql(sa.select(AUDIT_HEAD.c.sequence, AUDIT_HEAD.c.hash).with_for_update())
        self._known = sql(self._own.known)
        self._append = sql(self._own.insert(AUDIT))
        self._keep = sql(self._own.insert(MANIFESTS))
        self._open = sql(self._own.insert(AUDIT_OPEN))
        self._close = sql(self._own.close)
        self._move = sql(AUDIT_HEAD.update().values(sequence=sa.bindparam("sequence"), hash=sa.bindparam("hash")))

    def commit(self, pending: Sequence[Pending[Entry]]) -> None:
        """Write entries in one transaction, and end each.

        An entry that the database refuses does not take the others with it: they are written one by one then.
        """
        try:
            refused = self._write([each.entry for each in pending])
        except self._connections.driver_error as failure:
            if len(pending) > 1 and isinstance(failure, self._connections.entry_errors):
                for each in pending:
                    self.commit([each])
                return
            for each in pending:
                each.written.set_exception(unavailable(failure))
            return
        for number, each in enumerate(pending):
            if number in refused:
                each.written.set_exception(refused[number])
            else:
                each.written.set_result(None)

    def _write(self, entries: Sequence[Entry]) -> Mapping[int, ExportInterruptedError]:
        """Write those of the entries that may be; give the others by their number, with the reason."""
        export_ids = {record.export_id for entry in entries for record in entry.records}
        asked = {"export_ids": self._own.listed(sorted(export_ids))}

        def write(connection: DriverConnection) -> Mapping[int, ExportInterruptedError]:
            begun = False
            try:
                with self._own.transaction(connection):
                    head = connection.execute(self._head)
                    found = connection.execute(self._known, asked)
                    link = _only_link(head.fetchall())
                    known: dict[str, set[str]] = {export_id: set() for export_id in export_ids}
                    for export_id, event in self._own.pairs(found.fetchall()):
                        known[export_id].add(event)
                    begun = True
                    additions, refused = _chained(entries, link, known)
                    self._add(connection, additions)
            except self._connections.driver_error as failure:
                if begun and self._connections.lost(failure, connection):  # perhaps committed: never again
                    raise unavailable(failure) from failure
                raise
            return refused

        return self._connections.run(write)

    def _add(self, connection: DriverConnection, additions: _Additions) -> None:
        cursor = connection.cursor()
        for statement, rows in (
            (self._append, additions.records),
            (self._keep, additions.manifests),
            (self._open, list(additions.opened.values())),
            (self._close, additions.closed),
        ):
            if rows:
                self._own.run(cursor, statement, rows)
        connection.execute(self._move, {"sequence": additions.head.sequence, "hash": additions.head.hash})


def _only_link(heads: Sequence[tuple[Any, ...]]) -> Link:
    if len(heads) != 1:
        raise StoreUnavailableError(
            f"The audit in the database of DATABASE_URL has {len(heads)} heads instead of one; "
            "run customer-export audit verify, and restore the database from its backup"
        )
    ((sequence, hash_),) = heads
    return Link(sequence=sequence, hash=hash_)


def _chained(
    entries: Sequence[Entry], link: Link, known: Known
) -> tuple[_Additions, Mapping[int, ExportInterruptedError]]:
    """Give each record its place, and refuse entries that would end an export a second time."""
    additions = _Additions(head=link)
    refused: dict[int, ExportInterruptedError] = {}
    for number, entry in enumerate(entries):
        if any(_is_on_record(record, known) for record in entry.records):
            refused[number] = ExportInterruptedError(
                "The export has an end on record already, since it was not finished in time; export again"
            )
            continue
        for record in entry.records:
            _add_record(record, additions, known[record.export_id])
        if entry.manifest is not None:
            additions.manifests.append(entry.manifest)
    return additions, refused


def _is_on_record(record: KeptRecord, known: Known) -> bool:
    """Whether its export has begun already, if this is its beginning, or has ended already, if this is its end."""
    events = known[record.export_id]
    return bool(events if record.event == AuditEvent.STARTED else events - _BEGINNINGS)


def _add_record(record: KeptRecord, additions: _Additions, events: set[str]) -> None:
    sequence = additions.head.sequence + 1
    hash_ = link_hash(additions.head.hash, sequence, record.body)
    columns = {column: record.members[member] for column, member in MEMBER_NAMES.items()}
    additions.records.append({**columns, "sequence": sequence, "hash": hash_})
    additions.head = Link(sequence=sequence, hash=hash_)
    if record.event == AuditEvent.STARTED:
        additions.opened[record.export_id] = {"export_id": record.export_id, "at": columns["at"]}
    elif additions.opened.pop(record.export_id, None) is None and AuditEvent.STARTED in events:
        additions.closed.append({"export_id": record.export_id})
    events.add(record.event)
