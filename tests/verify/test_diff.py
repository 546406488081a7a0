"""What `diff` finds between two exports of one customer: what was done to the rows, and nothing else."""

import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.model.columns import Cell, Column, ColumnType
from customer_export.model.request import CsvOptions, CsvProfile, ExportFormat
from customer_export.verify.comparing import compare_exports
from customer_export.verify.differences import Kind, RowDifference, SectionBegin, SectionEnd
from customer_export.verify.matching import KEPT_ROWS
from customer_export.verify.opened import open_export
from customer_export.verify.rows import BrokenFileError
from verify.proven import Made, make
from verify.test_verify import CELLS, COLUMNS, FORMS, orders
from writers.sections import MemorySection, column, section

Told = list[tuple[Kind, int | None, int | None, Mapping[str, tuple[Cell, Cell]]]]


def events_of(old: Made, new: Made, *, kept_rows: int = KEPT_ROWS) -> list[object]:
    with ExitStack() as stack:
        sides = [
            open_export(name, BytesIO(made.data), manifest=made.manifest, stack=stack)
            for name, made in (("old", old), ("new", new))
        ]
        return list(compare_exports(*sides, kept_rows=kept_rows))


def differences(old: Made, new: Made, *, kept_rows: int = KEPT_ROWS) -> list[RowDifference]:
    return [event for event in events_of(old, new, kept_rows=kept_rows) if isinstance(event, RowDifference)]


def named(name: str) -> MemorySection:
    return replace(orders(), name=name)


def told(found: Sequence[RowDifference]) -> Told:
    """Give what was found, without the cells of whole rows."""
    return [(one.kind, one.old_row, one.new_row, one.cells if one.kind is Kind.CHANGED else {}) for one in found]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("other", FORMS)
def test_a_cell_changed_a_row_gone_and_a_row_added_between_any_two_formats(
    form: ExportFormat, other: ExportFormat
) -> None:
    old = orders()
    rows = [list(row) for row in old.data]
    name = old.columns[2].name
    before, rows[9][2] = rows[9][2], "another text"
    gone = rows.pop(20)
    rows.insert(30, ["999999", *gone[1:]])
    found = differences(make(form, [old]), make(other, [replace(old, data=rows)]))
    assert told(found) == [
        (Kind.CHANGED, 10, 10, {name: (before, "another text")}),
        (Kind.GONE, 21, None, {}),
        (Kind.ADDED, None, 31, {}),
    ]
    assert found[1].key == {"id": gone[0]}
    assert found[2].cells["id"] == (None, "999999")


@pytest.mark.parametrize("form", FORMS)
def test_a_file_differs_in_nothing_from_itself_in_any_format(form: ExportFormat) -> None:
    for other in FORMS:
        events = events_of(make(form, [orders(), named("more")]), make(other, [orders(), named("more")]))
        assert not [event for event in events if isinstance(event, RowDifference)]
        assert not [note for event in events if isinstance(event, SectionEnd) for note in event.notes]


@pytest.mark.parametrize("kept_rows", [KEPT_ROWS, 3], ids=["in memory", "on the disk"])
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_random_edits_are_found_exactly(data: st.DataObject, kept_rows: int) -> None:
    count = data.draw(st.integers(0, 40))
    row = st.tuples(*(CELLS[one.type] | st.none() for one in COLUMNS[1:]))
    old = [(str(number), *data.draw(row)) for number in range(count)]
    new = [list(cells) for cells in old]
    changed = data.draw(st.dictionaries(st.integers(0, count - 1), st.integers(1, len(COLUMNS) - 1))) if count else {}
    for number, place in changed.items():
        new[number][place] = (
            "changed!" if COLUMNS[place].type is ColumnType.TEXT else data.draw(CELLS[COLUMNS[place].type])
        )
    gone = data.draw(st.sets(st.integers(0, count - 1))) if count else set()
    new = [cells for number, cells in enumerate(new) if number not in gone]
    for number in range(data.draw(st.integers(0, 5))):
        new.insert(data.draw(st.integers(0, len(new))), [str(1000 + number), *data.draw(row)])
    if data.draw(st.booleans()):
        random.Random(count).shuffle(new)
    forms = data.draw(st.tuples(st.sampled_from(FORMS), st.sampled_from(FORMS)))
    one, two = (make(form, [section("orders", COLUMNS, *rows)]) for form, rows in zip(forms, (old, new), strict=True))
    found = differences(one, two, kept_rows=kept_rows)
    olds, news = ({cells[0]: cells for cells in rows} for rows in (old, new))
    assert {one.key["id"] for one in found if one.kind is Kind.GONE} == set(olds) - set(news)
    assert {one.key["id"] for one in found if one.kind is Kind.ADDED} == set(news) - set(olds)
    expected = {}
    for key in set(olds) & set(news):
        cells = zip(COLUMNS, olds[key], news[key], strict=True)
        edits = {column.name: (before, after) for column, before, after in cells if before != after}
        if edits:
            expected[key] = edits
    assert {one.key["id"]: one.cells for one in found if one.kind is Kind.CHANGED} == expected
    assert len(found) == len({(one.kind, one.key["id"]) for one in found})


