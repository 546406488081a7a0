"""What stands in a masked cell's place: the same in each database, and of a plug-in's cell."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from customer_export.demo.hostile import SHORT_CELLS
from customer_export.model.columns import Cell, ColumnType, Mask
from customer_export.model.customer_map import CustomerMap
from customer_export.source.interface import Source
from customer_export.source.plugins.cells import masked
from customer_maps import make_map, section
from databases import CUSTOMERS, opened, read
from mariadb_server import MariadbServer
from servers import PostgresqlServer

KINDS = (ColumnType.TEXT, ColumnType.IDENTIFIER, ColumnType.EMAIL)
ADDRESSES = ["a@example.com", "ada@example.com", "ada@", "@example.com", "@", "a@b@c", "😀😀@例え.jp", "ad\na@x", "é@é"]
TEXTS = (
    st.none()
    | st.sampled_from([*SHORT_CELLS, *ADDRESSES, "", " ", "A", "AB", "=1", "'", "***", "O'Brien", "%", "100%"])
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
    | st.text("@a.", max_size=6)
)


def masked_map(mask: Mask) -> CustomerMap:
    customer_map = make_map(section("things", {kind.value: kind.value for kind in KINDS}))
    (things,) = customer_map.sections
    columns = tuple(replace(one, mask=mask) for one in things.columns)
    return replace(customer_map, sections=(replace(things, columns=columns),))


TABLE = """
CREATE TABLE things (
    id integer NOT NULL PRIMARY KEY, customer_id integer, text text, identifier text, email text
);
"""


@pytest.fixture(scope="module")
def sqlite_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("masked") / "source.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(CUSTOMERS + TABLE)
    return path


@pytest.fixture(scope="module")
def sources(
    postgresql: PostgresqlServer, mariadb: MariadbServer, sqlite_path: Path
) -> Iterator[dict[tuple[str, Mask], Source]]:
    """Sources that mask one way or the other, on each database."""
    urls = {
        "sqlite": f"sqlite:///{sqlite_path}",
        "postgresql": postgresql.create_database("masked", CUSTOMERS + TABLE),
        "mariadb": mariadb.create_database("masked", CUSTOMERS + TABLE),
    }
    kept = {(name, mask): opened(url, masked_map(mask)) for name, url in urls.items() for mask in Mask}
    try:
        yield {key: source.__enter__() for key, source in kept.items()}
    finally:
        for source in kept.values():
            source.__exit__(None, None, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1, max_size=130))
@example([*ADDRESSES, None, ""])
def test_all_databases_mask_a_cell_alike(
    sources: dict[tuple[str, Mask], Source],
    postgresql: PostgresqlServer,
    mariadb: MariadbServer,
    sqlite_path: Path,
    cells: Sequence[Cell],
) -> None:
    rows = [(number, cell, cell, cell) for number, cell in enumerate(cells)]
    with closing(sqlite3.connect(sqlite_path)) as connection:
        connection.execute("DELETE FROM things")
        connection.executemany("INSERT INTO things VALUES (?, 1, ?, ?, ?)", rows)
        connection.commit()
    with psycopg.connect(postgresql.url("masked")) as server:
        server.execute("DELETE FROM things")
        server.cursor().executemany("INSERT INTO things VALUES (%s, 1, %s, %s, %s)", rows)
    with mariadb.connect("masked") as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM things")
        cursor.executemany("INSERT INTO things VALUES (%s, 1, %s, %s, %s)", rows)
    for (name, mask), source in sources.items():
        expected = [tuple(masked(cell, mask, kind) for kind in KINDS) for cell in cells]
        assert read(source)["things"] == expected, (name, mask)


STRANGE = [
    ("12345", "1***"),
    ("-1.5", "-***"),
    ("7", "***"),
    ("x'616263'", "a***"),
    ("x'ff'", "***"),
    ("x'fffefd'", "\N{REPLACEMENT CHARACTER}***"),
    ("char(0) || 'secret'", "***"),
    ("'s' || char(0) || 'ecret@example.com'", "***"),
]


@pytest.mark.parametrize(("stored", "shown"), STRANGE)
def test_what_sqlite_may_hold_in_a_text_is_masked_too(tmp_path: Path, stored: str, shown: str) -> None:
    path = tmp_path / "strange.db"
    with closing(sqlite3.connect(path)) as connection:
        columns = ", ".join(kind.value for kind in KINDS)  # without types: nothing is converted
        connection.executescript(
            f"{CUSTOMERS} CREATE TABLE things (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, {columns});"
            f"INSERT INTO things VALUES (1, 1, {stored}, {stored}, {stored})"
        )
    with opened(f"sqlite:///{path}", masked_map(Mask.PARTIAL)) as source:
        (row,) = read(source)["things"]
    assert row[0] == row[1] == shown
    assert "ecret" not in str(row[2])


def test_postgresql_masks_whatever_type_it_stores(postgresql: PostgresqlServer) -> None:
    table = TABLE.replace("text text", "text char(6)").replace("identifier text", "identifier bigint")
    table = table.replace("email text", "email citext")
    url = postgresql.create_database(
        "masked_types",
        f"CREATE EXTENSION citext; {CUSTOMERS} {table}"
        "INSERT INTO things VALUES (1, 1, 'Ada', 12345, 'ADA@Example.com')",
    )
    with opened(url, masked_map(Mask.PARTIAL)) as source:
        assert read(source)["things"] == [("A***", "1***", "A***@Example.com")]


def test_mariadb_masks_whatever_type_it_stores(mariadb: MariadbServer) -> None:
    table = TABLE.replace("text text", "text char(6) character set latin1")
    table = table.replace("identifier text", "identifier double")
    table = table.replace("email text", "email varbinary(30)")
    url = mariadb.create_database(
        "masked_types",
        f"{CUSTOMERS} {table} INSERT INTO things VALUES (1, 1, 'Åda', 0.1, 'ADA@Example.com'), (2, 1, 'é', 7, X'FFFE')",
    )
    with opened(url, masked_map(Mask.PARTIAL)) as source:
        assert read(source)["things"] == [("Å***", "0***", "A***@Example.com"), ("***", "***", "?***")]
