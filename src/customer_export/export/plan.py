"""Decide how an export leaves: streamed as it is made, or made whole before its first byte."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain

from customer_export.errors import ExportTooLargeError
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import SectionStream
from customer_export.model.request import ExportFormat
from customer_export.services import ExportLimits

STREAMED_FORMATS = (ExportFormat.CSV, ExportFormat.NDJSON)
SAMPLE_BYTES = 1 << 16
SAMPLE_RECORDS = 200  # fewer say little: one long note would stand for all
SURELY_NOT = (
    4  # times the limit: an estimate from there on is refused; between once and that, the export is made to see
)


class Delivery(Enum):
    """STREAM: chunked, size unknown. SPOOL: whole before the first byte, so size and digest are known."""

    STREAM = auto()
    SPOOL = auto()


@dataclass(frozen=True, slots=True)
class Plan:
    """How to deliver; `pieces` are all pieces, those looked at included."""

    delivery: Delivery
    pieces: Iterator[bytes]


def make_plan(
    pieces: Iterator[bytes],
    streams: Sequence[SectionStream],
    *,
    file_format: ExportFormat,
    customer_map: CustomerMap,
    limits: ExportLimits,
) -> Plan:
    """Stream large exports of formats that can, if they should fit; spool all others.

    Raises ExportTooLargeError, before any byte is sent, for a streamed export that surely does not fit. A spooled
    one needs no estimate: it is refused with certainty while it is made.
    """
    if file_format not in STREAMED_FORMATS or deciding_rows(streams, customer_map) <= limits.stream_above_rows:
        return Plan(Delivery.SPOOL, pieces)
    sample = _sample(pieces)
    records = max(1, sum(piece.count(b"\n") for piece in sample))
    sampled_bytes = sum(map(len, sample))
    limit_bytes = limits.largest_bytes[file_format]
    estimated_bytes = sampled_bytes * sum(stream.rows for stream in streams) // records
    if records >= SAMPLE_RECORDS and estimated_bytes > SURELY_NOT * limit_bytes:
        raise ExportTooLargeError(limit_bytes=limit_bytes, estimated_bytes=estimated_bytes)
    fits = estimated_bytes <= limit_bytes
    return Plan(Delivery.STREAM if fits else Delivery.SPOOL, chain(sample, pieces))


def deciding_rows(streams: Sequence[SectionStream], customer_map: CustomerMap) -> int:
    """Count the orders, or, if they are not asked for, the rows of the largest section."""
    role = customer_map.orders
    orders = [stream.rows for stream in streams if role is not None and stream.name == role.section]
    return max(orders or [stream.rows for stream in streams])


def _sample(pieces: Iterator[bytes]) -> list[bytes]:
    sample: list[bytes] = []
    sampled_bytes = records = 0
    for piece in pieces:
        sample.append(piece)
        sampled_bytes += len(piece)
        records += piece.count(b"\n")
        if sampled_bytes >= SAMPLE_BYTES and records >= SAMPLE_RECORDS:
            break
    return sample
