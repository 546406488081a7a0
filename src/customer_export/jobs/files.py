"""Where a job's files lie in the storage: below `jobs/`, each under the job's id."""

from collections.abc import Iterable

from customer_export.storage.interface import Storage, WrittenFile

FOLDER = "jobs"


class JobArtifacts:
    """Writes files of jobs; see `Artifacts`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> WrittenFile:
        """Write a file while its pieces are made."""
        return self._storage.write(stored_name(name), pieces, media_type=media_type)


def stored_name(name: str) -> str:
    """Give the name in the storage of a file of a job, whose own name begins with the job's id."""
    return f"{FOLDER}/{name}"


def shown_name(name: str) -> str:
    """Give the name of a file within its job."""
    return name.partition("/")[2]


def delete_files(storage: Storage, job_id: str) -> None:
    """Delete whatever there is of a job."""
    for file in list(storage.list_files(stored_name(job_id))):
        storage.delete(file.name)
