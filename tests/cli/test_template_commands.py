"""`customer-export template`: the same templates as over the API, on this machine's rights."""

import json
from pathlib import Path

from customer_export.demo.customers import TYPICAL
from program import Run

DESK = """
description = "What the desk reads"

[[sections]]
name = "orders"
label = "Bestellungen"
columns = ["number", { name = "status", label = "Stand" }]
"""


def test_a_template_from_a_file_to_an_export(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text(DESK, encoding="utf-8")
    checked = run("template", "check", file)
    assert (checked.returncode, "fits the customer map" in checked.stderr) == (0, True)
    preview = run("template", "preview", file, TYPICAL.id, "--format", "csv", "-o", tmp_path / "p.csv")
    assert preview.returncode == 0, preview.stderr
    assert (tmp_path / "p.csv").read_text(encoding="utf-8").startswith("number,status")
    assert run("template", "show", "desk").returncode == 1  # nothing was kept so far
    assert run("template", "save", "desk", file).stdout.strip() == "desk@1"
    assert "What the desk reads" in run("template", "list").stdout
    shown = json.loads(run("template", "show", "desk@1").stdout)
    (tmp_path / "desk.json").write_text(json.dumps(shown["template"]), encoding="utf-8")
    assert run("template", "save", "desk", tmp_path / "desk.json").stdout.strip() == "desk@1"
    exported = run("export", TYPICAL.id, "--format", "csv", "--template", "desk", "-o", tmp_path / "e.csv")
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / "e.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()
    assert run("template", "remove", "desk").returncode == 0
    gone = run("template", "show", "desk")
    assert (gone.returncode, "TEMPLATE_NOT_FOUND" in gone.stderr) == (1, True)


def test_a_file_that_is_none_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text("sections = ", encoding="utf-8")
    (tmp_path / "wrong.json").write_text("{", encoding="utf-8")
    for name, words in (("wrong.toml", "is no TOML"), ("wrong.json", "is no JSON"), ("none.toml", "cannot be read")):
        refused = run("template", "check", tmp_path / name)
        assert (refused.returncode, words in refused.stderr) == (1, True)
