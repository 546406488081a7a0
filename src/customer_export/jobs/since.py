"""Only what has changed since an earlier job: which job that may be, and what it knew (docs/bulk.md)."""

import hashlib
from collections.abc import Iterator, Sequence

from customer_export.errors import ExportNotCompleteError, InvalidRequestError
from customer_export.jobs.bulk.partition import index_name
from customer_export.jobs.files import stored_name
from customer_export.jobs.look import find_job
from customer_export.jobs.rights import makes_one_file
from customer_export.jobs.services import Jobs
from customer_export.model.access import Principal
from customer_export.model.bulk import BulkOrder, Layout, Partition
from customer_export.model.job import JobState, PartState


def require_earlier(jobs: Jobs, order: BulkOrder, principal: Principal) -> None:
    """Make sure that what an order is held against is there, and is of the same; nothing to do if it names no job.

    Raises InvalidRequestError, ExportNotFoundError, and ExportNotCompleteError unless that job has all its files.
    """
    if order.since is None:
        return
    require_digests(order)
    earlier = find_job(jobs, order.since, principal)
    if earlier.state is not JobState.FINISHED:
        raise ExportNotCompleteError(
            f"The job that since names is {earlier.state}; name one that is finished and has its files, or leave since "
            "out to get everything"
        )
    other = [
        name
        for name, one, of_earlier in (
            ("whose", order.customers, earlier.order.customers),
            ("layout", order.layout, earlier.order.layout),
            ("format", order.format, earlier.order.format),
            ("parameters", order.parameters, earlier.order.parameters),
        )
        if one != of_earlier
    ]
    if other:
        raise InvalidRequestError(
            f"Invalid request body: since: that job was submitted with other members ({', '.join(other)}); send its "
            "body again, with since beside it"
        )


def require_digests(order: BulkOrder) -> None:
    """Raise InvalidRequestError unless a job of that order knows a digest of each customer."""
    if makes_one_file(order) or order.layout is Layout.TABLES:
        raise InvalidRequestError(
            "Invalid request body: since: is of several customers, in the layout files or lines; leave it out"
        )


def earlier_partitions(jobs: Jobs, job_id: str) -> Sequence[Partition]:
    """Give the partitions of a job: who follows it has the same, so that each is held against its index."""
    return [part.partition for part in jobs.store.parts(job_id)]


def earlier_index(jobs: Jobs, job_id: str, number: int) -> Iterator[bytes]:
    """Read the index of a part of a job, to its end, where it must have been what was written.

    A part that lost its files by a purge knew nobody: whoever is in it is told as added.
    Raises ExportNotCompleteError if it is not, or not there any more, and StorageUnavailableError.
    """
    file = jobs.store.file(job_id, index_name(job_id, number))
    if file is None and any(
        part.number == number and part.state is PartState.PURGED for part in jobs.store.parts(job_id)
    ):
        return
    if file is None:
        raise ExportNotCompleteError(
            "The files of the job that since names are gone; submit the job again without since"
        )
    digest = hashlib.sha256()
    for piece in jobs.storage.open(stored_name(file.artifact.name)).pieces:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != file.artifact.sha256:
        raise ExportNotCompleteError(
            f"{file.artifact.name} was changed in the storage; submit the job again without since"
        )
