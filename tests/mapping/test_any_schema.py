"""Whatever a schema looks like: the draft is a map that fits, covers all that reaches the customer, and counts."""

import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drafts import drafted

WORDS = [
    "order",
    "item",
    "user",
    "created by",
    "parent",
    "price",
    "total",
    "currency",
    "email",
    "password",
    "note",
    "id",
]
NAMES = st.one_of(
    st.builds("_".join, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)),
    st.text(alphabet="aB_. é名\"'`[%:", min_size=1, max_size=6).filter(lambda name: name.strip()),
)
TYPES = st.sampled_from(["INTEGER", "TEXT", "NUMERIC(9,2)", "DATETIME", "BLOB", "", "BOOLEAN", "VARCHAR(9)", "DATE"])
VALUES = st.sampled_from(
    [None, 0, 1, 1700000000, 1.5, "", "x", "a@b.cd", "EUR", "2024-01-01", "4111111111111111", b"z"]
)


def quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


@st.composite
def schemas(draw: st.DrawFn) -> str:
    """Draw tables around `customers`, each with columns of any name and type, and keys to any of the others."""
    folded: set[str] = {"customers"}
    names = ["customers", *draw(st.lists(NAMES, max_size=5, unique_by=str.casefold))]
    names = [
        name for name in names if name == "customers" or not (name.casefold() in folded or folded.add(name.casefold()))
    ]
    statements = []
    for name in names:
        columns = draw(st.lists(NAMES, max_size=5, unique_by=str.casefold))
        columns = [one for one in columns if one.casefold() != "id"]
        keyed = name == "customers" or draw(st.booleans())
        described = ['"id" INTEGER PRIMARY KEY' if keyed else '"id" INTEGER']
        for column in columns:
            target = draw(st.sampled_from([None, *names]))
            null = draw(st.sampled_from(["", " NOT NULL DEFAULT 1"]))
            kind = "INTEGER" if target else draw(TYPES)
            described.append(
                f"{quoted(column)} {kind}{null}" + (f" REFERENCES {quoted(target)} (id)" if target else "")
            )
        statements.append(f"CREATE TABLE {quoted(name)} ({', '.join(described)})")
        for row in (1, 2):
            values = [draw(VALUES) for _ in columns]
            texts = ", ".join([str(row), *("1" if value is None else literal(value) for value in values)])
            statements.append(f"INSERT INTO {quoted(name)} VALUES ({texts})")
    return ";\n".join(statements)


def literal(value: object) -> str:
    match value:
        case str():
            return f"'{value}'"
        case bytes():
            return f"X'{value.hex()}'"
        case _:
            return str(value)


@given(schemas(), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_schema_gives_a_map_that_fits_and_is_whole(tmp_path: Path, schema: str, by_email: bool) -> None:
    path = tmp_path / "any.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)
    draft = drafted(f"sqlite:///{path}", "customers", by_email=by_email)
    assert draft.rows("1")["customers"] >= 1
    assert draft.coverage.whole
