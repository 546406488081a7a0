"""The headers of an answer."""

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache

from customer_export.api.compression import Encoding, SentBytes, is_compressible
from customer_export.export.delivery import StartedExport
from customer_export.model.audit import CacheUse

KEPT_HEADS = 1_024  # answers whose headers are kept for the next hit of the same file; about 2 kB each

ALWAYS: Mapping[str, str] = {
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "Vary": "Authorization",
}
"""On every answer: it is for one caller, it is not to be kept, and a browser is not to run it."""

KEPT_BY_ALL: Mapping[str, str] = {"Cache-Control": "public, max-age=300", "Vary": "Accept-Encoding"}
"""On what is the same for everybody. Five minutes: a new key is there before most have a manifest that it signed."""


def export_headers(
    export: StartedExport, *, encoding: Encoding | None, sent: SentBytes | None
) -> Sequence[tuple[bytes, bytes]]:
    """Say what is sent, as ASGI takes it; size and digest are left out of a stream, which has them in its manifest.

    `X-Export-Size` is the file's size, `Content-Length` and `Repr-Digest` (RFC 9530) are of the bytes as they are sent.
    """
    return _export_headers(
        export.export_id,
        file_name=export.file_name,
        media_type=export.media_type,
        size_bytes=None if export.proof is None else export.proof.size_bytes,
        is_hit=export.cache_use is CacheUse.HIT,
        encoding=encoding,
        sent=sent,
    )


@lru_cache(KEPT_HEADS)
def _export_headers(
    export_id: str,
    *,
    file_name: str,
    media_type: str,
    size_bytes: int | None,
    is_hit: bool,
    encoding: Encoding | None,
    sent: SentBytes | None,
) -> Sequence[tuple[bytes, bytes]]:
    headers = {
        **ALWAYS,
        "Content-Type": media_type,
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "X-Cache": "HIT" if is_hit else "MISS",
        "X-Export-Id": export_id,
        "Link": f'</api/admin/exports/{export_id}/manifest>; rel="describedby"; type="application/json"',
    }
    if is_compressible(media_type):
        headers["Vary"] = f"{ALWAYS['Vary']}, Accept-Encoding"
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    if size_bytes is not None:
        headers["X-Export-Size"] = str(size_bytes)
    if sent is not None:
        headers["Content-Length"] = str(sent.size_bytes)
        digest = base64.b64encode(bytes.fromhex(sent.sha256)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
        headers["ETag"] = f'"{digest}"'
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())
