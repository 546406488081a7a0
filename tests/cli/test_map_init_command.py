"""`customer-export map init` as its users run it: what it writes, what it prints, and how it fails."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from customer_export.source.map_file import load_map
from databases import PostgresqlDatabase, SqliteDatabase
from program import PROGRAM, Run
from servers import PostgresqlServer

SHOP = """
CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), email VARCHAR(60), password VARCHAR(60));
CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id));
CREATE TABLE visitors (name VARCHAR(9));
INSERT INTO users VALUES (7, 'Ada', 'ada@example.com', 'x'), (8, 'Bob', 'bob@example.com', 'y');
INSERT INTO orders VALUES (10, 8), (11, 8);
"""


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    database = SqliteDatabase(tmp_path_factory.mktemp("shop") / "shop.db")
    database.execute(SHOP)
    return database.url


def next_command(output: str) -> list[str]:
    found = re.search(r"customer-export (export .*)", output)
    assert found is not None
    return found[1].split()


def test_the_command_that_it_ends_with_exports_a_customer_who_has_rows(run: Run, tmp_path: Path, shop: str) -> None:
    done = run("map", "init", shop, "--customer", "users")
    assert (done.returncode, done.stderr) == (0, "")
    command = next_command(done.stdout)
    assert command[:2] == ["export", "8"]
    exported = run(*command, SOURCE_URL=shop, SOURCE_MAP="map.toml")
    assert "3 rows" in exported.stderr
    assert [path.read_bytes()[:5] for path in tmp_path.glob("*.pdf")] == [b"%PDF-"]


def test_the_map_is_found_whole_by_the_check(run: Run, shop: str) -> None:
    assert run("map", "init", shop, "--customer", "users").returncode == 0
    checked = run("map", "check", "--strict", SOURCE_URL=shop, SOURCE_MAP="map.toml")
    assert (checked.returncode, checked.stdout.strip().splitlines()[-1]) == (0, "whole"), checked.stdout


def test_the_map_may_go_to_standard_output_alone(run: Run, tmp_path: Path, shop: str) -> None:
    done = run("map", "init", shop, "--customer", "users", "-o", "-")
    (tmp_path / "piped.toml").write_text(done.stdout, encoding="latin-1")
    assert load_map(tmp_path / "piped.toml").customer.key == "id"
    assert "profile" in done.stderr


def test_a_file_is_never_written_over_unless_that_is_said(run: Run, tmp_path: Path, shop: str) -> None:
    (tmp_path / "map.toml").write_text("mine", encoding="utf-8")
    refused = run("map", "init", shop, "--customer", "users")
    assert refused.returncode == 1
    assert "map.toml is there already; choose another --output, or write over it with --force" in refused.stderr
    assert (tmp_path / "map.toml").read_text(encoding="utf-8") == "mine"
    assert run("map", "init", shop, "--customer", "users", "--force").returncode == 0
    assert load_map(tmp_path / "map.toml").sections


def test_without_a_table_it_lists_likely_ones_and_what_to_type(run: Run, shop: str) -> None:
    done = run("map", "init", shop)
    assert (done.returncode, done.stdout) == (1, "")
    assert "  users  an e-mail address, a name, a table that leads to it" in done.stderr
    assert f"customer-export map init {shop} --customer TABLE [CUSTOMER_TABLE_UNKNOWN]" in done.stderr


def test_on_a_terminal_it_asks(tmp_path: Path, shop: str) -> None:
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb"}
    with subprocess.Popen(
        [PROGRAM, "map", "init", shop], cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, b"\n")  # the likeliest
        shown = b""
        while piece := _read(ours):
            shown += piece
    os.close(ours)
    assert process.returncode == 0, shown
    assert b"Its name [users]" in shown
    assert load_map(tmp_path / "map.toml").sections


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--customer", "user"], "There is no table 'user' in the database; likely ones are users"),
        (["--customer", "visitors"], "'visitors' has no key of one column"),
        (["--customer", "users", "--key", "nick"], "has no column 'nick'; it has id, name"),
    ],
)
def test_a_table_that_cannot_be_the_customers_is_told(run: Run, shop: str, arguments: list[str], told: str) -> None:
    done = run("map", "init", shop, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "[CUSTOMER_TABLE_UNKNOWN]" in done.stderr


def test_a_database_without_tables_or_candidates_is_told(run: Run, tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "empty.db")
    database.execute("")
    assert "has no tables that this role may see" in run("map", "init", database.url).stderr
    database.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
    assert "No table looks like one of customers; say which it is" in run("map", "init", database.url).stderr


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://reader:hush@127.0.0.1:9/shop", "SOURCE_UNAVAILABLE"),
        ("mysql://reader:hush@127.0.0.1:9/shop", "SOURCE_UNAVAILABLE"),
        ("sqlite:///missing.db", "SOURCE_UNAVAILABLE"),
        ("oracle://reader:hush@host/shop", "CONFIGURATION_ERROR"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_without_its_password(run: Run, tmp_path: Path, url: str, code: str) -> None:
    done = run("map", "init", url, "--customer", "users")
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "map.toml").exists()


def test_a_password_is_neither_printed_nor_written(run: Run, tmp_path: Path, postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("init_secret", SHOP).replace("postgres@", "postgres:hush@")
    done = run("map", "init", url, "--customer", "users")
    assert done.returncode == 0, done.stderr
    assert "postgres:PASSWORD@" in done.stdout
    assert "hush" not in done.stdout + done.stderr + (tmp_path / "map.toml").read_text(encoding="utf-8")


def test_tables_that_the_role_may_not_read_are_left_out_and_told(
    run: Run, tmp_path: Path, postgresql: PostgresqlServer
) -> None:
    postgresql.create_database("init_rights", SHOP)
    postgresql.execute(
        "init_rights",
        "DROP ROLE IF EXISTS init_reader; CREATE ROLE init_reader LOGIN; GRANT SELECT ON users TO init_reader",
    )
    database = PostgresqlDatabase(postgresql, "init_rights")
    done = run("map", "init", database.url_of("init_reader"), "--customer", "users")
    assert done.returncode == 0, done.stderr
    assert "orders (this role may not read it; grant SELECT and run map init again)" in done.stdout
    assert [section.name for section in load_map(tmp_path / "map.toml").sections] == ["profile"]
