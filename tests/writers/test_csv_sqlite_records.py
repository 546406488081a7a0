"""Records that SQLite writes equal, byte for byte, those that the CSV writer makes of the same rows."""

import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sections import PlainStream, document

from customer_export.demo.hostile import SHORT_CELLS
from customer_export.errors import ExportCancelledError, ExportTimeoutError, SourceFailedError
from customer_export.model.columns import PARTIAL_TYPES, ColumnType, Mask, StoredAs
from customer_export.model.customer_map import Section
from customer_export.model.document import CsvLayout, CsvRecords, SectionStream
from customer_export.model.request import CsvOptions, CsvProfile, Period
from customer_export.source.interface import Source
from customer_export.source.reading import MOST_ROWS
from customer_export.source.sqlite.pages import PAGED_ROWS
from customer_export.source.sqlite.snapshot import SMALL_ROWS, SqliteSnapshot
from customer_export.writers.csv import DELIMITERS, CsvWriter
from customer_maps import column, make_map
from customer_maps import section as map_section
from databases import CUSTOMERS, LONG, SqliteDatabase, opened, streaming
from servers import wait_until

Stored = str | int | float | bytes | None

MARKS = "=+-@\t\r\n\" ,;|'\\.0123456789eEINafinty:TZ\0\x1c"
TEXTS = (
    st.sampled_from([text for text in SHORT_CELLS if "\x1f" not in text])
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1d\x1e\x1f"), max_size=20)
    | st.text(MARKS, max_size=8)
    | st.sampled_from(["", " ", '""', "-1", "+1.5", "-.5", "-Infinity", "<", "<a", "A", "\U0010ffff", "\U0010ffffa"])
)
LATIN_1 = st.binary(min_size=1, max_size=4)
NEGATIVE = st.floats(max_value=-1.0, min_value=-1e19)
CENTS = st.builds(lambda i, scale: i / 10**scale, st.integers(-(10**15), 10**15), st.integers(0, 7))
BIG = st.integers(10**10, 10**18).map(lambda i: i / 100) | st.integers(-(2**63), 2**63 - 1)
REALS = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1e22, 0.1 + 0.2, 1.005, 92233720368547758.07])
NUMBERS = CENTS | REALS | BIG | NEGATIVE | st.integers(-3, 200)
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
BOOLEANS = st.sampled_from([0, 1, 0.0, 1.0, 2, "0", "1", "TRUE", "false", "yes", "t", "F", "tRUE", "t\0"])
EPOCHS = st.integers(-62_135_596_802, 253_402_300_801) | st.sampled_from([-62_135_596_800, 253_402_300_799, 0])
WITH_MARKS = st.text('a,"\x1d\x1e\x1f', max_size=4)
VALUES: st.SearchStrategy[Stored] = st.none() | TEXTS | NUMBERS | MOMENTS | BOOLEANS | st.binary(max_size=6)
LIKELY: dict[ColumnType, st.SearchStrategy[Stored]] = {
    ColumnType.DECIMAL: NUMBERS,
    ColumnType.MONEY: NUMBERS,
    ColumnType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    ColumnType.BOOLEAN: BOOLEANS,
    ColumnType.TIMESTAMP: MOMENTS | EPOCHS,
    ColumnType.DATE: st.dates().map(str) | EPOCHS,
}
MOMENT_TYPES = (ColumnType.DATE, ColumnType.TIMESTAMP)
DECLARED = (
    "", "TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "INTEGER", "BOOLEAN", "REAL", "NUMERIC", "uuid", "BLOB",
    "NUMERIC(12,2)", "DECIMAL(12,3)", "NUMERIC(18,6)", "NUMERIC(20,8)", "DATE", "DATETIME", "VARCHAR(20)",
)  # fmt: skip
"""Types of every affinity, and of a collation that takes different texts for equal."""


