"""Sections and documents for the tests of writers: rows in memory, behind the model's own protocols."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from customer_export.model.columns import Batch, Cell, Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.document import CsvLayout, Document, JsonBatch, SectionStream
from customer_export.model.request import CsvOptions, ExportFormat, ExportRequest, Period

Rows = Sequence[Sequence[Cell]]


def column(
    name: str,
    kind: ColumnType = ColumnType.TEXT,
    *,
    currency: str | None = None,
    currency_code: str | None = None,
) -> Column:
    return Column(
        name=name,
        label=name.capitalize(),
        type=kind,
        source=SourceColumn(None, name),
        personal_data=PersonalDataClass.NONE,
        currency=currency,
        currency_code=currency_code,
    )


@dataclass(frozen=True, kw_only=True)
class MemorySection:
    """Rows in memory, given in batches of `batch_rows`."""

    name: str
    columns: tuple[Column, ...]
    data: Rows
    batch_rows: int = 1024

    @property
    def label(self) -> str:
        return self.name.capitalize()

    @property
    def rows(self) -> int:
        return len(self.data)

    def batches(self) -> Iterator[Batch]:
        for start in range(0, len(self.data), self.batch_rows):
            yield list(zip(*self.data[start : start + self.batch_rows], strict=True))

    def csv_records(self, layout: CsvLayout) -> Iterator[bytes] | None:  # noqa: ARG002
        return None

    def json_batches(self) -> Iterator[JsonBatch] | None:
        return None

    def in_batches_of(self, rows: int) -> "MemorySection":
        return replace(self, batch_rows=rows)


def section(name: str, columns: Sequence[Column], *rows: Sequence[Cell]) -> MemorySection:
    return MemorySection(name=name, columns=tuple(columns), data=rows)


@dataclass(frozen=True)
class PlainStream:
    """A section of a database, kept from writing CSV records or JSON texts by itself."""

    stream: SectionStream

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def label(self) -> str:
        return self.stream.label

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.stream.columns

    @property
    def rows(self) -> int:
        return self.stream.rows

    def batches(self) -> Iterator[Batch]:
        return self.stream.batches()

    def csv_records(self, layout: CsvLayout) -> None:  # noqa: ARG002
        return None

    def json_batches(self) -> None:
        return None


def document(
    csv: CsvOptions | None = None,
    *,
    customer_id: str = "1",
    sections: Sequence[str] = (),
    map_version: str = "00112233aabbccdd",
) -> Document:
    """Make the head of an export."""
    return Document(
        export_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        created_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        snapshot_at="2026-03-04T05:06:06.123456+00:00",
        product_version="1.0.0",
        requested_by="support@example.com",
        customer_title='Ada "the first" Lovelace',
        map_name="Test",
        map_version=map_version,
        request=ExportRequest(
            customer_id=customer_id,
            format=ExportFormat.JSON,
            sections=tuple(sections),
            period=Period(),
            time_zone="UTC",
            locale="en",
            csv=csv or CsvOptions(),
            parameters=(),
        ),
        orders=None,
        manifest=lambda: {"exportId": "0f8fad5b-d9cb-469f-a165-70867728950e", "sections": []},
    )
