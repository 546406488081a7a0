"""The index of a partition: a line for each of its customers, by which a later job sees what has changed."""

import hashlib
from collections.abc import Iterator

import orjson

from customer_export.jobs.bulk.rendering import RenderedCustomer
from customer_export.model.bulk import LISTED_FAILURES, FailedCustomer
from customer_export.model.canonical import export_digest

MEDIA_TYPE = "application/x-ndjson"


class PartitionIndex:
    """Gathers the lines, a hundred bytes a section each, and what is counted of them; `known` are their customers."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self.known: set[str] = set()
        self._digest = hashlib.sha256()
        self.customers = 0
        self.rows = 0
        self.failed = 0
        self.failures: list[FailedCustomer] = []

    @property
    def canonical_sha256(self) -> str:
        """The digest of what was exported, whenever it was read."""
        return self._digest.hexdigest()

    def add(self, customer: RenderedCustomer, *, name: str | None) -> None:
        """Note a customer's file; `name` is where it is, None if it is no file of its own."""
        self.known.add(customer.customer_id)
        digests = [(one.name, one.rows, one.sha256()) for one in customer.rendering.manifest.sections]
        whole = export_digest(digests)
        line = {
            "customer": customer.customer_id,
            "exportId": customer.export_id,
            "rows": customer.rows,
            "sha256": whole,
            "sections": {section: {"rows": rows, "sha256": sha256} for section, rows, sha256 in digests},
            "file": {"name": name, "bytes": customer.proof.size_bytes, "sha256": customer.proof.sha256},
        }
        self._lines.append(orjson.dumps(line))
        self._note(f"{customer.customer_id}\0{customer.rows} {whole}\n", rows=customer.rows)

    def add_rows(self, customer_id: str, rows: int) -> None:
        """Note a customer whose rows are in tables for everybody."""
        self.known.add(customer_id)
        self._lines.append(orjson.dumps({"customer": customer_id, "rows": rows}))
        self._note(f"{customer_id}\0{rows}\n", rows=rows)

    def fail(self, failure: FailedCustomer) -> None:
        """Note a customer whose export failed."""
        self.known.add(failure.customer_id)
        self._lines.append(orjson.dumps(failure.members()))
        self._digest.update(f"{failure.customer_id}\0{failure.code}\n".encode())
        self.failed += 1
        if len(self.failures) < LISTED_FAILURES:
            self.failures.append(failure)

    def note_table(self, section: str, sha256: str) -> None:
        """Note the digest of a table."""
        self._digest.update(f"{section}\0{sha256}\n".encode())

    def _note(self, digested: str, *, rows: int) -> None:
        self._digest.update(digested.encode())
        self.customers += 1
        self.rows += rows

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def pieces(self) -> Iterator[bytes]:
        """Give the file."""
        for start in range(0, len(self._lines), 1024):
            yield b"\n".join([*self._lines[start : start + 1024], b""])