@dataclass(frozen=True)
class Table:
    """A section's columns as (name, type in the map, type in SQLite), its rows, and what numbers of moments count."""

    name: str
    columns: tuple[tuple[str, ColumnType, str], ...]
    rows: tuple[tuple[Stored, ...], ...]
    stored_as: StoredAs | None = None

    def section(self) -> dict[str, object]:
        columns = [
            column(
                name,
                kind,
                **({"currency_code": "EUR"} if kind is ColumnType.MONEY else {}),
                **({"stored_as": self.stored_as} if self.stored_as and kind in MOMENT_TYPES else {}),
            )
            for name, kind, _ in self.columns
        ]
        return map_section(self.name, columns)

    def store(self, connection: sqlite3.Connection, *, copies: int) -> None:
        columns = ", ".join(f"{name} {declared}" for name, _, declared in self.columns)
        places = ", ".join("?" * len(self.columns))
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
        rows = tuple(draw(st.lists(row, min_size=1, max_size=3)))
        drawn.append(Table(f"s{number}", columns, rows, draw(st.sampled_from([None, *StoredAs]))))
    return drawn


def of_values(kind: ColumnType, declared: str, *values: Stored) -> list[Table]:
    """Make a table of one column and a neighbour."""
    columns = (("c0", kind, declared), ("c1", ColumnType.TEXT, "TEXT"))
    return [Table("s0", columns, tuple((each, "a") for each in values))]


PRICES = (4.9, -4.9, 0.0, 1.005, 1e15 + 0.5, 7, -7, -12345678901234567.0, -1e15, 1e11, -1e11, -0.0)
EPOCH_TABLES = of_values(
    ColumnType.TIMESTAMP, "", 0, -1, -62_135_596_800, 253_402_300_799, 253_402_300_800, "soon", 1.5
)
SIMPLE_TEXTS = ("a", "1,2", 'say "a"', "", None, "=1", "-1", "+a", " b", "(c)", "'", "é", "\n", "\t", "日本", "ü,ü")
COMMA = CsvOptions()


