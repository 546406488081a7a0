"""Rows of the tables of jobs: what is written of a job, its parts and files, and how it is read."""

from collections.abc import Mapping
from datetime import datetime

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from customer_export.model.audit import moment_text
from customer_export.model.bulk import BulkOrder, Partition
from customer_export.model.bulk_result import Artifact, PartitionResult
from customer_export.model.job import Job, JobState, NewJob, PartState, Submitter
from customer_export.store.job_interface import StoredPart
from customer_export.store.tables import JOBS

SELECT_JOBS = sa.select(*(column for column in JOBS.c if column.name not in ("manifest", "sealed_passphrase")))
"""All of a job but its manifest, which may be large, and its passphrase, which nobody is to come by."""


def new_row(new: NewJob) -> dict[str, object]:
    """Write a job that is submitted."""
    return {
        "job_id": new.job_id,
        "created_at": moment_text(new.order.created_at),
        "state": JobState.QUEUED.value,
        "principal": new.submitter.name,
        "submitter": json_text(new.submitter.members()),
        "format": new.order.format,
        "layout": new.order.layout.value,
        "job_order": json_text(new.order.members()),
        "fingerprint": new.fingerprint,
        "fingerprint_in_flight": new.fingerprint,
        "idempotency_key": new.idempotency_key,
        "link_generation": 0,
        "sealed_passphrase": new.sealed_passphrase,
    }


def part_row(job_id: str, partition: Partition) -> dict[str, object]:
    """Write a part that is to be done."""
    return {
        "job_id": job_id,
        "number": partition.number,
        "state": PartState.PENDING.value,
        "partition": json_text(partition.members()),
        "begun": 0,
        "customers_done": 0,
        "customers_failed": 0,
        "rows": 0,
        "bytes": 0,
    }


def file_row(job_id: str, part: int, file: Artifact) -> dict[str, object]:
    """Write a file of a part."""
    return {"job_id": job_id, "name": file.name, "part": part, "artifact": json_text(file.members())}


def read_job(row: RowMapping) -> Job:
    """Read a row of `SELECT_JOBS`."""
    return Job(
        order=BulkOrder.of_members(orjson.loads(row["job_order"])),
        submitter=Submitter.of_members(orjson.loads(row["submitter"])),
        state=JobState(row["state"]),
        fingerprint=row["fingerprint"],
        customers=row["customers"],
        started_at=_moment(row["started_at"]),
        ended_at=_moment(row["ended_at"]),
        cancel_requested_at=_moment(row["cancel_requested_at"]),
        expires_at=_moment(row["expires_at"]),
        code=row["code"],
        link_generation=row["link_generation"],
    )


def read_part(row: RowMapping) -> StoredPart:
    """Read a row of a part."""
    result = row["result"]
    return StoredPart(
        number=row["number"],
        state=PartState(row["state"]),
        partition=Partition.of_members(orjson.loads(row["partition"])),
        begun=row["begun"],
        code=row["code"],
        result=None if result is None else PartitionResult.of_members(orjson.loads(result)),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def json_text(members: Mapping[str, object]) -> str:
    """Write members as they are kept."""
    return orjson.dumps(members).decode()
