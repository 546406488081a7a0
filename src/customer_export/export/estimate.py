"""What an export would be, without making it: its rows, about how many bytes, and the limit that it would meet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from customer_export.export.admission import Admission, ExportCall, examine
from customer_export.export.describe import describe_document, describe_manifest
from customer_export.export.find import find_customer
from customer_export.export.plan import STREAMED_FORMATS, deciding_rows
from customer_export.export.proven import prove_sections
from customer_export.model.columns import Batch, Column
from customer_export.model.document import CsvLayout, SectionStream
from customer_export.model.ledger import Ledger
from customer_export.model.request import ExportFormat
from customer_export.model.written import WrittenBytes
from customer_export.services import Services
from customer_export.source.interface import FoundCustomer


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Exact rows, and bytes as they would be if a section's other rows were like its first.

    `streamed` says that the export would be sent while it is made.
    """

    format: ExportFormat
    snapshot_at: str
    rows: dict[str, int]
    estimated_bytes: int
    limit_bytes: int
    streamed: bool

    @property
    def exceeds_limit(self) -> bool:
        """Whether the export would be refused."""
        return self.estimated_bytes > self.limit_bytes

    def members(self) -> dict[str, object]:
        """Give the estimate as JSON members (docs/http.md)."""
        return {
            "format": self.format,
            "snapshotAt": self.snapshot_at,
            "sections": [{"name": name, "rows": rows} for name, rows in self.rows.items()],
            "rows": sum(self.rows.values()),
            "estimatedBytes": self.estimated_bytes,
            "limitBytes": self.limit_bytes,
            "exceedsLimit": self.exceeds_limit,
            "streamed": self.streamed,
        }


class Sample:
    """The first rows of a section, as if there were no others."""

    def __init__(self, stream: SectionStream, batch: Batch | None) -> None:
        self.name = stream.name
        self.label = stream.label
        self.columns: tuple[Column, ...] = stream.columns
        self._batch = batch
        self.rows = 0 if batch is None else len(batch[0])

    def half(self) -> "Sample":
        """Give the first half of the rows."""
        return Sample(self, None if self._batch is None else [cells[: self.rows // 2] for cells in self._batch])

    def batches(self) -> Iterator[Batch]:
        """Give the rows."""
        return iter(() if self._batch is None else (self._batch,))

    def csv_records(self, layout: CsvLayout) -> None:
        """Leave the records to the writer."""

    def json_batches(self) -> None:
        """Leave the records to the writer."""


def estimate_export(services: Services, call: ExportCall) -> Estimate:
    """Count the rows, and write a small export with the real writer to see how many bytes a row takes.

    Raises an ExportError, as the export itself would, and uses up nothing of the rate limit.
    """
    admission = examine(services, call)
    with admission.recorder.recording_failures():
        return _estimate(services, admission)


def _estimate(services: Services, admission: Admission) -> Estimate:
    request, limits = admission.request, services.limits
    with _found(services, admission, request.sections) as customer:
        rows = {stream.name: stream.rows for stream in customer.sections}
        deciding = deciding_rows(customer.sections, admission.customer_map)
    samples = [_sample(services, admission, name) for name in request.sections]
    sample_bytes = _written(services, admission, customer, samples)
    estimated_bytes = sample_bytes
    for place, sample in enumerate(samples):
        if rows[sample.name] > sample.rows > 1:
            half = [*samples[:place], sample.half(), *samples[place + 1 :]]
            added_bytes = sample_bytes - _written(services, admission, customer, half)
            added_rows = sample.rows - half[place].rows
            estimated_bytes += added_bytes * (rows[sample.name] - sample.rows) // added_rows
    return Estimate(
        format=request.format,
        snapshot_at=customer.snapshot.taken_at,
        rows=rows,
        estimated_bytes=estimated_bytes,
        limit_bytes=limits.largest_bytes[request.format],
        streamed=request.format in STREAMED_FORMATS
        and deciding > limits.stream_above_rows
        and request.encryption is None,
    )


@contextmanager
def _found(services: Services, admission: Admission, names: Sequence[str]) -> Iterator[FoundCustomer]:
    request = admission.request
    with services.source.snapshot(time_zone=request.time_zone, time_limit=services.limits.time) as snapshot:
        yield find_customer(snapshot, admission, names)


def _sample(services: Services, admission: Admission, name: str) -> Sample:
    """Read the first rows of a section, in a snapshot of its own: what is read in part can't be followed by more."""
    with _found(services, admission, [name]) as customer:
        (stream,) = customer.sections
        return Sample(stream, next(iter(stream.batches()), None))


def _written(services: Services, admission: Admission, customer: FoundCustomer, samples: Sequence[Sample]) -> int:
    """Give the bytes of an export that has these rows alone."""
    request, about = admission.request, admission.recorder.about
    sections = prove_sections(samples, admission.customer_map, Ledger())
    manifest = describe_manifest(
        request,
        sections,
        admission.customer_map,
        export_id=about.export_id,
        created_at=about.at,
        principal=admission.principal,
        masks=admission.masks,
        customer=replace(customer, totals=tuple, ledger=Ledger()),  # the snapshot is gone
        coverage=services.coverage.known(),
        sign=services.signer.sign,
    )
    written = WrittenBytes()
    document = describe_document(request, manifest, customer, admission.customer_map, written=written)
    return sum(map(len, written.passing(services.writers[request.format].write(document, sections))))
