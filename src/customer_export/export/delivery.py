"""An export that has been started: its file, either whole already or still being made."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

from customer_export.errors import ExportCancelledError
from customer_export.export.guard import PIECE_BYTES, Guard
from customer_export.export.record import Recorder
from customer_export.model.manifest import CompleteManifest, FileProof, Manifest


class StartedExport:
    """A file on its way out. Take all `pieces`, then `finish`; `close` in any case, which tells the two apart.

    `spooled` is the whole file, None for a stream. `held` is what must be closed when the file has gone.
    """

    def __init__(
        self,
        *,
        recorder: Recorder,
        manifest: Manifest,
        file_name: str,
        media_type: str,
        guard: Guard,
        spooled: IO[bytes] | None,
        held: ExitStack,
    ) -> None:
        self.file_name = file_name
        self.media_type = media_type
        self._recorder = recorder
        self._manifest = manifest
        self._guard = guard
        self._spooled = spooled
        self._held = held
        self._ended = False

    @property
    def export_id(self) -> str:
        """The id under which the manifest and the audit know the export."""
        return self._manifest.export_id

    @property
    def size_bytes(self) -> int | None:
        """The size of the file, None while it is being made."""
        return None if self._spooled is None else self._guard.size_bytes

    @property
    def sha256(self) -> str | None:
        """The digest (hex) of the file, None while it is being made."""
        return None if self._spooled is None else self._guard.sha256

    @property
    def manifest(self) -> CompleteManifest:
        """The manifest with the file's proof; of a stream, true once all of it has been read."""
        proof = FileProof(
            name=self.file_name,
            media_type=self.media_type,
            size_bytes=self._guard.size_bytes,
            sha256=self._guard.sha256,
        )
        return self._manifest.of_file(proof)

    def pieces(self) -> Iterator[bytes]:
        """Give the file's bytes; the start is on record before the first of them."""
        try:
            if self._spooled is None:
                self._recorder.started()
                yield from self._guard
                self._held.close()
            else:
                self._recorder.started(self.manifest)
                self._spooled.seek(0)
                while piece := self._spooled.read(PIECE_BYTES):
                    yield piece
        except GeneratorExit:  # whoever was reading has gone; `close` puts it on record
            raise
        except BaseException as failure:
            self._end(failure)
            raise

    def finish(self) -> None:
        """Put on record that every piece has been taken, and free everything. A stream ends after this."""
        try:
            self._recorder.completed(self.manifest, keep_manifest=self._spooled is None)
            self._ended = True
            self._held.close()
        except BaseException as failure:
            self._end(failure)
            raise

    def close(self) -> None:
        """Free everything. An export that has not been finished is put on record as cancelled."""
        self._end(ExportCancelledError())
        self._held.close()

    def _end(self, failure: BaseException) -> None:
        if not self._ended:
            self._ended = True
            self._held.close()
            self._recorder.failed(failure)
