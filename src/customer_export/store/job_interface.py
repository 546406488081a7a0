"""What our own database keeps of jobs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from customer_export.model.bulk import Partition
from customer_export.model.bulk_result import PartitionResult
from customer_export.model.job import Job, JobFile, JobFilter, JobProgress, JobState, NewJob, PartState


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What came of a submission: the job; it is new, or has the caller's key, or is an identical one in flight."""

    job: Job
    is_new: bool = False
    has_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """A part as it is kept. `begun` is how often a worker began it, `result` is that of a part that is done."""

    number: int
    state: PartState
    partition: Partition
    begun: int
    code: str | None
    result: PartitionResult | None


class JobStore(Protocol):
    """Jobs, their parts and their files. Every method raises StoreUnavailableError if the database fails.

    A state moves on by one statement that asks for the state before, so that of two who move it one does, and knows.
    """

    def submit(self, new: NewJob) -> Submitted:
        """Keep a new job, or find the one that has the key, or else the one in flight that is identical."""

    def job(self, job_id: str) -> Job | None:
        """Find a job."""

    def sealed_passphrase(self, job_id: str) -> bytes | None:
        """Give the passphrase of a job in flight, as it was sealed; None if it has none."""

    def jobs(self, wanted: JobFilter, *, before: tuple[datetime, str] | None = None, limit: int) -> Sequence[Job]:
        """Give at most `limit` jobs, the newest first; only those before a moment and id, if they are given."""

    def progress(self, job_ids: Sequence[str]) -> Mapping[str, JobProgress]:
        """Say how far jobs are."""

    def undispatched(self, *, limit: int) -> Sequence[str]:
        """Give jobs that no engine knows of yet, the oldest first."""

    def dispatched(self, job_id: str, *, at: datetime) -> None:
        """Note that the engine has a job."""

    def running(self, *, dispatched_before: datetime, limit: int) -> Sequence[str]:
        """Give jobs in flight that the engine has had since before a moment, the oldest first."""

    def plan(self, job_id: str, partitions: Sequence[Partition], *, at: datetime) -> None:
        """Keep a job's parts, all of them or none, and let it run; if it has parts already, those stay."""

    def count_parts(self, job_id: str) -> int:
        """Count a job's parts: none before its plan."""

    def begin_part(self, job_id: str, number: int) -> StoredPart:
        """Count one more beginning of a part, unless it is done, with its figures set back, and give it."""

    def tell_part(self, job_id: str, number: int, *, customers: int, rows: int) -> bool:
        """Set the figures of a part under way; False if the job is to be cancelled or has ended."""

    def finish_part(self, job_id: str, result: PartitionResult) -> None:
        """Keep what came of a part, with its files and who is in them; if it is done already, that stays."""

    def fail_part(self, job_id: str, number: int, *, code: str) -> None:
        """Give a part up, unless it is done."""

    def parts(self, job_id: str) -> Iterable[StoredPart]:
        """Give a job's parts in order, some at a time."""

    def request_cancel(self, job_id: str, *, at: datetime) -> bool:
        """Have a job cancelled; False if it has ended. One that nobody has begun ends at once."""

    def end(
        self,
        job_id: str,
        state: JobState,
        *,
        at: datetime,
        code: str | None = None,
        manifest: Mapping[str, object] | None = None,
        expires_at: datetime | None = None,
    ) -> bool:
        """Bring a job in flight to its end; False if it has ended. One that is to be cancelled takes no other end."""

    def manifest(self, job_id: str) -> Mapping[str, object] | None:
        """Give a job's manifest as JSON members."""

    def file(self, job_id: str, name: str) -> JobFile | None:
        """Find a file of a job by its whole name."""

    def files(self, job_id: str) -> Sequence[JobFile]:
        """List a job's files by part and name."""

    def revoke_links(self, job_id: str) -> None:
        """Raise the generation of a job's links."""

    def expiring(self, *, at: datetime, limit: int) -> Sequence[str]:
        """Give jobs whose files' time is over by then."""

    def expire(self, job_id: str, *, at: datetime) -> bool:
        """Let a job expire: it has no files any more. False if it has none anyway."""

    def forget_files(self, job_id: str) -> None:
        """Forget the files of a job that ended without any, and who would have been in them."""

    def customers_digest(self, job_id: str) -> str | None:
        """Give the digest of who is in a job's files; None if nobody is, or it is one customer's."""

    def ended_without_files(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Give jobs that ended before a moment and have no files."""

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended."""
