"""The store on SQLite or PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.model.manifest import CompleteManifest
from customer_export.store.database import unavailable
from customer_export.store.interface import StoredToken
from customer_export.store.tables import AUDIT, MANIFESTS, TOKENS

_AUDIT_NAMES = [field.name for field in fields(AuditRecord)]
_AUDIT_COLUMNS = [AUDIT.c[name] for name in _AUDIT_NAMES]

# made once: every export runs these
_TOKEN_OF = TOKENS.select().where(TOKENS.c.digest == sa.bindparam("digest"))
_APPEND = AUDIT.insert()
_KEEP = MANIFESTS.insert()


class SqlStore:
    """Tokens, audit records and manifests in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.DBAPIError as failure:
            raise unavailable(failure) from failure

    def add_token(self, token: StoredToken) -> None:
        """Keep a new token."""
        with self._transaction() as connection:
            connection.execute(
                TOKENS.insert().values(
                    name=token.name,
                    digest=token.digest,
                    scopes=" ".join(token.scopes),
                    created_at=_text(token.created_at),
                    expires_at=_text(token.expires_at),
                    revoked_at=_text(token.revoked_at),
                )
            )

    def token(self, digest: str) -> StoredToken | None:
        """Find a token by the digest of its secret."""
        with self._transaction() as connection:
            row = connection.execute(_TOKEN_OF, {"digest": digest}).first()
        return None if row is None else _token(row)

    def tokens(self) -> Sequence[StoredToken]:
        """List all tokens, the oldest first."""
        with self._transaction() as connection:
            rows = connection.execute(TOKENS.select().order_by(TOKENS.c.created_at, TOKENS.c.digest))
            return [_token(row) for row in rows]

    def revoke_token(self, name: str, *, at: datetime) -> bool:
        """Revoke the tokens of that name; False if there is none."""
        with self._transaction() as connection:
            named = TOKENS.update().where(TOKENS.c.name == name, TOKENS.c.revoked_at.is_(None))
            return connection.execute(named.values(revoked_at=_text(at))).rowcount > 0

    def record(self, record: AuditRecord, *, manifest: CompleteManifest | None = None) -> None:
        """Append to the audit, together with the manifest where there is one: both or neither."""
        with self._transaction() as connection:
            values = {name: getattr(record, name) for name in _AUDIT_NAMES}
            connection.execute(_APPEND, {**values, "at": _text(record.at)})
            if manifest is not None:
                connection.execute(
                    _KEEP,
                    {
                        "export_id": manifest.manifest.export_id,
                        "customer_id": manifest.manifest.customer_id,
                        "created_at": _text(manifest.manifest.created_at),
                        "members": orjson.dumps(manifest.members()).decode(),
                    },
                )

    def audit_of(self, export_id: str) -> Sequence[AuditRecord]:
        """Give the records of one export, the oldest first."""
        wanted = sa.select(*_AUDIT_COLUMNS).where(AUDIT.c.export_id == export_id).order_by(AUDIT.c.sequence)
        with self._transaction() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [
            AuditRecord(**{**row, "at": datetime.fromisoformat(row["at"]), "event": AuditEvent(row["event"])})
            for row in rows
        ]

    def manifest(self, export_id: str) -> Mapping[str, object] | None:
        """Give an export's manifest as JSON members."""
        wanted = sa.select(MANIFESTS.c.members).where(MANIFESTS.c.export_id == export_id)
        with self._transaction() as connection:
            members = connection.execute(wanted).scalar()
        return None if members is None else orjson.loads(members)

    def check(self) -> None:
        """Raise StoreUnavailableError unless the database answers."""
        with self._transaction() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def _token(row: sa.Row[tuple[str, ...]]) -> StoredToken:
    return StoredToken(
        name=row.name,
        digest=row.digest,
        scopes=tuple(row.scopes.split()),
        created_at=datetime.fromisoformat(row.created_at),
        expires_at=None if row.expires_at is None else datetime.fromisoformat(row.expires_at),
        revoked_at=None if row.revoked_at is None else datetime.fromisoformat(row.revoked_at),
    )
