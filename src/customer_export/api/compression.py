"""Compress an answer while it is sent, if the client says that it can read that (RFC 9110, 12.5.3)."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import IO

import zstandard
from isal import isal_zlib

from customer_export.export.guard import PIECE_BYTES
from customer_export.export.pipeline import SPOOL_MEMORY_BYTES
from customer_export.export.spooling import spooling

COMPRESSIBLE = ("text/csv", "application/json", "application/x-ndjson")
"""Workbooks, reports and archives are compressed already."""
SMALLEST_BYTES = 1 << 16  # 64 KiB: what is smaller arrives at once anyway, and is sent as its manifest knows it
ZSTD_LEVEL = 3
GZIP_LEVEL = 1
_GZIP_WINDOW = 31  # 15 bits, and a gzip header around (zlib's convention)


class Encoding(StrEnum):
    """The content codings that are offered, the better one first."""

    ZSTD = "zstd"
    GZIP = "gzip"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBytes:
    """The body of an answer as it is sent: its size, and its SHA-256 (hex)."""

    size_bytes: int
    sha256: str


def is_compressible(media_type: str) -> bool:
    """Whether files of this media type become smaller."""
    return media_type.partition(";")[0] in COMPRESSIBLE


def choose_encoding(accepted: str) -> Encoding | None:
    """Choose from an Accept-Encoding header: the highest weight wins, then the better coding; None sends it plain."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = _weight(parameters)
    offered = {encoding: weights.get(encoding.value, weights.get("*", 0.0)) for encoding in Encoding}
    best = max(offered, key=lambda encoding: offered[encoding])
    return best if offered[best] > weights.get("identity", 0.0) or offered[best] == 1.0 else None


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0.0 <= weight <= 1.0 else 0.0


def compressed(pieces: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Compress piece by piece; each is flushed, so that a reader has every row that was sent."""
    match encoding:
        case Encoding.ZSTD:
            zstd = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
            for piece in pieces:
                yield zstd.compress(piece) + zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            yield zstd.flush()
        case Encoding.GZIP:
            gzip = isal_zlib.compressobj(GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)
            for piece in pieces:
                yield gzip.compress(piece) + gzip.flush(isal_zlib.Z_SYNC_FLUSH)
            yield gzip.flush()


def spooled(pieces: Iterator[bytes]) -> tuple[SentBytes, Iterator[bytes]]:
    """Take all pieces, to know their size and digest before the first of them is sent. Raises SpoolFullError."""
    digest, size_bytes = hashlib.sha256(), 0
    with spooling(), ExitStack() as held:
        content = held.enter_context(tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES))
        for piece in pieces:
            content.write(piece)
            digest.update(piece)
            size_bytes += len(piece)
        content.flush()
        held.pop_all()  # from here on it is the reader's
    return SentBytes(size_bytes=size_bytes, sha256=digest.hexdigest()), _read(content)


def _read(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        content.seek(0)
        while piece := content.read(PIECE_BYTES):
            yield piece
