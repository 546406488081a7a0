"""What our own database keeps."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from customer_export.model.audit import AuditEntry, AuditFilter, AuditRecord
from customer_export.model.manifest import CompleteManifest
from customer_export.store.chain import Link
from customer_export.store.verification import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token without its secret: `digest` is the SHA-256 (hex) of it. `scopes` are as they were granted.

    `tenant` is whose customers it is for, None for all.
    """

    name: str
    digest: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key that signs, or once did. `public` is its 32 bytes in base64url; the highest `generation` is in use.

    `sealed` is the private part as `export.signing` sealed it, None if it is kept in a file or gone.
    """

    generation: int
    key_id: str
    public: str
    sealed: bytes | None
    created_at: datetime


class Appending(Protocol):
    """Records on their way into the audit."""

    @property
    def written(self) -> "Future[None]":
        """Ends when the records are durable, with what `wait` raises if they are not; asyncio can await it."""

    def wait(self) -> None:
        """Return when the records are durable.

        Raises StoreUnavailableError if they are not, and ExportInterruptedError if the export has an end already.
        """


class Store(Protocol):
    """Tokens, audit records and manifests. Every method raises StoreUnavailableError if the database fails."""

    def add_token(self, token: StoredToken) -> None:
        """Keep a new token."""

    def token(self, digest: str) -> StoredToken | None:
        """Find a token by the digest of its secret."""

    def tokens(self) -> Sequence[StoredToken]:
        """List all tokens, the oldest first."""

    def revoke_token(self, name: str, *, at: datetime) -> bool:
        """Revoke the tokens of that name; False if there is none."""

    def append(self, records: Sequence[AuditRecord], *, manifest: CompleteManifest | None = None) -> Appending:
        """Append to the audit in the background, together with the manifest where there is one: all or nothing.

        The records of one call stand one after the other. Nothing may leave before `wait` returns.
        """

    def record(self, *records: AuditRecord, manifest: CompleteManifest | None = None) -> None:
        """Append as `append` does, and return when it is durable; raises as `Appending.wait`.

        Quicker than `append` and `wait`: who is alone writes in their own thread.
        """

    def audit_of(self, export_id: str) -> Sequence[AuditRecord]:
        """Give the records of one export, the oldest first."""

    def audit(self, wanted: AuditFilter, *, before: int | None = None, limit: int) -> Sequence[AuditEntry]:
        """Give at most `limit` entries, the newest first; only those below the sequence `before`, if it is given."""

    def verify_chain(self, anchor: Link | None = None) -> Verification:
        """Compute the whole chain again, in flat memory, and say everything that is wrong with it.

        `anchor` is a head that was kept elsewhere: the chain must still have it.
        """

    def abandoned(self, *, before: datetime) -> Sequence[AuditRecord]:
        """Give the starts before a moment that have no end on record, the oldest first."""

    def record_interrupted(
        self, *, before: datetime, at: datetime, of_jobs_before: datetime | None = None
    ) -> Sequence[AuditRecord]:
        """Record the ends of `abandoned` exports, as failed with INTERRUPTED; give those that this call recorded.

        Those that are part of a job are given up if they began before `of_jobs_before`, if that is given. Any number of
        processes may do so at a time: each export gets one end.
        """

    def manifest(self, export_id: str) -> Mapping[str, object] | None:
        """Give an export's manifest as JSON members."""

    def signing_keys(self) -> Sequence[StoredKey]:
        """List all keys that ever signed, the oldest first."""

    def add_signing_key(self, key: StoredKey) -> bool:
        """Keep a new key and erase the private parts of those before.

        False, and nothing is done, if another process took its generation, or has the key already.
        """

    def check(self) -> None:
        """Raise StoreUnavailableError unless the database answers."""

    def close(self) -> None:
        """Close all connections."""
