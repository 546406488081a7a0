"""Rows have one digest, in whatever form and in whatever pieces they travel."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.canonical import SectionDigest, canonical_json
from customer_export.model.columns import Cell, Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.csv_records import encode_batch, is_active
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_export.writers.json_cells import quoted

CELL = st.none() | st.text("=+-@\t\r\n\" ,;|'\\.01aé", max_size=6) | st.text(st.characters(codec="utf-8"), max_size=9)
KINDS = sorted(set(ColumnType) - {ColumnType.JSON})


def columns_of(kinds: list[ColumnType]) -> list[Column]:
    return [
        Column(
            name=f"c{place}",
            label="",
            type=kind,
            source=SourceColumn(None, f"c{place}"),
            personal_data=PersonalDataClass.NONE,
        )
        for place, kind in enumerate(kinds)
    ]


@st.composite
def layouts(draw: st.DrawFn, columns: int) -> CsvLayout:
    """Draw how the columns stand in a canonical record: in any order, with gaps."""
    places: list[int | None] = draw(st.permutations([*range(columns), *([None] * draw(st.integers(0, 4)))]))
    return CsvLayout(
        delimiter=",",
        profile=CsvProfile.SPREADSHEET,
        section=draw(st.none() | st.just("orders")),
        places=tuple(places),
    )


@given(data=st.data())
def test_the_form_and_the_pieces_make_no_difference(data: st.DataObject) -> None:
    columns = columns_of(data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5)))
    layout = data.draw(layouts(len(columns)))
    key = data.draw(st.lists(st.sampled_from(range(len(columns))), unique=True, max_size=3))
    rows = data.draw(st.lists(st.tuples(*(CELL for _ in columns)), min_size=1, max_size=12))
    cut = data.draw(st.integers(0, len(rows)))
    digests = [SectionDigest(columns, layout, key=key) for _ in range(3)]
    for part in filter(None, (rows[:cut], rows[cut:])):
        batch = list(zip(*part, strict=True))
        digests[0].add_batch(batch)
        digests[1].add_json(quoted(batch))
        digests[2].add_records(encode_batch(batch, columns, layout))
    assert len({(digest.rows_sha256(), digest.keys_sha256()) for digest in digests}) == 1
    content = encode_batch(list(zip(*rows, strict=True)), columns, layout)
    assert digests[0].rows_sha256() == hashlib.sha256(content).hexdigest()
    lines = "".join(",".join(field(row[place], columns[place].type) for place in key) + "\n" for row in rows)
    assert digests[0].keys_sha256() == (hashlib.sha256(lines.encode()).hexdigest() if key else None)


def field(cell: Cell, kind: ColumnType) -> str:
    """Write one field of RFC 4180, neutralised."""
    if cell is None:
        return ""
    cell = f"'{cell}" if is_active(cell, kind) else cell
    return '"' + cell.replace('"', '""') + '"' if not cell or set(cell) & set(',"\r\n') else cell


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, None),
        ("null", None),
        (" null\n", None),
        ('{"a": 1.50}', '{"a": 1.50}'),
        ('\n{"a":\r\n1}\n', '{"a":  1}'),
        ("", '""'),
        ("no JSON", '"no JSON"'),
        ('"a text"', '"a text"'),
        ("1e400", '"1e400"'),  # no JSON to orjson, whose floats end before
        ("[1\n", '"[1\\n"'),
    ],
)
def test_a_json_cell_has_one_text(cell: Cell, text: Cell) -> None:
    assert canonical_json(cell) == text
    assert text is None or json.loads(text) is not ...


def test_records_are_canonical_with_the_default_options_and_without_documents() -> None:
    columns = columns_of([ColumnType.TEXT, ColumnType.JSON])
    layout = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=None, places=(0,))
    digest = SectionDigest(columns[:1], layout, key=[0])
    assert digest.takes_records(layout)
    assert not digest.takes_records(replace(layout, profile=CsvProfile.RAW))
    assert not digest.takes_records(replace(layout, delimiter=";"))
    both = replace(layout, places=(0, 1))
    assert not SectionDigest(columns, both, key=[0]).takes_records(both)
