"""What came of a bulk job, partition by partition: its files, and who is missing in them.

All of it can be kept as JSON: `members()` gives it, and `of_members` reads it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from customer_export.model.ledger import Alterations
from customer_export.model.manifest import EncryptionProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a partition has written. `section` is that of a table, None of everything else.

    `encryption` says how it is encrypted, and which file is in it; None if it is not.
    """

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    rows: int
    section: str | None = None
    encryption: EncryptionProof | None = None

    @property
    def content_sha256(self) -> str:
        """The digest of what is in it: the same for equal content, which an encrypted file's own is not."""
        return self.sha256 if self.encryption is None else self.encryption.plain.sha256

    def members(self) -> dict[str, object]:
        """Give the file as JSON members."""
        return {
            "name": self.name,
            "mediaType": self.media_type,
            "bytes": self.size_bytes,
            "sha256": self.sha256,
            "rows": self.rows,
            "section": self.section,
            **({} if self.encryption is None else {"encryption": self.encryption.members()}),
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Artifact":
        """Read it back."""
        return cls(
            name=members["name"],
            media_type=members["mediaType"],
            size_bytes=members["bytes"],
            sha256=members["sha256"],
            rows=members["rows"],
            section=members["section"],
            encryption=EncryptionProof.of_members(members.get("encryption")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCustomer:
    """A customer whose export failed, and why; nothing of them is in any file of the job."""

    customer_id: str
    code: str
    message: str

    def members(self) -> dict[str, object]:
        """Give it as JSON members."""
        return {"customer": self.customer_id, "code": self.code, "message": self.message}

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "FailedCustomer":
        """Read it back."""
        return cls(customer_id=members["customer"], code=members["code"], message=members["message"])


LISTED_FAILURES = 100  # some 15 kB: all of them stand in the partition's index
"""How many failed customers a result lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionResult:
    """What came of a partition. `customers` and `rows` are those in its files, `failed` the number of the others.

    `snapshot_at`, `snapshot_server` and `snapshot_identity` state the one snapshot that all of it was read in.
    `index` is the file that has a line for each customer, in key order; `canonical_sha256` is the digest of what these
    lines say of the data, which does not depend on when it was read: runs on equal data have equal ones.
    Since an earlier job there are `unchanged` customers, who are in the index alone, and those who are `gone`.
    `alterations` are those of all its files; in tables they name rows of that file, in files and lines none.
    `given` are the ids of those in its files, for the audit; they are none of its members.
    """

    number: int
    customers: int
    rows: int
    failed: int
    failures: tuple[FailedCustomer, ...]
    files: tuple[Artifact, ...]
    index: Artifact
    canonical_sha256: str
    snapshot_at: str
    snapshot_server: str
    snapshot_identity: str | None
    unchanged: int = 0
    gone: int = 0
    alterations: tuple[Alterations, ...] = ()
    given: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def members(self) -> dict[str, object]:
        """Give the result as JSON members."""
        return {
            "number": self.number,
            "customers": self.customers,
            "rows": self.rows,
            "failed": self.failed,
            "unchanged": self.unchanged,
            "gone": self.gone,
            "failures": [failure.members() for failure in self.failures],
            "files": [file.members() for file in self.files],
            "index": self.index.members(),
            "alterations": [one.members() for one in self.alterations],
            "canonicalSha256": self.canonical_sha256,
            "snapshot": {
                "takenAt": self.snapshot_at,
                "server": self.snapshot_server,
                "identity": self.snapshot_identity,
            },
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "PartitionResult":
        """Read it back."""
        snapshot = members["snapshot"]
        return cls(
            number=members["number"],
            customers=members["customers"],
            rows=members["rows"],
            failed=members["failed"],
            unchanged=members["unchanged"],
            gone=members["gone"],
            failures=tuple(map(FailedCustomer.of_members, members["failures"])),
            files=tuple(map(Artifact.of_members, members["files"])),
            index=Artifact.of_members(members["index"]),
            alterations=tuple(map(Alterations.of_members, members.get("alterations", ()))),
            canonical_sha256=members["canonicalSha256"],
            snapshot_at=snapshot["takenAt"],
            snapshot_server=snapshot["server"],
            snapshot_identity=snapshot["identity"],
        )
