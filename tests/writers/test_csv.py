"""CSV follows RFC 4180, is read back by every reader to the cells that went in, and runs no formula."""

import csv
import io
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sections import MemorySection, column, document, section

from customer_export.demo.customers import HOSTILE, MOST_ORDERS, TYPICAL
from customer_export.demo.hostile import CELLS, SHORT_CELLS
from customer_export.model.columns import Cell, Column, ColumnType
from customer_export.model.csv_records import ACTIVE, is_active, undo_neutralising
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import SectionStream
from customer_export.model.request import CsvOptions, CsvProfile
from customer_export.writers.csv import DELIMITERS, CsvWriter
from databases import opened, rows_of, streaming

RAW = CsvOptions(profile=CsvProfile.RAW)
TEXT = (
    st.sampled_from(SHORT_CELLS)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.text("=+-@\t\r\n\" ,;|'\\.0123456789eInfity", max_size=8)
)
CELL = st.none() | TEXT
TEXTS = {ColumnType.TEXT, ColumnType.IDENTIFIER, ColumnType.EMAIL, ColumnType.URL, ColumnType.JSON}
"""The types whose cells are text even if they look like numbers."""
OPTIONS = st.builds(
    CsvOptions,
    delimiter=st.sampled_from(list(DELIMITERS.values())),
    bom=st.booleans(),
    profile=st.sampled_from(CsvProfile),
)


@st.composite
def sections(draw: st.DrawFn) -> list[MemorySection]:
    """Draw one to three sections that share some names of columns."""
    drawn = []
    for number in range(draw(st.integers(1, 3))):
        names = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5, unique=True))
        columns = [column(name, draw(st.sampled_from(ColumnType)), currency_code="EUR") for name in names]
        rows = draw(st.lists(st.tuples(*(CELL for _ in columns)), max_size=12))
        drawn.append(section(f"s{number}", columns, *rows))
    return drawn


def write(streams: Sequence[SectionStream], options: CsvOptions = RAW) -> bytes:
    return b"".join(CsvWriter().write(document(options), streams))


def parse(content: bytes, options: CsvOptions = RAW) -> list[list[str]]:
    text = content.decode("utf-8-sig" if options.bom else "utf-8")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=options.delimiter, strict=True))


def split(content: bytes, delimiter: str) -> list[list[Cell]]:
    """Read CSV by the letter of RFC 4180, telling NULL (nothing) from an empty text (quotes)."""
    records: list[list[Cell]] = [[]]
    text, place = content.decode(), 0
    while place < len(text):
        if text[place] == '"':
            field, place = "", place + 1
            while text[place] != '"' or text[place + 1 : place + 2] == '"':
                step = 2 if text[place] == '"' else 1
                field, place = field + text[place], place + step
            records[-1].append(field)
            place += 1
        else:
            end = place
            while text[end] not in (delimiter, "\r"):
                assert text[end] not in '"\n', "a bare quote or line feed"
                end += 1
            records[-1].append(text[place:end] or None)
            place = end
        if text[place] == delimiter:
            place += 1
        else:
            assert text[place : place + 2] == "\r\n", "a record ends in CRLF"
            records.append([])
            place += 2
    assert records.pop() == [], "the last record ends in CRLF too"
    return records


def expected_cell(cell: Cell, kind: ColumnType, options: CsvOptions) -> Cell:
    if options.profile is CsvProfile.SPREADSHEET and cell and is_active(cell, kind):
        return f"'{cell}"
    """Say by the documented rule what a profile makes of a cell."""
    if options.profile is CsvProfile.RAW or not cell or cell[0] not in ACTIVE:
        return cell
    return cell if kind not in TEXTS and is_number(cell) else f"'{cell}"


def is_number(cell: str) -> bool:
    whole, dot, decimals = cell[1:].partition(".")
    digits = [whole, decimals] if dot else [whole]
    plain = all(part and set(part) <= set("0123456789") for part in digits)
    return cell[0] in "+-" and (plain or cell[1:] in ("Infinity", "infinity"))


