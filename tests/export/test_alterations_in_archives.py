"""`alterations.csv` of an archive has every change that its manifest counts, and what undoes it."""

import csv
import io
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from pipeline_starts import Start
from test_ledger_in_manifests import Support

from customer_export.auth.policy_file import parse_policy
from customer_export.compose import open_services
from customer_export.demo.customers import TYPICAL
from customer_export.model.access import BearerToken
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.writers.zip.alterations import NAMES

MAP = """
map = 1
name = "Odd"

[customer]
table = "customers"
key = "id"
key_type = "integer"
title = ["name"]

[[sections]]
name = "odd"
table = "odd"
links = [[{ columns = "customer_id" }]]
order = ["id"]
columns = [
  { name = "id", type = "integer", personal_data = "none" },
  { name = "number", type = "integer", personal_data = "none" },
  { name = "text", type = "text", personal_data = "none" },
  { name = "json", type = "json", personal_data = "none" },
]
"""
ROWS = 2500


@pytest.fixture
def odd(settings: Settings, tmp_path: Path) -> Iterator[Services]:
    with closing(sqlite3.connect(tmp_path / "odd.db")) as connection:
        connection.executescript(f"""
            CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name TEXT);
            CREATE TABLE odd (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, number TEXT, text TEXT, json TEXT);
            INSERT INTO customers VALUES (1, 'a');
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
            INSERT INTO odd SELECT i, 1, CASE WHEN i % 3 THEN i ELSE '9007199254740993' || i END,
                CASE WHEN i % 7 THEN '=1' ELSE CAST(x'E9' AS TEXT) END,
                CASE WHEN i % 11 THEN '{{"a":1}}' ELSE '"a' || char(10) END FROM n;
        """)
    map_file = tmp_path / "odd.toml"
    map_file.write_text(MAP, encoding="utf-8")
    changes = {"source_url": f"sqlite:///{tmp_path / 'odd.db'}", "source_map": map_file}
    with open_services(settings.model_copy(update=changes)) as services:
        yield services


def archive_of(start: Start, services: Services, customer_id: str, **parameters: object) -> ZipFile:
    started = start(customer_id, changes=services, format="zip", **parameters)
    return ZipFile(io.BytesIO(b"".join(started.pieces())))


def alterations_in(archive: ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("alterations.csv").decode(), newline="")))


def test_every_change_is_there_by_row_with_what_was_there_before(start: Start, odd: Services) -> None:
    archive = archive_of(start, odd, "1")
    found = alterations_in(archive)
    assert found == sorted(found, key=lambda one: (int(one["row"]), one["column"]))
    expected = {
        **{(row, "number", "kept_as_text"): f"9007199254740993{row}" for row in range(3, ROWS + 1, 3)},
        **{(row, "text", "invalid_text_replaced"): "e9" for row in range(7, ROWS + 1, 7)},
        **{(row, "json", "invalid_json_quoted"): '"a\n' for row in range(11, ROWS + 1, 11)},
    }
    assert {(int(one["row"]), one["column"], one["kind"]): one["original"] for one in found} == expected
    counted = {
        (one["column"], one["kind"]): one["count"] for one in json.loads(archive.read("manifest.json"))["alterations"]
    }
    assert counted == Counter((column, kind) for _, column, kind in expected)


def test_what_is_masked_is_named_once_and_not_told(start: Start, services: Services) -> None:
    policy = parse_policy(b'policy = 1\n[scopes]\n"customers:export" = ["behaviour", "none"]', file="policy.toml")
    changes = replace(services, policy=policy, authenticator=Support())
    archive = archive_of(start, changes, TYPICAL.id, credentials=BearerToken(secret="x"), sections="profile,addresses")
    masked = [one for one in alterations_in(archive) if one["kind"] == "masked"]
    assert {"section": "profile", "row": "", "column": "email", "kind": "masked", "original": ""} in masked
    assert len(masked) == len({(one["section"], one["column"]) for one in masked})
    assert not any(one["original"] or one["row"] for one in masked)


def test_without_changes_it_has_its_header_alone(start: Start, services: Services) -> None:
    archive = archive_of(start, services, TYPICAL.id, sections="orders")
    assert archive.read("alterations.csv").decode() == ",".join(NAMES) + "\r\n"
    assert json.loads(archive.read("manifest.json"))["alterations"] == []
