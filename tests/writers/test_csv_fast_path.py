"""Records that PostgreSQL's COPY writes equal, byte for byte, those that the CSV writer makes of the same rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from sections import PlainStream, document

from customer_export.demo.hostile import SHORT_CELLS
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvOptions, CsvProfile
from customer_export.source.postgresql.snapshot import SMALL_ROWS
from customer_export.writers.csv import DELIMITERS, CsvWriter
from customer_maps import column, make_map
from customer_maps import section as map_section
from databases import CUSTOMERS, opened, streaming
from servers import PostgresqlServer

DATABASE = "fast_path"
MARKS = "=+-@\t\r\n\" ,;|'\\.0123456789eEINafinty"
TEXTS = (
    st.sampled_from(SHORT_CELLS)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    | st.text(MARKS, max_size=8)
    | st.sampled_from(
        ["", " ", "\\.", "\\N", "NULL", "-1", "+1.5", "-1.", "-.5", "-1e5", "-Infinity", "+infinity", "-NaN"]
    )
)
INTEGERS = st.integers(-(2**31), 2**31 - 1).map(str)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**8), max_value=10**8).map(str)
WIDE = DECIMALS | st.decimals(allow_infinity=False, allow_nan=False).filter(lambda d: abs(d.adjusted()) < 60).map(str)
NUMBERS = WIDE | st.sampled_from(["NaN", "Infinity", "-Infinity", "-0.00"])
FLOATS = st.floats().map(repr)
DATES = st.dates().map(str) | st.sampled_from(["infinity", "-infinity", "0044-03-15 BC", "12024-01-01"])
MOMENTS = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | DATES
JSON = st.sampled_from(['{"a": "=1+1"}', "-1", "-1e5", '"-x"', "[1,\t2]", "null", '{"é": 1.10}'])

STAMPED = st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**12), 10**12)
ARRAYS = st.lists(TEXTS, max_size=3).map(
    lambda texts: "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts) + "}"
)
POINTS = st.tuples(st.integers(-9, 9), st.floats()).map(lambda pair: f"({pair[0]},{pair[1]!r})")

CELLS: dict[tuple[str, str], st.SearchStrategy[str]] = {
    **{(kind, stored): TEXTS for kind in ("text", "identifier", "email", "url") for stored in ("text", "varchar")},
    **{
        (kind, "text"): TEXTS
        for kind in ("integer", "decimal", "money", "boolean", "date", "timestamp", "uuid", "json")
    },
    ("text", "char(12)"): TEXTS.map(lambda text: text[:12]),
    ("identifier", "bigint"): INTEGERS,
    ("text", "integer[]"): st.lists(INTEGERS, max_size=3).map(lambda all_of: "{" + ",".join(all_of) + "}"),
    ("text", "interval"): INTEGERS.map(lambda number: f"{int(number) % 100_000 - 50_000} minutes"),
    ("text", "double precision"): FLOATS,
    ("integer", "bigint"): INTEGERS,
    ("integer", "numeric"): INTEGERS,
    ("decimal", "numeric"): NUMBERS,
    ("decimal", "numeric(12,2)"): DECIMALS,
    ("decimal", "double precision"): FLOATS,
    ("decimal", "real"): st.floats(width=32).map(repr),
    ("money", "numeric(12,3)"): DECIMALS,
    ("money", "money"): DECIMALS,
    ("boolean", "boolean"): st.sampled_from(["true", "false"]),
    ("boolean", "integer"): st.sampled_from(["0", "1", "-1"]),
    ("date", "date"): DATES,
    ("date", "timestamptz"): MOMENTS,
    ("timestamp", "timestamptz"): MOMENTS,
    ("timestamp", "timestamp"): MOMENTS,
    ("timestamp", "date"): DATES,
    ("uuid", "uuid"): st.uuids().map(str),
    ("json", "json"): JSON,
    ("json", "jsonb"): JSON,
    ("binary", "bytea"): st.binary(max_size=8).map(lambda content: "\\x" + content.hex()),
    ("binary", "text"): TEXTS,
    ("text", "bpchar"): TEXTS,
    ("text", "text[]"): ARRAYS,
    ("identifier", "name"): TEXTS.map(lambda text: text[:12]),
    ("text", "interval year to month"): INTEGERS.map(lambda number: f"{int(number) % 1000 - 500} mons"),
    ("text", "timestamptz[]"): MOMENTS.map(lambda moment: f'{{"{moment}",NULL}}'),
    ("text", "money"): DECIMALS,
    ("text", "jsonb"): JSON,
    ("text", "point"): POINTS,
    ("text", "inet"): st.ip_addresses().map(str),
    ("text", "boolean"): st.sampled_from(["true", "false"]),
    ("text", "numeric"): NUMBERS,
    ("text", "time"): st.times().map(lambda time: time.isoformat()),
    ("integer", "numeric(12,-2)"): INTEGERS.map(lambda number: number[:8]),
    ("decimal", "numeric(3,6)"): st.integers(-999, 999).map(lambda number: f"{number}e-6"),
    ("integer", "oid"): st.integers(0, 2**32 - 1).map(str),
    ("text", "bit varying"): st.text("01", max_size=9),
    ("text", "int4range"): st.integers(0, 9).map(lambda number: f"[{number},10)"),
    ("timestamp epoch_seconds", "bigint"): STAMPED.map(str),
    ("timestamp epoch_milliseconds", "bigint"): STAMPED.map(str),
    ("timestamp epoch_seconds", "double precision"): FLOATS,
    ("timestamp julian_day", "numeric"): NUMBERS,
    ("date epoch_seconds", "numeric"): NUMBERS,
}
"""What may be in a column of a declared type, and `stored_as` if so, for each type that PostgreSQL may store it as."""


@dataclass(frozen=True)
class Table:
    """A section's columns as (name, declared type, stored type), and its rows as text or NULL."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[str | None, ...], ...]

    def section(self) -> dict[str, object]:
        return map_section(self.name, [self.column(name, kind, currency_code="EUR") for name, kind, _ in self.columns])

    @staticmethod
    def column(name: str, kind: str, **currency: object) -> dict[str, object]:
        kind, _, stored_as = kind.partition(" ")
        return column(
            name, kind, **({"stored_as": stored_as} if stored_as else {}), **(currency if kind == "money" else {})
        )

    def store(self, connection: psycopg.Connection[tuple[object, ...]], *, copies: int) -> None:
        connection.execute(
            sql.SQL(
                "DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (id serial PRIMARY KEY, customer_id int, {columns})"
            ).format(
                table=sql.Identifier(self.name),
                columns=sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(stored)) for name, _, stored in self.columns
                ),
            )
        )
        names = sql.SQL(", ").join(sql.Identifier(name) for name, _, _ in self.columns)
        cells = sql.SQL(", ").join(sql.SQL("%s::{}").format(sql.SQL(stored)) for _, _, stored in self.columns)
        row = sql.SQL("(1, {})").format(cells)
        connection.execute(
            sql.SQL(
                "INSERT INTO {table} (customer_id, {names}) SELECT v.* FROM (VALUES {rows}) v, generate_series(1, {n})"
            ).format(
                table=sql.Identifier(self.name),
                names=names,
                rows=sql.SQL(", ").join([row] * len(self.rows)),
                n=sql.Literal(copies),
            ),
            [cell for cells in self.rows for cell in cells],
        )


