"""What a workbook holds is what the database held, as openpyxl, calamine and LibreOffice read it."""

import io
import re
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from xlsx_sections import RowsSection, column, document, section

from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.model.customer_map import OrdersRole
from customer_export.model.request import Period
from customer_export.writers.locale import LOCALES, Word, locale_of
from customer_export.writers.xlsx import WorkbookWriter
from customer_export.writers.xlsx.limits import SheetLimits
from xlsx_rules import MAIN, check_workbook, unescape

ORDERS = OrdersRole(section="orders", amount="total", time="placed_at", status="status")

EVERY_TYPE = (
    column("name"),
    column("sku", ColumnType.IDENTIFIER),
    column("quantity", ColumnType.INTEGER),
    column("weight", ColumnType.DECIMAL),
    column("unit_price", ColumnType.MONEY, currency="currency"),
    column("currency"),
    column("paid", ColumnType.BOOLEAN),
    column("born", ColumnType.DATE),
    column("seen_at", ColumnType.TIMESTAMP),
    column("id", ColumnType.UUID),
    column("email", ColumnType.EMAIL),
    column("homepage", ColumnType.URL),
    column("preferences", ColumnType.JSON),
    column("avatar", ColumnType.BINARY),
)
ORDER_COLUMNS = (
    column("number", ColumnType.IDENTIFIER),
    column("placed_at", ColumnType.TIMESTAMP),
    column("status"),
    column("currency"),
    column("total", ColumnType.MONEY, currency="currency"),
)
HOSTILE = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', 'a "quoted" word', "a\nb", "a\rb",
    "a\r\nb", "\x00\x01\x1f", "_x0041_", "_x000D_", "_x005F_x000D_", "_x0041\x01", "__x0041_", "_", "]]>", "a\x0bb",
    "<b>&amp;</b>", " x ", "\u202egnp.exe", "\u200b", "👩‍👩‍👧‍👦", "日本語", "שלום", "00012", "12345678901234567890",
    "1e5", "TRUE", "2024-01-01", "\ufeff", "\x7f\x85\u2028", "#REF!", "", " ", "\n", "%s %d {0}",
)  # fmt: skip


def written(*sections: RowsSection, limits: SheetLimits | None = None, **head: object) -> bytes:
    return b"".join(WorkbookWriter(limits=limits).write(document(**head), sections))


def one_sheet(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], **head: object) -> bytes:
    return written(section("data", columns, rows), **head)


def read_openpyxl(file: bytes, sheet: str = "Data") -> list[list[object]]:
    """Return the rows under the header; openpyxl leaves the escapes of the standard to its callers."""
    rows = openpyxl.load_workbook(io.BytesIO(file))[sheet].iter_rows(min_row=2)
    return [[unescape(cell.value) if isinstance(cell.value, str) else cell.value for cell in row] for row in rows]


def read_calamine(file: bytes, sheet: str = "Data") -> list[list[object]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(file))
    return book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)[1:]


def stored_cells(file: bytes, sheet: int = 2) -> dict[str, tuple[str, str]]:
    """Return each cell's type and text by its reference, straight from the XML."""
    root = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(file)).read(f"xl/worksheets/sheet{sheet}.xml"))
    return {cell.get("r"): (cell.get("t", "n"), unescape("".join(cell.itertext()))) for cell in root.iter(f"{MAIN}c")}


def moment(serial: str) -> datetime:
    """Return what a serial number, as a double, says: to the microsecond, from June 2079 on to the second.

    A double can tell microseconds apart; multiplied as one it is rounded again, and they are not always the same.
    """
    days = Fraction(float(serial))
    if days < 65_536:
        return datetime(1899, 12, 30) + timedelta(microseconds=round(days * 86_400_000_000))
    return datetime(1899, 12, 30) + timedelta(seconds=round(days * 86_400))


def canonical(kind: str, text: str, type_of_column: ColumnType) -> object:
    """Turn a stored cell back into what the database's text means."""
    if kind == "inlineStr":
        return text
    match type_of_column:
        case ColumnType.BOOLEAN:
            return {"1": "true", "0": "false"}[text]
        case ColumnType.DATE:
            return moment(text).date().isoformat()
        case ColumnType.TIMESTAMP:
            return moment(text)
        case _:
            # Read as a reader would, as a double, and still the same number.
            assert Decimal(repr(float(text))) == Decimal(text)
            return text