def test_a_row_that_is_sorted_by_what_changed_is_still_that_row() -> None:
    columns = (column("changed_at", ColumnType.TIMESTAMP), column("id", ColumnType.INTEGER), column("state"))
    old = [("2024-01-03T00:00:00+00:00", "1", "new"), ("2024-01-02T00:00:00+00:00", "2", "new")]
    new = [("2024-02-01T00:00:00+00:00", "2", "paid"), old[0]]
    found = differences(*(make_of(columns, rows, key=("changed_at", "id")) for rows in (old, new)))
    assert told(found) == [
        (Kind.CHANGED, 2, 1, {"changed_at": (old[1][0], new[0][0]), "state": ("new", "paid")}),
    ]


def test_rows_without_a_key_are_compared_whole_and_then_by_their_number() -> None:
    columns = (column("city"), column("street"))
    old = [("Ulm", "a"), ("Ulm", "a"), ("Bonn", "b"), ("Kiel", "c")]
    new = [("Ulm", "a"), ("Bonn", "b"), ("Kiel", "c"), ("Kiel", "c")]
    events = events_of(*(make_of(columns, rows, key=()) for rows in (old, new)))
    found = [event for event in events if isinstance(event, RowDifference)]
    assert told(found) == [(Kind.GONE, 2, None, {}), (Kind.ADDED, None, 3, {})]
    [end] = [event for event in events if isinstance(event, SectionEnd)]
    assert [note.code for note in end.notes] == ["no_key"]
    new = [*old[:3], ("Kiel", "e")]
    assert told(differences(*(make_of(columns, rows, key=()) for rows in (old, new)))) == [
        (Kind.CHANGED, 4, 4, {"street": ("c", "e")}),
    ]


def test_rows_in_another_order_are_the_same_rows() -> None:
    columns = (column("id", ColumnType.INTEGER), column("city"))
    old, new = [("1", "Ulm"), ("2", "Bonn")], [("2", "Bonn"), ("1", "Ulm")]
    events = events_of(make_of(columns, old), make_of(columns, new))
    assert not [event for event in events if isinstance(event, RowDifference)]
    assert [note.code for event in events if isinstance(event, SectionEnd) for note in event.notes] == ["other_order"]


def test_columns_that_came_went_or_are_masked_differently_are_told_apart() -> None:
    columns = tuple(column(name) for name in ("id", "city", "phone", "fax", "note"))
    others = (*columns[:3], replace(columns[4], type=ColumnType.IDENTIFIER), column("mobile"))
    old = make_of(columns, [("1", "Ulm", "0731", "0732", "x")])
    new = make_of(others, [("1", "Ulm", None, "x", "0170")])
    new.manifest["sections"][0]["columns"][2]["masked"] = "withhold"
    events = events_of(old, new)
    [begin] = [event for event in events if isinstance(event, SectionBegin)]
    assert (begin.gone_columns, begin.added_columns) == (["fax"], ["mobile"])
    assert (begin.retyped_columns, begin.masked_columns) == (["note"], ["phone"])
    assert begin.differs
    assert not [event for event in events if isinstance(event, RowDifference)]


def test_sections_that_only_one_file_has_and_sections_in_another_order() -> None:
    old = make(ExportFormat.JSON, [named("a"), named("b"), named("c")])
    new = make(ExportFormat.CSV, [named("d"), named("c"), named("a")])
    begins = {event.name: event.only for event in events_of(old, new) if isinstance(event, SectionBegin)}
    assert begins == {"a": None, "b": Kind.GONE, "c": None, "d": Kind.ADDED}
    assert not differences(old, new)


def test_moments_of_two_time_zones_are_compared_as_moments() -> None:
    columns = (column("id"), column("at", ColumnType.TIMESTAMP))
    old = make_of(columns, [("1", "2024-07-31T12:00:00+02:00"), ("2", None)], time_zone="Europe/Berlin")
    new = make_of(columns, [("1", "2024-07-31T10:00:00+00:00"), ("2", None)], time_zone="UTC")
    assert not differences(old, new)


def test_a_file_that_is_not_what_its_manifest_says_is_told() -> None:
    old = make(ExportFormat.CSV, [orders()])
    cut = Made(old.form, old.data[: old.data.rindex(b"\r\n", 0, -2) + 2], old.manifest)
    ends = [event for event in events_of(old, cut) if isinstance(event, SectionEnd)]
    assert [note.code for note in ends[0].notes] == ["not_as_its_manifest"]
    broken = Made(old.form, old.data[:-7], old.manifest)
    with pytest.raises(BrokenFileError, match="new: "):
        events_of(old, broken)


def make_of(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    key: Sequence[str] = ("id",),
    time_zone: str = "UTC",
) -> Made:
    one: MemorySection = section("addresses", columns, *rows)
    csv = CsvOptions(delimiter=";", profile=CsvProfile.RAW)
    return make(ExportFormat.CSV, [one], key=key, time_zone=time_zone, csv=csv)
