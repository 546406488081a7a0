"""Wrong settings: one line that names the variable and the remedy, exit code 1, and never a traceback."""

import socket
import subprocess
from pathlib import Path

import pytest

from customer_export.demo.customers import TYPICAL
from program import Run
from servers import PostgresqlServer


def assert_refused(done: "subprocess.CompletedProcess[str]", *said: str) -> None:
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "customer-export: " in done.stderr
    for words in said:
        assert words in done.stderr


WRONG: list[tuple[dict[str, str], tuple[str, ...]]] = [
    ({"EXPORT_MAX_SIZE_CVS": "1"}, ("EXPORT_MAX_SIZE_CVS is no setting", "did you mean EXPORT_MAX_SIZE_CSV?")),
    ({"EXPORT_QQQQQQQQQQQQQQQQ": "1"}, ("EXPORT_QQQQQQQQQQQQQQQQ is no setting", "docs/settings.md")),
    ({"EXPORT_MAX_SIZE_CSV": "ten"}, ("EXPORT_MAX_SIZE_CSV is 'ten'", "valid integer")),
    ({"EXPORT_MAX_SIZE_JSON": "0"}, ("EXPORT_MAX_SIZE_JSON is '0'", "greater than 0")),
    ({"EXPORT_TIMEOUT_MS": "-5"}, ("EXPORT_TIMEOUT_MS is '-5'",)),
    ({"EXPORT_TIMEOUT_MS": "x", "EXPORT_STREAM_THRESHOLD": "-1", "EXPORT_FOO_BAR": "1"},
     ("EXPORT_TIMEOUT_MS", "EXPORT_STREAM_THRESHOLD", "EXPORT_FOO_BAR")),
    ({"SOURCE_URL": "oracle://host/db"}, ("SOURCE_URL begins with 'oracle'", "postgresql://user@host/database")),
    ({"SOURCE_URL": "shop.db"}, ("SOURCE_URL", "sqlite:///relative.db")),
    ({"SOURCE_URL": "sqlite://"}, ("SOURCE_URL names no file",)),
    ({"SOURCE_URL": "sqlite:///missing.db"}, ("There is no SQLite file missing.db", "SOURCE_URL")),
    ({"SOURCE_URL": "postgresql://nobody@127.0.0.1:1/none"}, ("does not answer", "SOURCE_URL")),
    ({"SOURCE_URL": "postgresql://h:port/x"}, ("SOURCE_URL",)),
    ({"SOURCE_URL": "postgresql://[::1/x"}, ("SOURCE_URL",)),
    ({"SOURCE_MAP": "missing.toml"}, ("missing.toml", "No such file", "set SOURCE_MAP")),
    ({"SOURCE_MAP": "/"}, ("cannot be read", "SOURCE_MAP")),
    ({"SOURCE_MAP": "/dev/null"}, ("/dev/null: map is missing; add it", "/dev/null: customer is missing")),
    ({"DATABASE_URL": "nonsense"}, ("DATABASE_URL is no URL", "sqlite:///customer-export.db")),
    ({"DATABASE_URL": "mysql://host/db"}, ("DATABASE_URL begins with 'mysql'", "postgresql://")),
    ({"DATABASE_URL": "sqlite://"}, ("DATABASE_URL names no file",)),
    ({"DATABASE_URL": "sqlite:////proc/nowhere/own.db"}, ("DATABASE_URL",)),
    ({"DATABASE_URL": "sqlite:////dev/null/own.db"}, ("DATABASE_URL",)),
    ({"DATABASE_URL": "postgresql://h:port/x"}, ("DATABASE_URL",)),
    ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, ("DATABASE_URL does not answer",)),
]  # fmt: skip


@pytest.mark.parametrize(("environment", "said"), WRONG, ids=lambda value: str(value)[:70])
def test_a_wrong_setting_is_named_with_its_remedy(run: Run, environment: dict[str, str], said: tuple[str, ...]) -> None:
    assert_refused(run("export", TYPICAL.id, "-o", "out.json", **environment), *said)


@pytest.mark.parametrize(
    "environment",
    [
        {"EXPORT_MAX_SIZE_CVS": "1"},
        {"SOURCE_MAP": "missing.toml"},
        {"DATABASE_URL": "nonsense"},
        {"STORAGE_URL": "ftp://host/files"},
        {"WEBHOOK_ALLOWED_NETWORKS": "home"},
    ],
    ids=str,
)
def test_the_server_does_not_begin_to_listen_on_wrong_settings(run: Run, environment: dict[str, str]) -> None:
    assert_refused(run("serve", "--port", "0", **environment), next(iter(environment)))


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_an_address_that_somebody_has_is_refused_before_anything_is_begun(
    run: Run, tmp_path: Path, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert_refused(run(command, "--port", port), f"127.0.0.1, port {port}", "in use", "--port")
    assert_refused(run(command, "--host", "no such host"), "no such host, port 8000", "--host")
    assert list(tmp_path.iterdir()) == []


def test_a_map_that_does_not_fit_ends_the_start_of_the_server(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.db").touch()
    done = run("serve", "--port", "0", SOURCE_URL="sqlite:///other.db")
    assert_refused(done, "does not fit the database", "there is no table 'customers'", "[MAP_MISMATCH]")


def test_a_postgresql_of_our_own_without_its_schema_names_the_command_that_makes_it(
    run: Run, postgresql: PostgresqlServer
) -> None:
    url = postgresql.create_database("fresh")
    assert_refused(run("token", "create", "me", DATABASE_URL=url), "run: customer-export db upgrade")
    upgraded = run("db", "upgrade", DATABASE_URL=url)
    assert upgraded.returncode == 0, upgraded.stderr
    assert "none -> " in upgraded.stderr
    assert run("token", "create", "me", DATABASE_URL=url).returncode == 0
    assert run("db", "upgrade", DATABASE_URL=url).returncode == 0


def test_settings_are_read_from_a_file_and_the_environment_has_the_last_word(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("EXPORT_MAX_SIZE_JSON=100\n", encoding="utf-8")
    small = run("export", TYPICAL.id, "-o", "out.json")
    assert_refused(small, "Export data too large [EXPORT_SIZE_EXCEEDED]")
    assert run("export", TYPICAL.id, "-o", "out.json", EXPORT_MAX_SIZE_JSON="1000000").returncode == 0
    (tmp_path / ".env").write_text("EXPORT_MAX_SIZE_JSN=100\n", encoding="utf-8")
    assert_refused(run("export", TYPICAL.id, "-o", "out.json"), "did you mean EXPORT_MAX_SIZE_JSON?")
