"""The commands beside `export`: what they print where, and that their help teaches."""

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from customer_export import __version__
from customer_export.demo.customers import MOST_ORDERS, TYPICAL, WELL_KNOWN
from program import PROGRAM, Run

COMMANDS = (
    "demo",
    "serve",
    "export",
    "token create",
    "token list",
    "token revoke",
    "db upgrade",
    "openapi",
    "map check",
    "map grants",
    "map show",
)


def test_without_a_command_it_says_what_it_can_do(run: Run) -> None:
    done = run()
    shown = done.stdout + done.stderr
    for command in {command.split()[0] for command in COMMANDS}:
        assert re.search(rf"\b{command}\b", shown)
    assert "Traceback" not in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert f"customer-export {command}" in done.stdout
    assert len(done.stdout) > 300
    assert done.stderr == ""


def test_the_help_of_export_shows_an_example_that_works(run: Run, tmp_path: Path) -> None:
    shown = re.sub(r"\s+", " ", run("export", "--help").stdout)
    example = re.search(r"customer-export (export [0-9a-f-]{36} --format csv -o customer\.csv)", shown)
    assert example is not None
    assert run(*example[1].split()).returncode == 0
    assert (tmp_path / "customer.csv").is_file()


@pytest.mark.parametrize(
    "arguments", [("exprt",), ("export",), ("export", "x", "--fromat", "csv"), ("export", "x", "--format", "doc"),
                  ("token", "create"), ("serve", "--port", "http"), ("serve", "--port", "65536"),
                  ("demo", "--port", "0")], ids=" ".join,
)  # fmt: skip
def test_a_mistyped_command_line_is_an_error_of_usage(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_is_printed_alone_listed_without_its_secret_and_revoked(run: Run, tmp_path: Path) -> None:
    created = run("token", "create", "Jane Doe")
    assert created.returncode == 0
    assert re.fullmatch(r"cex_[A-Za-z0-9_-]{43}\n", created.stdout)
    secret = created.stdout.strip()
    with closing(sqlite3.connect(tmp_path / "own.db")) as connection:
        assert secret not in "\n".join(connection.iterdump())
    endless = run(
        "token", "create", "robot", "--expires-in-days", "0", "--scope", "customers:export", "--scope", "audit:read"
    )
    assert endless.returncode == 0
    listed = run("token", "list").stdout
    assert secret not in listed
    assert re.search(r"Jane Doe.*customers:export.*valid", listed)
    assert re.search(r"robot.*customers:export audit:read.*never.*valid", listed)
    assert run("token", "revoke", "Jane Doe").returncode == 0
    assert re.search(r"Jane Doe.*revoked", run("token", "list").stdout)
    again = run("token", "revoke", "Jane Doe")
    assert again.returncode == 1
    assert "no valid token named 'Jane Doe'" in again.stderr


@pytest.mark.parametrize("name", ["", " ", "a\nb"])
def test_a_token_needs_a_name_that_people_can_read(run: Run, name: str) -> None:
    done = run("token", "create", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert "printable characters" in done.stderr


def test_the_demo_makes_the_shop_and_prints_lines_that_work(tmp_path: Path, run: Run) -> None:
    done = run("demo", "--no-serve", "--folder", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    token = re.search(r"export TOKEN=(cex_[A-Za-z0-9_-]+)", done.stdout)
    assert token is not None
    for file_format in ("json", "csv", "ndjson"):
        assert f"/api/admin/customers/{TYPICAL.id}/export?format={file_format}'" in done.stdout
    for customer in WELL_KNOWN:
        assert customer.id in done.stdout
    job = re.search(r"/api/admin/exports \\\n    -d '(.*)'", done.stdout)
    assert job is not None
    scopes = run("token", "list", DATABASE_URL=f"sqlite:///{tmp_path / 'data' / 'customer-export.db'}").stdout
    assert "customers:bulk" in scopes
    assert json.loads(job[1]) == {"customers": "all", "format": "json", "layout": "files"}
    own = {"SOURCE_URL": f"sqlite:///{tmp_path / 'data' / 'demo-shop.db'}"}
    assert run("export", TYPICAL.id, "-o", "-", **own).returncode == 0
    whale = run("export", MOST_ORDERS.id, "--format", "csv", "--sections", "orders", "-o", "whale.csv", **own)
    assert f"{MOST_ORDERS.orders:,} rows" in whale.stderr
    again = run("demo", "--no-serve", "--folder", tmp_path / "data")
    assert again.returncode == 0
    assert token[1] not in again.stdout


def test_the_programs_openapi_document_is_json_of_this_version(run: Run) -> None:
    document = json.loads(run("openapi").stdout)
    assert document["info"]["version"] == __version__
    assert "/api/admin/customers/{id}/export" in document["paths"]


def test_a_closed_pipe_is_no_reason_for_a_traceback(demo_shop: Path, tmp_path: Path) -> None:
    settings = f"SOURCE_URL=sqlite:///{demo_shop} DATABASE_URL=sqlite:///{tmp_path / 'own.db'}"
    line = f"{settings} {PROGRAM} export {MOST_ORDERS.id} -o - | head -c 10"
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert len(done.stdout) == 10
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
