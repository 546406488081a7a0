"""Sections and documents for tests, from rows in memory: real implementations of the model's protocols."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from customer_export.model.columns import Batch, Cell, Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.customer_map import OrdersRole
from customer_export.model.document import CsvLayout, Document
from customer_export.model.request import CsvOptions, ExportFormat, ExportRequest, Period

CREATED_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def column(
    name: str,
    type: ColumnType = ColumnType.TEXT,  # noqa: A002
    *,
    label: str | None = None,
    currency: str | None = None,
    currency_code: str | None = None,
) -> Column:
    return Column(
        name=name,
        label=name.replace("_", " ").capitalize() if label is None else label,
        type=type,
        source=SourceColumn(None, name),
        personal_data=PersonalDataClass.NONE,
        currency=currency,
        currency_code=currency_code,
    )


@dataclass(frozen=True, kw_only=True)
class RowsSection:
    """A section whose rows are in memory."""

    name: str
    columns: tuple[Column, ...]
    data: Sequence[Sequence[Cell]]
    batch_rows: int = 500
    label: str = ""

    @property
    def rows(self) -> int:
        return len(self.data)

    def batches(self) -> Iterator[Batch]:
        for start in range(0, len(self.data), self.batch_rows):
            yield list(map(list, zip(*self.data[start : start + self.batch_rows], strict=True)))

    def csv_records(self, layout: CsvLayout) -> Iterator[bytes] | None:  # noqa: ARG002  # the protocol's
        return None

    def json_batches(self) -> None:
        return None


def section(name: str, columns: Sequence[Column], data: Sequence[Sequence[Cell]], **options: object) -> RowsSection:
    label = options.pop("label", name.replace("_", " ").capitalize())
    return RowsSection(name=name, columns=tuple(columns), data=data, label=label, **options)


def document(
    *,
    title: str = "Ada Lovelace",
    time_zone: str = "UTC",
    locale: str = "en",
    orders: OrdersRole | None = None,
    period: Period | None = None,
) -> Document:
    return Document(
        export_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        created_at=CREATED_AT,
        snapshot_at="2026-03-04T05:06:06.123456+00:00",
        product_version="1.0.0",
        requested_by="support@example.com",
        customer_title=title,
        map_name="Demo shop",
        map_version="00112233aabbccdd",
        request=ExportRequest(
            customer_id="550e8400-e29b-41d4-a716-446655440000",
            format=ExportFormat.XLSX,
            sections=(),
            period=period or Period(),
            time_zone=time_zone,
            locale=locale,
            csv=CsvOptions(),
            parameters=(),
        ),
        orders=orders,
        manifest=dict,
    )