def meaning(cell: Cell, type_of_column: ColumnType, kind: str) -> object:
    if type_of_column is ColumnType.TIMESTAMP and kind == "n":
        return datetime.fromisoformat(cell[: cell.rindex(cell[-6])])
    return cell


def is_number(text: str, type_of_column: ColumnType) -> bool:
    return text == "-1" and type_of_column in {ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY}


class TestEveryType:
    def test_true_values_are_stored_as_their_type(self) -> None:
        row = (
            "Ada", "0012", "-42", "1.50", "19.90", "EUR", "true", "1985-12-10", "2024-05-06T07:08:09+02:00",
            "550e8400-e29b-41d4-a716-446655440000", "ada@example.com", "https://example.com/?a=1&b=2#c", '{"a": 1}',
            "binary; 3 bytes; sha256=00",
        )  # fmt: skip
        file = one_sheet(EVERY_TYPE, [row], time_zone="Europe/Berlin")
        check_workbook(file)
        expected = list(row)
        expected[2:5] = [-42, 1.5, 19.9]
        expected[6:9] = [True, datetime(1985, 12, 10), datetime(2024, 5, 6, 7, 8, 9)]
        assert read_openpyxl(file) == [expected]
        expected[7] = datetime(1985, 12, 10).date()
        assert read_calamine(file) == [expected]

    def test_null_is_no_cell_and_an_empty_string_is_one(self) -> None:
        for type_of_column in ColumnType:
            cells = stored_cells(one_sheet([column("x", type_of_column), column("y")], [(None, "a"), ("", "b")]))
            assert "A2" not in cells
            assert cells["A3"] == ("inlineStr", "")

    @pytest.mark.parametrize("type_of_column", ColumnType)
    def test_a_value_that_is_not_of_its_type_stays_text(self, type_of_column: ColumnType) -> None:
        texts = [text for text in HOSTILE if text != "2024-01-01" or type_of_column is not ColumnType.DATE]
        cells = stored_cells(one_sheet([column("x", type_of_column)], [(text,) for text in texts]))
        assert [cells[f"A{row}"] for row in range(2, len(texts) + 2)] == [
            ("n" if is_number(text, type_of_column) else "inlineStr", text) for text in texts
        ]

    @pytest.mark.parametrize(
        ("type_of_column", "text"),
        [
            (ColumnType.INTEGER, "1234567890123456"),
            (ColumnType.INTEGER, "007"),
            (ColumnType.INTEGER, "-0"),
            (ColumnType.DECIMAL, "NaN"),
            (ColumnType.DECIMAL, "-Infinity"),
            (ColumnType.DECIMAL, "0.1234567890123456"),
            (ColumnType.DECIMAL, "-0.00"),
            (ColumnType.MONEY, "12345678901234.56"),
            (ColumnType.DATE, "1900-02-28"),
            (ColumnType.DATE, "2023-02-29"),
            (ColumnType.DATE, "20240101"),
            (ColumnType.TIMESTAMP, "1899-12-31T00:00:00+00:00"),
            (ColumnType.TIMESTAMP, "2024-01-01 00:00:00"),
            (ColumnType.TIMESTAMP, "2079-06-05T00:00:00.000001+00:00"),
            (ColumnType.TIMESTAMP, "2024-01-01T00:00:00"),
            (ColumnType.TIMESTAMP, "2024-W01-1T00:00:00+00:00"),
            (ColumnType.TIMESTAMP, "2024-01-01T24:00:00+00:00"),
            (ColumnType.BOOLEAN, "t"),
        ],
    )
    def test_what_a_workbook_would_change_stays_text(self, type_of_column: ColumnType, text: str) -> None:
        for rows in ([(text,)], [(text,), (None,)]):
            assert stored_cells(one_sheet([column("x", type_of_column)], rows))["A2"] == ("inlineStr", text)

    @pytest.mark.parametrize(
        ("type_of_column", "text"),
        [
            (ColumnType.INTEGER, "123456789012345"),
            (ColumnType.DECIMAL, "0.000000000000001"),
            (ColumnType.DECIMAL, "1.00000000000000000000"),
            (ColumnType.MONEY, "-0.01"),
            (ColumnType.DATE, "1900-03-01"),
            (ColumnType.DATE, "9999-12-31"),
            (ColumnType.TIMESTAMP, "2079-06-04T23:59:59.999999+00:00"),
            (ColumnType.TIMESTAMP, "9999-12-31T23:59:59+00:00"),
        ],
    )
    def test_what_it_can_hold_is_no_text(self, type_of_column: ColumnType, text: str) -> None:
        for rows in ([(text,)], [(text,), (None,)]):
            kind, stored = stored_cells(one_sheet([column("x", type_of_column)], rows))["A2"]
            assert kind == "n"
            assert canonical(kind, stored, type_of_column) == meaning(text, type_of_column, kind)

    def test_an_hour_that_comes_twice_keeps_its_offset(self) -> None:
        texts = [
            "2024-10-27T01:59:59+02:00",
            "2024-10-27T02:30:00+02:00",
            "2024-10-27T02:30:00+01:00",
            "2024-10-27T03:00:00+01:00",
        ]
        columns = [column("at", ColumnType.TIMESTAMP)]
        cells = stored_cells(one_sheet(columns, [(text,) for text in texts], time_zone="Europe/Berlin"))
        assert [cells[f"A{row}"][0] for row in range(2, 6)] == ["n", "inlineStr", "inlineStr", "n"]
        assert cells["A3"][1] == texts[1]


