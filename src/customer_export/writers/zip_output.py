"""Where a zip is written to when nobody may seek in it."""


class ZipOutput:
    """Holds what a ZipFile writes until it is taken; it cannot seek, so the zip is written as a stream."""

    def __init__(self) -> None:
        self._pending = bytearray()

    @property
    def pending_bytes(self) -> int:
        """How much waits to be taken."""
        return len(self._pending)

    def write(self, data: bytes, /) -> int:
        """Hold some more."""
        self._pending += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: `take` is what moves the bytes on."""

    def close(self) -> None:
        """Do nothing: what has been written may still be taken."""

    def take(self) -> bytes:
        """Give what waits."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken
