"""Parts of jobs for several customers: which of them have a customer, and how they lose their files."""

from collections.abc import Iterable, Mapping

import orjson

from customer_export.errors import CustomerPurgedError, StoredFileNotFoundError
from customer_export.jobs.erasure.found import Destroyed
from customer_export.jobs.files import files_of_parts, stored_name
from customer_export.jobs.manifest import without_part
from customer_export.jobs.services import Jobs
from customer_export.model.bulk import Partition
from customer_export.model.bulk_result import Artifact, PartitionResult
from customer_export.model.job import Job, PartState
from customer_export.store.erasure_interface import EditManifest


def purge_parts(jobs: Jobs, job: Job, customer_id: str, destroyed: Destroyed) -> None:
    """Destroy the files of each part of a job that has a customer, and what is left of those that lost theirs before.

    Raises StorageUnavailableError.
    """
    purged = set()
    for part in jobs.store.parts(job.job_id):
        if part.state is PartState.PURGED:
            purged.add(part.number)
        elif part.result is not None and has_customer(jobs, part.partition, part.result, customer_id):
            purge_part(jobs, job.job_id, part.result, customer_id, destroyed)
    if purged:
        _delete(jobs, job.job_id, frozenset(purged), {}, destroyed)


def purge_part(jobs: Jobs, job_id: str, result: PartitionResult, customer_id: str, destroyed: Destroyed) -> None:
    """Destroy what a part has made. It loses its state first: from then on nobody gets a file of it, by no link."""
    edit = _editing(jobs, result.number, customer_id)
    if jobs.erasure.purge_part(job_id, result.number, code=CustomerPurgedError.code, edit_manifest=edit):
        destroyed.parts.append((job_id, result.number))
    known = {stored_name(file.name): file for file in (*result.files, result.index)}
    _delete(jobs, job_id, frozenset({result.number}), known, destroyed)


def forget_failures(jobs: Jobs, customer_id: str) -> None:
    """Forget what came of parts that say of a customer why their export failed, where there are no files any more."""
    for job_id, number in jobs.erasure.parts_failing(customer_id):
        jobs.erasure.purge_part(
            job_id, number, code=CustomerPurgedError.code, edit_manifest=_editing(jobs, number, customer_id)
        )


def has_customer(jobs: Jobs, partition: Partition, result: PartitionResult, customer_id: str) -> bool:
    """Whether a customer is in the files of a part: its index says so; yes, if it has none any more."""
    if partition.ids is not None and customer_id not in partition.ids:
        return False
    try:
        pieces = jobs.storage.open(stored_name(result.index.name)).pieces
    except (StoredFileNotFoundError, ValueError):  # ValueError: of no bytes, since nobody is in it
        return bool(result.index.size_bytes)
    try:
        return is_named(pieces, customer_id)
    finally:
        pieces.close()


def is_named(pieces: Iterable[bytes], customer_id: str) -> bool:
    """Whether an index has a line of a customer. Looks for how such a line begins, at the speed of memory."""
    beginning = b'{"customer":' + orjson.dumps(customer_id) + b","
    rest = b""
    for piece in pieces:
        text = rest + piece
        if beginning in text:
            return True
        rest = text[-len(beginning) :]
    return False


def _editing(jobs: Jobs, number: int, customer_id: str) -> EditManifest:
    def edit(manifest: Mapping[str, object]) -> Mapping[str, object]:
        members = without_part(manifest, number, customer_id=customer_id, code=CustomerPurgedError.code)
        return jobs.services.signer.sign(members)

    return edit


def _delete(jobs: Jobs, job_id: str, numbers: frozenset[int], known: dict[str, Artifact], destroyed: Destroyed) -> None:
    for file in files_of_parts(jobs.storage, job_id, numbers):
        jobs.storage.delete(file.name)
        destroyed.add_file(known.get(file.name), name=file.name, size_bytes=file.size_bytes)
