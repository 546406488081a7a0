"""The headers of an answer."""

import base64
from collections.abc import Mapping

from customer_export.api.compression import Encoding, SentBytes, is_compressible
from customer_export.export.delivery import StartedExport
from customer_export.model.audit import CacheUse

ALWAYS: Mapping[str, str] = {
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "Vary": "Authorization",
}
"""On every answer: it is for one caller, it is not to be kept, and a browser is not to run it."""


def export_headers(export: StartedExport, *, encoding: Encoding | None, sent: SentBytes | None) -> dict[str, str]:
    """Say what is sent; size and digest are left out of a stream, which has them in its manifest.

    `X-Export-Size` is the file's size, `Content-Length` and `Repr-Digest` (RFC 9530) are of the bytes as they are sent.
    """
    headers = {
        **ALWAYS,
        "Content-Type": export.media_type,
        "Content-Disposition": f'attachment; filename="{export.file_name}"',
        "X-Cache": "HIT" if export.cache_use is CacheUse.HIT else "MISS",
        "X-Export-Id": export.export_id,
        "Link": f'</api/admin/exports/{export.export_id}/manifest>; rel="describedby"; type="application/json"',
    }
    if is_compressible(export.media_type):
        headers["Vary"] = f"{ALWAYS['Vary']}, Accept-Encoding"
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    if export.proof is not None:
        headers["X-Export-Size"] = str(export.proof.size_bytes)
    if sent is not None:
        headers["Content-Length"] = str(sent.size_bytes)
        headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sent.sha256)).decode()}:"
    return headers
