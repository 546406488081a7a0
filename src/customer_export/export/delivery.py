"""An export that has been started: its file, either whole already or still being made."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from customer_export.cache.exports import CacheFill
from customer_export.errors import ExportCancelledError
from customer_export.export.guard import PIECE_BYTES, Guard
from customer_export.export.record import Recorder
from customer_export.model.audit import CacheUse
from customer_export.model.manifest import CompleteManifest, FileProof, Manifest
from customer_export.model.written import WrittenBytes
from customer_export.store.interface import Appending


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeFile:
    """A file that is there from its first byte to its last. `manifest` is None if it is on record already."""

    export_id: str
    content: IO[bytes]
    proof: FileProof
    rows: int
    manifest: CompleteManifest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """A file that is made while it is sent; its proof is known at its end, when all of it has been `written`."""

    name: str
    media_type: str
    guard: Guard
    written: WrittenBytes
    manifest: Manifest

    def complete(self) -> CompleteManifest:
        """Give the manifest with the file's proof, once all of it has been read."""
        whole = self.written.proof()
        return self.manifest.of_file(
            FileProof(name=self.name, media_type=self.media_type, size_bytes=whole.size_bytes, sha256=whole.sha256)
        )


class StartedExport:
    """A file on its way out. Take all `pieces`, then `finish`; `close` in any case, which tells the two apart.

    `starting` is the record of the start, `fill` what puts the file into the cache, None if it is not to go there.
    `held` is what must be closed when the file has gone.
    """

    def __init__(
        self,
        file: WholeFile | LiveFile,
        *,
        recorder: Recorder,
        starting: Appending,
        fill: CacheFill | None,
        held: ExitStack,
    ) -> None:
        self._file = file
        self._recorder = recorder
        self.starting = starting
        self._fill = fill
        self._held = held
        self._manifest_kept = False
        self._ended = False
        self.format = recorder.about.format or ""
        """The format of the file."""
        self.proof = file.proof if isinstance(file, WholeFile) else None
        """The size and digest of the file, None while it is being made."""

    @property
    def export_id(self) -> str:
        """The id of the export that made the file, under which its manifest is on record."""
        return self._file.export_id if isinstance(self._file, WholeFile) else self._file.manifest.export_id

    @property
    def cache_use(self) -> CacheUse | None:
        """Whether the file came out of the cache; None if there was no question of it."""
        return self._recorder.cache

    @property
    def file_name(self) -> str:
        """What to call the file."""
        return self._file.proof.name if isinstance(self._file, WholeFile) else self._file.name

    @property
    def media_type(self) -> str:
        """The media type of the file."""
        return self._file.proof.media_type if isinstance(self._file, WholeFile) else self._file.media_type

    @property
    def manifest(self) -> CompleteManifest:
        """The manifest of a file that is made here; of a live one, true once all of it has been read."""
        manifest = self._file.manifest if isinstance(self._file, WholeFile) else self._file.complete()
        assert manifest is not None  # what came out of the cache was made elsewhere
        return manifest

    def pieces(self) -> Iterator[bytes]:
        """Give the file's bytes; the start is on record before the first of them."""
        try:
            self.starting.wait()
            if isinstance(self._file, LiveFile):
                yield from self._file.guard if self._fill is None else self._fill.tee(iter(self._file.guard))
                self._held.close()
            else:
                self._keep(self._file)
                yield from _read(self._file.content)
        except GeneratorExit:  # whoever was reading has gone; `close` puts it on record
            raise
        except BaseException as failure:
            self._end(failure)
            raise

    def finish(self) -> None:
        """Put on record that every piece has been taken, and free everything. A live file ends after this."""
        try:
            if isinstance(self._file, WholeFile):
                self._recorder.completed(self._file.proof, rows=self._file.rows, manifest=self._late_manifest)
            else:
                manifest = self._file.complete()
                self._recorder.completed(manifest.file, rows=manifest.rows, manifest=manifest)
                if self._fill is not None:
                    self._fill.commit(manifest, stored_at=self._recorder.now())
            self._ended = True
            self._held.close()
        except BaseException as failure:
            self._end(failure)
            raise

    def finish_soon(self) -> None:
        """Do the same for a whole file, and let the record be written in the background: it does not block."""
        assert isinstance(self._file, WholeFile)  # a live one would have to be freed, which may block
        self._ended = True
        self._recorder.completed_soon(self._file.proof, rows=self._file.rows, manifest=self._late_manifest)
        self._held.close()

    def give_up(self, failure: BaseException) -> None:
        """Free everything, and put on record why the file did not get to where it was to go."""
        self._end(failure)
        self._held.close()

    def close(self) -> None:
        """Free everything. An export that has not been finished is put on record as cancelled."""
        self._end(ExportCancelledError())
        self._held.close()

    @property
    def _late_manifest(self) -> CompleteManifest | None:
        """The manifest that goes on record with the end: that of a file in one piece, whose end follows at once."""
        assert isinstance(self._file, WholeFile)
        return None if self._manifest_kept else self._file.manifest

    def _keep(self, file: WholeFile) -> None:
        """Put a whole file into the cache before it leaves: those who wait for it need not wait for its reader.

        Its manifest is on record by then, or a process that dies would leave a file that nothing proves to them.
        """
        if file.manifest is None:  # it comes from there
            return
        is_shared = self._fill is not None and self._fill.has_room_for(file.proof.size_bytes)
        if is_shared or file.proof.size_bytes > PIECE_BYTES:
            keeping = self._recorder.keep(file.manifest)
            self._manifest_kept = True
        if self._fill is None:
            return
        if is_shared:
            for piece in _read(file.content):
                self._fill.add(piece)
            keeping.wait()
        self._fill.commit(file.manifest, stored_at=self._recorder.now())

    def _end(self, failure: BaseException) -> None:
        if not self._ended:
            self._ended = True
            if self._fill is not None:
                self._fill.drop()
            self._held.close()
            self._recorder.failed(failure)


def _read(content: IO[bytes]) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(PIECE_BYTES):
        yield piece
