"""A cached export as bytes: a version, the length of the head, the head as JSON, the body."""

import hashlib
import struct
from datetime import datetime

import orjson

from customer_export.model.cached_export import CachedExport

VERSION = 1  # a value with another one was written by another release of this program
_PREFIX = struct.Struct(">BI")  # version, length of the head in bytes


def pack(export: CachedExport) -> bytes:
    """Write an export as bytes."""
    head = orjson.dumps(
        (export.export_id, export.file_name, export.media_type, export.sha256, export.rows, export.stored_at)
    )
    return b"".join((_PREFIX.pack(VERSION, len(head)), head, export.body))


def unpack(packed: bytes | memoryview) -> CachedExport | None:
    """Read what `pack` wrote. None for anything else, and for a body that is not the one its digest is of."""
    try:
        version, head_bytes = _PREFIX.unpack_from(packed)
        if version != VERSION:
            return None
        whole = memoryview(packed)
        end = _PREFIX.size + head_bytes
        export_id, file_name, media_type, sha256, rows, stored_at = orjson.loads(whole[_PREFIX.size : end])
        body = bytes(whole[end:])
        if hashlib.sha256(body).hexdigest() != sha256:
            return None
        return CachedExport(
            export_id=str(export_id),
            file_name=str(file_name),
            media_type=str(media_type),
            sha256=sha256,
            rows=int(rows),
            stored_at=datetime.fromisoformat(stored_at),
            body=body,
        )
    except (struct.error, ValueError, TypeError):  # orjson's JSONDecodeError is a ValueError
        return None
