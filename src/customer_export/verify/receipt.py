"""Receipts of purges: signed JSON that is of no file."""

import os
from collections.abc import Mapping
from typing import IO

import orjson

LARGEST_BYTES = 1 << 26  # a receipt of 400,000 files; each takes 160 bytes


def receipt_of(file: IO[bytes]) -> Mapping[str, object] | None:
    """Read a receipt, None if the file is none; leaves it at its beginning."""
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(1)
    if start != b"{" or size_bytes > LARGEST_BYTES:
        file.seek(0)
        return None
    text = start + file.read()
    file.seek(0)
    if b'"receiptVersion"' not in text:
        return None
    try:
        members = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return members if isinstance(members, dict) and "receiptVersion" in members else None
