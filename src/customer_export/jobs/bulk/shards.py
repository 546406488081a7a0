"""Many customers' files in one file: a ZIP with each beside its manifest, or one stream of lines."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import TypeAlias
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import orjson

from customer_export.jobs.bulk.index import PartitionIndex
from customer_export.jobs.bulk.rendering import RenderedCustomer
from customer_export.model.bulk_result import FailedCustomer
from customer_export.model.request import ExportFormat
from customer_export.writers.zip_output import ZipOutput

Each: TypeAlias = Iterator[tuple[RenderedCustomer | FailedCustomer, ExitStack]]

STORED = frozenset({ExportFormat.PDF, ExportFormat.XLSX, ExportFormat.ZIP})
"""Formats that are compressed in themselves."""

LEVEL = 3
"""Of deflate: half the time of 6, for a twentieth more bytes of JSON."""
_PLAIN_ID = re.compile(r"[a-z0-9.-]+")
_TAKEN_BYTES = 1 << 18


def zipped(each: Each, index: PartitionIndex, *, file_format: ExportFormat, created_at: datetime) -> Iterator[bytes]:
    """Give a ZIP of the customers' files. Its bytes depend on nothing but theirs."""
    output = ZipOutput()
    method = ZIP_STORED if file_format in STORED else ZIP_DEFLATED
    with ZipFile(output, "w", method, compresslevel=LEVEL) as archive:
        for customer, held in each:
            with held:
                if isinstance(customer, FailedCustomer):
                    index.fail(customer)
                    continue
                name = _member_name(customer)
                if not index.add(customer, name=name):
                    continue
                _put(archive, name, customer.pieces(), customer.proof.size_bytes, method, created_at)
                manifest = orjson.dumps(customer.manifest().members(), option=orjson.OPT_INDENT_2)
                _put(archive, f"{name}.manifest.json", iter([manifest]), len(manifest), ZIP_DEFLATED, created_at)
            if output.pending_bytes > _TAKEN_BYTES:
                yield output.take()
    yield output.take()


def _member_name(customer: RenderedCustomer) -> str:
    """Give the file's own name, in a folder of its own where another id may have the same in some file system."""
    name = customer.proof.name
    return name if _PLAIN_ID.fullmatch(customer.customer_id) else f"{customer.export_id}/{name}"


def _put(
    archive: ZipFile, name: str, pieces: Iterator[bytes], size_bytes: int, method: int, created_at: datetime
) -> None:
    info = ZipInfo(name, date_time=created_at.timetuple()[:6])
    info.compress_type = method
    info.file_size = size_bytes  # decides about ZIP64
    with archive.open(info, "w") as member:
        for piece in pieces:
            member.write(piece)


def joined(each: Each, index: PartitionIndex) -> Iterator[bytes]:
    """Give the lines of the customers, one after the other."""
    waiting: list[bytes] = []
    waiting_bytes = 0
    for customer, held in each:
        with held:
            if isinstance(customer, FailedCustomer):
                index.fail(customer)
                continue
            if not index.add(customer, name=None):
                continue
            for piece in customer.pieces():
                waiting.append(piece)
                waiting_bytes += len(piece)
                if waiting_bytes > _TAKEN_BYTES:
                    yield b"".join(waiting)
                    waiting, waiting_bytes = [], 0
    yield b"".join(waiting)
