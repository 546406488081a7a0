"""What a writer changes is in the ledger, by section, column and kind, and nothing else is."""

import csv
import io
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sections import MemorySection, Rows, column, document, section

from customer_export.model.columns import ColumnType
from customer_export.model.document import Document
from customer_export.model.ledger import SAMPLES, AlterationKind, Ledger, Limit
from customer_export.model.request import CsvOptions, CsvProfile
from customer_export.writers.csv import DELIMITERS, CsvWriter
from customer_export.writers.interface import Writer
from customer_export.writers.json import JsonWriter
from customer_export.writers.ndjson import NdjsonWriter
from customer_export.writers.pdf import PdfWriter
from customer_export.writers.xlsx import WorkbookWriter
from customer_export.writers.xlsx.limits import SheetLimits

TEXT, INTEGER, DATE = column("text"), column("number", ColumnType.INTEGER), column("day", ColumnType.DATE)

CELLS = st.sampled_from(["1", None, "9007199254740993", "-0", "x"])


TEMPTING = st.text("'=+-@\t\r\n\",;|0.9a\x1f\x00ü", max_size=5)
"""Cells that nearly all have something to neutralise, to quote, or to mistake for either."""
CSV_ROWS = st.lists(st.tuples(TEMPTING | st.none(), TEMPTING | st.sampled_from(["-1", "+2.5", "-Infinity", None])))
AMOUNT = column("amount", ColumnType.DECIMAL)


def would_run(cell: str | None, kind: ColumnType) -> bool:
    """The rule of docs/formats/csv.md in other words than the writer's."""
    if cell is None or re.match(r"'*[=+\-@\t\r]", cell) is None:
        return False
    return kind is ColumnType.TEXT or re.fullmatch(r"[+-]([0-9]+(\.[0-9]+)?|[Ii]nfinity)", cell) is None


def noted(writer: Writer, *sections: MemorySection) -> Document:
    head = document()
    for _ in writer.write(head, sections):
        pass
    return head


def alterations(writer: Writer, *sections: MemorySection) -> list[tuple[str, str, str, int, list[int]]]:
    found = noted(writer, *sections).ledger.alterations()
    return [(one.section, one.column, one.kind.value, one.count, one.rows) for one in found]


class TestCsv:
    @given(CSV_ROWS, CSV_ROWS, st.sampled_from(sorted(DELIMITERS.values())), st.booleans(), st.data())
    def test_what_is_noted_is_what_the_source_would_run(
        self, one: Rows, other: Rows, delimiter: str, several: bool, data: st.DataObject
    ) -> None:
        columns = (TEXT, AMOUNT)
        sections = [section("s", columns, *one), section("t", [AMOUNT], *[(cell,) for _, cell in other])]
        drawn = [each.in_batches_of(data.draw(st.integers(1, 5))) for each in sections[: 2 if several else 1]]
        head = document(CsvOptions(delimiter=delimiter))
        content = b"".join(CsvWriter().write(head, drawn)).decode()
        expected = []
        for each in drawn:
            for place, kind in enumerate(each.columns):
                rows = [number for number, row in enumerate(each.data, 1) if would_run(row[place], kind.type)]
                if rows:
                    expected.append((each.name, kind.name, "formula_neutralised", len(rows), rows[:SAMPLES]))
        found = [(a.section, a.column, a.kind.value, a.count, a.rows) for a in head.ledger.alterations()]
        assert found == sorted(expected)
        _, *records = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
        undone = [[re.sub(r"^'(?='*[=+\-@\t\r])", "", field) for field in record] for record in records]
        assert undone == [
            [*([each.name] if several else []), *("" if cell is None else cell for cell in padded(row, several))]
            for each in drawn
            for row in each.data
        ]

    @given(CSV_ROWS)
    def test_raw_has_none(self, rows: Rows) -> None:
        head = document(CsvOptions(profile=CsvProfile.RAW))
        for _ in CsvWriter().write(head, [section("s", [TEXT, AMOUNT], *rows)]):
            pass
        assert head.ledger.alterations() == []


def padded(row: Sequence[str | None], several: bool) -> Sequence[str | None]:
    """A row of the table of several sections."""
    return (None, *row) if several and len(row) == 1 else row


class TestWorkbook:
    @pytest.mark.parametrize(
        ("kind", "cell"),
        [
            (ColumnType.INTEGER, "1234567890123456"),
            (ColumnType.DECIMAL, "NaN"),
            (ColumnType.MONEY, "-0"),
            (ColumnType.BOOLEAN, "2"),
            (ColumnType.DATE, "1899-01-01"),
            (ColumnType.TIMESTAMP, "0000-00-00 00:00:00"),
        ],
    )
    def test_what_a_cell_cant_hold_is_kept_as_text(self, kind: ColumnType, cell: str) -> None:
        typed = column("a", kind, currency_code="EUR" if kind is ColumnType.MONEY else None)
        rows = [(None,), (cell,), (None,)]
        assert alterations(WorkbookWriter(), section("s", [typed], *rows)) == [("s", "a", "kept_as_text", 1, [2])]

    def test_text_is_text_whatever_it_looks_like(self) -> None:
        texts = [("=1+1",), ("1234567890123456",), (" a\n",), ("",), (None,), ("日本",), ("_x",)]
        assert alterations(WorkbookWriter(), section("s", [TEXT], *texts)) == []

    @pytest.mark.parametrize("cell", ["a\x01", "\r\n", "_x000D_", "a\x00b"])
    @pytest.mark.parametrize("kind", [ColumnType.TEXT, ColumnType.EMAIL, ColumnType.JSON])
    def test_escapes_are_noted(self, kind: ColumnType, cell: str) -> None:
        found = alterations(WorkbookWriter(), section("s", [column("a", kind)], ("b",), (cell,)))
        assert found == [("s", "a", "control_character_escaped", 1, [2])]

    def test_a_long_cell_is_continued_and_what_goes_on_elsewhere_may_be_escaped(self) -> None:
        rows = [("x" * 40_000,), ("x",), ("x" * 40_000 + "\x01",)]
        assert alterations(WorkbookWriter(), section("s", [TEXT], *rows)) == [
            ("s", "text", "cell_continued", 2, [1, 3]),
            ("s", "text", "control_character_escaped", 1, [3]),
        ]

    def test_rows_are_those_of_the_section_whatever_sheet_they_stand_in(self) -> None:
        writer = WorkbookWriter(limits=SheetLimits(rows=5))
        head = noted(writer, section("s", [INTEGER], *[(f"0{number}",) for number in range(12)]))
        (one,) = head.ledger.alterations()
        assert (one.count, one.rows) == (12, list(range(1, SAMPLES + 1)))
        assert head.ledger.limits() == [{"limit": "sheet_rows", "section": "s", "value": 5}]

    def test_the_limit_of_a_sheets_bytes_is_told(self) -> None:
        writer = WorkbookWriter(limits=SheetLimits(xml_bytes=10_000))
        head = noted(writer, section("s", [TEXT], *[("x" * 100,)] * 2000))
        assert {one["limit"] for one in head.ledger.limits()} == {"sheet_xml_bytes"}

    @given(st.lists(st.tuples(st.sampled_from(["1", "01", "x\x01", None]), st.none() | st.text(max_size=3))), st.data())
    def test_batches_make_no_difference(self, rows: Rows, data: st.DataObject) -> None:
        whole = section("s", [INTEGER, TEXT], *rows)
        found = alterations(WorkbookWriter(), whole)
        assert found == alterations(WorkbookWriter(), whole.in_batches_of(data.draw(st.integers(1, 5))))
        kept = [number for number, (cell, _) in enumerate(rows, 1) if cell not in ("1", None)]
        assert [one for one in found if one[2] == "kept_as_text"] == (
            [("s", "number", "kept_as_text", len(kept), kept[:SAMPLES])] if kept else []
        )


