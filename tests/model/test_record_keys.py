"""Keys that are cut out of records are those of the cells that the records were written of."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.canonical import key_lines
from customer_export.model.columns import Cell, Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.csv_records import encode_fields, join_records
from customer_export.model.document import CsvLayout
from customer_export.model.record_keys import key_lines_of
from customer_export.model.request import CsvProfile

PLAIN = st.none() | st.sampled_from(["1", "-1", "12.50", "é", "x y"])
CELL = PLAIN | st.text("=+-@\t\r\n\" ,'\x1f\x01a1é", max_size=8) | st.text(st.characters(codec="utf-8"), max_size=9)


@st.composite
def sections(draw: st.DrawFn) -> tuple[Sequence[Sequence[Cell]], CsvLayout, Sequence[int]]:
    """Draw a batch, a layout with its columns in any order and with gaps, and the places of a key."""
    width = draw(st.integers(1, 5))
    cell = st.tuples(*draw(st.lists(st.sampled_from([PLAIN, CELL]), min_size=width, max_size=width)))
    rows = draw(st.lists(cell, min_size=1, max_size=9))
    places: list[int | None] = draw(st.permutations([*range(width), *([None] * draw(st.integers(0, 3)))]))
    key = draw(st.lists(st.sampled_from(range(width)), min_size=1, max_size=3, unique=True))
    section = draw(st.none() | st.just("orders"))
    layout = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=section, places=tuple(places))
    return list(zip(*rows, strict=True)), layout, key


@given(sections())
def test_keys_are_those_of_the_cells(drawn: tuple[Sequence[Sequence[Cell]], CsvLayout, Sequence[int]]) -> None:
    batch, layout, key = drawn
    fields = encode_fields(batch, [text_column(place) for place in range(len(batch))], layout)
    assert key_lines_of(join_records(fields, layout), layout, key) == key_lines(fields, key)


def text_column(place: int) -> Column:
    return Column(
        name=f"c{place}",
        label="",
        type=ColumnType.TEXT,
        source=SourceColumn(None, f"c{place}"),
        personal_data=PersonalDataClass.NONE,
    )


def test_a_key_of_many_lines_takes_a_time_that_grows_with_it() -> None:
    layout = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=None, places=(0, 1))
    text = '"' + ",\r\n" * 200_000 + '"'
    assert key_lines_of(f"{text},a\r\nb,c\r\n".encode(), layout, [0]) == f"{text}\nb\n".encode()
