"""Passphrases of jobs: sealed from the submission until the job's end, and kept by nothing else."""

from customer_export.encryption.choice import sealer_for
from customer_export.errors import InvalidRequestError
from customer_export.jobs.services import Jobs
from customer_export.model.job import Job
from customer_export.model.request import Encryption


def check_passphrase(jobs: Jobs, encryption: Encryption | None, passphrase: str | None) -> None:
    """Raise InvalidRequestError unless a job has the passphrase that it needs, and may keep it."""
    sealer_for(encryption, passphrase)
    if passphrase is not None and not jobs.seal.has_keys:
        raise InvalidRequestError(
            "Invalid request parameters: encrypt: a job keeps a passphrase only where it is sealed; set "
            "EXPORT_CACHE_KEYS, or encrypt to an age public key"
        )


def seal_passphrase(jobs: Jobs, job_id: str, passphrase: str | None) -> bytes | None:
    """Seal a passphrase that has been checked."""
    return None if passphrase is None else jobs.seal.seal(passphrase.encode(), name=_name(job_id))


def open_passphrase(jobs: Jobs, job: Job) -> str | None:
    """Give a job's passphrase, None if it has none. Raises InvalidRequestError if the key that sealed it is gone."""
    sealed = jobs.store.sealed_passphrase(job.job_id)
    if sealed is None:
        return None
    opened = jobs.seal.open(memoryview(sealed), name=_name(job.job_id))
    if opened is None:
        raise InvalidRequestError(
            "The job's passphrase was sealed by a key of EXPORT_CACHE_KEYS that this worker does not have; give all "
            "servers and workers the same keys, and submit the job again"
        )
    return bytes(opened).decode()


def _name(job_id: str) -> str:
    """Tie what is sealed to its job, and keep it apart from what else is sealed."""
    return f"job:{job_id}"
