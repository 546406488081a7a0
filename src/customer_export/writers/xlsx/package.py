"""The zip of a workbook, written front to back as its parts come (PKWARE's APPNOTE.TXT, version 6.3).

The standard library's ZipFile takes as long over a workbook of twenty orders as its rows do, and cannot take a part
that is packed already. Here a part that is known whole is one piece, and one that is the same in every workbook of a
shape is packed once. Every part is dated 1980-01-01, so that equal data make equal files.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from isal import isal_zlib

# ISA-L packs a sheet in a quarter of the time of zlib's level 1, and a tenth smaller. Its level 0 takes as long over
# a large part, but a fourth over a small one, which becomes a fifth larger.
_COMPRESSION_LEVEL = 1
_COMPRESSION_LEVEL_OF_SMALL_PARTS = 0
_RAW_DEFLATE = -15

# A smaller part is packed whole, with its sizes in front of it; of a larger one, pieces of at least this size are
# packed as they come.
_STREAMED_BYTES = 1 << 16

_VERSION, _VERSION_OF_ZIP64 = 20, 45
_SIZES_FOLLOW = 1 << 3
_DEFLATED = 8
_MIDNIGHT, _DAY_ONE = 0, 1 << 5 | 1
_ZIP64_FIELD = 1

_LARGEST_16, _LARGEST_32 = 0xFFFF, 0xFFFF_FFFF

# By their numbers in APPNOTE.TXT: 4.3.7, 4.3.9, 4.3.12, 4.5.3, 4.3.14, 4.3.15 and 4.3.16.
_pack_local_header = struct.Struct("<4s5H3L2H").pack
_pack_sizes = struct.Struct("<4s3L").pack
_pack_directory_entry = struct.Struct("<4s6H3L5H2L").pack
_pack_zip64_offset = struct.Struct("<2HQ").pack
_pack_zip64_end = struct.Struct("<4sQ2H2L4Q").pack
_pack_zip64_locator = struct.Struct("<4sLQL").pack
_pack_end = struct.Struct("<4s4H2LH").pack

# What a record of the end says of its own size: all that follows the field.
_ZIP64_END_BYTES = 44


@dataclass(frozen=True, slots=True)
class PackedPart:
    """A part as it stands in the zip; `crc` and `plain_bytes` are those of what was packed."""

    path: str
    packed: bytes
    crc: int
    plain_bytes: int


def pack(path: str, content: bytes) -> PackedPart:
    """Pack a small part, for one workbook."""
    packed = isal_zlib.compress(content, _COMPRESSION_LEVEL_OF_SMALL_PARTS, _RAW_DEFLATE)
    return PackedPart(path, packed, isal_zlib.crc32(content), len(content))


def pack_for_many(path: str, content: bytes) -> PackedPart:
    """Pack a part for many workbooks: as small as can be, whatever time it takes."""
    packed = zlib.compress(content, zlib.Z_BEST_COMPRESSION, _RAW_DEFLATE)
    return PackedPart(path, packed, isal_zlib.crc32(content), len(content))


@dataclass(slots=True)
class _Entry:
    """A part as the directory names it; `offset` is where it begins in the file."""

    path: bytes
    offset: int
    flags: int
    crc: int = 0
    packed_bytes: int = 0
    plain_bytes: int = 0


class Package:
    """A zip that grows: what is written waits until it is taken. `offset` is where in its file it begins."""

    def __init__(self, *, offset: int = 0) -> None:
        self.pending_bytes = 0
        self._pending: list[bytes] = []
        self._offset = offset
        self._entries: list[_Entry] = []

    def take(self) -> bytes:
        """Give what waits."""
        taken = b"".join(self._pending)
        self._pending.clear()
        self.pending_bytes = 0
        return taken

    def add(self, part: PackedPart) -> None:
        """Add a part that is packed."""
        entry = _Entry(part.path.encode("ascii"), self._offset, 0, part.crc, len(part.packed), part.plain_bytes)
        self._entries.append(entry)
        self._write(_local_header(entry) + part.packed)

    @contextmanager
    def open(self, path: str) -> Iterator["Part"]:
        """Open a part to write, one at a time; it is finished unless something is raised.

        Raises OverflowError if it has 4 GiB or more: the form for more is one that some readers refuse.
        """
        part = Part(write=self._write, begin=lambda: self._begin_stream(path))
        yield part
        if part.entry is None:
            self.add(pack(path, part.take_held()))
        else:
            part.end_stream(part.entry)

    def finish(self) -> None:
        """Write the directory."""
        start = self._offset
        for entry in self._entries:
            self._write(_directory_entry(entry))
        end, count = self._offset, len(self._entries)
        if start > _LARGEST_32 or count > _LARGEST_16:
            versions = (_VERSION_OF_ZIP64, _VERSION_OF_ZIP64)
            self._write(_pack_zip64_end(b"PK\6\6", _ZIP64_END_BYTES, *versions, 0, 0, count, count, end - start, start))
            self._write(_pack_zip64_locator(b"PK\6\7", 0, end, 1))
        count, start = min(count, _LARGEST_16), min(start, _LARGEST_32)
        self._write(_pack_end(b"PK\5\6", 0, 0, count, count, end - start, start, 0))

    def _begin_stream(self, path: str) -> _Entry:
        entry = _Entry(path.encode("ascii"), self._offset, _SIZES_FOLLOW)
        self._entries.append(entry)
        self._write(_local_header(entry))
        return entry

    def _write(self, data: bytes) -> None:
        self._pending.append(data)
        self.pending_bytes += len(data)
        self._offset += len(data)


class Part:
    """A part while it is written: held as long as it is small, then streamed in pieces that are worth a call."""

    def __init__(self, *, write: Callable[[bytes], None], begin: Callable[[], _Entry]) -> None:
        self.entry: _Entry | None = None
        self._write = write
        self._begin = begin
        self._held: list[bytes] = []
        self._held_bytes = 0

    def write(self, content: bytes) -> None:
        """Add to the part."""
        self._held.append(content)
        self._held_bytes += len(content)
        if self._held_bytes >= _STREAMED_BYTES:
            if self.entry is None:
                self.entry = self._begin()
                self._compressor = isal_zlib.compressobj(_COMPRESSION_LEVEL, isal_zlib.DEFLATED, _RAW_DEFLATE)
            self._stream(self.entry)

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Add many pieces."""
        for piece in pieces:
            self.write(piece)

    def take_held(self) -> bytes:
        """Give what is not streamed yet: all of a small part."""
        held = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return held

    def end_stream(self, entry: _Entry) -> None:
        """Stream what is left, and write the sizes behind it."""
        self._stream(entry)
        self._write_packed(entry, self._compressor.flush())
        if max(entry.packed_bytes, entry.plain_bytes) > _LARGEST_32:
            raise OverflowError(f"{entry.path.decode()} has 4 GiB or more")
        self._write(_pack_sizes(b"PK\7\10", entry.crc, entry.packed_bytes, entry.plain_bytes))

    def _stream(self, entry: _Entry) -> None:
        content = self.take_held()
        entry.crc = isal_zlib.crc32(content, entry.crc)
        entry.plain_bytes += len(content)
        self._write_packed(entry, self._compressor.compress(content))

    def _write_packed(self, entry: _Entry, packed: bytes) -> None:
        entry.packed_bytes += len(packed)
        self._write(packed)


def _local_header(entry: _Entry) -> bytes:
    sizes = (entry.crc, entry.packed_bytes, entry.plain_bytes)
    how = (_VERSION, entry.flags, _DEFLATED, _MIDNIGHT, _DAY_ONE)
    return _pack_local_header(b"PK\3\4", *how, *sizes, len(entry.path), 0) + entry.path


def _directory_entry(entry: _Entry) -> bytes:
    sizes = (entry.crc, entry.packed_bytes, entry.plain_bytes)
    version, offset, extra = _VERSION, entry.offset, b""
    if offset > _LARGEST_32:
        version, offset = _VERSION_OF_ZIP64, _LARGEST_32
        extra = _pack_zip64_offset(_ZIP64_FIELD, 8, entry.offset)
    how = (version, version, entry.flags, _DEFLATED, _MIDNIGHT, _DAY_ONE)
    fixed = _pack_directory_entry(b"PK\1\2", *how, *sizes, len(entry.path), len(extra), 0, 0, 0, 0, offset)
    return fixed + entry.path + extra