@given(sections(), OPTIONS)
def test_every_cell_comes_back_and_null_is_not_an_empty_text(streams: list[MemorySection], options: CsvOptions) -> None:
    content = write(streams, options)
    assert content.startswith(b"\xef\xbb\xbf") == options.bom
    header, *records = split(content.removeprefix(b"\xef\xbb\xbf") if options.bom else content, options.delimiter)
    several = len(streams) > 1
    names = list(dict.fromkeys(one.name for stream in streams for one in stream.columns))
    assert header == [*(["section"] if several else []), *names]
    assert {len(record) for record in records} <= {len(header)}
    expected = []
    for stream in streams:
        place = {one.name: number for number, one in enumerate(stream.columns)}
        for row in stream.data:
            cells = [
                expected_cell(row[place[name]], stream.columns[place[name]].type, options) if name in place else None
                for name in names
            ]
            expected.append([*([stream.name] if several else []), *cells])
    assert records == expected


@given(sections(), OPTIONS, st.integers(1, 5))
def test_the_bytes_do_not_depend_on_the_size_of_batches(
    streams: list[MemorySection], options: CsvOptions, rows: int
) -> None:
    assert write([stream.in_batches_of(rows) for stream in streams], options) == write(streams, options)


@given(sections(), OPTIONS)
def test_pythons_csv_reads_the_same_text(streams: list[MemorySection], options: CsvOptions) -> None:
    content = write(streams, options)
    bare = content.removeprefix(b"\xef\xbb\xbf") if options.bom else content
    as_read = [[cell or "" for cell in record] for record in split(bare, options.delimiter)]
    # a record of one empty field is an empty line, which Python's reader reads as a record without fields
    assert [record or [""] for record in parse(content, options)] == as_read


@pytest.mark.parametrize("kind", ColumnType)
@pytest.mark.parametrize("mark", sorted(ACTIVE))
def test_a_text_that_begins_like_a_formula_is_neutralised_and_a_number_is_not(kind: ColumnType, mark: str) -> None:
    for rest, number in (("1", True), ("1.50", True), ("Infinity", True), ("1+1", False), ("", False), ("1e5", False)):
        cell = mark + rest
        (_, (written,)) = split(write([section("s", [column("a", kind)], (cell,))], CsvOptions()), ",")
        inert = number and mark in "+-" and kind not in TEXTS
        assert written == (cell if inert else f"'{cell}"), (kind, cell)


@pytest.mark.parametrize("kind", ColumnType)
@given(cell=st.text(alphabet="'=+-@\t\r1.aI", max_size=6))
def test_neutralising_can_be_undone(kind: ColumnType, cell: str) -> None:
    assume(cell)
    (_, (written,)) = split(write([section("s", [column("a", kind)], (cell,))], CsvOptions()), ",")
    assert written is not None
    assert undo_neutralising(written) == cell
    assert written[:1] not in ACTIVE or not is_active(cell, kind)


def test_what_must_stand_in_quotes_does_and_nothing_else() -> None:
    rows = [
        ("plain",),
        ("com,ma",),
        ('quo"te',),
        ("line\nfeed",),
        ("carriage\rreturn",),
        ("semi;colon",),
        ("",),
        (None,),
        (" x ",),
    ]
    columns = [column("a"), column("b")]
    content = write([section("s", columns, *((cell, "z") for (cell,) in rows))])
    assert content == (
        b'a,b\r\nplain,z\r\n"com,ma",z\r\n"quo""te",z\r\n"line\nfeed",z\r\n"carriage\rreturn",z\r\nsemi;colon,z\r\n'
        b'"",z\r\n,z\r\n x ,z\r\n'
    )
    semicolons = CsvOptions(profile=CsvProfile.RAW, delimiter=";")
    assert b"\r\ncom,ma;z\r\n" in write([section("s", columns, ("com,ma", "z"))], semicolons)
    assert b'\r\n"semi;colon";z\r\n' in write([section("s", columns, ("semi;colon", "z"))], semicolons)


