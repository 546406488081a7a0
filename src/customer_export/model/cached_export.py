"""A finished export that is kept for the next caller who asks for the same, and the key it is kept under."""

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

import orjson

from customer_export.model.request import ExportRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedExport:
    """A whole file and all that its answer says of it, so that a hit is what the miss sent.

    `export_id` is that of the export that made the file: under it the manifest is on record. `sha256` (hex) is that
    of `body`; `rows` are those of all sections; `stored_at` is when the file was whole.
    """

    export_id: str
    file_name: str
    media_type: str
    sha256: str
    rows: int
    stored_at: datetime
    body: bytes

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return len(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """What an export is kept under. `customer_id` is there to purge by; `digest` (SHA-256, hex) tells exports apart."""

    customer_id: str
    digest: str


_NOT_MEANT = {"parameters", "fresh"}  # how it was spelled, and where to look for it: neither changes the file
_BY_NAME = {"template"}  # whose digest says all that there is in it
_meant = attrgetter(*(field.name for field in fields(ExportRequest) if field.name not in _NOT_MEANT | _BY_NAME))


def cache_key(
    request: ExportRequest, *, tenant: str | None, policy: str, source: str, map_version: str, software: str
) -> CacheKey:
    """Make the key of a request: everything that may change a byte of its file is in the digest.

    `tenant` is whom the caller is restricted to, `policy` a fingerprint of what they may see, `source` tells the
    customers' databases apart that may share a cache. The parameters as given are left out, since the request's other
    fields say what they mean; whatever field the request gets is in the digest, too.
    """
    template = None if request.template is None else request.template.members()
    canonical = orjson.dumps([_meant(request), template, tenant, policy, source, map_version, software])
    return CacheKey(customer_id=request.customer_id, digest=hashlib.sha256(canonical).hexdigest())
