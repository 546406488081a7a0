"""`customer-export export`: the same bytes as over HTTP, into a file that is whole or not there."""

import csv
import hashlib
import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from customer_export.demo.customers import ABOVE_STREAMING, TYPICAL
from program import Run

OWN_FILES = {"own.db", "own.db-wal", "own.db-shm"}


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - OWN_FILES


def audit_of(folder: Path) -> list[tuple[str, str, str | None]]:
    """Give event, principal and code of every audit record, in their order."""
    with closing(sqlite3.connect(folder / "own.db")) as connection:
        return connection.execute("SELECT event, principal, code FROM audit ORDER BY sequence").fetchall()


def test_the_file_takes_its_name_when_it_is_whole_and_the_manifest_describes_it(run: Run, tmp_path: Path) -> None:
    done = run("export", TYPICAL.id, "--format", "csv", "-o", "customer.csv", "--manifest", "manifest.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert files_in(tmp_path) == {"customer.csv", "manifest.json"}
    content = (tmp_path / "customer.csv").read_bytes()
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    assert manifest["file"]["sha256"] == digest
    assert manifest["file"]["bytes"] == len(content)
    assert manifest["requestedBy"].startswith("local:")
    rows = sum(section["rows"] for section in manifest["sections"])
    assert f"customer.csv: {rows:,} rows, {len(content):,} bytes, sha256 {digest}" in done.stderr
    records = list(csv.reader(content.decode().splitlines(keepends=True)))
    assert len(records) == rows + 1
    assert [event for event, _, _ in audit_of(tmp_path)] == ["started", "completed"]
    assert audit_of(tmp_path)[0][1].startswith("local:")


def test_without_a_name_the_file_gets_that_of_the_download(run: Run, tmp_path: Path) -> None:
    assert run("export", TYPICAL.id).returncode == 0
    (name,) = files_in(tmp_path)
    assert name.startswith(f"customer-{TYPICAL.id}-")
    assert name.endswith(".json")


def test_standard_output_has_the_file_and_nothing_else(run: Run, tmp_path: Path) -> None:
    done = run("export", TYPICAL.id, "-o", "-")
    document = json.loads(done.stdout.encode("latin-1"))
    assert document["customer"]["id"] == TYPICAL.id
    assert "sha256" in done.stderr
    assert files_in(tmp_path) == set()


def test_sections_period_zone_and_csv_options_reach_the_file(run: Run) -> None:
    wanted = ("--sections", "orders", "--from", "2025-01-01", "--to", "2025-12-31", "--tz", "Asia/Tokyo")
    document = json.loads(run("export", TYPICAL.id, "-o", "-", *wanted).stdout.encode("latin-1"))
    assert list(document["sections"]) == ["orders"]
    placed = [order["placed_at"] for order in document["sections"]["orders"]]
    assert placed
    assert all(moment.startswith("2025-") and moment.endswith("+09:00") for moment in placed)
    csv_options = ("--format", "csv", "--sections", "profile", "--delimiter", "tab", "--bom", "--profile", "raw")
    assert (
        run("export", TYPICAL.id, "-o", "-", *csv_options)
        .stdout.encode("latin-1")
        .startswith(b"\xef\xbb\xbfid\temail\t")
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((TYPICAL.id, "--sections", "ordes"), "VALIDATION_ERROR"),
        ((TYPICAL.id, "--tz", "Mars"), "VALIDATION_ERROR"),
        ((TYPICAL.id, "--bom"), "VALIDATION_ERROR"),
        (("nobody",), "VALIDATION_ERROR"),
        (("12345678-0000-4000-8000-000000000000",), "CUSTOMER_NOT_FOUND"),
    ],
    ids=str,
)
def test_a_refused_export_leaves_no_file_and_is_on_record(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    (tmp_path / "out.json").write_text("the file of yesterday", encoding="utf-8")
    done = run("export", *arguments, "-o", "out.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"[{code}]" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == "the file of yesterday"
    assert files_in(tmp_path) == {"out.json"}
    begun = [("started", None)] if code == "CUSTOMER_NOT_FOUND" else []  # whoever is looked for is looked for on record
    assert [(event, told) for event, _, told in audit_of(tmp_path)] == [*begun, ("failed", code)]


GROWING_MAP = """
map = 1
name = "Growing"
[customer]
table = "customers"
key = "id"
key_type = "integer"
title = "id"
[[sections]]
name = "notes"
table = "notes"
links = [[{ columns = "customer" }]]
order = "id"
columns = [{ name = "body", type = "text", personal_data = "communication" }]
"""


def test_a_failure_in_mid_way_leaves_no_file(run: Run, tmp_path: Path) -> None:
    # the notes grow, so the beginning of the file promises a small one, which is streamed
    with closing(sqlite3.connect(tmp_path / "growing.db")) as connection:
        connection.executescript(
            """CREATE TABLE customers (id INTEGER PRIMARY KEY);
            CREATE TABLE notes (id INTEGER PRIMARY KEY, customer INTEGER, body TEXT);
            INSERT INTO customers VALUES (1);"""
        )
        notes = ((number, "x" * (30 if number < 3000 else 3000)) for number in range(4000))
        connection.executemany("INSERT INTO notes VALUES (?, 1, ?)", notes)
        connection.commit()
    (tmp_path / "map.toml").write_text(GROWING_MAP, encoding="utf-8")
    done = run(
        "export", "1", "--format", "csv", "-o", "out.csv",
        SOURCE_URL="sqlite:///growing.db", SOURCE_MAP="map.toml", EXPORT_MAX_SIZE_CSV="1000000",
    )  # fmt: skip
    assert done.returncode == 1
    assert "[EXPORT_SIZE_EXCEEDED]" in done.stderr
    assert files_in(tmp_path) == {"growing.db", "map.toml"}
    assert [(event, code) for event, _, code in audit_of(tmp_path)] == [
        ("started", None),
        ("failed", "EXPORT_SIZE_EXCEEDED"),
    ]


@pytest.mark.parametrize("target", ["missing/folder/out.json", "/dev/null/out.json", "/proc/out.json"])
def test_a_place_that_cannot_be_written_is_named(run: Run, tmp_path: Path, target: str) -> None:
    done = run("export", TYPICAL.id, "-o", target)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{target} cannot be written" in done.stderr
    assert "choose another --output" in done.stderr
    assert "Traceback" not in done.stderr
    assert files_in(tmp_path) == set()
    assert [event for event, _, _ in audit_of(tmp_path)] in ([], ["started", "failed"], ["failed"])


@pytest.mark.parametrize("customer_id", [TYPICAL.id, ABOVE_STREAMING.id], ids=["small", "large"])
def test_a_full_disk_is_told_and_the_device_stays_what_it_is(run: Run, tmp_path: Path, customer_id: str) -> None:
    done = run("export", customer_id, "-o", "/dev/full")
    assert done.returncode == 1
    assert "/dev/full cannot be written (No space left on device)" in done.stderr
    assert Path("/dev/full").is_char_device()
    assert [event for event, _, _ in audit_of(tmp_path)] == ["started", "failed"]


def test_a_full_disk_behind_standard_output_is_told(run: Run, tmp_path: Path) -> None:
    done = run("export", TYPICAL.id, "-o", "-", output=Path("/dev/full"))
    assert done.returncode == 1
    assert "cannot be written (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr
    assert [event for event, _, _ in audit_of(tmp_path)] == ["started", "failed"]


def test_a_pipe_as_the_output_is_written_to(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        try:
            done = run("export", TYPICAL.id, "-o", "pipe")
            received = reader.communicate(timeout=30)[0]
        finally:
            reader.kill()
    assert done.returncode == 0
    assert json.loads(received)["customer"]["id"] == TYPICAL.id
    assert pipe.is_fifo()


def test_an_id_of_bytes_that_are_no_text_is_refused_and_on_record(run: Run, tmp_path: Path) -> None:
    done = run("export", os.fsdecode(b"\xff\xfe"), "-o", "out.json")
    assert done.returncode == 1
    assert "[VALIDATION_ERROR]" in done.stderr
    assert "Traceback" not in done.stderr
    assert [event for event, _, _ in audit_of(tmp_path)] == ["failed"]
