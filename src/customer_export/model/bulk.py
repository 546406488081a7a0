"""A bulk job as values: whose data, in which files, cut into which partitions, and what came of each.

All of it can be kept as JSON: `members()` gives it, and `of_members` reads it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Any, TypeAlias

from customer_export.model.ledger import Alterations
from customer_export.model.manifest import EncryptionProof

KeyBound: TypeAlias = str | int
"""A customer's key in the canonical text of its type, or as a number where the database compares it as one."""


@unique
class Layout(StrEnum):
    """How customers lie in files.

    ========= ============================================================================================
    files     a file a customer in a ZIP a partition, each beside its manifest (`NAME.manifest.json`)
    lines     NDJSON: the lines of one customer after those of another, from their header to their manifest
    tables    a table a section for everybody, with the customer's key as its first column
    ========= ============================================================================================
    """

    FILES = "files"
    LINES = "lines"
    TABLES = "tables"


@unique
class TableFormat(StrEnum):
    """The formats of tables for everybody; the value is the file's extension."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


@unique
class Comparison(StrEnum):
    """How a filter compares a column; `from` and `before` are ≥ and <, of numbers, dates and moments."""

    EQUALS = "equals"
    FROM = "from"
    BEFORE = "before"
    IS_NULL = "is_null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on the customer's row. `column` is the name of an exported column of the customer's own section.

    Of several `values` one has to hold; texts as a file would show them. `is_null` has none.
    """

    column: str
    comparison: Comparison
    values: tuple[str, ...] = ()

    def members(self) -> dict[str, object]:
        """Give the condition as JSON members."""
        return {"column": self.column, "comparison": self.comparison.value, "values": list(self.values)}

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Condition":
        """Read it back."""
        return cls(
            column=members["column"],
            comparison=Comparison(members["comparison"]),
            values=tuple(members.get("values", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which customers: those of `ids`, if there are any; else those for whom all `conditions` hold, or all.

    Ids are compared with the key exactly as the export of one customer does.
    """

    ids: tuple[str, ...] | None = None
    conditions: tuple[Condition, ...] = ()

    def members(self) -> dict[str, object]:
        """Give the choice as JSON members."""
        return {
            "ids": None if self.ids is None else list(self.ids),
            "conditions": [condition.members() for condition in self.conditions],
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Chosen":
        """Read it back."""
        ids = members.get("ids")
        return cls(
            ids=None if ids is None else tuple(ids),
            conditions=tuple(map(Condition.of_members, members.get("conditions", ()))),
        )


EVERYBODY = Chosen()


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOrder:
    """What a bulk job makes. Equal orders on equal data make equal files, but for the snapshots that they state.

    `job_id` is 32 hex digits: names of files begin with it, and export ids are made of it. `created_at` (aware) stands
    in every file. `format` is one of the synchronous export for files, `ndjson` for lines, a TableFormat for tables.
    `parameters` are those of the synchronous export, without `format`. `part_customers` is how many customers a
    partition should have, None for what suits the format. `since` is the job of which only the differences are wanted.
    """

    job_id: str
    created_at: datetime
    customers: Chosen
    layout: Layout
    format: str
    parameters: tuple[tuple[str, str], ...] = ()
    part_customers: int | None = None
    since: str | None = None

    def members(self) -> dict[str, object]:
        """Give the order as JSON members."""
        return {
            "jobId": self.job_id,
            "createdAt": self.created_at.isoformat(),
            "customers": self.customers.members(),
            "layout": self.layout.value,
            "format": self.format,
            "parameters": [list(pair) for pair in self.parameters],
            "partCustomers": self.part_customers,
            "since": self.since,
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "BulkOrder":
        """Read it back."""
        return cls(
            job_id=members["jobId"],
            created_at=datetime.fromisoformat(members["createdAt"]),
            customers=Chosen.of_members(members["customers"]),
            layout=Layout(members["layout"]),
            format=members["format"],
            parameters=tuple((name, value) for name, value in members["parameters"]),
            part_customers=members["partCustomers"],
            since=members["since"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """The `number`-th part (from 0) of a job's customers: those of `ids`, or those with `after` < key <= `through`.

    The order is the database's own; None is no bound. `customers` is how many there should be, by the plan.
    """

    number: int
    customers: int
    after: KeyBound | None = None
    through: KeyBound | None = None
    ids: tuple[str, ...] | None = None

    def members(self) -> dict[str, object]:
        """Give the partition as JSON members."""
        return {
            "number": self.number,
            "customers": self.customers,
            "after": self.after,
            "through": self.through,
            "ids": None if self.ids is None else list(self.ids),
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Partition":
        """Read it back."""
        ids = members.get("ids")
        return cls(
            number=members["number"],
            customers=members["customers"],
            after=members["after"],
            through=members["through"],
            ids=None if ids is None else tuple(ids),
        )


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


def files_of(results: Sequence[PartitionResult]) -> Sequence[Artifact]:
    """List the files of all partitions, indexes included, by partition."""
    return [file for result in sorted(results, key=lambda one: one.number) for file in (*result.files, result.index)]
