"""What our own database does for erasing a customer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from customer_export.model.bulk import BulkOrder, Partition
from customer_export.model.job import Job

EditManifest = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Gives a job's manifest as it is to be from now on, signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunPurge:
    """A purge that has begun, whether or not it has ended."""

    purge_id: str
    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A customer whom a job leaves out."""

    job_id: str
    customer_id: str


class ErasureStore(Protocol):
    """Purges, and jobs as purges see them. Every method raises StoreUnavailableError if the database fails."""

    def begin(self, purge_id: str, customer_id: str, *, at: datetime) -> None:
        """Put on record that a purge begins."""

    def keep_receipt(self, purge_id: str, receipt: Mapping[str, object]) -> None:
        """Keep the receipt of a purge that has begun."""

    def receipt(self, purge_id: str) -> Mapping[str, object] | None:
        """Give a receipt as JSON members, None while there is none."""

    def begun_since(self, moment: datetime) -> Sequence[BegunPurge]:
        """Give the purges that began at a moment or later."""

    def jobs_naming(self, text: str) -> Sequence[Job]:
        """Give jobs in whatever state whose order has a value that is this text, the oldest first. Reads all orders."""

    def jobs_with_files(self) -> Iterator[Job]:
        """Give jobs that are in flight or have files, some at a time."""

    def exclude(self, job_id: str, customer_id: str) -> bool:
        """Have a job in flight leave a customer out; False if it has ended. No new order joins it from then on."""

    def remember(self, job_id: str, customer_id: str) -> None:
        """Note a customer who is still to be taken out of a job that has ended, when it has no files any more."""

    def excluded(self, job_id: str) -> frozenset[str]:
        """Give the customers whom a job leaves out."""

    def settled_exclusions(self, *, ended_before: datetime, limit: int) -> Sequence[Excluded]:
        """Give exclusions of jobs that ended before a moment."""

    def drop_exclusion(self, excluded: Excluded) -> None:
        """Forget an exclusion."""

    def purge_part(self, job_id: str, number: int, *, code: str, edit_manifest: EditManifest) -> bool:
        """Let a part that is done lose its files and its result, and edit the job's manifest, if there is one.

        False if it is not done, or has lost them already.
        """

    def edit_manifest(self, job_id: str, edit: EditManifest) -> None:
        """Edit a job's manifest, if there is one."""

    def parts_failing(self, customer_id: str) -> Sequence[tuple[str, int]]:
        """Give job and number of the parts that are done and say that a customer's export failed."""

    def rewrite_order(self, job_id: str, order: BulkOrder) -> None:
        """Keep a job's order as it is to be from now on, and forget by which key it was submitted."""

    def partitions_naming(self, job_id: str, text: str) -> Sequence[Partition]:
        """Give the partitions of a job that have a value that is this text."""

    def rewrite_partition(self, job_id: str, partition: Partition) -> None:
        """Keep a partition as it is to be from now on."""

    def forget_results(self, job_id: str) -> None:
        """Forget a job's manifest, and what came of its parts."""

    def count_kept(self, customer_id: str) -> tuple[int, int]:
        """Count the audit's records of a customer, and manifests of their exports: what no purge deletes."""
