"""Measure the PDF writer alone: `python -m benchmarks.pdf`. Each report is of another customer, as typst remembers."""

import statistics
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.xlsx import Held, Orders
from customer_export.model.customer_map import OrdersRole
from customer_export.model.document import Document
from customer_export.model.request import CsvOptions, ExportFormat, ExportRequest, Period
from customer_export.writers.pdf import PdfWriter, RendererPool

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SIZES = ((20, 101), (500, 31), (5_000, 7), (10_000, 5))


def _document(number: int) -> Document:
    return Document(
        export_id=f"0f8fad5b-d9cb-469f-a165-{number:012}",
        created_at=_START,
        snapshot_at=_START.isoformat(),
        product_version="0",
        requested_by="benchmark",
        customer_title=f"Ada Lovelace {number}",
        map_name="shop",
        map_version="0",
        request=ExportRequest(
            customer_id=str(number),
            format=next(iter(ExportFormat)),
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


def _memory_mb(process: int | str, name: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def main() -> None:
    """Print the median and the best time of a few sizes, and the memory of the largest."""
    with closing(RendererPool()) as pool:
        pool.warm()
        writer = PdfWriter(pool)
        list(writer.write(_document(0), [Orders(20)]))
        print("| orders | median ms | best ms | bytes |\n|---|---|---|---|")
        for rows, runs in _SIZES:
            held = Held(rows, made=tuple(Orders(rows).batches()))
            times = []
            for run in range(runs):
                start = time.perf_counter()
                size = sum(map(len, writer.write(_document(run), [held])))
                times.append((time.perf_counter() - start) * 1e3)
            print(f"| {rows:,} | {statistics.median(times):.1f} | {min(times):.1f} | {size:,} |")
        # Linux: forget the highest memory so far.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        idle = _memory_mb("self", "VmRSS")
        start = time.perf_counter()
        size = sum(map(len, writer.write(_document(1), [Orders(100_000)])))
        print(
            f"100,000 orders, made while written: {time.perf_counter() - start:.1f} s, {size:,} bytes, "
            f"{_memory_mb('self', 'VmHWM') - idle:.0f} MB above idle, children "
            + ", ".join(f"{_memory_mb(child, 'VmHWM'):.0f} MB" for child in pool.child_processes())
        )


if __name__ == "__main__":
    main()