def numbers() -> st.SearchStrategy[str]:
    digits = st.from_regex(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?", fullmatch=True)
    return digits | st.from_regex(r"-?(?:0|[1-9][0-9]{0,6})\.[0-9]{2}", fullmatch=True)


def texts() -> st.SearchStrategy[str]:
    # Surrogates are no characters: no database returns them, and they are replaced.
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    underscores = st.text(st.sampled_from("_x00419AaF\x01\r\n "), max_size=14)
    return anything | underscores | st.sampled_from(HOSTILE)


def moments() -> st.SearchStrategy[str]:
    zone = ZoneInfo("Europe/Berlin")
    times = st.datetimes(min_value=datetime(1890, 1, 1), max_value=datetime(9999, 12, 30))
    whole = times.map(lambda time: time.replace(microsecond=0))
    return (times | whole).map(lambda time: time.replace(tzinfo=UTC).astimezone(zone).isoformat())


CELLS = {
    ColumnType.INTEGER: numbers(),
    ColumnType.DECIMAL: numbers(),
    ColumnType.MONEY: numbers(),
    ColumnType.BOOLEAN: st.sampled_from(["true", "false"]),
    ColumnType.DATE: st.dates().map(lambda day: day.isoformat()),
    ColumnType.TIMESTAMP: moments(),
    ColumnType.EMAIL: st.emails(),
}


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[Cell, ...]]:
    """Draw rows of EVERY_TYPE: mostly of their type, some NULL, some anything."""
    count = draw(st.integers(1, 6))
    columns = [
        draw(st.lists(st.none() | CELLS.get(each.type, texts()) | texts(), min_size=count, max_size=count))
        if draw(st.booleans())
        else draw(st.lists(CELLS.get(each.type, texts()), min_size=count, max_size=count))
        for each in EVERY_TYPE
    ]
    return list(zip(*columns, strict=True))


