"""JSON texts that PostgreSQL's COPY writes equal, byte for byte, those that the JSON writers make of the same cells."""

import json
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sections import PlainStream, document
from test_csv_fast_path import Table, tables

from customer_export.model.document import SectionStream
from customer_export.source.interface import Source
from customer_export.source.postgresql.json import JSON_COPY_OPTIONS, json_batch
from customer_export.source.postgresql.snapshot import SMALL_ROWS
from customer_export.writers.interface import Writer
from customer_export.writers.json import JsonWriter
from customer_export.writers.json_cells import quoted
from customer_export.writers.ndjson import NdjsonWriter
from customer_maps import make_map
from customer_maps import section as map_section
from databases import CUSTOMERS, opened, streaming
from servers import PostgresqlServer

DATABASE = "json_fast_path"
WRITERS: Sequence[Writer] = (JsonWriter(), NdjsonWriter())
STRUCTURE = '\x1f"\\nul,\n\x1e\x01'
"""What the texts are told apart by, and what stands around it."""
HOSTILE = st.text(STRUCTURE, max_size=8) | st.sampled_from(["null", "\x1fnull", 'null\x1f"', '"\x1f"', "\\\x1f", "\\"])


@pytest.fixture(scope="module")
def database(postgresql: PostgresqlServer) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(postgresql.create_database(DATABASE, CUSTOMERS), autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        yield connection


def section_of(table: Table) -> dict[str, object]:
    """Take each amount's currency from a text of the row, if there is one."""
    codes = [name for name, kind, _ in table.columns if kind == "text"]
    currency = {"currency": codes[-1]} if codes else {"currency_code": "EUR"}
    columns = [table.column(name, kind, **currency) for name, kind, _ in table.columns]
    return map_section(table.name, columns)


def texts_table(*rows: Sequence[str | None]) -> Table:
    return Table("s0", tuple((f"c{number}", "text", "text") for number in range(len(rows[0]))), tuple(map(tuple, rows)))


def export(source: Source, writer: Writer, *, plain: bool = False, time_zone: str = "UTC") -> bytes:
    with streaming(source, time_zone=time_zone) as (_, streams):
        assert min(stream.rows for stream in streams) > SMALL_ROWS
        read: Sequence[SectionStream] = [PlainStream(stream) for stream in streams] if plain else streams
        return b"".join(writer.write(document(), read))


@given(
    tables(),
    st.sampled_from(WRITERS),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
    st.sampled_from(["UTC", "America/New_York"]),
)
def test_the_fast_path_equals_the_plain_path(
    postgresql: PostgresqlServer,
    database: psycopg.Connection[tuple[object, ...]],
    drawn: Sequence[Table],
    writer: Writer,
    time_zone: str,
    naive_zone: str,
) -> None:
    for table in drawn:
        table.store(database, copies=SMALL_ROWS // len(table.rows) + 1)
    customer_map = make_map(*map(section_of, drawn), time_zone=naive_zone)
    with opened(postgresql.url(DATABASE), customer_map, connections=1) as source:
        by_the_database, by_the_writer = (
            export(source, writer, plain=plain, time_zone=time_zone) for plain in (False, True)
        )
    assert by_the_database == by_the_writer


@given(st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[st.none() | HOSTILE] * width), min_size=1)))
def test_texts_that_look_like_the_ends_of_cells_are_told_apart(
    database: psycopg.Connection[tuple[object, ...]], rows: list[tuple[str | None, ...]]
) -> None:
    columns = list(zip(*rows, strict=True))
    unnest = f"COPY (SELECT * FROM unnest({', '.join(['%s::text[]'] * len(columns))})) TO STDOUT ({JSON_COPY_OPTIONS})"
    with database.cursor().copy(unnest, [list(cells) for cells in columns]) as copy:
        batch = json_batch([row[:-1] for row in copy], columns=len(columns))
    assert batch == quoted(columns)
    assert [tuple(map(json.loads, cells)) for cells in batch] == columns


def test_every_character_is_escaped_as_the_writer_would(
    postgresql: PostgresqlServer, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    characters = [chr(point) for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
    texts = ["".join(characters[start : start + 5000]) for start in range(0, len(characters), 5000)]
    table = texts_table(*((text,) for text in texts))
    assert len(texts) > SMALL_ROWS
    table.store(database, copies=1)
    with opened(postgresql.url(DATABASE), make_map(section_of(table)), connections=1) as source:
        content = export(source, JsonWriter())
    records = (json.dumps({"c0": text}, ensure_ascii=False, separators=(",", ":")) for text in texts)
    assert content.decode().partition('"s0":[\n')[2].startswith(",\n".join(records) + "]")


@pytest.mark.parametrize(("rows", "fast"), [(SMALL_ROWS, False), (SMALL_ROWS + 1, True)])
@pytest.mark.parametrize("columns", [1, 2])
def test_the_fast_path_is_taken_by_sections_of_more_than_a_hundred_rows(
    postgresql: PostgresqlServer,
    database: psycopg.Connection[tuple[object, ...]],
    *,
    rows: int,
    fast: bool,
    columns: int,
) -> None:
    table = texts_table(("\\.",) * columns)
    table.store(database, copies=rows)
    with (
        opened(postgresql.url(DATABASE), make_map(section_of(table))) as source,
        streaming(source) as (_, (stream,)),
    ):
        batches = stream.json_batches()
        assert (batches is not None) == fast
        if batches is not None:
            assert list(batches) == [[[rb'"\\."'] * rows] * columns]
