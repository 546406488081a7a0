"""What our own database keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from customer_export.model.audit import AuditRecord
from customer_export.model.manifest import CompleteManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token without its secret: `digest` is the SHA-256 (hex) of it. `scopes` are as they were granted."""

    name: str
    digest: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None


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

    def record(self, record: AuditRecord, *, manifest: CompleteManifest | None = None) -> None:
        """Append to the audit, together with the manifest where there is one: both or neither."""

    def audit_of(self, export_id: str) -> Sequence[AuditRecord]:
        """Give the records of one export, the oldest first."""

    def manifest(self, export_id: str) -> Mapping[str, object] | None:
        """Give an export's manifest as JSON members."""

    def check(self) -> None:
        """Raise StoreUnavailableError unless the database answers."""

    def close(self) -> None:
        """Close all connections."""
