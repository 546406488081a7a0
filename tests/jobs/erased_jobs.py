"""Jobs for several customers, done step by step without an engine, to be purged at any step."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Event
from typing import Any
from uuid import uuid4

import orjson

from customer_export.export.admission import ExportCall
from customer_export.jobs.bulk.plan import plan_partitions
from customer_export.jobs.purge import purge_customer
from customer_export.jobs.rights import check_rights
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import Steps
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.access import LocalOperator, Principal, Scope
from customer_export.model.job import Job
from customer_export.storage.interface import Storage, WrittenFile

OPERATOR = LocalOperator(user="tester")
FEW_SECTIONS = "profile,orders"
"""What these tests export unless they say more: the statements of all sections take a third of a second a part."""
ADMIN = Principal(name="local:tester", scopes=frozenset({Scope.ADMIN}))


def submitted(jobs: Jobs, **wanted: Any) -> str:
    wanted = {"sections": FEW_SECTIONS, **wanted}
    call = JobCall(
        job_id=uuid4().hex, wanted=wanted, idempotency_key=None, credentials=OPERATOR, client=None, is_counted=False
    )
    return submit_job(jobs, call, told=lambda _: None).job.job_id


def job_of(jobs: Jobs, job_id: str) -> Job:
    job = jobs.store.job(job_id)
    assert job is not None
    return job


def planned(jobs: Jobs, job_id: str, *, each: int) -> int:
    """Cut a job into parts of so many customers, and give how many there are."""
    job = job_of(jobs, job_id)
    principal = check_rights(jobs, job)
    order = replace(job.order, part_customers=each)
    partitions = plan_partitions(jobs.services, order, principal=principal)
    jobs.store.plan(job_id, partitions, at=jobs.services.now())
    return len(partitions)


def steps_of(jobs: Jobs) -> Steps:
    return Steps(jobs=jobs, stopping=Event())


def finished(jobs: Jobs, *, each: int, **wanted: Any) -> str:
    """Submit a job and do all of it."""
    job_id = submitted(jobs, **wanted)
    steps = steps_of(jobs)
    for number in range(planned(jobs, job_id, each=each)):
        steps.run_part(job_id, number, attempt=1)
    steps.finish(job_id, attempt=1)
    return job_id


def purge(jobs: Jobs, customer_id: str) -> Mapping[str, Any]:
    """Purge a customer, and give the receipt."""
    call = ExportCall(export_id=uuid4().hex, customer_id=customer_id, parameters=[], credentials=OPERATOR, client=None)
    return purge_customer(jobs, call)


def contents(jobs: Jobs) -> Iterator[bytes]:
    """Give whatever lies in the storage, members of archives unpacked."""
    for file in jobs.storage.list_files("jobs"):
        content = b"".join(jobs.storage.open(file.name).pieces) if file.size_bytes else b""
        if file.name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from (archive.read(name) + name.encode() for name in archive.namelist())
        else:
            yield content


def is_kept(jobs: Jobs, customer_id: str) -> bool:
    """Whether the storage has the id anywhere, in whatever file."""
    return any(customer_id.encode() in content for content in contents(jobs))


def customers_of(jobs: Jobs, job_id: str) -> Sequence[Sequence[str]]:
    """Give the customers of each part that has an index."""
    return [
        [orjson.loads(line)["customer"] for line in b"".join(jobs.storage.open(file.name).pieces).splitlines()]
        for file in sorted(jobs.storage.list_files(f"jobs/{job_id}"), key=lambda file: file.name)
        if file.name.endswith(".customers.ndjson") and file.size_bytes
    ]


def everybody_in(jobs: Jobs, job_id: str) -> list[str]:
    """Give the customers of all parts, sorted."""
    return sorted(one for part in customers_of(jobs, job_id) for one in part)


class Interrupting:
    """A storage by which something happens once, while or just after the first file is written."""

    def __init__(self, storage: Storage, act: Callable[[], object], *, at_end: bool = False) -> None:
        self._storage = storage
        self._act: Callable[[], object] | None = act
        self._at_end = at_end

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> WrittenFile:
        if self._at_end:
            written = self._storage.write(name, pieces, media_type=media_type)
            if name.endswith(".customers.ndjson"):
                self._do()
            return written
        return self._storage.write(name, self._interrupted(pieces), media_type=media_type)

    def _interrupted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._do()
            yield piece

    def _do(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)
