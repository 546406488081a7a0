"""`customer-export map show`: what an export would hold, and a record that somebody looked."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from customer_export.demo.customers import ABOVE_STREAMING, TYPICAL
from program import Run
from servers import PostgresqlServer


def audit_of(folder: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "own.db")) as connection:
        columns = "event, format, parameters, customer_id, rows, bytes, code"
        return connection.execute(f"SELECT {columns} FROM audit ORDER BY sequence").fetchall()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_section_is_shown_with_the_rows_that_an_export_has(
    run: Run, request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    environment = {} if kind == "sqlite" else {"SOURCE_URL": request.getfixturevalue("postgresql_shop")}
    customer = ABOVE_STREAMING.id
    done = run("map", "show", customer, "--rows", "2", "--json", **environment)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.encode("latin-1"))
    exported = json.loads(run("export", customer, "-o", "-", **environment).stdout.encode("latin-1"))
    assert shown["customer"] == exported["customer"]
    counts = {section["name"]: section["rows"] for section in shown["sections"]}
    assert counts == {section["name"]: section["rows"] for section in exported["manifest"]["sections"]}
    assert counts["orders"] > 500
    for section in shown["sections"]:
        rows = exported["sections"][section["name"]][:2]
        assert [row.keys() for row in section["firstRows"]] == [row.keys() for row in rows]
        assert section["milliseconds"] > 0
    orders = next(section for section in shown["sections"] if section["name"] == "orders")
    numbers = [row["number"] for row in exported["sections"]["orders"][:2]]
    assert [row["number"] for row in orders["firstRows"]] == numbers


def test_people_get_a_table_a_section(run: Run) -> None:
    done = run("map", "show", TYPICAL.id, "--rows", "1")
    lines = done.stdout.encode("latin-1").decode().splitlines()
    assert lines[0].endswith(f"({TYPICAL.id}), Demo shop on SQLite {sqlite3.sqlite_version}")
    place = next(number for number, line in enumerate(lines) if line.startswith("orders: "))
    assert lines[place].split()[2:] == ["rows,", lines[place].split()[3], "ms"]
    assert lines[place + 1].split()[:3] == ["number", "placed_at", "status"]
    assert lines[place + 3] == ""


def test_a_look_is_on_record_before_and_after_and_leaves_nothing_else(run: Run, tmp_path: Path) -> None:
    assert run("map", "show", TYPICAL.id, "--rows", "0").returncode == 0
    assert run("map", "show", TYPICAL.id, "--rows", "1").returncode == 0
    looked = ("show", "format=show&rows=0", TYPICAL.id)
    again = ("show", "format=show&rows=1", TYPICAL.id)
    sections = 13
    assert audit_of(tmp_path) == [
        ("started", *looked, None, None, None),
        ("completed", *looked, 0, None, None),
        ("started", *again, None, None, None),
        ("completed", *again, sections, None, None),
    ]
    assert run("audit", "verify").returncode == 0
    assert {path.name for path in tmp_path.iterdir()} <= {"own.db", "own.db-wal", "own.db-shm"}


@pytest.mark.parametrize(
    ("customer", "code", "events"),
    [
        ("nobody", "VALIDATION_ERROR", ["failed"]),
        ("12345678-0000-4000-8000-000000000000", "CUSTOMER_NOT_FOUND", ["started", "failed"]),
    ],
)
def test_a_wrong_or_unknown_id_is_told_and_on_record(
    run: Run, tmp_path: Path, customer: str, code: str, events: list[str]
) -> None:
    done = run("map", "show", customer)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"[{code}]" in done.stderr
    assert [record[0] for record in audit_of(tmp_path)] == events
    assert audit_of(tmp_path)[-1][-1] == code


def test_what_a_terminal_would_act_on_is_replaced(run: Run, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "odd.db")) as connection:
        connection.executescript(
            "CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name TEXT);"
            "INSERT INTO customers VALUES (1, 'red ' || char(27) || '[31m');"
        )
    (tmp_path / "map.toml").write_text(
        'map = 1\nname = "Odd"\n[customer]\ntable = "customers"\nkey = "id"\nkey_type = "integer"\ntitle = "name"\n'
        '[[sections]]\nname = "profile"\ntable = "customers"\nlinks = [[{ columns = "id" }]]\norder = "id"\n'
        'columns = [{ name = "name", type = "text", personal_data = "identity" }]\n',
        encoding="utf-8",
    )
    done = run("map", "show", "1", SOURCE_URL="sqlite:///odd.db", SOURCE_MAP="map.toml")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "red \N{REPLACEMENT CHARACTER}[31m" in done.stdout.encode("latin-1").decode()


def test_a_database_that_is_down_is_told_and_on_record(run: Run, postgresql: PostgresqlServer, tmp_path: Path) -> None:
    done = run("map", "show", TYPICAL.id, SOURCE_URL=postgresql.url("no_such_database"))
    assert done.returncode == 1
    assert "[SOURCE_UNAVAILABLE]" in done.stderr
    assert [(record[0], record[-1]) for record in audit_of(tmp_path)] == [("failed", "SOURCE_UNAVAILABLE")]
