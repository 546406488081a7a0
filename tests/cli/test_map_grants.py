"""`customer-export map grants`: a role that can export in every format, and can read nothing else."""

import hashlib
import json
import subprocess
from pathlib import Path

import psycopg
import pymysql
import pytest

from customer_export.model.request import ExportFormat
from mariadb_server import MariadbServer
from program import Run
from servers import PostgresqlServer

SHOP = """
CREATE TABLE users (id INT NOT NULL PRIMARY KEY, name VARCHAR(40), email VARCHAR(90), password VARCHAR(40), score INT);
CREATE TABLE "Order" (
    id INT NOT NULL PRIMARY KEY, user_id INT, email VARCHAR(90), total DECIMAL(10, 2), "from" VARCHAR(9), margin INT
);
CREATE TABLE items (order_id INT NOT NULL, place INT NOT NULL, product_id INT, cost INT, PRIMARY KEY (order_id, place));
CREATE TABLE products (id INT NOT NULL PRIMARY KEY, title VARCHAR(40), supplier VARCHAR(40));
CREATE TABLE salaries (id INT NOT NULL PRIMARY KEY, amount INT);
INSERT INTO users VALUES (1, 'Ada', 'ada@example.com', 'secret', 7);
INSERT INTO "Order" VALUES (1, 1, 'x', 12.50, 'shop', 3), (2, NULL, 'ADA@example.com', 4.00, 'web', 1);
INSERT INTO items VALUES (1, 1, 1, 5), (2, 1, 1, 5);
INSERT INTO products VALUES (1, 'Chair', 'Bob');
"""
MAP = """
map = 1
name = "Least"
[customer]
table = "users"
key = "id"
key_type = "integer"
title = "name"
[[sections]]
name = "profile"
table = "users"
links = [[{ columns = "id" }]]
order = "id"
columns = [
  { name = "name", type = "text", personal_data = "identity" },
  { name = "password", type = "text", personal_data = "technical", hidden = true },
]
[[sections]]
name = "orders"
table = "Order"
links = [
  [{ columns = "user_id" }],
  [{ columns = "email", to = "email", ignore_case = true, only_if_null = "user_id" }],
]
order = "id"
columns = [
  { name = "total", type = "decimal", personal_data = "financial" },
  { name = "origin", source = "from", type = "text", personal_data = "none" },
]
[[sections]]
name = "items"
table = "items"
links = [
  [{ columns = "order_id", table = "Order", to = "id" }, { columns = "user_id" }],
  [
    { columns = "order_id", table = "Order", to = "id" },
    { columns = "email", to = "email", ignore_case = true, only_if_null = "user_id" },
  ],
]
order = ["order_id", "place"]
columns = [{ name = "product", source = "product.title", type = "text", personal_data = "none" }]
[[sections.lookups]]
name = "product"
columns = "product_id"
table = "products"
to = "id"
[[exclude]]
table = "users"
columns = "score"
reason = "internal"
"""
FORBIDDEN = [
    "SELECT password FROM users",
    "SELECT score FROM users",
    'SELECT margin FROM "Order"',
    "SELECT cost FROM items",
    "SELECT supplier FROM products",
    "SELECT amount FROM salaries",
    "SELECT count(*) FROM salaries",
    "SELECT * FROM users",
    "INSERT INTO salaries VALUES (1, 1)",
    "UPDATE users SET name = 'x'",
    "DELETE FROM items",
    "CREATE TABLE mine (id INT)",
    "DROP TABLE products",
]
ROLE = "ex porter"


@pytest.fixture
def map_path(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAP, encoding="utf-8")
    return path


def exported(run: Run, folder: Path, url: str, map_path: Path) -> dict[str, list[dict[str, object]]]:
    """Export in every format; give the sections of the JSON document."""
    for file_format in ExportFormat:
        output = f"out.{file_format}"
        done = run("export", "1", "--format", file_format, "-o", output, SOURCE_URL=url, SOURCE_MAP=str(map_path))
        assert done.returncode == 0, done.stderr
        assert hashlib.sha256((folder / output).read_bytes()).hexdigest() in done.stderr
    sections: dict[str, list[dict[str, object]]] = json.loads((folder / "out.json").read_bytes())["sections"]
    return sections


WHOLE = {
    "profile": [{"name": "Ada"}],
    "orders": [{"total": "12.50", "origin": "shop"}, {"total": "4.00", "origin": "web"}],
    "items": [{"product": "Chair"}, {"product": "Chair"}],
}


