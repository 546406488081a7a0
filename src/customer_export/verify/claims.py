"""What a manifest claims of a file, read from JSON that may come from anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from customer_export.model.blocks import Blocks
from customer_export.model.columns import Column, ColumnType, Mask, PersonalDataClass, SourceColumn

PROVEN_VERSION = 2
"""From this version of the manifest on it has digests of rows."""
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


class UnreadableManifestError(Exception):
    """What was given is no manifest of ours; the message says why."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The size and the SHA-256 (hex) of some bytes."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionClaim:
    """A section as the manifest has it; `sha256` is None in a manifest that has no digests of rows."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    sha256: str | None
    key_sha256: str | None
    blocks: Blocks | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """A manifest; `file` is of the whole file, `content` of what stands before a manifest within the file.

    `sealed` is of the file as it was sent if that is encrypted; `file` is then of the plain one in it.
    """

    members: Mapping[str, object]
    version: int
    export_id: str
    customer_id: str
    format: str
    time_zone: str
    taken_at: str | None
    map_version: str | None
    masked: Mapping[str, str]
    parameters: Mapping[str, str]
    sections: tuple[SectionClaim, ...]
    canonical_sha256: str | None
    file: Digest | None
    sealed: Digest | None
    content: Digest | None
    files: Mapping[str, Digest]

    @property
    def has_rows(self) -> bool:
        """Whether the rows can be proved by it."""
        return self.version >= PROVEN_VERSION and all(section.sha256 is not None for section in self.sections)

    @property
    def delimiter(self) -> str:
        """What separates the fields of a CSV."""
        return _DELIMITERS.get(self.parameters.get("delimiter", "comma"), ",")

    @property
    def is_raw(self) -> bool:
        """Whether formulas of a CSV are left as they are."""
        return self.parameters.get("profile") == "raw"

    @property
    def has_bom(self) -> bool:
        """Whether a CSV begins with a byte order mark."""
        return self.parameters.get("bom") == "true"


def read_claims(members: object) -> Claims:
    """Read a manifest. Raises UnreadableManifestError."""
    try:
        return _claims(members)
    except (KeyError, TypeError, ValueError, AttributeError) as failure:
        raise UnreadableManifestError(f"it is no manifest of an export ({failure!r})") from failure


def _claims(members: object) -> Claims:
    if not isinstance(members, Mapping):
        raise UnreadableManifestError("it is no JSON object")
    canonical, file = members.get("canonical") or {}, members.get("file") or {}
    encryption = file.get("encryption")
    sections = tuple(_section(section) for section in members["sections"])
    if len({section.name for section in sections}) < len(sections):
        raise UnreadableManifestError("it has a section twice")
    return Claims(
        members=members,
        version=int(members["manifestVersion"]),
        export_id=str(members["exportId"]),
        customer_id=str(members["customer"]["id"]),
        format=str(members["format"]),
        time_zone=str(members.get("timeZone", "UTC")),
        taken_at=_text((members.get("snapshot") or {}).get("takenAt")),
        map_version=_text((members.get("map") or {}).get("version")),
        masked={str(kind): str(mask) for kind, mask in (members.get("masked") or {}).items()},
        parameters={str(name): str(value) for name, value in members["parameters"].items()},
        sections=sections,
        canonical_sha256=canonical.get("sha256"),
        file=_digest(members.get("file") if encryption is None else encryption["plain"]),
        sealed=None if encryption is None else _digest(file),
        content=_digest(members.get("content")),
        files={str(file["name"]): Digest(int(file["bytes"]), str(file["sha256"])) for file in members.get("files", ())},
    )


def _section(section: Mapping[str, object]) -> SectionClaim:
    columns, key = section.get("columns", ()), section.get("key") or ()
    if not isinstance(columns, Sequence) or not isinstance(key, Sequence):
        raise UnreadableManifestError("columns and keys of a section are no lists")
    read = tuple(_column(column) for column in columns)
    names = {column.name for column in read}
    if len(names) < len(read) or not names.issuperset(key):
        raise UnreadableManifestError("a section has a column twice, or a key that is no column")
    return SectionClaim(
        name=str(section["name"]),
        rows=int(str(section["rows"])),
        columns=read,
        key=tuple(map(str, key)),
        sha256=_text(section.get("sha256")),
        key_sha256=_text(section.get("keySha256")),
        blocks=_blocks(section.get("blocks")),
    )


def _blocks(value: object) -> Blocks | None:
    if not isinstance(value, Mapping):
        return None
    size_bytes, digests = int(value["bytes"]), tuple(map(str, value["sha256"]))
    return Blocks(size_bytes, digests) if size_bytes > 0 and digests else None


def _column(column: Mapping[str, object]) -> Column:
    name, mask = str(column["name"]), column.get("masked")
    return Column(
        name=name,
        label=name,
        type=ColumnType(str(column["type"])),
        source=SourceColumn(None, name),
        personal_data=PersonalDataClass.NONE,
        mask=None if mask is None else Mask(str(mask)),
    )


def _digest(value: object) -> Digest | None:
    return Digest(int(value["bytes"]), str(value["sha256"])) if isinstance(value, Mapping) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
