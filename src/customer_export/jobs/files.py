"""Where a job's files lie in the storage: below `jobs/`, each under the job's id."""

import re
from collections.abc import Iterable, Iterator

from customer_export.storage.interface import Storage, StoredFile, WrittenFile

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


def part_name(number: int) -> str:
    """Give what the names of a part's files begin with, behind the job's id and the section, if they have one."""
    return f"part-{number:05}"


def part_of(name: str) -> int | None:
    """Give the part that a file is of, by its name; None if it is not named by a part."""
    found = _PART.search(name)
    return None if found is None else int(found[1])


_PART = re.compile(r"/part-([0-9]{5,})\.[^/]*$")


def files_of_parts(storage: Storage, job_id: str, numbers: frozenset[int]) -> Iterator[StoredFile]:
    """Give the files that there are of some parts of a job."""
    for file in list(storage.list_files(stored_name(job_id))):
        if part_of(file.name) in numbers:
            yield file


def delete_files(storage: Storage, job_id: str) -> None:
    """Delete whatever there is of a job."""
    for file in list(storage.list_files(stored_name(job_id))):
        storage.delete(file.name)