@pytest.mark.parametrize("writer", [JsonWriter(), NdjsonWriter()])
class TestJson:
    def test_what_a_reader_would_round_or_is_none_of_its_type_stays_a_string(self, writer: Writer) -> None:
        columns = [INTEGER, column("flag", ColumnType.BOOLEAN), column("document", ColumnType.JSON)]
        rows: Sequence[Sequence[str | None]] = [
            ("1", "true", '{"a":1}'),
            ("9007199254740992", "2", "{"),
            (None, None, None),
            ("01", "false", '"x"'),
        ]
        assert alterations(writer, section("s", columns, *rows), section("t", columns, *rows[1:2])) == [
            ("s", "document", "invalid_json_quoted", 1, [2]),
            ("s", "flag", "kept_as_text", 1, [2]),
            ("s", "number", "kept_as_text", 2, [2, 4]),
            ("t", "document", "invalid_json_quoted", 1, [1]),
            ("t", "flag", "kept_as_text", 1, [1]),
            ("t", "number", "kept_as_text", 1, [1]),
        ]

    @given(
        cells=st.lists(st.sampled_from(["1", None, "9007199254740993", "-0", "true"]), max_size=20),
        batch=st.integers(1, 4),
    )
    def test_batches_make_no_difference(self, writer: Writer, cells: list[str | None], batch: int) -> None:
        whole = section("s", [INTEGER], *[(cell,) for cell in cells])
        kept = [number for number, cell in enumerate(cells, 1) if cell not in ("1", None)]
        expected = [("s", "number", "kept_as_text", len(kept), kept[:SAMPLES])] if kept else []
        assert alterations(writer, whole) == alterations(writer, whole.in_batches_of(batch)) == expected


class TestReport:
    def test_what_no_font_shows_and_what_goes_on_in_the_appendix_is_noted(self, pdf_writer: PdfWriter) -> None:
        rows = [("a", "1"), ("a\x07", "2"), ("word " * 2000, "3"), ("a\tb", None), ("日本", "5")]
        assert alterations(pdf_writer, section("s", [TEXT, INTEGER], *rows)) == [
            ("s", "text", "cell_continued", 1, [3]),
            ("s", "text", "characters_replaced", 2, [2, 4]),
        ]

    def test_a_report_without_tags_says_so(self, pdf_writer: PdfWriter) -> None:
        head = noted(pdf_writer, section("s", [INTEGER], *[("1",)] * 5001))
        assert head.ledger.limits() == [{"limit": "tagged_rows", "section": None, "value": 5000}]


class TestLedger:
    def test_it_counts_all_and_names_the_first(self) -> None:
        ledger = Ledger()
        orders = ledger.section("orders")
        for _ in range(3):
            orders.add("note", AlterationKind.KEPT_AS_TEXT, [0, 2, 4, 6])
            orders.advance(8)
        (one,) = ledger.alterations()
        assert one.members() == {
            "section": "orders",
            "column": "note",
            "kind": "kept_as_text",
            "count": 12,
            "rows": [1, 3, 5, 7, 9, 11, 13, 15, 17, 19],
        }

    def test_nothing_is_no_entry(self) -> None:
        ledger = Ledger()
        ledger.section("orders").add("note", AlterationKind.KEPT_AS_TEXT, [])
        ledger.add_column("orders", "note", AlterationKind.MASKED, rows=0)
        assert (ledger.alterations(), ledger.limits()) == ([], [])

    def test_whole_it_has_every_cell_and_what_stood_there(self) -> None:
        ledger, kept = Ledger(), []
        ledger.keep_whole(lambda *one: kept.append(one))
        ledger.section("s").add("a", AlterationKind.KEPT_AS_TEXT, [1, 2], lambda place: f"cell {place}")
        ledger.add_column("s", "b", AlterationKind.MASKED, rows=2)
        assert kept == [("s", "a", AlterationKind.KEPT_AS_TEXT, [2, 3], ["cell 1", "cell 2"])]

    def test_a_limit_is_told_once(self) -> None:
        ledger = Ledger()
        for _ in range(2):
            ledger.section("s").reach(Limit.SHEET_LINKS, value=7)
        assert ledger.limits() == [{"limit": "sheet_links", "section": "s", "value": 7}]
