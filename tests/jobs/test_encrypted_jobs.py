"""Jobs that encrypt with a passphrase: it waits sealed until the job ends, and for nobody else."""

import io
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import pyzipper
from erased_jobs import ADMIN, OPERATOR, planned, purge, steps_of

from customer_export.cache.sealing import Seal
from customer_export.demo.customers import ONE_ORDER, TYPICAL
from customer_export.errors import IdempotencyKeyReusedError, InvalidRequestError
from customer_export.jobs.files import stored_name
from customer_export.jobs.look import cancel_job, job_manifest
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.job import JobState, PartState
from customer_export.store.job_interface import Submitted

PASSPHRASE = "correct horse battery staple"
ALL_OF_TWO = {"customers": [TYPICAL.id, ONE_ORDER.id], "format": "csv", "encrypt": "zip", "onDuplicate": "join"}


def submit(
    jobs: Jobs, wanted: dict[str, Any], *, passphrase: str | None = PASSPHRASE, key: str | None = None
) -> Submitted:
    call = JobCall(
        job_id=uuid4().hex,
        wanted=wanted,
        idempotency_key=key,
        credentials=OPERATOR,
        client=None,
        is_counted=False,
        passphrase=passphrase,
    )
    assert PASSPHRASE not in repr(call)
    return submit_job(jobs, call, told=lambda _: None)


def done(jobs: Jobs, job_id: str, *, each: int = 1) -> None:
    steps = steps_of(jobs)
    for number in range(planned(jobs, job_id, each=each)):
        steps.run_part(job_id, number, attempt=1)


@pytest.mark.parametrize("layout", ["files", "tables"])
def test_the_passphrase_opens_every_file_and_is_forgotten_at_the_end(timed_jobs: Jobs, layout: str) -> None:
    jobs = timed_jobs
    job_id = submit(jobs, {**ALL_OF_TWO, "layout": layout, "sections": "profile"}).job.job_id
    sealed = jobs.store.sealed_passphrase(job_id)
    assert sealed is not None
    assert PASSPHRASE.encode() not in sealed
    done(jobs, job_id)
    steps_of(jobs).finish(job_id, attempt=1)
    assert jobs.store.sealed_passphrase(job_id) is None
    manifest = job_manifest(jobs, job_id, ADMIN)
    assert manifest is not None
    assert PASSPHRASE not in str(manifest)
    output: Any = manifest["output"]
    files = [one for one in output if one["type"] != "index"]
    assert len(files) == 2
    for file in files:
        content = b"".join(jobs.storage.open(stored_name(f"{job_id}/{file['name']}")).pieces)
        assert (file["encryption"]["method"], file["name"]) == (
            "zip",
            f"{shown(layout)}{file['encryption']['plain']['name']}.zip",
        )
        with pyzipper.AESZipFile(io.BytesIO(content)) as archive:
            archive.setpassword(PASSPHRASE.encode())
            assert len(archive.read(file["encryption"]["plain"]["name"])) == file["encryption"]["plain"]["bytes"]


def shown(layout: str) -> str:
    return "profile/" if layout == "tables" else ""


def test_one_customers_file_is_encrypted_by_the_same_passphrase(timed_jobs: Jobs) -> None:
    jobs = timed_jobs
    job_id = submit(jobs, {"customer": TYPICAL.id, "format": "csv", "encrypt": "zip"}).job.job_id
    steps = steps_of(jobs)
    steps.plan(job_id, attempt=1)
    steps.run_part(job_id, 0, attempt=1)
    steps.finish(job_id, attempt=1)
    (file,) = [one.artifact for one in jobs.store.files(job_id) if one.artifact.encryption is not None]
    with pyzipper.AESZipFile(io.BytesIO(b"".join(jobs.storage.open(stored_name(file.name)).pieces))) as archive:
        archive.setpassword(PASSPHRASE.encode())
        assert archive.read(archive.namelist()[0])


def test_a_part_that_is_done_is_not_made_again_with_other_bytes(timed_jobs: Jobs) -> None:
    jobs = timed_jobs
    job_id = submit(jobs, ALL_OF_TWO).job.job_id
    done(jobs, job_id)
    before = [one.artifact for one in jobs.store.files(job_id)]
    steps = steps_of(jobs)
    for number in range(2):
        steps.run_part(job_id, number, attempt=2)
    steps.finish(job_id, attempt=1)
    assert [one.artifact for one in jobs.store.files(job_id)] == before


def test_another_passphrase_is_another_job(timed_jobs: Jobs) -> None:
    first = submit(timed_jobs, ALL_OF_TWO, key="k")
    assert submit(timed_jobs, ALL_OF_TWO).job.job_id == first.job.job_id
    assert submit(timed_jobs, ALL_OF_TWO, passphrase="another horse, another staple").is_new
    with pytest.raises(IdempotencyKeyReusedError):
        submit(timed_jobs, ALL_OF_TWO, passphrase="another horse, another staple", key="k")


def test_a_cancelled_job_forgets_it_too(timed_jobs: Jobs) -> None:
    job_id = submit(timed_jobs, ALL_OF_TWO).job.job_id
    cancel_job(timed_jobs, job_id, ADMIN)
    assert timed_jobs.store.sealed_passphrase(job_id) is None


def test_a_worker_without_the_key_fails_the_part_and_says_why(timed_jobs: Jobs) -> None:
    job_id = submit(timed_jobs, ALL_OF_TWO).job.job_id
    done(replace(timed_jobs, seal=Seal([bytes([7]) * 32])), job_id)
    steps_of(timed_jobs).finish(job_id, attempt=1)
    job = timed_jobs.store.job(job_id)
    assert job is not None
    assert (job.state, job.code) == (JobState.FAILED, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("wanted", "passphrase", "told"),
    [
        (ALL_OF_TWO, None, "is missing"),
        (ALL_OF_TWO, "short", "has 5 characters"),
        ({**ALL_OF_TWO, "encrypt": None}, PASSPHRASE, "only applies to encrypt=zip"),
    ],
)
def test_a_passphrase_that_does_not_fit_is_told_at_once(
    timed_jobs: Jobs, wanted: dict[str, Any], passphrase: str | None, told: str
) -> None:
    with pytest.raises(InvalidRequestError, match=told):
        submit(timed_jobs, wanted, passphrase=passphrase)


def test_a_purge_finds_who_is_in_encrypted_parts(timed_jobs: Jobs) -> None:
    job_id = submit(timed_jobs, ALL_OF_TWO).job.job_id
    done(timed_jobs, job_id)
    steps_of(timed_jobs).finish(job_id, attempt=1)
    purge(timed_jobs, ONE_ORDER.id)
    states = {part.number: part.state for part in timed_jobs.store.parts(job_id)}
    assert sorted(states.values()) == sorted([PartState.DONE, PartState.PURGED])
    kept = {file.name.rpartition("/")[2] for file in timed_jobs.storage.list_files(f"jobs/{job_id}")}
    assert len(kept) == 2
