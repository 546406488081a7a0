"""What verifying a file came to."""

from dataclasses import dataclass, field
from enum import Enum, unique


@unique
class Outcome(Enum):
    """What is known of a file, as the exit code of the command tells it."""

    WHOLE = 0
    NOT_WHOLE = 1
    UNKNOWN = 2
    """There is no manifest, or the file is none of ours."""
    WHOLE_BY_UNCHECKED_MANIFEST = 3
    """The file is what its manifest says, but nothing says whose the manifest is."""
    ENCRYPTED = 4
    """It has to be decrypted first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong. `code` is for programs; the section and the last good row are given where known.

    `rows` are the first and the last of those that the first change is in.
    """

    code: str
    message: str
    section: str | None = None
    after_row: int | None = None
    rows: tuple[int, int] | None = None

    def members(self) -> dict[str, object]:
        """Give the finding as JSON members (docs/verify.md)."""
        return {
            "code": self.code,
            "message": self.message,
            "section": self.section,
            "afterRow": self.after_row,
            "rows": None if self.rows is None else list(self.rows),
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """All that was found of a file; `checked` says in words what was compared, `encrypted` how nobody can read it.

    `changes` tells what the manifest says was changed in values when the file was made.
    """

    file: str
    export_id: str | None = None
    customer_id: str | None = None
    format: str | None = None
    size_bytes: int = 0
    sha256: str = ""
    canonical_sha256: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    unknown: str | None = None
    manifest_from: str | None = None
    """`given`, `record` (of the server that was asked) or `file`."""
    encrypted: str | None = None
    signature: str = "none"
    key_id: str | None = None

    @property
    def outcome(self) -> Outcome:
        """What it comes to."""
        if self.findings:
            return Outcome.NOT_WHOLE
        if self.encrypted is not None:
            return Outcome.ENCRYPTED
        if self.unknown is not None:
            return Outcome.UNKNOWN
        return Outcome.WHOLE if self.signature == "valid" else Outcome.WHOLE_BY_UNCHECKED_MANIFEST

    def wrong(
        self,
        code: str,
        message: str,
        *,
        section: str | None = None,
        after_row: int | None = None,
        rows: tuple[int, int] | None = None,
    ) -> None:
        """Add a finding."""
        self.findings.append(Finding(code=code, message=message, section=section, after_row=after_row, rows=rows))

    def members(self) -> dict[str, object]:
        """Give the report as JSON members (docs/verify.md)."""
        return {
            "file": self.file,
            "outcome": self.outcome.name.lower(),
            "exportId": self.export_id,
            "customerId": self.customer_id,
            "format": self.format,
            "bytes": self.size_bytes,
            "sha256": self.sha256,
            "canonicalSha256": self.canonical_sha256,
            "rows": self.rows,
            "checked": self.checked,
            "findings": [finding.members() for finding in self.findings],
            "changes": self.changes,
            "unknown": self.unknown,
            "manifestFrom": self.manifest_from,
            "encrypted": self.encrypted,
            "signature": {"state": self.signature, "keyId": self.key_id},
        }
