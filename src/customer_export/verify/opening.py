"""Files as they are found: plain or still compressed, and what format they are of."""

import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZipFile

import zstandard

from customer_export.verify.claims import Digest
from customer_export.verify.rows import UNREADABLE, BrokenFileError

_READ_BYTES = 1 << 20
_GZIP, _ZSTD, _ZIP, _PDF = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"%PDF-"
_PDF_END = b"\n%%EOF\n"
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


def unpacked(file: IO[bytes], stack: ExitStack, *, largest_bytes: int | None = None) -> IO[bytes]:
    """Give a file that can be read anywhere: a compressed one is unpacked to the disk, as far as it may be large.

    Raises BrokenFileError.
    """
    start = file.read(4)
    file.seek(0)
    if start.startswith(_GZIP):
        pieces = _gunzip(file)
    elif start.startswith(_ZSTD):
        pieces = _unzstd(file)
    else:
        return file
    plain = stack.enter_context(TemporaryFile())  # noqa: SIM115  (the stack closes it)
    size = 0
    for piece in pieces:
        size += plain.write(piece)
        if largest_bytes is not None and size > largest_bytes:
            raise BrokenFileError(f"unpacked it is larger than {largest_bytes:,} bytes")
    plain.seek(0)
    return plain


def _gunzip(file: IO[bytes]) -> Iterator[bytes]:
    packed = zlib.decompressobj(_WITH_GZIP_HEADER)
    try:
        while data := file.read(_READ_BYTES):
            while data:
                yield packed.decompress(data, _READ_BYTES)
                data = packed.unconsumed_tail
            if packed.unused_data or (packed.eof and file.read(1)):
                raise BrokenFileError("something was appended to the compressed file")
    except zlib.error as failure:
        raise BrokenFileError(f"the compressed file is damaged ({failure})") from failure
    if not packed.eof:
        raise BrokenFileError("the compressed file is cut")


def _unzstd(file: IO[bytes]) -> Iterator[bytes]:
    packed = zstandard.ZstdDecompressor().decompressobj()
    try:
        while data := file.read(_READ_BYTES):
            yield packed.decompress(data)
            if packed.unused_data or (packed.eof and file.read(1)):
                raise BrokenFileError("something was appended to the compressed file")
    except zstandard.ZstdError as failure:
        raise BrokenFileError(f"the compressed file is damaged ({failure})") from failure
    if not packed.eof:
        raise BrokenFileError("the compressed file is cut")


def format_of(file: IO[bytes]) -> str:
    """Tell the format of a file by how it begins; what is nothing else is a CSV."""
    file.seek(0)
    start = file.read(16)
    file.seek(0)
    if start.startswith(_ZIP):
        try:
            with ZipFile(file) as archive:
                return "xlsx" if "xl/workbook.xml" in archive.namelist() else "zip"
        except UNREADABLE:
            return "broken zip"
        finally:
            file.seek(0)
    if start.startswith(_PDF):
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(_PDF_END)))
        end = file.read()
        file.seek(0)
        return "pdf" if end == _PDF_END else "cut pdf"
    if start.startswith(b'{"$schema"'):
        return "json"
    return "ndjson" if start.startswith(b'{"header"') else "csv"


def digest_of(file: IO[bytes], size_bytes: int | None = None) -> Digest:
    """Digest a file from its beginning, or so many bytes of it; leaves it at its beginning."""
    file.seek(0)
    digest, left, taken = hashlib.sha256(), size_bytes, 0
    while data := file.read(_READ_BYTES if left is None else min(_READ_BYTES, left)):
        digest.update(data)
        taken += len(data)
        left = None if left is None else left - len(data)
    file.seek(0)
    return Digest(taken, digest.hexdigest())
