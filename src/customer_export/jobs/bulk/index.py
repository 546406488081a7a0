"""The index of a partition: a line for each of its customers, by which a later job sees what has changed."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import orjson

from customer_export.jobs.bulk.rendering import RenderedCustomer
from customer_export.model.bulk_result import LISTED_FAILURES, FailedCustomer
from customer_export.model.canonical import export_digest
from customer_export.model.ledger import Ledger

MEDIA_TYPE = "application/x-ndjson"


class Change(StrEnum):
    """What became of a customer since an earlier job."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    GONE = "gone"


def read_index(pieces: Iterable[bytes]) -> dict[str, str | None]:
    """Read the index of an earlier job: of each customer who was there, the digest, None where their export failed."""
    lines = map(orjson.loads, _lines_of(pieces))
    return {line["customer"]: line.get("sha256") for line in lines if line.get("change") != Change.GONE}


def _lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield rest


class PartitionIndex:
    """Gathers the lines, a hundred bytes a section each, and what is counted of them.

    `known` are their customers, and `given` those of them who are in files. `earlier` are the customers of the job
    `since`, with their digests. `ledger` has what was changed in all of their files.
    """

    def __init__(self, earlier: Mapping[str, str | None] | None = None, *, since: str | None = None) -> None:
        self._lines: list[bytes] = []
        self._digest = hashlib.sha256()
        self._earlier = earlier or {}
        self._since = since
        self.known: set[str] = set()
        self.given: list[str] = []
        self.customers = 0
        self.rows = 0
        self.failed = 0
        self.unchanged = 0
        self.gone = 0
        self.failures: list[FailedCustomer] = []
        self.ledger = Ledger()

    @property
    def canonical_sha256(self) -> str:
        """The digest of what was exported, whenever it was read."""
        return self._digest.hexdigest()

    def add(self, customer: RenderedCustomer, *, name: str | None) -> bool:
        """Note a customer's file; `name` is where it is, None if it is no file of its own. Say whether it is wanted."""
        self.known.add(customer.customer_id)
        digests = [(one.name, one.rows, one.sha256()) for one in customer.rendering.manifest.sections]
        whole = export_digest(digests)
        change = self._change(customer.customer_id, whole)
        wanted = change is not Change.UNCHANGED
        line = {
            "customer": customer.customer_id,
            "exportId": customer.export_id,
            "rows": customer.rows,
            "sha256": whole,
            **({} if change is None else {"change": change}),
            "sections": {section: {"rows": rows, "sha256": sha256} for section, rows, sha256 in digests},
            **({"file": _file(customer, name)} if wanted else {}),
        }
        self._lines.append(orjson.dumps(line))
        self._digest.update(f"{customer.customer_id}\0{customer.rows} {whole} {change or ''}\n".encode())
        if wanted:
            self.given.append(customer.customer_id)
            self.customers += 1
            self.rows += customer.rows
            self._note_altered(customer.rendering.manifest.ledger)
        else:
            self.unchanged += 1
        return wanted

    def _note_altered(self, ledger: Ledger) -> None:
        """Add up what was changed; in which rows is told by the customer's own manifest."""
        for one in ledger.alterations():
            self.ledger.add_counted(one.section, one.column, one.kind, one.count, lambda _wanted: ())

    def _change(self, customer_id: str, sha256: str) -> Change | None:
        if self._since is None:
            return None
        if customer_id not in self._earlier:
            return Change.ADDED
        return Change.UNCHANGED if self._earlier[customer_id] == sha256 else Change.CHANGED

    def note_gone(self) -> None:
        """Note the customers of the earlier job who are not there any more."""
        for one in self._earlier:
            if one not in self.known:
                self._lines.append(orjson.dumps({"customer": one, "change": Change.GONE}))
                self._digest.update(f"{one}\0{Change.GONE}\n".encode())
                self.gone += 1

    def add_rows(self, customer_id: str, rows: int) -> None:
        """Note a customer whose rows are in tables for everybody."""
        self.known.add(customer_id)
        self.given.append(customer_id)
        self._lines.append(orjson.dumps({"customer": customer_id, "rows": rows}))
        self._digest.update(f"{customer_id}\0{rows}\n".encode())
        self.customers += 1
        self.rows += rows

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

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def pieces(self) -> Iterator[bytes]:
        """Give the file."""
        for start in range(0, len(self._lines), 1024):
            yield b"\n".join([*self._lines[start : start + 1024], b""])


def _file(customer: RenderedCustomer, name: str | None) -> dict[str, object]:
    return {"name": name, "bytes": customer.proof.size_bytes, "sha256": customer.proof.sha256}
