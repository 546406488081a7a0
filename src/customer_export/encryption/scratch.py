"""What waits on the disk on its way into an encrypted file: sealed by AES-GCM, under a key that nothing keeps."""

from collections.abc import Iterator
from typing import IO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BITS = 256
NONCE_BYTES = (
    12  # what GCM is made for; a number that goes up, which no two frames of one key share (SP 800-38D, 8.2.1)
)
_SIZE_BYTES = 8


class Scratch:
    """Frames in a file, to be read once, in their order, when all are there. `is_sealed`: none is there in plain."""

    def __init__(self, file: IO[bytes], *, is_sealed: bool) -> None:
        self._file = file
        self._cipher = AESGCM(AESGCM.generate_key(KEY_BITS)) if is_sealed else None
        self._frames = 0

    def add(self, frame: bytes) -> None:
        """Put one more frame behind the others."""
        if self._cipher is not None:
            frame = self._cipher.encrypt(self._frames.to_bytes(NONCE_BYTES, "big"), frame, None)
        self._frames += 1
        self._file.write(len(frame).to_bytes(_SIZE_BYTES, "big"))
        self._file.write(frame)

    def flush(self) -> None:
        """Meet a full disk now rather than later."""
        self._file.flush()

    def frames(self) -> Iterator[bytes]:
        """Give all of them back."""
        self._file.seek(0)
        number = 0
        while size := self._file.read(_SIZE_BYTES):
            frame = self._file.read(int.from_bytes(size, "big"))
            if self._cipher is not None:
                frame = self._cipher.decrypt(number.to_bytes(NONCE_BYTES, "big"), frame, None)
            number += 1
            yield frame

    def close(self) -> None:
        """Forget them."""
        self._file.close()
