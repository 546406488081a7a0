"""The chain: each record of the audit carries a hash over itself and the hash of the record before.

The form is forever: what it is made of is what `audit verify` makes again of records that are years old. A field that
a later version adds stays out of the records that do not have it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from customer_export.model.audit import AuditValue

GENESIS = "0" * 64
"""The hash before the first record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A place in the chain: the last record's number and hash (hex). An empty audit is at 0 and GENESIS."""

    sequence: int
    hash: str


def record_body(members: Mapping[str, AuditValue]) -> bytes:
    """Write a record as RFC 8785 does: members (given sorted by name) without those that are null, and no blanks."""
    return orjson.dumps({name: value for name, value in members.items() if value is not None})


def link_hash(previous: str, sequence: int, body: bytes) -> str:
    """Hash (hex) a record into its place: SHA-256 of three lines, the hash before, the number, the record."""
    return hashlib.sha256(b"%b\n%d\n%b" % (previous.encode(), sequence, body)).hexdigest()
