"""The last look at the bytes: too many end the export."""

from collections.abc import Callable, Iterator

from customer_export.errors import ExportTooLargeError

PIECE_BYTES = 1 << 19  # 512 KiB: below it handing a piece to the network costs time, above it only memory grows


class Guard:
    """Passes pieces on, joined to at least PIECE_BYTES, while they stay below the limit.

    `check` is called for every piece and may raise to end the export.
    """

    def __init__(self, pieces: Iterator[bytes], *, limit_bytes: int, check: Callable[[], None]) -> None:
        self._pieces = pieces
        self._limit_bytes = limit_bytes
        self._check = check

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces. Raises ExportTooLargeError before a byte beyond the limit is given."""
        waiting: list[bytes] = []
        waiting_bytes = size_bytes = 0
        for piece in self._pieces:
            self._check()
            size_bytes += len(piece)
            if size_bytes > self._limit_bytes:
                raise ExportTooLargeError(limit_bytes=self._limit_bytes)
            waiting.append(piece)
            waiting_bytes += len(piece)
            if waiting_bytes >= PIECE_BYTES:
                yield b"".join(waiting)
                waiting, waiting_bytes = [], 0
        if waiting:
            yield b"".join(waiting)