class TestReadBack:
    @given(rows=tables())
    def test_every_cell_is_what_it_was(self, rows: list[tuple[Cell, ...]]) -> None:
        file = one_sheet(EVERY_TYPE, rows, time_zone="Europe/Berlin")
        check_workbook(file)
        cells = stored_cells(file)
        openpyxl_rows = read_openpyxl(file)
        calamine_rows = read_calamine(file)
        for number, row in enumerate(rows):
            for index, (text, each) in enumerate(zip(row, EVERY_TYPE, strict=True)):
                reference = f"{chr(65 + index)}{number + 2}"
                kind, stored = cells.get(reference, ("", None))
                if text is None:
                    assert stored is None
                    continue
                assert canonical(kind, stored, each.type) == meaning(text, each.type, kind)
                if kind == "inlineStr":
                    assert openpyxl_rows[number][index] == text
                    # calamine leaves U+FFFE and U+FFFF escaped.
                    assert calamine_rows[number][index] == re.sub(
                        "[\ufffe\uffff]", lambda match: f"_x{ord(match[0]):X}_", text
                    )
                elif kind == "n" and each.type in {ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY}:
                    assert Decimal(repr(openpyxl_rows[number][index])) == Decimal(text)
                    assert Decimal(repr(calamine_rows[number][index])) == Decimal(text)

    @given(rows=tables(), batch_rows=st.integers(1, 4))
    def test_the_file_does_not_depend_on_the_batches(self, rows: list[tuple[Cell, ...]], batch_rows: int) -> None:
        whole = section("orders", EVERY_TYPE, rows)
        pieces = section("orders", EVERY_TYPE, rows, batch_rows=batch_rows)
        role = OrdersRole(section="orders", amount="unit_price", time="seen_at", status="name")
        assert written(whole, orders=role) == written(pieces, orders=role)

    def test_lone_surrogates_are_replaced(self) -> None:
        assert read_openpyxl(one_sheet([column("x")], [("a\ud800b",)])) == [["a\ufffdb"]]

    def test_decimals_show_their_stored_scale_and_money_that_of_its_currency(self) -> None:
        columns = [column("d", ColumnType.DECIMAL), column("m", ColumnType.MONEY, currency="c"), column("c")]
        rows = [
            ("1.500", "1.5", "EUR"), ("2", "1200.00", "JPY"), ("0.1", "1.5", "KWD"), ("1", "0.00125", "EUR"),
            ("1", "7", "???"), ("1", "7.25", None),
        ]  # fmt: skip
        sheet = openpyxl.load_workbook(io.BytesIO(one_sheet(columns, rows)))["Data"]
        formats = [
            [re.sub(r"\[\$(.*?)(?:-.*?)?\]", r"\1", cell.number_format) for cell in row[:2]]
            for row in sheet.iter_rows(min_row=2)
        ]
        assert [row[0] for row in formats] == ["0.000", "0", "0.0", "0", "0", "0"]
        assert [row[1] for row in formats] == [
            "€#,##0.00", "¥#,##0", 'KWD"\xa0"#,##0.000', "€#,##0.00000", "#,##0.00", "#,##0.00",
        ]  # fmt: skip


class TestLinks:
    def targets(self, type_of_column: ColumnType, texts: Sequence[Cell]) -> list[str | None]:
        file = one_sheet([column("x", type_of_column)], [(text,) for text in texts])
        check_workbook(file)
        sheet = openpyxl.load_workbook(io.BytesIO(file))["Data"]
        return [cell.hyperlink and cell.hyperlink.target for (cell,) in sheet.iter_rows(min_row=2)]

    def test_plain_addresses_are_linked(self) -> None:
        assert self.targets(ColumnType.EMAIL, ["ada@example.com", "a?b+c@x.example"]) == [
            "mailto:ada@example.com",
            "mailto:a%3Fb+c@x.example",
        ]
        urls = ["https://example.com", "HTTP://example.com:8080/a_b?c=%20&d#e", "http://localhost/"]
        assert self.targets(ColumnType.URL, urls) == urls

    @pytest.mark.parametrize(
        "text",
        [
            "javascript:alert(1)", "file:///etc/passwd", "\\\\server\\share", "https://", "https://a b", "http://x/%zz",
            "https://good.example@evil.example/",
            "https://x/" + "a" * 2_080, "ftp://x", "data:text/html,x", "https://x/\n", "https://[::1]/", "https://x/a#b#c",
            "https://ex\u0430mple.com", " https://x", "http://-x.com",
        ],
    )  # fmt: skip
    def test_other_schemes_and_doubtful_addresses_are_not(self, text: str) -> None:
        assert self.targets(ColumnType.URL, [text]) == [None]

    @pytest.mark.parametrize(
        "text", ["a@b@c", "a b@c.example", "@x", "x@", "a@x.example\nbcc: y", "a" * 250 + "@x.example", "<a@x>"]
    )
    def test_doubtful_mailboxes_are_not(self, text: str) -> None:
        assert self.targets(ColumnType.EMAIL, [text]) == [None]

    def test_links_end_at_the_limit_of_a_sheet_and_texts_do_not(self) -> None:
        columns = [column("a", ColumnType.EMAIL), column("b", ColumnType.URL)]
        rows = [("a@example.com", "https://example.com")] * 33_000
        archive = check_workbook(one_sheet(columns, rows))
        assert archive.read("xl/worksheets/sheet2.xml").count(b"<hyperlink ") == 65_530
        assert archive.read("xl/worksheets/sheet2.xml").count(b">a@example.com<") == 33_000


