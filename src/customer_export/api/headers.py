"""The headers of an answer."""

import base64
from collections.abc import Mapping

from customer_export.export.delivery import StartedExport

ALWAYS: Mapping[str, str] = {
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "Vary": "Authorization",
}
"""On every answer: it is for one caller, it is not to be kept, and a browser is not to run it."""


def export_headers(export: StartedExport) -> dict[str, str]:
    """Say what is sent; size and digest are left out of a stream, which has them in its manifest."""
    headers = {
        **ALWAYS,
        "Content-Type": export.media_type,
        "Content-Disposition": f'attachment; filename="{export.file_name}"',
        "X-Cache": "MISS",
        "X-Export-Id": export.export_id,
        "X-Request-Id": export.export_id,
        "Link": f'</api/admin/exports/{export.export_id}/manifest>; rel="describedby"; type="application/json"',
    }
    if export.size_bytes is not None and export.sha256 is not None:
        headers["Content-Length"] = headers["X-Export-Size"] = str(export.size_bytes)
        digest = base64.b64encode(bytes.fromhex(export.sha256)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530
    return headers