@st.composite
def tables(draw: st.DrawFn) -> Sequence[Table]:
    drawn = []
    for number in range(draw(st.integers(1, 3))):
        kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=6))
        # sections share the names of their columns, or some of them
        columns = tuple((f"c{place}", kind, stored) for place, (kind, stored) in enumerate(kinds))
        row = st.tuples(*(st.none() | CELLS[one] for one in kinds))
        drawn.append(Table(f"s{number}", columns, tuple(draw(st.lists(row, min_size=1, max_size=6)))))
    return drawn


@pytest.fixture(scope="module")
def database(postgresql: PostgresqlServer) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(postgresql.create_database(DATABASE, CUSTOMERS), autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        yield connection


@given(
    tables(),
    st.builds(
        CsvOptions,
        delimiter=st.sampled_from(list(DELIMITERS.values())),
        bom=st.booleans(),
        profile=st.sampled_from(CsvProfile),
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"]),
    st.sampled_from(["UTC", "America/New_York"]),
)
def test_the_fast_path_equals_the_plain_path(
    postgresql: PostgresqlServer,
    database: psycopg.Connection[tuple[object, ...]],
    drawn: Sequence[Table],
    options: CsvOptions,
    time_zone: str,
    naive_zone: str,
) -> None:
    for table in drawn:
        table.store(database, copies=SMALL_ROWS // len(table.rows) + 1)
    customer_map = make_map(*(table.section() for table in drawn), time_zone=naive_zone)
    fast_head, plain_head = document(options), document(options)
    with opened(postgresql.url(DATABASE), customer_map, connections=1) as source:
        with streaming(source, time_zone=time_zone) as (_, fast):
            assert min(stream.rows for stream in fast) > SMALL_ROWS
            by_the_database = b"".join(CsvWriter().write(fast_head, fast))
        with streaming(source, time_zone=time_zone) as (_, plain):
            by_the_writer = b"".join(CsvWriter().write(plain_head, [PlainStream(stream) for stream in plain]))
    assert by_the_database == by_the_writer
    assert fast_head.ledger.alterations() == plain_head.ledger.alterations()


@pytest.mark.parametrize(("rows", "columns", "fast"), [(100, 2, False), (101, 2, True), (101, 1, False)])
def test_the_fast_path_is_taken_by_sections_of_more_than_a_hundred_rows(
    postgresql: PostgresqlServer,
    database: psycopg.Connection[tuple[object, ...]],
    rows: int,
    columns: int,
    *,
    fast: bool,
) -> None:
    cells = (("a",) * columns,)
    table = Table("s0", tuple((f"c{number}", "text", "text") for number in range(columns)), cells)
    table.store(database, copies=rows)
    layout = CsvLayout(delimiter=",", profile=CsvProfile.RAW, section=None, places=tuple(range(columns)))
    with (
        opened(postgresql.url(DATABASE), make_map(table.section())) as source,
        streaming(source) as (_, (stream,)),
    ):
        records = stream.csv_records(layout)
        assert (records is not None) == fast
        if records is not None:
            assert b"".join(one.text for one in records) == b"a,a\r\n" * rows
