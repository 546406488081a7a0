"""Tables for everybody hold what the exports of each customer do, behind the customer's key."""

import json
from pathlib import Path

import duckdb
import pytest
from bulk_jobs import Over, order_of, run_bulk, snapshot_of, synchronous

from customer_export.demo.shop import demo_map_path
from customer_export.model.bulk import Layout
from customer_export.source.map_file import load_map

SECTIONS = ("profile", "orders", "order_items", "notes")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def shop_url(request: pytest.FixtureRequest, demo_shop: Path) -> str:
    """The demo shop in each database."""
    if request.param == "sqlite":
        return f"sqlite:///{demo_shop}"
    url: str = request.getfixturevalue(f"{request.param}_shop")
    return url


def asked() -> tuple[str, ...]:
    known = {section.name for section in load_map(demo_map_path()).sections}
    return tuple(name for name in SECTIONS if name in known)


def test_csv_tables_are_the_records_of_each_customer(shop_url: str, over: Over) -> None:
    services = over(shop_url)
    for section in asked():
        order = order_of(Layout.TABLES, "csv", parameters=(("sections", section),))
        bulk = run_bulk(services, order)
        (result,) = bulk.results
        content = bulk.files[f"{order.job_id}/{section}/part-00000.csv"].decode()
        header, _, rest = content.partition("\r\n")
        assert header.startswith("customer_key,")
        for line in bulk.index()[::15]:
            alone = synchronous(services, order, line["customer"], snapshot_of(result)).decode()
            own_header, _, records = alone.partition("\r\n")
            assert header == f"customer_key,{own_header}"
            first = "".join(f"{line['customer']},{record}" for record in records.splitlines(keepends=True)[:1])
            assert first in rest
            assert line["rows"] == sum(one.startswith(f"{line['customer']},") for one in rest.split("\r\n"))


def test_all_formats_of_tables_hold_the_same_rows(shop_url: str, over: Over, tmp_path: Path) -> None:
    services = over(shop_url)
    parameters = (("sections", ",".join(asked())),)
    jobs = {
        name: run_bulk(services, order_of(Layout.TABLES, name, parameters=parameters, part_customers=60))
        for name in ("csv", "ndjson", "parquet")
    }
    for section in asked():
        keys = {}
        for name, bulk in jobs.items():
            files = [file for result in bulk.results for file in result.files if file.section == section]
            assert len(files) == len(bulk.results) > 1
            for file in files:
                path = tmp_path / name / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(bulk.files[file.name])
            if name == "ndjson":
                lines = b"".join(bulk.files[file.name] for file in files).splitlines()
                keys[name] = [json.loads(line)["customer_key"] for line in lines]
            elif name == "parquet":
                read = duckdb.sql(f"SELECT customer_key FROM '{tmp_path / name}/*/{section}/*.parquet' ORDER BY ALL")
                keys[name] = [key for (key,) in read.fetchall()]
            assert sum(file.rows for file in files) == sum(
                file.rows for result in jobs["csv"].results for file in result.files if file.section == section
            )
        assert sorted(keys["ndjson"]) == sorted(keys["parquet"])


def test_a_table_repeated_is_the_same_bytes(shop_url: str, over: Over) -> None:
    services = over(shop_url)
    order = order_of(Layout.TABLES, "parquet", parameters=(("sections", "orders"),))
    first, second = run_bulk(services, order), run_bulk(services, order)
    assert first.files == second.files
    assert [one.canonical_sha256 for one in first.results] == [one.canonical_sha256 for one in second.results]
