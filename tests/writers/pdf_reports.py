"""Reports for the PDF tests: sections held in memory, and a document head that is the same on every run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from customer_export.model.columns import Batch, Cell, Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.customer_map import OrdersRole
from customer_export.model.document import CsvLayout, Document
from customer_export.model.request import CsvOptions, ExportFormat, ExportRequest, Period

NAMES = (
    "Zoë Łukasiewicz-Ñandú",
    "Владимир Щербаков",
    "Νίκος Παπαδόπουλος",
    "محمد عبد الرحمن",
    "יוסף בן־דוד",
    "王小明 (北京)",
    "山田太郎 カタカナ",
    "김민준",
    "अर्जुन शर्मा क्षत्रिय",
    "สมชาย ใจดี น้ำ",
    "😀 Ana 👩‍🚀🇩🇪👍🏽",
)
"""A name in each script of the demo shop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSection:
    """A section whose rows are held, column by column, and given in batches of a size."""

    name: str
    label: str
    columns: tuple[Column, ...]
    cells: Sequence[Sequence[Cell]]
    batch_rows: int = 1000

    @property
    def rows(self) -> int:
        return len(self.cells[0]) if self.cells else 0

    def batches(self) -> Iterator[Batch]:
        for start in range(0, self.rows, self.batch_rows):
            yield [column[start : start + self.batch_rows] for column in self.cells]

    def csv_records(self, layout: CsvLayout) -> Iterator[bytes] | None:  # noqa: ARG002 - of the protocol
        return None

    def json_batches(self) -> None:
        return None


def column(name: str, kind: ColumnType = ColumnType.TEXT, *, currency: str | None = None) -> Column:
    return Column(
        name=name,
        label=name.replace("_", " ").capitalize(),
        type=kind,
        source=SourceColumn(None, name),
        personal_data=PersonalDataClass.NONE,
        currency=currency,
    )


def section(
    name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, batch_rows: int = 1000
) -> HeldSection:
    """Make a section from rows."""
    cells = [[row[index] for row in rows] for index in range(len(columns))]
    return HeldSection(
        name=name,
        label=name.replace("_", " ").capitalize(),
        columns=tuple(columns),
        cells=cells,
        batch_rows=batch_rows,
    )


def texts(*cells: Cell, name: str = "notes") -> HeldSection:
    """Make a section of one column of text."""
    return section(name, [column("text")], [[cell] for cell in cells])


ORDER_COLUMNS = (
    column("id", ColumnType.UUID),
    column("number", ColumnType.IDENTIFIER),
    column("status"),
    column("placed_at", ColumnType.TIMESTAMP),
    column("currency"),
    column("tax", ColumnType.MONEY, currency="currency"),
    column("total", ColumnType.MONEY, currency="currency"),
    column("items", ColumnType.INTEGER),
    column("note"),
)


def orders(count: int, *, batch_rows: int = 1000, currencies: Sequence[str] = ("EUR",)) -> HeldSection:
    """Make orders of 2026, every one different."""
    rows = [
        (
            f"{index:08x}-1111-4222-8333-444455556666",
            f"{index:06}",
            ("paid", "shipped", "delivered", "refunded")[index % 4],
            f"2026-{index % 12 + 1:02}-{index % 28 + 1:02}T{index % 24:02}:{index % 60:02}:00+00:00",
            currencies[index % len(currencies)],
            "1.90",
            f"{index % 977 + 10}.{index % 100:02}",
            str(index % 9 + 1),
            (None, "Leave at the door, thanks", "日本語のメモ", "Grüße", "two\nlines")[index % 5],
        )
        for index in range(count)
    ]
    return section("orders", ORDER_COLUMNS, rows, batch_rows=batch_rows)


def document(*, locale: str = "en", title: str = "Zoë Łukasiewicz-Ñandú") -> Document:
    """Make the head of an export."""
    return Document(
        export_id="0193a1b2-7c3d-7e4f-8a5b-0c1d2e3f4a5b",
        created_at=datetime(2026, 11, 22, 20, 58, 15, tzinfo=UTC),
        snapshot_at="2026-11-22T20:58:14.123456+00:00",
        product_version="1.0.0",
        requested_by="ada@example.com",
        customer_title=title,
        map_name="Demo shop",
        map_version="3f2a9c01b7d4e586",
        request=ExportRequest(
            customer_id="550e8400-e29b-41d4-a716-446655440000",
            format=next(iter(ExportFormat)),
            sections=(),
            period=Period(),
            time_zone="Europe/Berlin",
            locale=locale,
            csv=CsvOptions(),
            parameters=(),
        ),
        orders=OrdersRole(section="orders", amount="total", time="placed_at", status="status"),
        manifest=dict,
    )


def names_report() -> list[HeldSection]:
    """Make a report with each name, in a table and on a card."""
    columns = [column("id", ColumnType.INTEGER), column("name"), column("city")]
    rows = [[str(index), name, "Łódź"] for index, name in enumerate(NAMES, 1)]
    return [section("people", columns, rows)]


def wide_section(columns: int = 30, rows: int = 3) -> HeldSection:
    """Make a section of more columns than any paper has room for."""
    made = [column(f"column_number_{index}") for index in range(columns)]
    return section("wide", made, [[f"value {row} {index}" for index in range(columns)] for row in range(rows)])
