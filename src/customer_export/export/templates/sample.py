"""Set a report of invented rows, so that a design is known to work before anybody needs it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from customer_export import __version__
from customer_export.errors import (
    InvalidRequestError,
    RendererFailedError,
    RendererOutOfMemoryError,
    RendererTimeoutError,
    TemplateFailedError,
)
from customer_export.export.parameters import Asked, any_customer_id, resolve_request
from customer_export.model.columns import Batch, Column, ColumnType
from customer_export.model.document import CsvLayout, Document
from customer_export.model.request import ExportFormat
from customer_export.services import Services

ROWS = 30  # more than a page of some, and done in a moment

_SAMPLES: Mapping[ColumnType, str] = {
    ColumnType.INTEGER: "42",
    ColumnType.DECIMAL: "12.50",
    ColumnType.MONEY: "1234.50",
    ColumnType.BOOLEAN: "true",
    ColumnType.DATE: "2026-01-31",
    ColumnType.TIMESTAMP: "2026-01-31T12:00:00+00:00",
    ColumnType.UUID: "550e8400-e29b-41d4-a716-446655440000",
    ColumnType.EMAIL: "sample@example.com",
    ColumnType.URL: "https://example.com/sample",
    ColumnType.JSON: '{"sample": true}',
}
_TEXT = "Sample"


@dataclass(frozen=True, slots=True)
class SampleSection:
    """A section of invented rows; the last one is all NULL."""

    name: str
    label: str
    columns: tuple[Column, ...]
    rows: int = ROWS

    def batches(self) -> Iterator[Batch]:
        """Give the rows."""
        yield [[_SAMPLES.get(column.type, _TEXT)] * (self.rows - 1) + [None] for column in self.columns]

    def csv_records(self, layout: CsvLayout) -> None:
        """Leave the records to the writer."""

    def json_batches(self) -> None:
        """Leave the records to the writer."""


def set_sample(services: Services, asked: Asked) -> None:
    """Set a report as it is asked for, and throw it away. Raises InvalidRequestError that says why it cannot be set."""
    customer_map = asked.customer_map
    request = resolve_request(any_customer_id(customer_map), asked)
    now = services.now()
    document = Document(
        export_id="0" * 32,
        created_at=now,
        snapshot_at=now.isoformat(),
        product_version=__version__,
        requested_by=_TEXT,
        customer_title=_TEXT,
        map_name=customer_map.name,
        map_version=customer_map.version,
        request=request,
        orders=customer_map.orders,
        manifest=dict,
    )
    sections = [SampleSection(one.name, one.label, one.exported_columns) for one in customer_map.sections]
    try:
        for _ in services.writers[ExportFormat.PDF].write(document, sections):
            continue
    except (TemplateFailedError, RendererFailedError, RendererTimeoutError, RendererOutOfMemoryError) as failure:
        raise InvalidRequestError(
            f"Invalid template: pdf: a report of invented rows cannot be set: {failure}"
        ) from failure
