"""`customer-export audit`: what is listed, and the verdict on the chain with its exit code."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from customer_export.demo.customers import TYPICAL
from program import Run


@pytest.fixture
def exported(run: Run) -> Run:
    """Have a completed export and a failed one on record."""
    assert run("export", TYPICAL.id, "--format", "csv", "-o", "customer.csv").returncode == 0
    assert run("export", "evil\x1b[2Jid", "--format", "json", "-o", "none.json").returncode == 1
    return run


def tamper(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "own.db")) as database, database:
        database.execute(statement)


def head_of(printed: str) -> tuple[str, str]:
    found = re.fullmatch(r"records (\d+)\nsequence \1\nhead ([0-9a-f]{64})\n", printed)
    assert found is not None, printed
    return found[1], found[2]


def test_an_untouched_audit_verifies_and_gives_an_anchor(exported: Run) -> None:
    done = exported("audit", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    sequence, head = head_of(done.stdout)
    assert sequence == "3"
    assert exported("audit", "verify", "--expect-head", head.upper(), "--at", sequence).returncode == 0
    wrong = exported("audit", "verify", "--expect-head", head, "--at", "2")
    assert (wrong.returncode, wrong.stdout) == (1, done.stdout)
    assert "anchor: record 2 does not have the anchor's hash" in wrong.stderr
    cut = exported("audit", "verify", "--expect-head", head, "--at", "9")
    assert "the anchor is of record 9, but the last is 3" in cut.stderr


def test_a_tampered_audit_is_told_with_exit_code_1(exported: Run, tmp_path: Path) -> None:
    tamper(tmp_path, "UPDATE audit SET principal = 'somebody else' WHERE sequence = 2")
    tamper(tmp_path, "DELETE FROM audit WHERE sequence = 3")
    done = exported("audit", "verify")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "altered: record 2 does not fit its hash: it was altered, or the one before it was, together with its hash",
        "truncated: 3 records were written, but the last is 2: the end was cut off",
    ]


def test_an_export_without_an_end_is_counted(exported: Run, tmp_path: Path) -> None:
    tamper(tmp_path, "INSERT INTO audit_open VALUES ('x', '2026-01-01T00:00:00.000000+00:00')")
    done = exported("audit", "verify")
    assert done.returncode == 0
    assert done.stderr == "1 exports have a start and no end on record\n"


def test_half_an_anchor_is_an_error_of_usage(run: Run) -> None:
    done = run("audit", "verify", "--at", "3")
    assert done.returncode == 2
    assert "together" in done.stderr


def test_records_are_listed_newest_first_and_harmless_to_a_terminal(exported: Run) -> None:
    head, *lines = exported("audit", "list").stdout.splitlines()
    assert head.split()[:3] == ["record", "at", "(UTC)"]
    assert [line.split()[0] for line in lines] == ["3", "2", "1"]
    assert [line.split()[3] for line in lines] == ["failed", "completed", "started"]
    assert "VALIDATION_ERROR" in lines[0]
    assert TYPICAL.id in lines[1]
    assert "\x1b" not in lines[0]


def test_json_lines_have_every_member_and_filters_meet(exported: Run) -> None:
    printed = exported("audit", "list", "--json", "--customer", TYPICAL.id, "--event", "completed").stdout
    (record,) = [json.loads(line) for line in printed.splitlines()]
    assert record["format"] == "csv"
    assert record["principal"].startswith("local:")
    assert len(record["hash"]) == len(record["sha256"]) == 64
    by_id = exported("audit", "list", "--json", "--export", record["exportId"], "--format", "csv").stdout
    assert [json.loads(line)["sequence"] for line in by_id.splitlines()] == [2, 1]
    assert exported("audit", "list", "--json", "--to", "2020-01-01").stdout == ""
    assert len(exported("audit", "list", "--json", "--limit", "0").stdout.splitlines()) == 3
    assert len(exported("audit", "list", "--json", "--limit", "2").stdout.splitlines()) == 2


def test_a_wrong_filter_is_named(run: Run) -> None:
    done = run("audit", "list", "--from", "soon")
    assert done.returncode == 1
    assert "from: is not a moment; use 2026-01-31" in done.stderr


def test_the_chain_can_be_computed_without_the_program_as_the_audit_page_says(exported: Run, tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- tested: chain.py -->\n```python\n(.*?)```", page, re.DOTALL)
    assert block is not None
    (tmp_path / "chain.py").write_text(block[1], encoding="utf-8")
    listed = exported("audit", "list", "--json", "--limit", "0").stdout.encode("latin-1")
    done = subprocess.run([sys.executable, tmp_path / "chain.py"], input=listed, capture_output=True, check=True)
    _, head = head_of(exported("audit", "verify").stdout)
    assert done.stdout.decode().strip() == head