class TestLongTexts:
    def test_a_text_that_is_too_long_goes_on_in_a_sheet_of_its_own(self) -> None:
        long = "".join(f"{number} 🎉\n" for number in range(20_000))
        fitting = "x" * 32_767
        file = one_sheet([column("id"), column("note")], [("a", fitting), ("b", long)])
        check_workbook(file)
        assert read_openpyxl(file)[0][1] == fitting
        shown = read_openpyxl(file)[1][1]
        marker = "… [Continued on sheet Long texts: Data!B3]"
        assert shown.endswith(marker)
        rest = read_openpyxl(file, "Long texts")
        assert [row[:2] for row in rest] == [["Data!B3", number] for number in range(2, 2 + len(rest))]
        assert shown.removesuffix(marker) + "".join(row[2] for row in rest) == long

    def test_a_character_of_two_units_is_not_cut(self) -> None:
        for shift in ("", "x"):
            file = one_sheet([column("note")], [(shift + "🎉" * 40_000,)])
            check_workbook(file)
            assert "\ufffd" not in zipfile.ZipFile(io.BytesIO(file)).read("xl/worksheets/sheet2.xml").decode()

    def test_their_sheets_are_continued_too(self) -> None:
        file = written(section("data", [column("note")], [("a" * 100_000,)]), limits=SheetLimits(rows=3))
        check_workbook(file)
        assert openpyxl.load_workbook(io.BytesIO(file)).sheetnames == [
            "Summary",
            "Data",
            "Long texts",
            "Long texts (2)",
        ]


class TestManyRows:
    def test_a_section_goes_on_in_further_sheets(self) -> None:
        rows = [(str(number), "1.00") for number in range(10)]
        columns = [column("n", ColumnType.INTEGER), column("total", ColumnType.MONEY, currency_code="EUR")]
        file = written(section("orders", columns, rows, batch_rows=4), limits=SheetLimits(rows=5))
        check_workbook(file)
        book = openpyxl.load_workbook(io.BytesIO(file))
        assert book.sheetnames == ["Summary", "Orders", "Orders (2)", "Orders (3)", "Orders (4)"]
        read = [row for name in book.sheetnames[1:] for row in book[name].iter_rows(min_row=2, values_only=True)]
        assert read == [(number, 1) for number in range(10)] + [("Total", 10)]
        assert [book[name].auto_filter.ref for name in book.sheetnames[1:]] == ["A1:B4"] * 3 + ["A1:B2"]

    def test_a_sheet_ends_before_its_part_needs_zip64(self) -> None:
        rows = [("x" * 100,) for _ in range(2_500)]
        file = written(
            section("notes", [column("note")], rows, batch_rows=1_000), limits=SheetLimits(xml_bytes=150_000)
        )
        check_workbook(file)
        # A sheet ends with a block of rows: 64 and 1,024, then 1,024 again.
        assert len(read_openpyxl(file, "Notes")) == 1_088
        assert len(read_openpyxl(file, "Notes (2)")) == 1_024
        assert len(read_openpyxl(file, "Notes (3)")) == 388

    def test_the_sections_are_read_as_the_file_is_taken(self) -> None:
        taken = 0

        class Endless(RowsSection):
            def batches(self) -> Iterator[Batch]:
                nonlocal taken
                while True:
                    taken += 1
                    # Random enough not to be compressed away.
                    yield [[f"{taken * 7919 + row * 104729:x}" * 4 for row in range(1_000)]]

        endless = Endless(name="data", label="Data", columns=(column("x"),), data=())
        stream = WorkbookWriter().write(document(), [endless])
        assert len(next(stream)) >= 1 << 16
        assert taken < 20
        stream.close()

    def test_memory_does_not_grow_with_the_rows(self) -> None:
        def peak(batches: int) -> int:
            class Many(RowsSection):
                def batches(self) -> Iterator[Batch]:
                    for number in range(batches):
                        yield [[f"{number}-{row}" for row in range(1_000)] for _ in range(4)]

            many = Many(name="data", label="Data", columns=tuple(map(column, "abcd")), data=())
            tracemalloc.start()
            for _ in WorkbookWriter().write(document(), [many]):
                pass
            highest = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return highest

        peak(1)
        assert peak(20) < peak(4) + 200_000

    def test_a_failure_passes_through_and_ends_the_file_nowhere(self) -> None:
        class Failing(RowsSection):
            def batches(self) -> Iterator[Batch]:
                yield [["a"]]
                raise ConnectionError("gone")

        failing = Failing(name="data", label="Data", columns=(column("x"),), data=())
        given_bytes = bytearray()
        stream = WorkbookWriter().write(document(), [failing])
        with pytest.raises(ConnectionError):
            given_bytes.extend(b"".join(stream))
        given_bytes.extend(b"".join(stream))
        assert not zipfile.is_zipfile(io.BytesIO(given_bytes))