def store(database: SqliteDatabase, tables: Sequence[Table], *, copies: int | None = None) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table in tables:
            table.store(connection, copies=copies or SMALL_ROWS // len(table.rows) + 1)
        connection.execute("COMMIT")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabase:
    database = SqliteDatabase(Path(tmp_path_factory.mktemp("records")) / "records.db")
    database.execute(CUSTOMERS)
    return database


def both_ways(
    source: Source, options: CsvOptions = COMMA, *, time_zone: str = "UTC", mask: Mask | None = None
) -> tuple[bytes, bytes]:
    """Write the CSV by the database's records and by the writer's; `mask` is that of each section's first column.

    What is noted of them is the same.
    """
    sections = [masked(section, mask) for section in source.map.sections]
    written, noted = [], []
    for plainly in (False, True):
        with source.snapshot(time_zone=time_zone, time_limit=LONG) as snapshot:
            found = snapshot.find("1", sections, Period())
            assert found is not None
            streams = [PlainStream(stream) if plainly else stream for stream in found.sections]
            head = document(options)
            written.append(b"".join(CsvWriter().write(head, streams)))
            noted.append(head.ledger.alterations())
    assert noted[0] == noted[1]
    return written[0], written[1]


def masked(section: Section, mask: Mask | None) -> Section:
    first, *others = section.columns
    fits = mask is not Mask.PARTIAL or first.type in PARTIAL_TYPES
    return replace(section, columns=(replace(first, mask=mask if fits else None), *others))


@given(
    drawn=tables(),
    options=st.builds(
        CsvOptions, delimiter=st.sampled_from(list(DELIMITERS.values())), profile=st.sampled_from(CsvProfile)
    ),
    time_zone=st.sampled_from(["UTC", "UTC", "Europe/Berlin", "America/St_Johns"]),
    naive_zone=st.sampled_from(["UTC", "America/New_York"]),
    mask=st.sampled_from([None, None, *Mask]),
)
@example(
    of_values(ColumnType.TEXT, "uuid", "+1", "=a", "0", "0a", b"0", b"A", 5, -5, 1.5, "a\0,b"),
    COMMA,
    "UTC",
    "UTC",
    None,
)
@example([replace(table, stored_as=StoredAs.EPOCH_SECONDS) for table in EPOCH_TABLES], COMMA, "UTC", "UTC", None)
@example(of_values(ColumnType.MONEY, "TEXT", "0.5", "1.5", "19.99", -0.0, "-2.50"), COMMA, "UTC", "UTC", None)
@example(of_values(ColumnType.MONEY, "NUMERIC(12,2)", *PRICES), COMMA, "UTC", "UTC", None)
def test_the_fast_path_equals_the_plain_path(
    database: SqliteDatabase,
    drawn: Sequence[Table],
    options: CsvOptions,
    time_zone: str,
    naive_zone: str,
    mask: Mask | None,
) -> None:
    store(database, drawn)
    with opened(database.url, make_map(*(table.section() for table in drawn), time_zone=naive_zone)) as source:
        fast, plain = both_ways(source, options, time_zone=time_zone, mask=mask)
    assert fast == plain


IN_PAGES = PAGED_ROWS + 3


@given(drawn=tables(), unique=st.booleans(), layout=st.sampled_from(CsvProfile))
@example(of_values(ColumnType.TEXT, "TEXT", None, "a", "b"), False, CsvProfile.RAW)
@example(of_values(ColumnType.TEXT, "", None), False, CsvProfile.RAW)
@example(of_values(ColumnType.TEXT, "", b"a", 1.5, "a", 1, "", -(2**63)), True, CsvProfile.RAW)
@example(of_values(ColumnType.TEXT, "TEXT COLLATE NOCASE", "a", "A", "B", "b"), False, CsvProfile.RAW)
def test_pages_equal_the_plain_path_in_whatever_order(
    database: SqliteDatabase, drawn: Sequence[Table], unique: bool, layout: CsvProfile
) -> None:
    """Sorted by a column of any type, affinity and collation, with ties, NULLs and texts that are no UTF-8 in it."""
    table = drawn[0]
    order = ["id"] if unique else ["c0", "id"]
    store(database, [table], copies=IN_PAGES // len(table.rows) + 1)
    database.execute(f"CREATE INDEX {table.name}_by_customer ON {table.name} (customer_id, {', '.join(order)})")
    with opened(database.url, make_map({**table.section(), "order": order})) as source:
        fast, plain = both_ways(source, CsvOptions(profile=layout))
    assert fast == plain


@pytest.mark.parametrize("collation", ["BINARY", "NOCASE", "RTRIM"])
@pytest.mark.parametrize("suffix", ["''", "substr('abAB', i % 4 + 1, 1)", "substr('  ', i % 3)", "char(0) || i"])
def test_rows_that_tie_cost_none_though_the_map_takes_their_key_for_unique(
    database: SqliteDatabase, suffix: str, collation: str
) -> None:
    database.execute(
        "DROP TABLE IF EXISTS events;"
        f"CREATE TABLE events (customer_id INTEGER, id TEXT COLLATE {collation}, text INTEGER);"
        f"INSERT INTO events WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {IN_PAGES}) "
        f"SELECT 1, printf('%05d', i / 700) || {suffix}, i FROM n;"
        "CREATE INDEX events_by_customer ON events (customer_id, id)"
    )
    with opened(database.url, make_map(map_section("events", EVENT_COLUMNS, unique=["id"]))) as source:
        fast, plain = both_ways(source)
    assert fast == plain
    assert fast.count(b"\r\n") == IN_PAGES + 1


def test_a_key_that_is_not_utf_8_costs_no_row(database: SqliteDatabase) -> None:
    database.execute(
        f"{NUMBERED.format(count=IN_PAGES)} UPDATE events SET text = CAST(x'ff' || id AS TEXT);"
        "CREATE INDEX events_by_text ON events (customer_id, text, id)"
    )
    with opened(database.url, make_map({**map_section("events", EVENT_COLUMNS), "order": ["text", "id"]})) as source:
        fast, plain = both_ways(source)
    assert fast == plain


EVENT_COLUMNS = {"id": "integer", "text": "text"}
EVENTS = make_map(map_section("events", EVENT_COLUMNS))
COUNT = 3000
NUMBERED = (
    "DROP TABLE IF EXISTS events;"
    "CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, text TEXT);"
    "INSERT INTO events WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
    "SELECT i, 1, 'text ' || i FROM n;"
)
PAGED = NUMBERED + "CREATE INDEX events_by_customer ON events (customer_id);"
"""The same with an index by which SQLite finds pages of records."""

LAYOUT = CsvLayout(delimiter=",", profile=CsvProfile.RAW, section=None, places=(0, 1))


def records_of(stream: SectionStream) -> Generator[CsvRecords, None, None]:
    """Read a section as the records that SQLite writes."""
    records = stream.csv_records(LAYOUT)
    assert isinstance(records, Generator)
    return records


@pytest.mark.parametrize("place", [(1,), (64, 65), (1500,), (COUNT,)], ids=str)
@pytest.mark.parametrize(
    "text",
    ["'a' || char(31)", "char(31)", "char(30) || 'a'", "'a' || char(29) || ','", "char(29)", "CAST(x'61ff62' AS TEXT)"],
)
def test_a_cell_that_sqlite_cannot_write_costs_no_row(
    database: SqliteDatabase, text: str, place: tuple[int, ...]
) -> None:
    listed = ", ".join(map(str, place))
    database.execute(f"{NUMBERED.format(count=COUNT)} UPDATE events SET text = {text} WHERE id IN ({listed})")
    with opened(database.url, EVENTS) as source:
        fast, plain = both_ways(source)
    assert fast == plain
    assert fast.count(b"\r\n") == COUNT + 1


USUAL: Sequence[tuple[ColumnType, str, Sequence[Stored]]] = [
    (ColumnType.TEXT, "TEXT", SIMPLE_TEXTS),
    (ColumnType.IDENTIFIER, "INTEGER", [0, 1, 2**63 - 1, None]),
    (ColumnType.IDENTIFIER, "TEXT", ["007", "+49 30", "-1"]),
    (ColumnType.UUID, "uuid", ["0fc1", "afc1", None]),
    (ColumnType.DATE, "DATE", ["2024-02-30", "0000-00-00", None]),
    (ColumnType.INTEGER, "INTEGER", [-(2**63), 0, 5, None]),
    (ColumnType.BOOLEAN, "BOOLEAN", [0, 1, None]),
    (ColumnType.MONEY, "NUMERIC(12,2)", [0, 4.9, -4.9, 735, -7, 19.99, 99999999999.99, -99999999999.99, None]),
    (ColumnType.DECIMAL, "NUMERIC(18,6)", [0, 0.1, -2.25, 1e-6, None]),
    (ColumnType.MONEY, "TEXT", ["1.10", "0.00001", None]),
    (ColumnType.TIMESTAMP, "TEXT", ["2024-02-29 10:00:00", "2024-02-30T10:00:00+00:00", "", None]),
    (ColumnType.TIMESTAMP, "TEXT", ["2024-02-29T10:00:00.123456+00:00", "1970-01-01 00:00:00"]),
    (ColumnType.BOOLEAN, "TEXT", ["t", "f", "TRUE", "false", None]),
]
EPOCHS_ONLY = [(ColumnType.TIMESTAMP, "INTEGER"), (ColumnType.DATE, "INTEGER")]


def test_usual_cells_are_written_by_sqlite_itself(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain path would do as well, at a higher price: here it may not."""
    columns = tuple((f"c{place}", kind, declared) for place, (kind, declared, _) in enumerate(USUAL))
    rows = [tuple(values[number % len(values)] for _, _, values in USUAL) for number in range(180)]
    table = Table("s0", columns, tuple(rows))
    epochs = Table(
        "s1",
        tuple((f"c{place}", kind, declared) for place, (kind, declared) in enumerate(EPOCHS_ONLY)),
        tuple((second, second) for second in (0, -1, 1_719_835_200, -62_135_596_800, 253_402_300_799)),
        StoredAs.EPOCH_SECONDS,
    )
    store(database, [table, epochs])
    with opened(database.url, make_map(table.section(), epochs.section())) as source:
        _, plain = both_ways(source)
        monkeypatch.delattr(SqliteSnapshot, "stream")
        with streaming(source) as (_, streams):
            assert b"".join(CsvWriter().write(document(COMMA), streams)) == plain


ALIKE = {
    "TEXT COLLATE RTRIM",
    "BLOB",
    "VARCHAR(20)",
    "uuid",
    "DATETIME",
    "DECIMAL(12,3)",
    "NUMERIC(18,6)",
    "NUMERIC(20,8)",
}
"""Types that SQLite and we treat as another one; by chance they are tried above."""


@pytest.mark.parametrize("value", [b"", b"0", 1.5, 1e300, "a\0b", "\x1d", "2024-02-30 10:00:00", "=1"], ids=repr)
def test_no_cell_is_taken_for_another(database: SqliteDatabase, value: Stored) -> None:
    """Each value in a column of each type and affinity, in a section of its own, which SQLite writes if it may."""
    kinds = [(kind, declared) for kind in ColumnType for declared in DECLARED if declared not in ALIKE]
    tables = [
        Table(f"s{number}", (("c0", kind, declared),), ((value,),)) for number, (kind, declared) in enumerate(kinds)
    ]
    store(database, tables)
    with opened(database.url, make_map(*(table.section() for table in tables))) as source:
        fast, plain = both_ways(source)
    assert fast == plain, kinds


@pytest.mark.parametrize(
    ("rows", "columns", "fast"), [(300, 2, False), (301, 2, True), (301, 99, True), (301, 100, False)]
)
def test_sections_of_many_rows_and_not_too_many_columns_take_the_fast_path(
    database: SqliteDatabase, rows: int, columns: int, *, fast: bool
) -> None:
    kinds = [ColumnType.TEXT, ColumnType.MONEY]
    named = tuple((f"c{number}", kinds[number % 2], "NUMERIC(12,2)") for number in range(columns))
    table = Table("s0", named, ((1.5,) * columns,))
    store(database, [table], copies=rows)
    with opened(database.url, make_map(table.section())) as source:
        with streaming(source) as (_, (stream,)):
            layout = replace(LAYOUT, places=tuple(range(columns)))
            assert (stream.csv_records(layout) is not None) == fast
        written, plain = both_ways(source)
        assert written == plain


def test_a_database_in_utf_16_is_written_alike(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "wide.db")
    database.execute("PRAGMA encoding = 'UTF-16le'; " + CUSTOMERS)
    texts = [*SIMPLE_TEXTS, "\U0010ffff", "Ĭ", "ⴽ", "ぁ"]
    store(database, [Table("s0", (("c0", ColumnType.TEXT, "TEXT"),), tuple((text,) for text in texts))])
    with opened(database.url, make_map(map_section("s0", {"c0": "text"}))) as source:
        fast, plain = both_ways(source)
    assert fast == plain


def test_the_first_records_come_before_the_last_are_read(database: SqliteDatabase) -> None:
    database.execute(NUMBERED.format(count=COUNT))
    with opened(database.url, EVENTS) as source, streaming(source) as (_, (events,)):
        assert next(records_of(events)).text.count(b"\r\n") < COUNT / 10


@pytest.mark.parametrize(
    ("filled", "order", "rows", "in_pages"),
    [
        (PAGED, "id", IN_PAGES, True),
        (PAGED, "id", PAGED_ROWS, False),
        (NUMBERED, "id", IN_PAGES, False),  # no index finds the customer's rows
        (PAGED, "text", IN_PAGES, False),  # and none sorts them so
    ],
)
def test_many_records_come_in_pages_where_an_index_finds_them(
    database: SqliteDatabase, filled: str, order: str, rows: int, *, in_pages: bool
) -> None:
    database.execute(filled.format(count=rows))
    section = {**map_section("events", EVENT_COLUMNS), "order": list(dict.fromkeys([order, "id"]))}
    with opened(database.url, make_map(section)) as source, streaming(source) as (_, (events,)):
        with closing(records_of(events)) as records:
            next(records)
            next(records)
            assert any(thread.name.startswith("ahead") for thread in threading.enumerate()) == in_pages
        assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())


def test_pages_may_come_after_the_records_of_another_section(database: SqliteDatabase) -> None:
    database.execute(PAGED.format(count=IN_PAGES))
    sections = [map_section(name, EVENT_COLUMNS, table="events") for name in ("first", "second")]
    with opened(database.url, make_map(*sections)) as source:
        fast, plain = both_ways(source)
    assert fast == plain


both_kinds_of_reading = pytest.mark.parametrize("filled", [NUMBERED, PAGED], ids=["rows", "pages"])


@both_kinds_of_reading
def test_cancelling_ends_the_reading_of_records_and_the_next_export_works(
    database: SqliteDatabase, filled: str
) -> None:
    database.execute(filled.format(count=100_000))
    with opened(database.url, EVENTS, connections=1) as source:
        with streaming(source) as (snapshot, (events,)):
            records = records_of(events)
            next(records)
            snapshot.cancel()
            with pytest.raises(ExportCancelledError):
                list(records)
        with streaming(source) as (_, (events,)):
            assert b"".join(one.text for one in records_of(events)).count(b"\r\n") == 100_000


def test_who_stops_reading_pages_can_begin_again_at_once(database: SqliteDatabase) -> None:
    database.execute(PAGED.format(count=100_000))
    with opened(database.url, EVENTS, connections=1) as source:
        for _ in range(10):
            with streaming(source) as (_, (events,)), closing(records_of(events)) as records:
                assert [piece.text.count(b"\r\n") for piece in islice(records, 2)] == [64, MOST_ROWS]


@both_kinds_of_reading
def test_reading_records_ends_when_the_time_is_over(database: SqliteDatabase, filled: str) -> None:
    database.execute(filled.format(count=100_000))
    limit = timedelta(milliseconds=200)
    with opened(database.url, EVENTS) as source, streaming(source, time_limit=limit) as (_, (events,)):
        records = records_of(events)
        next(records)
        late = time.monotonic() + limit.total_seconds()
        wait_until(lambda: time.monotonic() > late, what="the time to be over")
        with pytest.raises(ExportTimeoutError):
            list(records)


def test_records_that_a_look_up_doubles_are_noticed(database: SqliteDatabase) -> None:
    database.execute(
        NUMBERED.format(count=COUNT)
        + "DROP TABLE IF EXISTS kinds; CREATE TABLE kinds (id INTEGER NOT NULL UNIQUE, name);"
    )
    lookup = {"name": "kind", "columns": "customer_id", "table": "kinds", "to": "id"}
    columns = [{"name": "id", "type": "integer", "personal_data": "none"}, column("name", source="kind.name")]
    with opened(database.url, make_map(map_section("events", columns, lookups=[lookup]))) as source:
        source.check()
        database.execute("DROP TABLE kinds; CREATE TABLE kinds (id, name); INSERT INTO kinds VALUES (1, 'a'), (1, 'b')")
        with (
            pytest.raises(SourceFailedError, match=r"'events' gave 6000 rows although 3000 were counted"),
            streaming(source) as (_, (events,)),
        ):
            list(records_of(events))
