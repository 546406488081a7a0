"""Measure the workbook writer alone: `python -m benchmarks.xlsx`. Orders of 12 columns, made up in memory."""

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from customer_export.model.columns import Batch, Column, ColumnType, PersonalDataClass
from customer_export.model.customer_map import OrdersRole
from customer_export.model.document import CsvLayout, Document
from customer_export.model.request import CsvOptions, ExportFormat, ExportRequest, Period
from customer_export.writers.xlsx import WorkbookWriter

_COLUMNS = (
    ("id", ColumnType.UUID),
    ("number", ColumnType.IDENTIFIER),
    ("status", ColumnType.TEXT),
    ("placed_at", ColumnType.TIMESTAMP),
    ("currency", ColumnType.TEXT),
    ("subtotal", ColumnType.MONEY),
    ("tax", ColumnType.MONEY),
    ("shipping", ColumnType.MONEY),
    ("total", ColumnType.MONEY),
    ("item_count", ColumnType.INTEGER),
    ("channel", ColumnType.TEXT),
    ("note", ColumnType.TEXT),
)
_NOTES = ("Leave at the door", '=HYPERLINK("http://x","y")', "Grüße", "日本語のメモ", "two\nlines", "", "gift")
# As sources read a section of orders.
_FIRST_BATCH_ROWS, _BATCH_ROWS = 64, 1_024
_START = datetime(2016, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Orders:
    """Orders 200 seconds apart, a batch at a time."""

    rows: int
    name: str = "orders"
    label: str = "Orders"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of peers/shop."""
        return tuple(
            Column(
                name=name,
                label=name.replace("_", " ").capitalize(),
                type=type_of_column,
                source=name,
                personal_data=PersonalDataClass.NONE,
                currency="currency" if type_of_column is ColumnType.MONEY else None,
            )
            for name, type_of_column in _COLUMNS
        )

    def batches(self) -> Iterator[Batch]:
        """Make the rows."""
        chance = random.Random(1)
        for first in [0, *range(_FIRST_BATCH_ROWS, self.rows, _BATCH_ROWS)]:
            numbers = range(first, min(first + (_BATCH_ROWS if first else _FIRST_BATCH_ROWS), self.rows))
            cents = [chance.randrange(500, 90_000) for _ in numbers]
            yield [
                [f"{chance.getrandbits(128):032x}" for _ in numbers],
                [f"BIG-{number:08}" for number in numbers],
                [("paid", "shipped", "delivered")[number % 3] for number in numbers],
                [(_START + timedelta(seconds=200 * number)).isoformat() for number in numbers],
                ["EUR" for _ in numbers],
                [f"{each / 100:.2f}" for each in cents],
                [f"{each * 19 // 100 / 100:.2f}" for each in cents],
                ["4.90" for _ in numbers],
                [f"{each * 119 // 100 / 100:.2f}" for each in cents],
                [str(number % 9 + 1) for number in numbers],
                ["web" for _ in numbers],
                [_NOTES[number % len(_NOTES)] for number in numbers],
            ]

    def csv_records(self, layout: CsvLayout) -> None:  # the protocol's
        """Nothing writes CSV here."""

    def json_batches(self) -> None:
        """Nothing writes JSON here."""


@dataclass(frozen=True)
class Held(Orders):
    """The same, made beforehand."""

    made: tuple[Batch, ...] = ()

    def batches(self) -> Iterator[Batch]:
        """Give the rows."""
        return iter(self.made)


def _document() -> Document:
    return Document(
        export_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        created_at=_START,
        snapshot_at=_START.isoformat(),
        product_version="0",
        requested_by="benchmark",
        customer_title="Ada Lovelace",
        map_name="shop",
        map_version="0",
        request=ExportRequest(
            customer_id="1",
            format=ExportFormat.XLSX,
            sections=("orders",),
            period=Period(),
            time_zone="UTC",
            locale="en",
            csv=CsvOptions(),
            parameters=(),
        ),
        orders=OrdersRole(section="orders", amount="total", time="placed_at", status="status"),
        manifest=dict,
    )


def _memory_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    """Print the median and the best processor time of a few sizes, and the memory of the largest."""
    writer, document = WorkbookWriter(), _document()
    print("| orders | median ms | best ms | bytes |\n|---|---|---|---|")
    for rows, runs in ((20, 101), (500, 41), (10_000, 15)):
        held = Held(rows, made=tuple(Orders(rows).batches()))
        times = []
        for _ in range(runs):
            start = time.process_time()
            size = sum(map(len, writer.write(document, [held])))
            times.append((time.process_time() - start) * 1e3)
        print(f"| {rows:,} | {statistics.median(times):.1f} | {min(times):.1f} | {size:,} |")
    # Linux: forget the highest memory so far.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    idle = _memory_kb("VmRSS")
    start = time.process_time()
    size = sum(map(len, writer.write(document, [Orders(500_000)])))
    print(f"500,000 orders, made while written: {time.process_time() - start:.1f} s, {size:,} bytes, "
          f"{(_memory_kb('VmHWM') - idle) / 1024:.0f} MB above idle")  # fmt: skip


if __name__ == "__main__":
    main()
