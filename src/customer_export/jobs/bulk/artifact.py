"""Write a file of a job, encrypted if the job's files are to be, and say what has been written."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import IO

from customer_export.encryption.interface import Sealer
from customer_export.export.guard import PIECE_BYTES
from customer_export.export.pipeline import SPOOL_MEMORY_BYTES
from customer_export.jobs.bulk.interface import Artifacts
from customer_export.model.bulk_result import Artifact
from customer_export.model.manifest import EncryptionProof, FileProof
from customer_export.model.written import WrittenBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactWriting:
    """Writes files by their names; with a `sealer` they are encrypted, as made `at` that moment."""

    artifacts: Artifacts
    sealer: Sealer | None
    at: datetime

    def write(
        self,
        name: str,
        pieces: Iterable[bytes],
        *,
        media_type: str,
        rows: Callable[[], int],
        section: str | None = None,
    ) -> Artifact:
        """Write a file while its pieces are made; `rows` is asked once all of them have been.

        A file that is sealed gets the suffix of how; sealed it waits on the disk until it is whole, so memory is flat.
        """
        if self.sealer is None:
            written = self.artifacts.write(name, pieces, media_type=media_type)
            return Artifact(
                name=name,
                media_type=media_type,
                size_bytes=written.size_bytes,
                sha256=written.sha256,
                rows=rows(),
                section=section,
            )
        encryption = self.sealer.encryption
        with tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES) as sealed:
            plain = self._seal(self.sealer, name, pieces, media_type, into=sealed)
            name += encryption.suffix
            written = self.artifacts.write(name, _read(sealed), media_type=self.sealer.media_type)
        return Artifact(
            name=name,
            media_type=self.sealer.media_type,
            size_bytes=written.size_bytes,
            sha256=written.sha256,
            rows=rows(),
            section=section,
            encryption=EncryptionProof(method=encryption.method, recipient=encryption.recipient, plain=plain),
        )

    def _seal(
        self, sealer: Sealer, name: str, pieces: Iterable[bytes], media_type: str, *, into: IO[bytes]
    ) -> FileProof:
        """Write the file sealed, and give the proof of what is in it, under the name that it has by itself."""
        own_name = PurePosixPath(name).name
        written = WrittenBytes()
        sealer.seal(written.passing(pieces), into, name=own_name, at=self.at)
        whole = written.proof()
        return FileProof(name=own_name, media_type=media_type, size_bytes=whole.size_bytes, sha256=whole.sha256)


def _read(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    return iter(partial(file.read, PIECE_BYTES), b"")
