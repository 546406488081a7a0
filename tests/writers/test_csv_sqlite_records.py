"""Records that SQLite writes equal, byte for byte, those that the CSV writer makes of the same rows."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sections import PlainStream, document

from customer_export.demo.hostile import SHORT_CELLS
from customer_export.model.columns import ColumnType
from customer_export.model.document import CsvLayout, SectionStream
from customer_export.model.request import CsvOptions, CsvProfile
from customer_export.source.interface import Source
from customer_export.source.sqlite_csv import MOST_FIELDS
from customer_export.source.sqlite_snapshot import SMALL_ROWS
from customer_export.writers.csv import DELIMITERS, CsvWriter
from customer_maps import column, make_map
from customer_maps import section as map_section
from databases import CUSTOMERS, SqliteDatabase, opened, streaming

Stored = str | int | float | bytes | None

MARKS = "=+-@\t\r\n\" ,;|'\\.0123456789eEINafinty:TZ\0\x1c"
TEXTS = (
    st.sampled_from([text for text in SHORT_CELLS if "\x1f" not in text])
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1d\x1e\x1f"), max_size=20)
    | st.text(MARKS, max_size=8)
    | st.sampled_from(["", " ", '""', "-1", "+1.5", "-.5", "-Infinity", "<", "<a", "A", "\U0010ffff", "\U0010ffffa"])
)
LATIN_1 = st.binary(min_size=1, max_size=6)
CENTS = st.builds(lambda i, scale: i / 10**scale, st.integers(-(10**15), 10**15), st.integers(0, 7))
BIG = st.integers(10**10, 10**18).map(lambda i: i / 100) | st.integers(-(2**63), 2**63 - 1)
REALS = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1e22, 0.1 + 0.2, 1.005, 92233720368547758.07])
NUMBERS = CENTS | REALS | BIG | st.integers(-3, 200)
CLOCKS = st.datetimes().map(lambda moment: moment.isoformat(sep=" ", timespec="seconds"))
MOMENTS = (
    st.builds(
        lambda moment, sep, unit, zone: moment.isoformat(sep=sep, timespec=unit) + zone,
        st.datetimes(),
        st.sampled_from(["T", " "]),
        st.sampled_from(["seconds", "milliseconds", "microseconds", "minutes"]),
        st.sampled_from(["", "Z", "+00:00", "-05:00", "+00:00\0"]),
    )
    | CLOCKS
    | st.sampled_from(
        [
            "0000-01-01 00:00:00", "0000-01-01T00:00:00+00:00", "2024-02-30 10:00:00", "2024-02-30T10:00:00+00:00",
            "2024-01-01 24:00:00", "2024-01-01 23:59:60", "2024-13-01T00:00:00+00:00", "2024-W01-1T00:00:00+00:00",
            "aaaa-bb-ccTdd:ee:ff+00:00", "2024-01-01T00:00:00.120000+00:00", "2460000.5", "2024-01-01",
            "٢٠٢٤-01-01T00:00:00+00:00", "2024-01-01 00:00:00\0",
        ]
    )
)  # fmt: skip
BOOLEANS = st.sampled_from([0, 1, 0.0, 1.0, 2, "0", "1", "TRUE", "false", "yes"])
WITH_MARKS = st.text('a,"\x1d\x1e\x1f', max_size=4)
VALUES: st.SearchStrategy[Stored] = st.none() | TEXTS | NUMBERS | MOMENTS | BOOLEANS | st.binary(max_size=6)
LIKELY: dict[ColumnType, st.SearchStrategy[Stored]] = {
    ColumnType.DECIMAL: NUMBERS,
    ColumnType.MONEY: NUMBERS,
    ColumnType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    ColumnType.BOOLEAN: BOOLEANS,
    ColumnType.TIMESTAMP: MOMENTS,
}
DECLARED = (
    "", "TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "INTEGER", "BOOLEAN", "REAL", "NUMERIC", "uuid", "BLOB",
    "NUMERIC(12,2)", "DECIMAL(12,3)", "NUMERIC(18,6)", "NUMERIC(20,8)", "DATE", "DATETIME", "VARCHAR(20)",
)  # fmt: skip
"""Types of every affinity, and of a collation that takes different texts for equal."""


@dataclass(frozen=True)
class Table:
    """A section's columns as (name, type in the map, type in SQLite), and its rows."""

    name: str
    columns: tuple[tuple[str, ColumnType, str], ...]
    rows: tuple[tuple[Stored, ...], ...]

    def section(self) -> dict[str, object]:
        columns = [
            column(name, kind, **({"currency_code": "EUR"} if kind is ColumnType.MONEY else {}))
            for name, kind, _ in self.columns
        ]
        return map_section(self.name, columns)

    def store(self, connection: sqlite3.Connection) -> None:
        columns = ", ".join(f"{name} {declared}" for name, _, declared in self.columns)
        places = ", ".join("?" * len(self.columns))
        copies = SMALL_ROWS // len(self.rows) + 1
        connection.execute(f"DROP TABLE IF EXISTS {self.name}")
        connection.execute(
            f"CREATE TABLE {self.name} (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, {columns})"
        )
        connection.executemany(f"INSERT INTO {self.name} VALUES (NULL, 1, {places})", self.rows * copies)


