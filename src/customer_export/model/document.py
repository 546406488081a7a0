"""An export as a writer sees it: a document head, and sections that give batches of text cells."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from customer_export.model.columns import Batch, Column
from customer_export.model.customer_map import OrdersRole
from customer_export.model.dsar import Covering
from customer_export.model.ledger import Ledger
from customer_export.model.request import CsvProfile, ExportRequest
from customer_export.model.totals import TotalsCheck
from customer_export.model.written import BytesProof

JsonBatch: TypeAlias = Sequence[Sequence[bytes]]
"""A batch of JSON texts (UTF-8) instead of cells: NULL is `null`, every other cell's canonical text is a string.

In the strings only `"`, `\\` and the control characters below U+0020 are escaped, as Python's `json` does it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvLayout:
    """How the database may write a section's CSV records itself.

    `section` is the text of a leading cell, None for none. `places` has one entry for each further cell of a
    record: the index of the section's column that stands there, or None for an empty cell.
    """

    delimiter: str
    profile: CsvProfile
    section: str | None
    places: tuple[int | None, ...]


class CsvRecords(NamedTuple):
    """Finished CSV records (UTF-8, CRLF), and how many rows they are."""

    text: bytes
    rows: int


class SectionStream(Protocol):
    """One section of one export, to be read once, in the order of the sections."""

    @property
    def name(self) -> str:
        """The section's name in the map, e.g. `order_items`."""

    @property
    def label(self) -> str:
        """The section's label for people, e.g. `Order items`."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The exported columns, in the order of a batch's columns."""

    @property
    def rows(self) -> int:
        """How many rows there are, counted in the snapshot before any is read."""

    def batches(self) -> Iterator[Batch]:
        """Read the rows. Raises SourceError if the database fails or gives another number of rows."""

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:
        """Read the rows as finished CSV records, or None where the database can't write them.

        Byte for byte what the CSV writer makes of `batches()`; only one of the ways to read may be taken.
        """

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """Read the rows as JSON texts, the same ones as of `batches()`, or None where the database can't write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The head of an export: what every format says about itself.

    `snapshot_at` is the database's own clock when the snapshot was taken, ISO 8601 with offset. `manifest` may be
    called once every section has been read, and gives what is known then (all but the file's size and digest). `sign`
    gives the members of a manifest with their signature; nothing is added after that. `written` tells the size and
    digest of what the writer has given so far, None where nobody counts. `dsar` is what the covering document of an
    answer to a data subject says, None if it is no such answer. Writers note in `ledger` what they change. `totals` may
    be called when `manifest` may, and gives what came of the map's rules. `schema` gives the JSON Schema of a document
    by a template; None: it is that of the map.
    """

    export_id: str
    created_at: datetime
    snapshot_at: str
    product_version: str
    requested_by: str
    customer_title: str
    map_name: str
    map_version: str
    request: ExportRequest
    orders: OrdersRole | None
    manifest: Callable[[], Mapping[str, object]]
    sign: Callable[[Mapping[str, object]], Mapping[str, object]] = dict
    ledger: Ledger = field(default_factory=Ledger)
    written: Callable[[], BytesProof] | None = None
    dsar: Covering | None = None
    totals: Callable[[], Sequence[TotalsCheck]] = tuple
    schema: Callable[[], Mapping[str, object]] | None = None

    def manifest_within(self) -> Mapping[str, object]:
        """Give the manifest that stands at the end of the file itself, signed; all before it has been given by now."""
        content = {} if self.written is None else {"content": self.written().members()}
        return self.sign({**self.manifest(), **content})

    def marks(self) -> "DocumentMarks":
        """Give what a file says of its proof, once every section has been read."""
        canonical = self.manifest().get("canonical")
        digest = canonical.get("sha256") if isinstance(canonical, Mapping) else None
        return DocumentMarks(
            export_id=self.export_id,
            canonical_sha256="" if digest is None else str(digest),
            manifest=f"/api/admin/exports/{self.export_id}/manifest",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMarks:
    """What ties a workbook or report to its manifest. `manifest` is its path, on whatever server made the export.

    `canonical_sha256` is the digest of the rows (hex), empty if the manifest has none.
    """

    export_id: str
    canonical_sha256: str
    manifest: str
