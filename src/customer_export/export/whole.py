"""Write a file whole before its first byte leaves, encrypted if that was asked for."""

from dataclasses import replace
from typing import IO

from customer_export.encryption.interface import Sealer
from customer_export.export.delivery import LiveFile
from customer_export.export.guard import PIECE_BYTES
from customer_export.model.manifest import CompleteManifest, EncryptionProof, FileProof
from customer_export.model.written import WrittenBytes


def write_whole(live: LiveFile, content: IO[bytes], sealer: Sealer | None) -> CompleteManifest:
    """Write all of a file, and give its manifest. Of a file that is sealed, no plain byte comes to `content`."""
    if sealer is None:
        for piece in live.guard:  # not writelines, which would move the file to the disk after its last piece only
            content.write(piece)
        content.flush()  # or a full disk would be met when the file is read
        return live.complete()
    sealer.seal(iter(live.guard), content, name=live.name, at=live.manifest.created_at)
    manifest = live.complete()
    return replace(manifest, file=_sealed(manifest.file, content, sealer))


def _sealed(plain: FileProof, content: IO[bytes], sealer: Sealer) -> FileProof:
    content.seek(0)  # an archive's beginning is written last, so it is read again for its digest
    sealed = WrittenBytes()
    while piece := content.read(PIECE_BYTES):
        sealed.add(piece)
    whole = sealed.proof()
    return FileProof(
        name=f"{plain.name}{sealer.encryption.suffix}",
        media_type=sealer.media_type,
        size_bytes=whole.size_bytes,
        sha256=whole.sha256,
        encryption=EncryptionProof(method=sealer.encryption.method, recipient=sealer.encryption.recipient, plain=plain),
    )
