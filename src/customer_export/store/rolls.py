"""Rolls: who is in the files of each part of a job, in a few bytes a customer, kept as long as the audit.

A part has one row, however many customers it has: their ids as a sorted JSON list, deflated, and the first and the last
of them, by which a search opens few rows. Of UUIDs a customer takes 22 bytes, of consecutive integers 3.
"""

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.store.tables import AUDIT, JOB_ROLLS
from customer_export.store.verification import ChainProblem, Finding

DIGEST = "customersSha256"
"""The parameter of a job's `completed` that has the digest of its rolls, so that the chain holds them, too."""

ROLLS_AT_ONCE = 20  # of 20,000 customers of tables: 8 MB
MOST_DIGITS = 18  # of a number that eight bytes hold in any case
_INTEGER = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}")
_PART = re.compile(r"part-([0-9]{5,})\.")

Parts = Mapping[str, set[int]]
"""Parts by job."""


def roll_row(job_id: str, part: int, customers: Sequence[str]) -> dict[str, object]:
    """Make the row of a part, which has at least one customer."""
    ordered = sorted(set(customers), key=_place)
    text = orjson.dumps(ordered)
    return {
        "job_id": job_id,
        "part": part,
        "first": _place(ordered[0]),
        "last": _place(ordered[-1]),
        "sha256": hashlib.sha256(text).hexdigest(),
        "customers": zlib.compress(text),
    }


def _place(customer_id: str) -> bytes:
    """Give where an id stands among others: integers by their value, as ranges of keys have them, all else by bytes."""
    if _INTEGER.fullmatch(customer_id):
        return b"\1" + (int(customer_id) + 2**63).to_bytes(8)
    return b"\2" + customer_id.encode()


def find_parts(connection: Connection, customer_id: str) -> Parts:
    """Find the parts of jobs in whose files a customer is."""
    place = _place(customer_id)
    asked = sa.select(JOB_ROLLS.c.job_id, JOB_ROLLS.c.part, JOB_ROLLS.c.customers).where(
        JOB_ROLLS.c.first <= place, JOB_ROLLS.c.last >= place
    )
    found: dict[str, set[int]] = defaultdict(set)
    for job_id, part, customers in connection.execute(asked):
        if _has(customers, customer_id):
            found[job_id].add(part)
    return found


def _has(customers: bytes, customer_id: str) -> bool:
    try:
        return customer_id in orjson.loads(zlib.decompress(customers))
    except (zlib.error, ValueError):  # it was altered, as a verification tells: show too much rather than too little
        return True


def is_about(record: AuditRecord, parts: Parts) -> bool:
    """Whether a record of one of these jobs is about these parts: all are but downloads of files of other parts."""
    if record.event is not AuditEvent.DOWNLOADED:
        return True
    part = _PART.search(record.parameters)
    return part is None or int(part[1]) in parts[str(record.source_export_id)]


def rolls_digest(connection: Connection, job_id: str) -> str | None:
    """Give the digest of all rolls of a job; None if it has none."""
    asked = sa.select(JOB_ROLLS.c.sha256).where(JOB_ROLLS.c.job_id == job_id).order_by(JOB_ROLLS.c.part)
    digests = list(connection.execute(asked).scalars())
    return _digest_of(digests) if digests else None


def verify_rolls(connection: Connection) -> Iterator[Finding]:
    """Hold the rolls against the records of their jobs' ends, and tell those that were altered or are not there."""
    ends = sa.select(AUDIT.c.sequence, AUDIT.c.export_id, AUDIT.c.parameters).where(
        AUDIT.c.event == AuditEvent.COMPLETED, AUDIT.c.parameters.contains(f"{DIGEST}=")
    )
    for sequence, job_id, parameters in connection.execute(ends.order_by(AUDIT.c.sequence)):
        asked = sa.select(JOB_ROLLS.c.customers).where(JOB_ROLLS.c.job_id == job_id).order_by(JOB_ROLLS.c.part)
        rolls = connection.execute(asked.execution_options(yield_per=ROLLS_AT_ONCE))
        if parse_qs(parameters)[DIGEST] != [_digest_of([_digest_in(roll) for roll in rolls.scalars()])]:
            yield Finding(
                problem=ChainProblem.ROLL,
                sequence=sequence,
                message=f"the rolls of job {job_id} are not those of record {sequence}: they were altered",
            )


def _digest_in(customers: bytes) -> str:
    try:
        return hashlib.sha256(zlib.decompress(customers)).hexdigest()
    except zlib.error:
        return ""


def _digest_of(digests: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