class TestSheets:
    def test_names_are_legal_and_unique(self) -> None:
        labels = [
            "Orders",
            "orders",
            "Summary",
            "History",
            "a/b\\c?*[x]:y",
            "'quoted'",
            "",
            "x" * 40,
            "X" * 40,
            "🎉" * 20,
            "Long texts",
            "\x00",
        ]
        sections = [section(f"s{index}", [column("x")], [("1",)], label=label) for index, label in enumerate(labels)]
        check_workbook(written(*sections))

    def test_an_export_without_rows_or_sections_is_a_workbook(self) -> None:
        check_workbook(written())
        check_workbook(written(section("empty", [column("x"), column("t", ColumnType.MONEY)], [])))
        check_workbook(written(section("nothing", [], [])))

    def test_the_header_stays_in_view_and_names_the_zone(self) -> None:
        sheet = openpyxl.load_workbook(io.BytesIO(one_sheet(ORDER_COLUMNS, [], time_zone="Europe/Berlin")))["Data"]
        assert [cell.value for cell in sheet[1]][1] == "Placed at (Europe/Berlin)"
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == "A1:E1"
        assert sheet["A1"].font.bold

    def test_totals_stand_only_under_amounts_of_one_currency(self) -> None:
        columns = [
            column("n"),
            column("currency"),
            column("total", ColumnType.MONEY, currency="currency"),
            column("fee", ColumnType.MONEY, currency_code="EUR"),
            column("unit_price", ColumnType.MONEY, currency_code="EUR"),
            column("odd", ColumnType.MONEY, currency_code="EUR"),
        ]
        rows = [("a", "EUR", "0.10", "1.005", "1", "NaN"), ("b", "USD", "0.20", None, "1", "1")]
        assert read_openpyxl(one_sheet(columns, rows))[2] == ["Total", None, None, 1.005, None, None]
        assert stored_cells(one_sheet(columns, [rows[0]] * 3))["C5"] == ("n", "0.30")
        assert "A3" not in stored_cells(one_sheet(columns, rows[:1]))

    @pytest.mark.parametrize("tag", LOCALES)
    def test_every_language_makes_a_workbook_in_its_direction(self, tag: str) -> None:
        rows = [("1", "2024-05-06T07:08:09+00:00", "paid", "EUR", "1.00")]
        file = written(section("orders", ORDER_COLUMNS, rows), locale=tag, orders=ORDERS)
        check_workbook(file)
        book = openpyxl.load_workbook(io.BytesIO(file))
        assert book.sheetnames[0] == locale_of(tag).word(Word.SUMMARY)
        assert {sheet.sheet_view.rightToLeft or False for sheet in book} == {tag in {"ar", "he"}}

    def test_currencies_beyond_the_number_formats_of_excel_are_plain_numbers(self) -> None:
        letters = "ABCDEFGHIJ"
        codes = [a + b + c for a in letters for b in letters for c in letters]
        columns = [column("m", ColumnType.MONEY, currency="c"), column("c")]
        file = one_sheet(columns, [("1.00", code) for code in codes])
        check_workbook(file)
        assert len(read_openpyxl(file)) == 1_000


