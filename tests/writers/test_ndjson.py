"""NDJSON is a header line, a line a record and a manifest line, each of them JSON by itself."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sections import MemorySection, column, document, section

from customer_export.demo.customers import HOSTILE, WELL_KNOWN
from customer_export.demo.hostile import CELLS, SHORT_CELLS
from customer_export.model.columns import ColumnType
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import SectionStream
from customer_export.writers.json import JsonWriter
from customer_export.writers.ndjson import NdjsonWriter
from databases import opened, streaming

CELL = st.none() | st.sampled_from(SHORT_CELLS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def write(streams: Sequence[SectionStream]) -> bytes:
    return b"".join(NdjsonWriter().write(document(), streams))


@st.composite
def sections(draw: st.DrawFn) -> list[MemorySection]:
    drawn = []
    for number in range(draw(st.integers(0, 3))):
        kinds = draw(st.lists(st.sampled_from(ColumnType), min_size=1, max_size=4))
        columns = [column(f"c{place}", kind, currency_code="EUR") for place, kind in enumerate(kinds)]
        rows = draw(st.lists(st.tuples(*(CELL for _ in kinds)), max_size=8))
        drawn.append(section(f"s{number}", columns, *rows))
    return drawn


@given(sections(), st.integers(1, 5))
def test_its_records_are_those_of_the_json_document_in_order(streams: list[MemorySection], rows: int) -> None:
    content = write([stream.in_batches_of(rows) for stream in streams])
    whole = json.loads(b"".join(JsonWriter().write(document(), streams)))
    assert content.endswith(b"\n")
    first, *records, last = [json.loads(line) for line in content.decode().removesuffix("\n").split("\n")]
    assert first == {"header": {"export": whole["export"], "customer": whole["customer"]}}
    assert last == {"manifest": whole["manifest"]}
    assert records == [
        {"section": name, "record": record} for name, listed in whole["sections"].items() for record in listed
    ]


def test_lines_are_ended_by_line_feeds_alone() -> None:
    content = write([section("s", [column("a"), column("b", ColumnType.JSON)], ("\r\n\u2028", '{"a":\r\n[1,\n2]}'))])
    assert content.count(b"\n") == 3
    assert b"\r" not in content


@pytest.fixture(scope="module")
def files(demo_shop: Path, demo_map: CustomerMap) -> dict[str, bytes]:
    written = {}
    with opened(f"sqlite:///{demo_shop}", demo_map) as source:
        for known in WELL_KNOWN:
            with streaming(source, known.id) as (_, streams):
                written[known.name] = write(streams)
    return written


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_reads_every_customers_lines_one_by_one(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        done = subprocess.run(["jq", "-c", "keys"], input=content, capture_output=True, check=True)
        kinds = done.stdout.decode().splitlines()
        records = content.count(b"\n") - 2
        assert kinds == ['["header"]', *['["record","section"]'] * records, '["manifest"]'], name


def test_hostile_notes_arrive_exactly(files: dict[str, bytes]) -> None:
    lines = map(json.loads, files[HOSTILE.name].splitlines())
    notes = {line["record"]["body"] for line in lines if line.get("section") == "notes"}
    assert set(CELLS.values()) <= notes
