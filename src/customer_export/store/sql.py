"""The store on SQLite or PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from customer_export.errors import ExportInterruptedError
from customer_export.model.audit import AuditEntry, AuditEvent, AuditFilter, AuditRecord, moment_text
from customer_export.model.manifest import CompleteManifest
from customer_export.store.chain import Link
from customer_export.store.connections import Connections
from customer_export.store.database import transaction, unavailable
from customer_export.store.entries import (
    entry_of,
    read_ends,
    select_abandoned,
    select_entries,
    select_export,
    stored_links,
)
from customer_export.store.group_commit import GroupCommit
from customer_export.store.interface import Appending, StoredKey, StoredToken
from customer_export.store.journal import Entry, Journal, kept_record
from customer_export.store.rolls import find_parts, is_about, verify_rolls
from customer_export.store.tables import MANIFESTS, SIGNING_KEYS, TOKENS
from customer_export.store.verification import Verification, verify_links

_TOKENS = sa.select(
    TOKENS.c.name,
    TOKENS.c.digest,
    TOKENS.c.scopes,
    TOKENS.c.created_at,
    TOKENS.c.expires_at,
    TOKENS.c.revoked_at,
    TOKENS.c.tenant,
)
"""The columns of a token in the order of `StoredToken`."""


class SqlStore:
    """Tokens, audit records and manifests in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connections = Connections(engine)
        self._token_of = self._connections.sql(_TOKENS.where(TOKENS.c.digest == sa.bindparam("digest")))
        self._appends = GroupCommit(Journal(engine, self._connections).commit)
        sa.event.listen(engine, "engine_disposed", self._disposed)

    def add_token(self, token: StoredToken) -> None:
        """Keep a new token."""
        with transaction(self._engine) as connection:
            connection.execute(
                TOKENS.insert().values(
                    name=token.name,
                    digest=token.digest,
                    scopes=" ".join(token.scopes),
                    created_at=moment_text(token.created_at),
                    expires_at=_text(token.expires_at),
                    revoked_at=_text(token.revoked_at),
                    tenant=token.tenant,
                )
            )

    def token(self, digest: str) -> StoredToken | None:
        """Find a token by the digest of its secret."""
        rows = self._connections.rows(self._token_of, {"digest": digest})
        return _token(rows[0]) if rows else None

    def tokens(self) -> Sequence[StoredToken]:
        """List all tokens, the oldest first."""
        with transaction(self._engine) as connection:
            rows = connection.execute(_TOKENS.order_by(TOKENS.c.created_at, TOKENS.c.digest))
            return [_token(tuple(row)) for row in rows]

    def revoke_token(self, name: str, *, at: datetime) -> bool:
        """Revoke the tokens of that name; False if there is none."""
        with transaction(self._engine) as connection:
            named = TOKENS.update().where(TOKENS.c.name == name, TOKENS.c.revoked_at.is_(None))
            return connection.execute(named.values(revoked_at=_text(at))).rowcount > 0

    def append(self, records: Sequence[AuditRecord], *, manifest: CompleteManifest | None = None) -> Appending:
        """Append to the audit in the background, together with the manifest where there is one: all or nothing."""
        return self._appends.submit(_entry(records, manifest))

    def record(self, *records: AuditRecord, manifest: CompleteManifest | None = None) -> None:
        """Append as `append` does, and return when it is durable."""
        self._appends.write(_entry(records, manifest))

    def audit_of(self, export_id: str) -> Sequence[AuditRecord]:
        """Give the records of one export, the oldest first."""
        return [entry.record for entry in self._entries(select_export(export_id))]

    def audit(self, wanted: AuditFilter, *, before: int | None = None, limit: int) -> Sequence[AuditEntry]:
        """Give at most `limit` entries, the newest first; only those below the sequence `before`, if it is given."""
        if wanted.customer_id is None:
            return self._entries(select_entries(wanted, before=before, limit=limit))
        with transaction(self._engine) as connection:
            parts = find_parts(connection, wanted.customer_id)
        found: list[AuditEntry] = []
        while len(found) < limit:
            more = self._entries(select_entries(wanted, before=before, limit=limit, jobs=sorted(parts)))
            found += [
                entry
                for entry in more
                if entry.record.customer_id == wanted.customer_id or is_about(entry.record, parts)
            ]
            if len(more) < limit:
                break
            before = more[-1].sequence
        return found[:limit]

    def _entries(self, wanted: sa.Select[Any]) -> Sequence[AuditEntry]:
        with transaction(self._engine) as connection:
            return [entry_of(row) for row in connection.execute(wanted)]

    def verify_chain(self, anchor: Link | None = None) -> Verification:
        """Compute the whole chain again, in flat memory, and say everything that is wrong with it."""
        with transaction(self._engine) as connection:
            ends = read_ends(connection)
        try:
            found = verify_links(stored_links(self._engine, last=ends.last), ends, anchor)
            with self._engine.connect() as connection:
                return found.and_also(verify_rolls(connection))
        except sa.exc.DBAPIError as failure:
            raise unavailable(failure) from failure

    def abandoned(self, *, before: datetime) -> Sequence[AuditRecord]:
        """Give the starts before a moment that have no end on record, the oldest first."""
        return [entry.record for entry in self._entries(select_abandoned(before))]

    def record_interrupted(
        self, *, before: datetime, at: datetime, of_jobs_before: datetime | None = None
    ) -> Sequence[AuditRecord]:
        """Record the ends of `abandoned` exports, as failed with INTERRUPTED; give those that this call recorded."""
        ends = [
            replace(
                start,
                at=at,
                event=AuditEvent.FAILED,
                code=ExportInterruptedError.code,
                duration_ms=(at - start.at) // timedelta(milliseconds=1),
            )
            for start in self.abandoned(before=before)
            if of_jobs_before is None or not start.is_of_job or start.at < of_jobs_before
        ]
        appendings = [self.append([end]) for end in ends]
        return [end for end, appending in zip(ends, appendings, strict=True) if _was_appended(appending)]

    def manifest(self, export_id: str) -> Mapping[str, object] | None:
        """Give an export's manifest as JSON members."""
        wanted = sa.select(MANIFESTS.c.members).where(MANIFESTS.c.export_id == export_id)
        with transaction(self._engine) as connection:
            members = connection.execute(wanted).scalar()
        return None if members is None else orjson.loads(members)

    def signing_keys(self) -> Sequence[StoredKey]:
        """List all keys that ever signed, the oldest first."""
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.generation)).mappings()
            return [StoredKey(**{**row, "created_at": datetime.fromisoformat(row["created_at"])}) for row in rows]

    def add_signing_key(self, key: StoredKey) -> bool:
        """Keep a new key and erase the private parts of those before; False if another process was quicker."""
        earlier = SIGNING_KEYS.update().where(SIGNING_KEYS.c.generation < key.generation).values(sealed=None)
        kept = {**asdict(key), "created_at": moment_text(key.created_at)}
        try:
            with self._engine.begin() as connection:
                connection.execute(SIGNING_KEYS.insert().values(kept))
                connection.execute(earlier)
        except sa.exc.IntegrityError:
            return False
        except sa.exc.DBAPIError as failure:
            raise unavailable(failure) from failure
        return True

    def check(self) -> None:
        """Raise StoreUnavailableError unless the database answers."""
        with transaction(self._engine) as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _disposed(self, _engine: Engine) -> None:
        """Whoever closes the engine closes all that was made of it: what waits to be written is written before."""
        self._appends.close()
        self._connections.close()


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


def _token(row: Sequence[Any]) -> StoredToken:
    name, digest, scopes, created_at, expires_at, revoked_at, tenant = row
    return StoredToken(
        name=name,
        digest=digest,
        scopes=tuple(scopes.split()),
        created_at=datetime.fromisoformat(created_at),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        revoked_at=None if revoked_at is None else datetime.fromisoformat(revoked_at),
        tenant=tenant,
    )


def _entry(records: Sequence[AuditRecord], manifest: CompleteManifest | None) -> Entry:
    """Write what is to be kept as it will be kept: this much is done by the caller's thread."""
    kept = None
    if manifest is not None:
        kept = {
            "export_id": manifest.manifest.export_id,
            "customer_id": manifest.manifest.customer_id,
            "created_at": moment_text(manifest.manifest.created_at),
            "members": orjson.dumps(manifest.members()).decode(),
        }
    return Entry(records=tuple(kept_record(record) for record in records), manifest=kept)


def _was_appended(appending: Appending) -> bool:
    try:
        appending.wait()
    except ExportInterruptedError:  # another process was quicker, or the export has ended after all
        return False
    return True