class TestSummary:
    ROWS = (
        ("1", "2024-01-31T23:59:59+00:00", "paid", "EUR", "0.10"),
        ("2", "2024-02-01T00:00:00+00:00", "paid", "EUR", "0.20"),
        ("3", "2024-02-02T00:00:00+00:00", "sent", "JPY", "1200"),
        ("4", None, None, "EUR", None),
    )

    def summary(self, rows: Sequence[Sequence[Cell]] = ROWS, **head: object) -> list[tuple[object, ...]]:
        file = written(section("orders", ORDER_COLUMNS, rows), orders=ORDERS, **head)
        check_workbook(file)
        sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
        return [row[1:6] for row in sheet.iter_rows(values_only=True)]

    def test_it_says_who_and_when_and_what(self) -> None:
        rows = self.summary(time_zone="Europe/Berlin")
        facts = {row[0]: row[1] for row in rows}
        assert rows[0][0] == "Ada Lovelace"
        assert facts["Customer ID"] == "550e8400-e29b-41d4-a716-446655440000"
        assert facts["Created"] == datetime(2026, 3, 4, 6, 6, 7)
        assert facts["Snapshot taken"] == datetime(2026, 3, 4, 6, 6, 6)
        assert facts["Requested by"] == "support@example.com"
        assert facts["Period"] == "All time"
        assert facts["Orders"] == 4

    def test_key_figures_are_kept_apart_by_currency(self) -> None:
        rows = self.summary()
        assert ("EUR", 3, 0.3, datetime(2024, 1, 31, 23, 59, 59), datetime(2024, 2, 1)) in rows
        assert ("JPY", 1, 1200, datetime(2024, 2, 2), datetime(2024, 2, 2)) in rows
        assert (datetime(2024, 2, 1), 0.2, 1200, None, None) in rows
        assert ("paid", 2, None, None, None) in rows
        assert ("Not set", 1, None, None, None) in rows

    def test_a_sum_that_is_not_known_is_not_shown(self) -> None:
        rows = self.summary([*self.ROWS, ("5", None, None, "EUR", "NaN")])
        assert next(row for row in rows if row[0] == "EUR")[1:3] == (4, "")

    def test_the_period_is_told(self) -> None:
        period = Period(start=datetime(2024, 1, 1, tzinfo=UTC), end=datetime(2025, 1, 1, tzinfo=UTC))
        assert any("Jan 1, 2024" in str(row[1]) and "Jan 1, 2025" in str(row[1]) for row in self.summary(period=period))

    def test_the_charts_show_what_the_tables_hold(self) -> None:
        file = written(section("orders", ORDER_COLUMNS, self.ROWS), orders=ORDERS)
        archive = check_workbook(file)
        months = archive.read("xl/charts/chart1.xml").decode()
        assert re.findall(r"<c:v>(.*?)</c:v>", months) == [
            "JPY", "45292", "45323", "0", "1200", "EUR", "45292", "45323", "0.10", "0.20",
        ]  # fmt: skip
        statuses = archive.read("xl/charts/chart2.xml").decode()
        assert re.findall(r"<c:v>(.*?)</c:v>", statuses) == [
            "Number of orders",
            "paid",
            "Not set",
            "sent",
            "2",
            "1",
            "1",
        ]
        sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
        for chart in (months, statuses):
            for reference, cache in re.findall(r"<c:f>Summary!(.*?)</c:f><c:...Cache>(.*?)</c:...Cache>", chart):
                area = sheet[reference.replace("$", "")]
                cells = [cell.value for row in area for cell in row] if isinstance(area, tuple) else [area.value]
                assert len(cells) == int(re.search('ptCount val="([0-9]+)"', cache)[1])
        assert "10400" not in months + statuses

    def test_it_links_to_every_sheet(self) -> None:
        file = written(section("a", [column("x")], [("1",)] * 8), limits=SheetLimits(rows=5))
        sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
        links = {cell.hyperlink.location for row in sheet.iter_rows() for cell in row if cell.hyperlink}
        assert links == {"'A'!A1", "'A (2)'!A1", "'A (3)'!A1"}

    def test_a_hostile_title_is_a_title(self) -> None:
        title = "=cmd|'/c calc'!A1 <&\"> \x00 \ud800 {title} " + "x" * 40_000
        file = written(title=title)
        check_workbook(file)
        assert openpyxl.load_workbook(io.BytesIO(file)).properties.title.startswith("=cmd|'/c calc'!A1 <&\"> ")


@st.composite
def orders(draw: st.DrawFn) -> list[tuple[Cell, ...]]:
    amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=2)
    other_amounts = st.none() | st.sampled_from(["0.005", "7", "NaN", "1234567890123456.78"])
    times = st.datetimes(datetime(2020, 1, 1), datetime(2020, 4, 1)).map(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}+00:00")
    currencies = draw(st.sampled_from([st.just("EUR"), st.sampled_from(["EUR", "JPY"]), st.none() | st.just("EUR")]))
    amount = amounts.map(lambda each: f"{each:f}")
    amount = amount if draw(st.booleans()) else amount | other_amounts
    row = st.tuples(st.just("1"), st.none() | times, st.sampled_from(["paid", "sent"]), currencies, amount)
    return draw(st.lists(row, min_size=1, max_size=8))


