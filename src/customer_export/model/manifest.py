"""The manifest: what a file must hold to be whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customer_export.model.blocks import Blocks
from customer_export.model.canonical import export_digest
from customer_export.model.columns import Column
from customer_export.model.ledger import Ledger
from customer_export.model.shared_members import column_members
from customer_export.model.template import ExportTemplate
from customer_export.model.totals import TotalsCheck

MANIFEST_VERSION = 2
CANONICAL_FORM = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProof:
    """The file as it was made: size in bytes and SHA-256 (hex). `encryption` is None if it is sent as it is."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    encryption: "EncryptionProof | None" = None

    def members(self) -> dict[str, object]:
        """Give it as JSON members (docs/manifest.md)."""
        return {
            "name": self.name,
            "mediaType": self.media_type,
            "bytes": self.size_bytes,
            "sha256": self.sha256,
            **({} if self.encryption is None else {"encryption": self.encryption.members()}),
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "FileProof":
        """Read it back."""
        return cls(
            name=members["name"],
            media_type=members["mediaType"],
            size_bytes=members["bytes"],
            sha256=members["sha256"],
            encryption=EncryptionProof.of_members(members.get("encryption")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionProof:
    """How a file is encrypted (model/request.py), to whom, and what `plain` file is in it."""

    method: str
    recipient: str | None
    plain: FileProof

    def members(self) -> dict[str, object]:
        """Give it as JSON members (docs/manifest.md)."""
        return {"method": self.method, "recipient": self.recipient, "plain": self.plain.members()}

    @classmethod
    def of_members(cls, members: Mapping[str, Any] | None) -> "EncryptionProof | None":
        """Read it back; None of what is not encrypted."""
        if members is None:
            return None
        plain = FileProof.of_members(members["plain"])
        return cls(method=members["method"], recipient=members["recipient"], plain=plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionProof:
    """A section as it was read; `filtered` says whether `from` and `to` left rows out of it on purpose.

    `columns` are the exported ones, `key` those of them that rows are known by. `sha256` gives the digest of the
    canonical records, `key_sha256` that of the keys, None without one, and `blocks` those of the records' beginnings,
    None of short ones (model/canonical.py); all are true once all rows have been read. `plugin` is the plug-in that
    gave the section, and when it was asked; None: it is of the snapshot.
    """

    name: str
    rows: int
    filtered: bool
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    sha256: Callable[[], str]
    key_sha256: Callable[[], str | None]
    blocks: Callable[[], Blocks | None] = lambda: None
    plugin: tuple[str, datetime] | None = None

    def members(self) -> dict[str, object]:
        """Give the section as JSON members (docs/manifest.md)."""
        members: dict[str, object] = {
            "name": self.name,
            "rows": self.rows,
            "filtered": self.filtered,
            "columns": column_members(self.columns),
            "key": list(self.key),
            "sha256": self.sha256(),
            "keySha256": self.key_sha256(),
        }
        blocks = self.blocks()
        if blocks is not None:
            members["blocks"] = blocks.members()
        if self.plugin is not None:
            name, asked_at = self.plugin
            members["plugin"] = {"name": name, "askedAt": asked_at.isoformat(timespec="milliseconds")}
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known of an export once its sections have been read; this much stands inside the file itself.

    `tenant` is whose customers the caller is held to, None for all. `masked` has the classes of personal data that
    they may not see, and what stands in their place. `coverage` is what was known of the map's by then, as JSON
    members; None if nothing was. `totals` gives what came of the map's rules, once all sections have been read;
    `ledger` has what was changed by then. `sign` adds the signature. `template` chose sections and columns; None if
    none did.
    """

    export_id: str
    created_at: datetime
    customer_id: str
    requested_by: str
    tenant: str | None
    masked: Mapping[str, str]
    format: str
    parameters: Mapping[str, str]
    locale: str
    time_zone: str
    snapshot_at: str
    snapshot_server: str
    snapshot_identity: str | None
    map_name: str
    map_version: str
    software: str
    sections: tuple[SectionProof, ...]
    coverage: Mapping[str, object] | None = None
    totals: Callable[[], Sequence[TotalsCheck]] = tuple
    ledger: Ledger = field(default_factory=Ledger)
    sign: Callable[[Mapping[str, object]], Mapping[str, object]] = dict
    template: ExportTemplate | None = None

    @property
    def rows(self) -> int:
        """Rows of all sections."""
        return sum(section.rows for section in self.sections)

    def of_file(self, file: FileProof) -> "CompleteManifest":
        """Complete the manifest with the finished file."""
        return CompleteManifest(manifest=self, file=file)

    def members(self) -> dict[str, object]:
        """Give the manifest as JSON members (docs/manifest.md)."""
        totals = [check.members() for check in self.totals()]
        return {
            "manifestVersion": MANIFEST_VERSION,
            "exportId": self.export_id,
            "createdAt": self.created_at.isoformat(timespec="milliseconds"),
            "customer": {"id": self.customer_id},
            "requestedBy": self.requested_by,
            "tenant": self.tenant,
            "masked": dict(self.masked),
            "format": self.format,
            "parameters": dict(self.parameters),
            "locale": self.locale,
            "timeZone": self.time_zone,
            "snapshot": {
                "takenAt": self.snapshot_at,
                "server": self.snapshot_server,
                "identity": self.snapshot_identity,
            },
            "map": {"name": self.map_name, "version": self.map_version},
            **({} if self.template is None else {"template": self.template.members()}),
            "software": self.software,
            "sections": [section.members() for section in self.sections],
            "canonical": {
                "form": CANONICAL_FORM,
                "sha256": export_digest((section.name, section.rows, section.sha256()) for section in self.sections),
            },
            "alterations": [one.members() for one in self.ledger.alterations()],
            "limits": self.ledger.limits(),
            "coverage": self.coverage,
            **({"reconciled": totals} if totals else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteManifest:
    """A manifest with the proof of the finished file, as it is kept and served."""

    manifest: Manifest
    file: FileProof

    @property
    def rows(self) -> int:
        """Rows of all sections."""
        return self.manifest.rows

    def members(self) -> Mapping[str, object]:
        """Give the manifest as JSON members, signed (docs/manifest.md)."""
        return self.manifest.sign({**self.manifest.members(), "file": self.file.members()})
