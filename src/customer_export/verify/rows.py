"""What readers of all formats have in common."""

from collections.abc import Iterator
from typing import IO, NamedTuple
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812  (an exception, named like one)

from customer_export.model.columns import Batch

UNREADABLE = (BadZipFile, ZlibError, EOFError, KeyError, OSError, ValueError, NotImplementedError, RuntimeError)
"""What the standard library raises for zips that are damaged, or for a text that is none."""
BATCH_ROWS = 1_024  # as sources give them
LONGEST_ROW_BYTES = 1 << 27  # more than the largest file has by default; what has no end does not fill the memory


class Piece(NamedTuple):
    """Some consecutive rows of a section, column by column. `records` has their canonical CSV where a file holds it."""

    section: str
    rows: int
    batch: Batch | None
    records: bytes | None = None
    keys: bytes | None = None


Pieces = Iterator[Piece]


class BrokenFileError(Exception):
    """A file is not of the form that we write; the message says where and what."""

    def __init__(self, message: str, *, section: str | None = None, after_row: int | None = None) -> None:
        super().__init__(message)
        self.section = section
        self.after_row = after_row


def hold_to_a_row(rest: bytes) -> None:
    """Raise BrokenFileError for what has gone on without an end for longer than a row does."""
    if len(rest) > LONGEST_ROW_BYTES:
        raise BrokenFileError(f"something goes on for more than {LONGEST_ROW_BYTES:,} bytes without the end of a row")


def read_line(file: IO[bytes]) -> bytes:
    """Read a line with its end; the empty bytes after the last one. Raises BrokenFileError."""
    line = file.readline(LONGEST_ROW_BYTES + 1)
    hold_to_a_row(line)
    return line
