"""A job as values: what was asked for and by whom, how far it is, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from customer_export.model.bulk import BulkOrder
from customer_export.model.bulk_result import Artifact


@unique
class JobState(StrEnum):
    """Where a job is. `incomplete` has ended with some parts missing: its manifest says which.

    From `finished` and `incomplete` it goes to `expired`, when its files are deleted.
    """

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


IN_FLIGHT = (JobState.QUEUED, JobState.RUNNING)
WITH_FILES = (JobState.FINISHED, JobState.INCOMPLETE)


@unique
class PartState(StrEnum):
    """Where a part of a job is. `purged` was done, and lost its files: a customer was in them who was purged."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    PURGED = "purged"


MISSING = (PartState.FAILED, PartState.PURGED)
"""Parts that have no files."""


@unique
class SubmitterKind(StrEnum):
    """How whoever submitted a job was known."""

    TOKEN = "token"  # noqa: S105  (a word)
    JWT = "jwt"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Who submitted a job, and by what they are known again when it runs: never a secret.

    Of a token its digest is kept, and what it allows is looked up again. What a JWT said is kept, until `until`: nobody
    can be asked about it later. `user` is the login name of whoever had the shell.
    """

    kind: SubmitterKind
    name: str
    token_digest: str | None = None
    user: str | None = None
    scopes: tuple[str, ...] = ()
    tenant: str | None = None
    until: datetime | None = None

    def members(self) -> dict[str, object]:
        """Give it as JSON members."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "tokenDigest": self.token_digest,
            "user": self.user,
            "scopes": list(self.scopes),
            "tenant": self.tenant,
            "until": None if self.until is None else self.until.isoformat(),
        }

    @classmethod
    def of_members(cls, members: Mapping[str, object]) -> "Submitter":
        """Read it back."""
        until, scopes = members["until"], members["scopes"]
        assert isinstance(scopes, list)
        return cls(
            kind=SubmitterKind(str(members["kind"])),
            name=str(members["name"]),
            token_digest=_text(members["tokenDigest"]),
            user=_text(members["user"]),
            scopes=tuple(map(str, scopes)),
            tenant=_text(members["tenant"]),
            until=None if until is None else datetime.fromisoformat(str(until)),
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to be kept. `fingerprint` (hex) is the same for those who ask for the same with the same rights.

    `sealed_passphrase` is of a job that encrypts with one, and is kept until the job ends.
    """

    order: BulkOrder
    submitter: Submitter
    fingerprint: str
    idempotency_key: str | None
    sealed_passphrase: bytes | None = None

    @property
    def job_id(self) -> str:
        """Its id."""
        return self.order.job_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is kept. `customers` is how many there are by the plan, None before it; `code` why it failed.

    `link_generation` is that of the links to its files; raising it revokes them.
    """

    order: BulkOrder
    submitter: Submitter
    state: JobState
    fingerprint: str
    customers: int | None
    started_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None
    expires_at: datetime | None
    code: str | None
    link_generation: int

    @property
    def job_id(self) -> str:
        """Its id."""
        return self.order.job_id

    @property
    def principal_name(self) -> str:
        """Who submitted it, as the audit and manifests name them."""
        return self.submitter.name

    @property
    def created_at(self) -> datetime:
        """When it was submitted."""
        return self.order.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is: customers and rows that are in its files or will be, exactly."""

    parts: int = 0
    parts_done: int = 0
    parts_failed: int = 0
    parts_purged: int = 0
    customers_done: int = 0
    customers_failed: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file of a job. `artifact.name` begins with the job's id."""

    job_id: str
    artifact: Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are wanted: those that equal every member that is not None."""

    principal: str | None = None
    state: JobState | None = None
    format: str | None = None
    layout: str | None = None
