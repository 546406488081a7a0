"""The manifest that stands within a file, and where the bytes end that it is of."""

import json
import os
import re
import struct
from dataclasses import dataclass
from html import unescape
from typing import IO
from zipfile import ZipFile

import orjson

from customer_export.verify.rows import UNREADABLE

_READ_BYTES = 1 << 16
_MAXIMUM_MANIFEST_BYTES = 16 << 20  # far more than a manifest ever has; what is longer is none
_IN_WORKBOOK = "customXml/item1.xml"
_CUSTOM_XML = re.compile(rb'<manifest xmlns="urn:customer-export:manifest">([^<]*)</manifest>\Z')
_PDF_END = re.compile(rb"\nstartxref\n([0-9]{1,19})\n%%EOF\n\Z")
_REFERENCES = re.compile(rb"\n[0-9]+ 0 obj\n<</Type/XRef[^\n]*?/Length ([0-9]+)>>stream\n")
_REFERENCES_HEAD_BYTES = 1 << 10
_OBJECT_END = len(b"\nendstream\nendobj\n")
# PKWARE's APPNOTE.TXT, 4.3.7, 4.3.9, 4.3.12, 4.3.16 and 4.4.4
_LOCAL_HEADER, _SIZES = struct.Struct("<4s5H3L2H"), struct.Struct("<4s3L")
_ENTRY, _END = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_SIZES_FOLLOW, _LARGEST_32 = 1 << 3, 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class EmbeddedManifest:
    """A manifest; `content_bytes` is how much of the file stands before it, 0 where it is of no such part.

    `ends_the_file` says that nothing follows it but what we write behind it.
    """

    members: object
    content_bytes: int
    ends_the_file: bool = True


def embedded_manifest(file: IO[bytes], form: str) -> EmbeddedManifest | None:
    """Give the manifest in a file; None if there is none that can be read."""
    match form:
        case "json":
            return _at_the_end(file, b'},\n"manifest":', b"}\n", b"")
        case "ndjson":
            return _at_the_end(file, b'\n{"manifest":', b"}\n", b"\n")
        case "zip":
            return _in_archive(file)
        case "xlsx":
            return _in_workbook(file)
        case "pdf":
            return _in_report(file)
        case _:
            return None


def _tail(file: IO[bytes], start: bytes) -> tuple[bytes, int] | None:
    """Give a file from the last place on where something stands, and that place."""
    tail, position = b"", file.seek(0, os.SEEK_END)
    try:
        while position and len(tail) < _MAXIMUM_MANIFEST_BYTES:
            step = min(_READ_BYTES, position)
            position -= step
            file.seek(position)
            tail = file.read(step) + tail
            place = tail.rfind(start)
            if place >= 0:
                return tail[place:], position + place
        return None
    finally:
        file.seek(0)


def _at_the_end(file: IO[bytes], start: bytes, end: bytes, before: bytes) -> EmbeddedManifest | None:
    found = _tail(file, start)
    if found is None or not found[0].endswith(end):
        return None
    tail, place = found
    try:
        return EmbeddedManifest(orjson.loads(tail[len(start) : -len(end)]), place + len(before))
    except orjson.JSONDecodeError:
        return None


def _in_report(file: IO[bytes]) -> EmbeddedManifest | None:
    """Find the last comment of a PDF; its end must lead to the one table of objects, right before the comment."""
    start = b"\n%customer-export-manifest "
    found = _tail(file, start)
    if found is None:
        return None
    tail, place = found
    line, _, rest = tail[len(start) :].partition(b"\n")
    try:
        members = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    content_bytes = place + 1
    end = _PDF_END.fullmatch(b"\n" + rest)
    leads = end is not None and _leads_to(file, int(end[1]), content_bytes)
    return EmbeddedManifest(members, content_bytes, leads and _is_as_written(members, line.decode("ascii", "replace")))


def _leads_to(file: IO[bytes], references: int, end: int) -> bool:
    """Whether a cross-reference stream begins at one place of a PDF and ends at another."""
    file.seek(min(max(references - 1, 0), end))
    head = _REFERENCES.match(file.read(_REFERENCES_HEAD_BYTES))
    file.seek(0)
    return head is not None and references - 1 + head.end() + int(head[1]) + _OBJECT_END == end


def _in_archive(file: IO[bytes]) -> EmbeddedManifest | None:
    try:
        with ZipFile(file) as archive:
            info = archive.getinfo("manifest.json")
            if info.file_size > _MAXIMUM_MANIFEST_BYTES:
                return None
            return EmbeddedManifest(orjson.loads(archive.read(info)), 0)
    except UNREADABLE:
        return None
    finally:
        file.seek(0)


def _in_workbook(file: IO[bytes]) -> EmbeddedManifest | None:
    try:
        with ZipFile(file) as archive:
            info = archive.getinfo(_IN_WORKBOOK)
            if info.file_size > _MAXIMUM_MANIFEST_BYTES:
                return None
            found = _CUSTOM_XML.search(archive.read(info))
            if found is None:
                return None
            text = unescape(found[1].decode())
            members = orjson.loads(text)
            whole = _is_as_written(members, text) and _has_its_directory(file, archive)
            return EmbeddedManifest(members, info.header_offset, whole and archive.infolist()[-1] is info)
    except (*UNREADABLE, struct.error):
        return None
    finally:
        file.seek(0)


def _is_as_written(members: object, text: str) -> bool:
    """Whether a manifest is spelled as we do: a letter that was changed may mean the same."""
    return json.dumps(members, ensure_ascii=True, separators=(",", ":")) == text


def _has_its_directory(file: IO[bytes], archive: ZipFile) -> bool:
    """Whether a zip ends in the directory of its parts, which lie one behind the other, and in nothing else.

    No digest within the zip can be of the directory: so it is made again from the parts.
    """
    if archive.start_dir > _LARGEST_32:
        return True  # its parts' places stand in fields that the library does not give
    place, entries = 0, []
    for info in archive.infolist():
        file.seek(place)
        head = file.read(_LOCAL_HEADER.size)
        _, version, flags, method, time, date, crc, packed, plain, name_bytes, _ = _LOCAL_HEADER.unpack(head)
        name = file.read(name_bytes)
        file.seek(info.compress_size, os.SEEK_CUR)
        if flags & _SIZES_FOLLOW:
            _, crc, packed, plain = _SIZES.unpack(file.read(_SIZES.size))
        how = (version, version, flags, method, time, date)
        entry = _ENTRY.pack(b"PK\1\2", *how, crc, packed, plain, name_bytes, 0, 0, 0, 0, 0, place) + name
        entries.append(entry)
        place = file.tell()
    directory = b"".join(entries)
    end = _END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), place, 0)
    file.seek(archive.start_dir)
    return place == archive.start_dir and file.read(len(directory) + len(end) + 1) == directory + end