class TestSums:
    @given(rows=orders())
    def test_they_are_exact_and_of_one_currency(self, rows: list[tuple[Cell, ...]]) -> None:
        file = written(section("orders", ORDER_COLUMNS, rows), orders=ORDERS)
        summary = stored_cells(file, sheet=1)
        labels = {text: reference[1:] for reference, (_, text) in reversed(summary.items()) if reference[0] == "B"}
        for currency in {row[3] for row in rows}:
            of_it = [row[4] for row in rows if row[3] == currency and row[4] is not None]
            line = labels[currency or "Not set"]
            assert summary[f"C{line}"][1] == str(sum(row[3] == currency for row in rows))
            expected = None if "NaN" in of_it else sum(map(Decimal, of_it), Decimal())
            shown = summary[f"D{line}"][1]
            assert (Decimal(shown) if shown else None) == expected
        total = stored_cells(file).get(f"E{len(rows) + 2}")
        one = len({row[3] for row in rows}) == 1 and rows[0][3] is not None and len(rows) > 1
        if one and "NaN" not in [row[4] for row in rows]:
            assert Decimal(total[1]) == sum((Decimal(row[4]) for row in rows if row[4] is not None), Decimal())
        else:
            assert total is None


class TestDeterminism:
    def test_the_same_document_makes_the_same_bytes(self) -> None:
        rows = [("1", "2024-05-06T07:08:09+00:00", "paid", "EUR", "1.00")] * 3
        assert written(section("orders", ORDER_COLUMNS, rows), orders=ORDERS) == written(
            section("orders", ORDER_COLUMNS, rows), orders=ORDERS
        )

    def test_what_is_kept_between_exports_holds_nothing_of_a_customer(self) -> None:
        first = written(section("orders", ORDER_COLUMNS, []), title="Mallory", orders=ORDERS)
        second = written(section("orders", ORDER_COLUMNS, []), title="Ada", orders=ORDERS)
        assert b"Mallory" in zipfile.ZipFile(io.BytesIO(first)).read("docProps/core.xml")
        for name in (archive := zipfile.ZipFile(io.BytesIO(second))).namelist():
            assert b"Mallory" not in archive.read(name)


@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc"
)
def test_libreoffice_opens_it_and_keeps_every_cell(tmp_path: Path) -> None:
    # LibreOffice 7.4 reads an escaped escape twice; by the standard, as calamine does, it is read once.
    texts = [text for text in HOSTILE if "_x" not in text and unescape(text) == text]
    rows = [(text, str(index), f"{index}.50", "2024-05-06T07:08:09+00:00", "true") for index, text in enumerate(texts)]
    columns = [
        column("name"),
        column("n", ColumnType.INTEGER),
        column("unit_price", ColumnType.MONEY, currency_code="EUR"),
        column("at", ColumnType.TIMESTAMP),
        column("ok", ColumnType.BOOLEAN),
    ]
    source = tmp_path / "export.xlsx"
    source.write_bytes(one_sheet(columns, rows))
    command = [
        "soffice",
        f"-env:UserInstallation=file://{tmp_path}/profile",
        "--headless",
        "--convert-to",
        "xlsx:Calc MS Excel 2007 XML",
    ]
    subprocess.run(
        [*command, "--outdir", str(tmp_path / "out"), str(source)], check=True, capture_output=True, timeout=120
    )
    sheet = openpyxl.load_workbook(tmp_path / "out" / "export.xlsx")["Data"]
    read = list(sheet.iter_rows(min_row=2, values_only=True))
    # LibreOffice ends all lines alike.
    assert [unescape(row[0] or "") for row in read] == [text.replace("\r\n", "\n") for text in texts]
    assert [row[1:4] for row in read] == [
        (index, index + 0.5, datetime(2024, 5, 6, 7, 8, 9)) for index in range(len(texts))
    ]
    # LibreOffice writes the truth it has read as a formula of its own.
    assert {row[4] for row in read} == {"=TRUE()"} or {row[4] for row in read} == {True}
