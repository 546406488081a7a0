"""The manifest that stands within a file, and where the bytes end that it is of."""

import os
from typing import IO
from zipfile import ZipFile

import orjson

from customer_export.verify.rows import UNREADABLE

_TAIL_BYTES = 16 << 20  # far more than a manifest ever has; what is longer is none
_READ_BYTES = 1 << 16
_MAXIMUM_MANIFEST_BYTES = 16 << 20


def embedded_manifest(file: IO[bytes], form: str) -> tuple[object, int] | None:
    """Give the manifest of a JSON, an NDJSON or a ZIP and the number of bytes before it; None if there is none."""
    match form:
        case "json":
            return _at_the_end(file, b'},\n"manifest":', b"}\n", b"")
        case "ndjson":
            return _at_the_end(file, b'\n{"manifest":', b"}\n", b"\n")
        case "zip":
            return _in_archive(file)
        case _:
            return None


def _at_the_end(file: IO[bytes], start: bytes, end: bytes, before: bytes) -> tuple[object, int] | None:
    size = file.seek(0, os.SEEK_END)
    tail, position = b"", size
    while position and len(tail) < _TAIL_BYTES:
        step = min(_READ_BYTES, position)
        position -= step
        file.seek(position)
        tail = file.read(step) + tail
        place = tail.rfind(start)
        if place >= 0:
            break
    else:
        place = -1
    file.seek(0)
    if place < 0 or not tail.endswith(end):
        return None
    try:
        members = orjson.loads(tail[place + len(start) : -len(end)])
    except orjson.JSONDecodeError:
        return None
    return members, position + place + len(before)


def _in_archive(file: IO[bytes]) -> tuple[object, int] | None:
    try:
        with ZipFile(file) as archive:
            info = archive.getinfo("manifest.json")
            if info.file_size > _MAXIMUM_MANIFEST_BYTES:
                return None
            return orjson.loads(archive.read(info)), 0
    except UNREADABLE:
        return None
    finally:
        file.seek(0)