@st.composite
def tables(draw: st.DrawFn) -> Sequence[Table]:
    drawn = []
    for number in range(draw(st.integers(1, 2))):
        kinds = draw(
            st.lists(st.tuples(st.sampled_from(ColumnType), st.sampled_from(DECLARED)), min_size=1, max_size=6)
        )
        columns = tuple((f"c{place}", kind, declared) for place, (kind, declared) in enumerate(kinds))
        mixed = draw(st.booleans())
        cells = [VALUES if mixed else st.none() | LIKELY.get(kind, TEXTS) for kind, _ in kinds]
        if not draw(st.integers(0, 3)):
            cells = [one_of | WITH_MARKS for one_of in cells]
        row = st.tuples(*cells)
        drawn.append(Table(f"s{number}", columns, tuple(draw(st.lists(row, min_size=1, max_size=6)))))
    return drawn


def one(kind: ColumnType, declared: str, *values: Stored) -> list[Table]:
    """Make a table of one column and a neighbour."""
    return [
        Table("s0", (("c0", kind, declared), ("c1", ColumnType.TEXT, "TEXT")), tuple((each, "a") for each in values))
    ]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabase:
    database = SqliteDatabase(Path(tmp_path_factory.mktemp("records")) / "records.db")
    database.execute(CUSTOMERS)
    return database


def both_ways(source: Source, options: CsvOptions, time_zone: str = "UTC") -> tuple[bytes, bytes]:
    """Write the CSV by the database's records and by the writer's."""
    with streaming(source, time_zone=time_zone) as (_, streams):
        fast = b"".join(CsvWriter().write(document(options), streams))
    with streaming(source, time_zone=time_zone) as (_, streams):
        plain = b"".join(CsvWriter().write(document(options), [PlainStream(stream) for stream in streams]))
    return fast, plain


OPTIONS = st.builds(
    CsvOptions, delimiter=st.sampled_from(list(DELIMITERS.values())), profile=st.sampled_from(CsvProfile)
)


@settings(max_examples=150)
@given(
    drawn=tables(),
    options=OPTIONS,
    time_zone=st.sampled_from(["UTC", "UTC", "Europe/Berlin", "America/St_Johns"]),
    naive_zone=st.sampled_from(["UTC", "America/New_York"]),
)
@example(
    one(ColumnType.TEXT, "uuid", "+1", "=a", "0", "0a", b"0", b"A", 5, -5, 1.5, "a\0,b"), CsvOptions(), "UTC", "UTC"
)
@example(one(ColumnType.MONEY, "TEXT", "0.5", "1.5", "19.99", -0.0, "-2.50"), CsvOptions(), "UTC", "UTC")
@example(one(ColumnType.MONEY, "NUMERIC(12,2)", 4.9, -4.9, 0.0, 1.005, 1e15 + 0.5, 7, -7), CsvOptions(), "UTC", "UTC")
def test_the_fast_path_equals_the_plain_path(
    database: SqliteDatabase, drawn: Sequence[Table], options: CsvOptions, time_zone: str, naive_zone: str
) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table in drawn:
            table.store(connection)
        connection.execute("COMMIT")
    with opened(database.url, make_map(*(table.section() for table in drawn), time_zone=naive_zone)) as source:
        fast, plain = both_ways(source, options, time_zone)
    assert fast == plain
