"""Measure an export of many small sections: the demo shop's customer with 20 orders, in PostgreSQL.

`make bench` runs it with the others; `python -m benchmarks.many_sections` runs it alone.
"""

import tempfile
from pathlib import Path
from statistics import median

from tests.shop_copy import copy_shop

from benchmarks.servers import BenchmarkPostgresql, download, our_server
from customer_export.demo.customers import TYPICAL
from customer_export.demo.shop import demo_map_path, make_shop
from customer_export.source.map_file import load_map

CUSTOMERS, MOST_ORDERS = 2_000, 5_000
DOWNLOADS, GOAL_MS = 101, 15.0


def measure_sections(server: BenchmarkPostgresql, folder: Path) -> None:
    """Print the table of downloads of all of the demo shop's sections."""
    shop = folder / "demo.db"
    make_shop(shop, customers=CUSTOMERS, most_orders=MOST_ORDERS)
    url = copy_shop(shop, server, database="demo")
    server.execute("demo", "VACUUM ANALYZE")
    sections = len(load_map(demo_map_path()).sections)
    print(f"\n| 20 orders over {sections} sections | p50 ms | p99 ms | goal p50 ms |\n|---|---|---|---|")
    with our_server(folder, url, SOURCE_MAP=str(demo_map_path())) as ours:
        for file_format in ("json", "csv"):
            for _ in range(5):
                download(ours, TYPICAL.id, f"format={file_format}")
            took = sorted(download(ours, TYPICAL.id, f"format={file_format}").total_ms for _ in range(DOWNLOADS))
            slowest = took[DOWNLOADS * 99 // 100]
            print(f"| {file_format} | {median(took):.1f} | {slowest:.1f} | {GOAL_MS:g} |", flush=True)


def main() -> None:
    """Measure on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = BenchmarkPostgresql()
        try:
            server.start()
            measure_sections(server, folder)
        finally:
            server.remove()


if __name__ == "__main__":
    main()
