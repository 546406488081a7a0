"""The rows of a report out of the JSON that it has attached: what is on its pages is drawn, and can't be read back."""

import io
import re
import zlib
from typing import IO

from customer_export.verify.claims import Claims
from customer_export.verify.json_rows import read_json
from customer_export.verify.rows import BrokenFileError, Pieces

_START = b"0 obj\n<</Type/EmbeddedFile/Subtype/application#2Fjson"
_HEAD = re.compile(re.escape(_START) + rb"/Params<<[^>]*>>/Filter/FlateDecode/Length ([0-9]{1,12})>>stream\n")
_HEAD_BYTES = 1 << 9
_READ_BYTES = 1 << 16


def has_rows(claims: Claims) -> bool:
    """Whether a report was asked for with the JSON attached."""
    return claims.parameters.get("attach") == "json"


def read_pdf(file: IO[bytes], claims: Claims) -> Pieces:
    """Read the attached document. Raises BrokenFileError."""
    return read_json(io.BufferedReader(_attachment(file), _READ_BYTES), claims.sections)


def _attachment(file: IO[bytes]) -> "_Inflated":
    place = _find(file)
    if place is not None:
        file.seek(place)
        head = _HEAD.match(file.read(_HEAD_BYTES))
        if head is not None:
            return _Inflated(file, place + head.end(), int(head[1]))
    raise BrokenFileError("the attached JSON is missing")


def _find(file: IO[bytes]) -> int | None:
    """Find where the only attachment begins: the file is read piece by piece."""
    position, kept = file.seek(0), b""
    while data := file.read(_READ_BYTES):
        text = kept + data
        found = text.find(_START)
        if found >= 0:
            return position - len(kept) + found
        position += len(data)
        kept = text[-len(_START) :]
    return None


class _Inflated(io.RawIOBase):
    """Reads what a part of a file was before it was packed. Raises BrokenFileError for what is damaged."""

    def __init__(self, file: IO[bytes], start: int, size_bytes: int) -> None:
        super().__init__()
        self._file, self._position, self._left = file, start, size_bytes
        self._packed = zlib.decompressobj()
        self._waiting = b""

    def readable(self) -> bool:
        """Say that it is read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's buffer has no len()
        """Read on."""
        data = b""
        while not data and not self._packed.eof:
            if not self._waiting and not self._left:
                break
            try:
                data = self._packed.decompress(self._waiting or self._next(), len(buffer))
            except zlib.error as failure:
                raise BrokenFileError(f"the attached JSON is damaged ({failure})") from failure
            self._waiting = self._packed.unconsumed_tail
        buffer[: len(data)] = data
        return len(data)

    def _next(self) -> bytes:
        self._file.seek(self._position)
        piece = self._file.read(min(_READ_BYTES, self._left))
        if not piece:
            raise BrokenFileError("the attached JSON is cut")
        self._position += len(piece)
        self._left -= len(piece)
        return piece
