"""Tables for everybody hold what the exports of each customer do, behind the customer's key."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from bulk_jobs import Over, altered, order_of, run_bulk, snapshot_of, synchronous, synchronous_export

from customer_export.auth.policy_file import parse_policy
from customer_export.demo.customers import HOSTILE, ONE_ORDER, TYPICAL
from customer_export.demo.shop import demo_map_path
from customer_export.model.access import Principal, Scope
from customer_export.model.bulk import Chosen, Layout
from customer_export.model.ledger import AlterationKind
from customer_export.source.map_file import load_map
from customer_maps import column, make_map, section
from databases import SqliteDatabase
from readers import csv_records

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
    for table in asked():
        order = order_of(Layout.TABLES, "csv", parameters=(("sections", table),))
        bulk = run_bulk(services, order)
        (result,) = bulk.results
        content = bulk.files[f"{order.job_id}/{table}/part-00000.csv"].decode()
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
    for table in asked():
        keys = {}
        for name, bulk in jobs.items():
            files = [file for result in bulk.results for file in result.files if file.section == table]
            assert len(files) == len(bulk.results) > 1
            for file in files:
                path = tmp_path / name / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(bulk.files[file.name])
            if name == "ndjson":
                lines = b"".join(bulk.files[file.name] for file in files).splitlines()
                keys[name] = [json.loads(line)["customer_key"] for line in lines]
            elif name == "parquet":
                read = duckdb.sql(f"SELECT customer_key FROM '{tmp_path / name}/*/{table}/*.parquet' ORDER BY ALL")
                keys[name] = [key for (key,) in read.fetchall()]
            assert sum(file.rows for file in files) == sum(
                file.rows for result in jobs["csv"].results for file in result.files if file.section == table
            )
        assert sorted(keys["ndjson"]) == sorted(keys["parquet"])


def test_a_table_repeated_is_the_same_bytes(shop_url: str, over: Over) -> None:
    services = over(shop_url)
    order = order_of(Layout.TABLES, "parquet", parameters=(("sections", "orders"),))
    first, second = run_bulk(services, order), run_bulk(services, order)
    assert first.files == second.files
    assert [one.canonical_sha256 for one in first.results] == [one.canonical_sha256 for one in second.results]


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_what_is_changed_in_tables_is_what_is_changed_in_the_files_of_each(
    shop_url: str, over: Over, file_format: str
) -> None:
    services = over(shop_url)
    ids = (TYPICAL.id, ONE_ORDER.id, HOSTILE.id)
    order = order_of(Layout.TABLES, file_format, Chosen(ids=ids), part_customers=2)
    bulk = run_bulk(services, order)
    expected: Counter[tuple[str, str, str]] = Counter()
    for one in ids:
        _, complete = synchronous_export(services, order, one, snapshot_of(bulk.results[0]))
        expected += altered(complete.manifest.ledger.alterations())
    assert sum((altered(result.alterations) for result in bulk.results), Counter()) == expected
    if file_format == "csv":
        assert "formula_neutralised" in {kind for _, _, kind in expected}
        for result in bulk.results:
            for one in result.alterations:
                if one.kind is AlterationKind.FORMULA_NEUTRALISED:
                    lines = csv_records(bulk.files[f"{order.job_id}/{one.section}/part-{result.number:05}.csv"])
                    place = lines[0].index(one.column)
                    assert all(str(lines[row][place]).startswith("'") for row in one.rows)
    files = run_bulk(services, replace(order, layout=Layout.FILES))
    assert sum((altered(result.alterations) for result in files.results), Counter()) == expected


SCORES = section("scores", [column("score", "integer"), column("note"), column("told", "json")])


@pytest.fixture
def scores(tmp_path: Path) -> SqliteDatabase:
    """Cells that no format holds as they are."""
    database = SqliteDatabase(tmp_path / "scores.db")
    database.execute(
        "CREATE TABLE customers (id integer PRIMARY KEY, name text);"
        "CREATE TABLE scores (id integer PRIMARY KEY, customer_id integer, score, note text, told text);"
        "INSERT INTO customers VALUES (1, 'A'), (2, 'B'), (3, 'C');"
        "INSERT INTO scores VALUES (1, 1, 'n/a', '=1', '{'), (2, 2, 5, CAST(x'41FF' AS TEXT), '{}'),"
        " (3, 2, 9007199254740993, '=2', '}'), (4, 3, 'none', CAST(x'42FE' AS TEXT), '[]'), (5, 3, 7, 'plain', NULL)"
    )
    return database


def test_tables_tell_what_each_format_cannot_hold(scores: SqliteDatabase, over: Over, tmp_path: Path) -> None:
    services = over(scores.url, make_map(SCORES, key_type="integer"))
    mended, kept = ("scores", "note", "invalid_text_replaced"), ("scores", "score", "kept_as_text")
    expected = {
        "csv": {mended: 2, ("scores", "note", "formula_neutralised"): 2},
        "ndjson": {mended: 2, kept: 3, ("scores", "told", "invalid_json_quoted"): 2},
        "parquet": {mended: 2, kept: 2},
    }
    for file_format, counts in expected.items():
        bulk = run_bulk(services, order_of(Layout.TABLES, file_format))
        (result,) = bulk.results
        assert altered(result.alterations) == counts, file_format
        rows = {(one.column, one.kind.value): one.rows for one in result.alterations}
        assert rows["note", "invalid_text_replaced"] == [2, 4]
        if file_format == "parquet":
            path = tmp_path / "scores.parquet"
            path.write_bytes(bulk.files[result.files[0].name])
            found = duckdb.sql(f"SELECT kept_as_text FROM '{path}'").fetchall()
            assert rows["score", "kept_as_text"] == [place for place, (text,) in enumerate(found, start=1) if text]


def test_tables_tell_nothing_of_who_is_left_out(scores: SqliteDatabase, over: Over) -> None:
    services = over(scores.url, make_map(SCORES, key_type="integer"))
    order = order_of(Layout.TABLES, "csv")
    bulk = run_bulk(services, order, without=frozenset({"2"}))
    (result,) = bulk.results
    assert [(one.kind.value, one.count, one.rows) for one in result.alterations] == [
        ("formula_neutralised", 1, [1]),
        ("invalid_text_replaced", 1, [2]),
    ]


def test_a_masked_column_of_a_table_counts_with_all_its_rows(shop_url: str, over: Over) -> None:
    policy = parse_policy(b'policy = 1\n[scopes]\n"customers:export" = ["behaviour", "none"]', file="policy.toml")
    services = over(shop_url, policy=policy)
    support = Principal(name="support", scopes=frozenset({Scope.EXPORT}))
    for file_format in ("csv", "ndjson", "parquet"):
        order = order_of(Layout.TABLES, file_format, Chosen(ids=(HOSTILE.id, TYPICAL.id)))
        (result,) = run_bulk(services, order, principal=support).results
        rows = {file.section: file.rows for file in result.files}
        masked = [one for one in result.alterations if one.kind.value == "masked"]
        assert masked
        assert all(one.count == rows[one.section] > 0 for one in masked)
