"""`customer-export map check`: nothing that reaches a customer stays outside of the map unseen."""

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from migrations import MAP, migrate

from customer_export.demo.shop import demo_map_path
from program import Run
from servers import PostgresqlServer

KINDS = """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60));
CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id));
CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60));
CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY, about_type VARCHAR(20), about_id INTEGER, text VARCHAR(60));
INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bob');
INSERT INTO orders VALUES (1, 1), (2, 2);
INSERT INTO products VALUES (1, 'Tea');
INSERT INTO notes VALUES (1, 'Order', 1, 'soon'), (2, 'Order', 2, 'now'), (3, 'Product', 1, 'hot')
"""

Migrate = Callable[[str], None]


@pytest.fixture(params=["sqlite", "postgresql"])
def shop_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.create_database("migrated")


@pytest.fixture
def map_path(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAP, encoding="utf-8")
    return path


def alembic_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


def test_the_demo_shops_own_map_is_whole(run: Run) -> None:
    done = run("map", "check", "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "whole"


def test_a_migration_that_adds_a_customer_table_fails_until_the_map_has_it(
    run: Run, tmp_path: Path, shop_url: str, map_path: Path
) -> None:
    """A build runs the migrations on an empty database and then the check."""
    environment = {"SOURCE_URL": shop_url, "SOURCE_MAP": str(map_path)}
    migrate(tmp_path, alembic_url(shop_url), "1")
    before = run("map", "check", "--update", **environment)
    assert before.returncode == 0, before.stdout
    assert run("map", "check", **environment).returncode == 0

    migrate(tmp_path, alembic_url(shop_url), "2")
    after = run("map", "check", **environment)
    assert after.returncode == 1
    assert "loyalty_points (loyalty_points.customer_id -> customers)" in after.stdout
    assert "+ loyalty_points: new table" in after.stdout
    assert after.stdout.splitlines()[-1] == "not whole"

    left_out = '\n[[exclude]]\ntable = "loyalty_points"\nreason = "no personal data"\n'
    map_path.write_text(map_path.read_text(encoding="utf-8") + left_out, encoding="utf-8")
    decided = run("map", "check", **environment)
    assert decided.returncode == 1
    assert "Uncovered" not in decided.stdout
    assert run("map", "check", "--update", **environment).returncode == 0
    assert run("map", "check", **environment).returncode == 0


def test_a_dropped_column_and_a_changed_type_are_told_as_what_they_were_and_are(
    run: Run, tmp_path: Path, shop_url: str, map_path: Path
) -> None:
    environment = {"SOURCE_URL": shop_url, "SOURCE_MAP": str(map_path)}
    migrate(tmp_path, alembic_url(shop_url), "2")
    run("map", "check", "--update", **environment)
    migrate(tmp_path, alembic_url(shop_url), "3")
    done = run("map", "check", "--json", **environment)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    spelled = "numeric" if shop_url.startswith("postgresql") else "NUMERIC"
    blank = "" if shop_url.startswith("postgresql") else " "
    assert [(one["change"], one["column"], one["before"], one["after"]) for one in found["drift"]] == [
        ("dropped column", "note", "text" if spelled == "numeric" else "TEXT", None),
        ("changed type", "total", f"{spelled}(10,{blank}2)", f"{spelled}(14,{blank}2)"),
    ]
    (gone,) = found["gone"]
    assert gone == "exclude: the table 'orders' has no column 'note' any more; remove it from the exclusion"
    assert (found["whole"], found["mismatches"]) == (False, [])


def test_rows_of_a_kind_that_came_later_are_told_until_it_is_recorded(run: Run, tmp_path: Path, shop_url: str) -> None:
    engine = sa.create_engine(alembic_url(shop_url))
    with engine.begin() as connection:
        for statement in KINDS.split(";"):
            connection.execute(sa.text(statement))
    path = tmp_path / "kinds.toml"
    environment = {"SOURCE_URL": shop_url, "SOURCE_MAP": str(path)}
    assert run("map", "init", shop_url, "--customer", "customers", "-o", str(path)).returncode == 0
    assert 'kinds = { about_type = ["Order", "Product"] }' in path.read_text(encoding="utf-8")
    assert run("map", "check", **environment).returncode == 0
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes VALUES (4, 'Invoice', 1, 'late')"))
    engine.dispose()
    later = run("map", "check", **environment)
    assert later.returncode == 1
    assert "+ notes.about_type: new kind 'Invoice'; does it need a link of its own?" in later.stdout
    found = json.loads(run("map", "check", "--json", **environment).stdout)
    assert found["drift"] == [
        {"change": "new kind", "table": "notes", "column": "about_type", "before": None, "after": "Invoice"}
    ]
    assert run("map", "check", "--update", **environment).returncode == 0
    assert 'kinds = { about_type = ["Invoice", "Order", "Product"] }' in path.read_text(encoding="utf-8")
    assert run("map", "check", **environment).returncode == 0


def test_renewing_leaves_every_other_line_and_the_rights_of_the_file(run: Run, tmp_path: Path, map_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    migrate(tmp_path, url, "1")
    map_path.chmod(0o640)
    done = run("map", "check", "--update", SOURCE_URL=url, SOURCE_MAP=str(map_path))
    assert "map.toml: 2 tables are recorded as they are now" in done.stderr
    text = map_path.read_text(encoding="utf-8")
    assert text.startswith(MAP + "\n[[recorded]]\n")
    assert stat.S_IMODE(map_path.stat().st_mode) == 0o640
    assert {path.name for path in tmp_path.iterdir()} == {"map.toml", "migrations", "shop.db"}
    run("map", "check", "--update", SOURCE_URL=url, SOURCE_MAP=str(map_path))
    assert map_path.read_text(encoding="utf-8") == text


def test_the_demo_shops_own_map_is_not_renewed(run: Run) -> None:
    before = demo_map_path().read_bytes()
    done = run("map", "check", "--update")
    assert done.returncode == 1
    assert "SOURCE_MAP is unset" in done.stderr
    assert demo_map_path().read_bytes() == before


def test_warnings_count_only_where_they_are_asked_to(run: Run, tmp_path: Path, map_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    migrate(tmp_path, url, "1")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.executescript("DROP INDEX ix_orders_customer_id; CREATE TABLE leads (email TEXT);")
    environment = {"SOURCE_URL": url, "SOURCE_MAP": str(map_path)}
    done = run("map", "check", **environment)
    assert done.returncode == 0
    assert "CREATE INDEX orders_customer_id ON orders (customer_id);" in done.stdout
    assert "leads: its column email may be a customer's e-mail address" in done.stdout
    assert done.stdout.splitlines()[-1] == "whole, 2 warnings"
    assert run("map", "check", "--strict", **environment).returncode == 1


def test_a_map_that_does_not_fit_is_told_with_everything_else(run: Run, tmp_path: Path, map_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    migrate(tmp_path, url, "2")
    map_path.write_text(MAP.replace('name = "total"', 'name = "totl"'), encoding="utf-8")
    done = run("map", "check", SOURCE_URL=url, SOURCE_MAP=str(map_path))
    assert done.returncode == 1
    assert (
        "sections[orders].columns[totl]: the table 'orders' has no column 'totl'; did you mean 'total'?" in done.stdout
    )
    assert "loyalty_points" in done.stdout


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///nothing.db", ["There is no SQLite file nothing.db; set SOURCE_URL", "[SOURCE_UNAVAILABLE]"]),
        ("postgresql://nobody@127.0.0.1:1/shop", ["does not answer", "check SOURCE_URL", "[SOURCE_UNAVAILABLE]"]),
        ("shop.db", ["SOURCE_URL begins with 'shop.db'; use postgresql://", "[CONFIGURATION_ERROR]"]),
    ],
)
def test_a_database_that_is_not_there_is_told_with_what_to_change(run: Run, url: str, told: list[str]) -> None:
    done = run("map", "check", SOURCE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    for part in told:
        assert part in done.stderr


def test_a_map_of_another_database_is_told_with_what_this_one_has(run: Run, tmp_path: Path, map_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "blog.db")) as connection:
        connection.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT)")
    done = run("map", "check", SOURCE_URL="sqlite:///blog.db", SOURCE_MAP=str(map_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no table 'customers'; SOURCE_URL may name another database" in done.stderr
    assert "this one has posts" in done.stderr
    assert "[MAP_MISMATCH]" in done.stderr


def test_a_role_that_may_not_read_is_told_what_it_needs(
    run: Run, postgresql: PostgresqlServer, tmp_path: Path, map_path: Path
) -> None:
    url = postgresql.create_database("unreadable")
    migrate(tmp_path, alembic_url(url), "1")
    postgresql.execute("unreadable", "CREATE ROLE cannot_read LOGIN")
    done = run("map", "check", SOURCE_URL=postgresql.url("unreadable", user="cannot_read"), SOURCE_MAP=str(map_path))
    assert done.returncode == 1
    assert "permission denied for table customers" in done.stderr
    assert "customer-export map grants" in done.stderr
    assert "[SOURCE_FAILED]" in done.stderr