def test_the_printed_role_of_postgresql_exports_and_can_do_nothing_else(
    run: Run, postgresql: PostgresqlServer, tmp_path: Path, map_path: Path
) -> None:
    url = postgresql.create_database("least", SHOP)
    printed = run("map", "grants", "--role", ROLE, SOURCE_URL=url, SOURCE_MAP=str(map_path))
    assert printed.returncode == 0, printed.stderr
    assert 'GRANT SELECT (id, user_id, email, total, "from") ON public."Order" TO "ex porter";' in printed.stdout
    # twice, since a map grows: what is there already does no harm
    for _ in range(2):
        subprocess.run([postgresql.psql, url, "-q"], input=printed.stdout, text=True, check=True, capture_output=True)
    reader = postgresql.url("least", user=ROLE.replace(" ", "%20"))
    assert exported(run, tmp_path, reader, map_path) == WHOLE
    for statement in FORBIDDEN:
        with (
            psycopg.connect(reader, autocommit=True) as connection,
            pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)),
        ):
            connection.execute(statement)  # type: ignore[call-overload]  # a test's own text
    check = run("map", "check", "--json", SOURCE_URL=reader, SOURCE_MAP=str(map_path))
    uncovered = [one["name"] for table in json.loads(check.stdout)["tables"] for one in table["columns"]
                 if one["standing"] == "uncovered"]  # fmt: skip
    assert uncovered == ["margin", "cost"]


def test_what_a_smaller_map_does_not_need_is_taken_back(run: Run, postgresql: PostgresqlServer, map_path: Path) -> None:
    url = postgresql.create_database("less", SHOP)
    before = run("map", "grants", "--role", "shrinking", SOURCE_URL=url, SOURCE_MAP=str(map_path)).stdout
    lines = [line for line in MAP.splitlines() if "origin" not in line]
    map_path.write_text("\n".join(lines), encoding="utf-8")
    after = run("map", "grants", "--role", "shrinking", SOURCE_URL=url, SOURCE_MAP=str(map_path)).stdout
    for statements in (before, after):
        subprocess.run([postgresql.psql, url, "-q"], input=statements, text=True, check=True, capture_output=True)
    with (
        psycopg.connect(postgresql.url("less", user="shrinking")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute('SELECT "from" FROM "Order"')


def test_the_printed_role_of_mariadb_exports_and_can_do_nothing_else(
    run: Run, mariadb: MariadbServer, tmp_path: Path, map_path: Path
) -> None:
    url = mariadb.create_database("least", SHOP)
    printed = run("map", "grants", "--role", "exporter", SOURCE_URL=url, SOURCE_MAP=str(map_path))
    assert printed.returncode == 0, printed.stderr
    reader = mariadb.url("least", user="exporter")
    mariadb.execute("mysql", "SET sql_mode = ''; " + printed.stdout)
    with pytest.raises(pymysql.OperationalError, match="account is locked"):
        pymysql.connect(unix_socket=str(mariadb.socket), user="exporter", database="least")
    mariadb.execute("mysql", "SET sql_mode = ''; " + printed.stdout + "ALTER USER exporter@'%' ACCOUNT UNLOCK")
    assert exported(run, tmp_path, reader, map_path) == WHOLE
    with pymysql.connect(unix_socket=str(mariadb.socket), user="exporter", database="least") as connection:
        for statement in FORBIDDEN:
            with pytest.raises(pymysql.OperationalError, match="denied to user"), connection.cursor() as cursor:
                cursor.execute(statement)
    check = run("map", "check", "--json", SOURCE_URL=reader, SOURCE_MAP=str(map_path))
    assert json.loads(check.stdout)["seesAll"] is True
    mariadb.execute("mysql", "SET sql_mode = ''; REVOKE REFERENCES ON least.* FROM exporter@'%'")
    blind = run("map", "check", SOURCE_URL=reader, SOURCE_MAP=str(map_path))
    assert "the role needs to see every table, as the one of `customer-export map grants` does" in blind.stderr
    for table in ("users", "`Order`", "items", "products"):
        mariadb.execute("mysql", f"SET sql_mode = ''; GRANT SELECT ON least.{table} TO exporter@'%'")
    half_blind = run("map", "check", "--strict", SOURCE_URL=reader, SOURCE_MAP=str(map_path))
    assert "this role sees only tables that it has rights on" in half_blind.stdout
    assert half_blind.returncode == 1
    mariadb.execute("mysql", "DROP USER exporter@'%'")


def test_of_sqlite_the_rights_of_the_file_decide(run: Run) -> None:
    done = run("map", "grants")
    assert done.returncode == 0
    assert done.stdout.startswith("-- SQLite has no roles: the rights of its file decide.")


def test_a_role_that_would_break_the_statements_is_refused(run: Run) -> None:
    done = run("map", "grants", "--role", "x\n; DROP TABLE orders")
    assert done.returncode == 2
    assert "without control characters" in done.stderr
