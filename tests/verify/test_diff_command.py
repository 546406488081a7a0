"""`customer-export diff` as a person types it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from customer_export.cli.main import app
from customer_export.model.request import ExportFormat
from verify.proven import Made, make
from verify.test_verify import orders

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command with two files in a folder, the second with an edit of each kind."""
    rows = [list(row) for row in orders().data]
    rows[9][1] = "<b>\x1b[31m"
    del rows[20]
    rows.append(["51", None, "2024-01-31"])
    keep(tmp_path / "old.json", make(ExportFormat.JSON, [orders()]))
    keep(tmp_path / "new.csv", make(ExportFormat.CSV, [replace(orders(), data=rows)]))
    return lambda *arguments: CliRunner().invoke(
        app, ["diff", *(str(tmp_path / one) if "." in one else one for one in arguments)]
    )


def keep(path: Path, made: Made) -> None:
    path.write_bytes(made.data)
    path.with_name(f"{path.name}.manifest.json").write_bytes(orjson.dumps(made.manifest))


def test_what_differs_is_told_to_people(run: Run) -> None:
    done = run("old.json", "new.csv")
    assert done.exit_code == 1
    told = done.stdout.splitlines()
    assert "  ~ id 10" in told
    assert "      note: note 10 -> <b>\N{REPLACEMENT CHARACTER}[31m" in told
    assert "  - id 21" in told
    assert "  + id 51" in told
    assert "      note: NULL" not in told
    assert "  1 gone, 1 added, 1 changed; 50 rows before, 50 after" in told
    assert "\x1b" not in done.stdout


def test_what_differs_is_told_to_programs(run: Run) -> None:
    done = run("old.json", "new.csv", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["kind"] for line in lines] == [
        "files", "section", "changed", "gone", "added", "sectionEnd", "end"
    ]  # fmt: skip
    assert lines[2]["key"] == {"id": "10"}
    assert lines[2]["cells"] == {"note": {"old": "note 10", "new": "<b>\x1b[31m"}}
    assert (lines[4]["oldRow"], lines[4]["newRow"]) == (None, 50)
    assert lines[-1]["outcome"] == "different"


def test_the_page_shows_cells_as_text(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "changes.html"
    assert run("old.json", "new.csv", "--html", "changes.html").exit_code == 1
    text = page.read_text()
    assert "<del>note 10</del></td><td><ins>&lt;b&gt;" in text
    assert "<b>" not in text
    assert text.endswith("</html>\n")
    assert run("old.json", "new.csv", "--html", "changes.html", "--limit", "1").exit_code == 1
    assert "2 more rows are not shown" in page.read_text()


def test_exit_codes_tell_what_is_known(run: Run, tmp_path: Path) -> None:
    same = run("old.json", "old.json")
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (0, "no difference")
    missing = run("old.json", "missing.csv")
    assert missing.exit_code == 3
    assert "cannot be read" in missing.stderr
    file = tmp_path / "new.csv"
    file.write_bytes(file.read_bytes()[:-5])
    assert run("old.json", "new.csv").exit_code == 3
    other = make(ExportFormat.CSV, [orders()])
    keep(tmp_path / "a.pdf", Made(other.form, b"%PDF-1.7\n%%EOF\n", {**other.manifest, "format": "pdf"}))
    assert "only if it was made with attach=json" in run("a.pdf", "new.csv").stderr
    keep(tmp_path / "other.csv", Made(other.form, other.data, {**other.manifest, "customer": {"id": "2"}}))
    assert run("old.json", "other.csv").exit_code == 2
    assert run("old.json").exit_code == 2