def test_empty_sections_leave_their_columns_in_the_header() -> None:
    first, second = section("first", [column("a")]), section("second", [column("b"), column("a")])
    assert write([first]) == b"a\r\n"
    assert write([first, second]) == b"section,a,b\r\n"


# The demo shop, as three readers read it and as the database holds it.


def cells_of(
    url: str, customer_map: CustomerMap, customer_id: str, name: str
) -> tuple[bytes, tuple[Column, ...], list[tuple[Cell, ...]]]:
    """Export one section raw, and read it apart from any writer."""
    with opened(url, customer_map) as source:
        with streaming(source, customer_id, sections=[name]) as (_, streams):
            content = write(streams)
            columns = streams[0].columns
        with streaming(source, customer_id, sections=[name]) as (_, (stream,)):
            return content, columns, rows_of(stream)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, demo_shop: Path) -> Iterator[str]:
    if request.param == "sqlite":
        return f"sqlite:///{demo_shop}"
    shop: str = request.getfixturevalue("postgresql_shop")
    return shop


SOME = [(TYPICAL.id, "orders"), (MOST_ORDERS.id, "orders"), (HOSTILE.id, "notes"), (HOSTILE.id, "profile")]


@pytest.mark.parametrize(("customer_id", "name"), SOME)
def test_csv_pandas_and_duckdb_read_what_the_database_holds(
    url: str, demo_map: CustomerMap, tmp_path: Path, customer_id: str, name: str
) -> None:
    content, columns, rows = cells_of(url, demo_map, customer_id, name)
    names = [one.name for one in columns]
    texts = [tuple(cell or "" for cell in row) for row in rows]
    assert len(rows) >= 1
    csv.field_size_limit(2**21)  # the longest note has 1 MiB
    assert parse(content) == [names, *map(list, texts)]

    frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, lineterminator=None)
    assert list(frame.columns) == names
    assert list(frame.itertuples(index=False, name=None)) == texts

    file = tmp_path / "export.csv"
    file.write_bytes(content)
    relation = duckdb.read_csv(
        str(file), all_varchar=True, header=True, max_line_size=2**22, delimiter=",", quotechar='"', escapechar='"'
    )
    assert relation.columns == names
    assert [tuple(cell or "" for cell in row) for row in relation.fetchall()] == texts


def test_amounts_and_identifiers_are_those_of_the_database(demo_shop: Path, demo_map: CustomerMap) -> None:
    content, _, _ = cells_of(f"sqlite:///{demo_shop}", demo_map, MOST_ORDERS.id, "payments")
    frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    query = """SELECT amount, provider_reference FROM payments WHERE order_id IN
               (SELECT id FROM orders WHERE customer_id = ?) ORDER BY paid_at, id"""
    with closing(sqlite3.connect(demo_shop)) as connection:
        stored = connection.execute(query, (MOST_ORDERS.id,)).fetchall()
    assert list(frame[["amount", "provider_reference"]].itertuples(index=False, name=None)) == stored
    assert any(reference.startswith("0") and len(reference) == 20 for _, reference in stored)


def test_the_hostile_notes_arrive_unchanged_raw_and_harmless_otherwise(demo_shop: Path, demo_map: CustomerMap) -> None:
    csv.field_size_limit(2**21)
    with opened(f"sqlite:///{demo_shop}", demo_map) as source:
        bodies = {}
        for profile in CsvProfile:
            with streaming(source, HOSTILE.id, sections=["notes"]) as (_, streams):
                options = CsvOptions(profile=profile)
                header, *records = parse(write(streams, options), options)
            bodies[profile] = [record[header.index("body")] for record in records]
    assert set(CELLS.values()) <= set(bodies[CsvProfile.RAW])
    assert not any(body[:1] in ACTIVE for body in bodies[CsvProfile.SPREADSHEET] if body)
