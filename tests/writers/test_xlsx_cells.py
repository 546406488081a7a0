"""Every cell of a sheet, byte by byte, against a plain rendering that looks at one cell at a time.

The writer looks at whole columns and takes short cuts where they are alike; none of them may show.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from xlsx_sections import column, document, section

from customer_export.errors import InvalidRequestError
from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.writers.xlsx import WorkbookWriter
from customer_export.writers.xlsx.numbers import read_number, uniform_numbers
from customer_export.writers.xlsx.rows import RowReader
from customer_export.writers.xlsx.sums import sum_uniform
from customer_export.writers.xlsx.text import NEVER_TOO_LONG, as_octets, inline_string, plain_contents
from customer_export.writers.xlsx.times import Moment, wall_clock

ZONE = "Europe/Berlin"
COLUMNS = (
    column("name"),
    column("quantity", ColumnType.INTEGER),
    column("unit_price", ColumnType.MONEY, currency="currency"),
    column("currency"),
    column("paid", ColumnType.BOOLEAN),
    column("born", ColumnType.DATE),
    column("seen_at", ColumnType.TIMESTAMP),
)
STYLE = re.compile(' s="[0-9]+"')
FORBIDDEN = {*map(chr, range(0x20)), "\ufffe", "\uffff"} - {"\t", "\n"}


def sheet_rows(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
    """Return the rows after the header, without the numbers of their styles."""
    file = b"".join(WorkbookWriter().write(document(time_zone=ZONE), [section("data", columns, rows)]))
    xml = zipfile.ZipFile(io.BytesIO(file)).read("xl/worksheets/sheet2.xml").decode()
    return STYLE.sub("", xml[xml.index('<row r="2"') : xml.index("</sheetData>")])


def plain_row(columns: Sequence[Column], cells: Sequence[Cell], row: int) -> str:
    texts = (
        plain_cell(cell, each.type, f"{chr(65 + index)}{row}")
        for index, (cell, each) in enumerate(zip(cells, columns, strict=True))
        if cell is not None
    )
    return f'<row r="{row}">{"".join(texts)}</row>'


def plain_cell(text: str, type_of_column: ColumnType, reference: str) -> str:
    match type_of_column:
        case ColumnType.INTEGER | ColumnType.MONEY:
            number = text if is_plain_number(text) else None
        case ColumnType.BOOLEAN:
            if text in {"true", "false"}:
                return f'<c r="{reference}" t="b"><v>{int(text == "true")}</v></c>'
            number = None
        case ColumnType.DATE:
            number = plain_date(text)
        case ColumnType.TIMESTAMP:
            number = plain_moment(text)
        case _:
            number = None
    if number is not None:
        return f'<c r="{reference}"><v>{number}</v></c>'
    space = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
    return f'<c r="{reference}" t="inlineStr"><is><t{space}>{plain_text(text)}</t></is></c>'


def plain_text(text: str) -> str:
    """Escape one character after the other (22.9.2.19)."""
    escaped = ""
    for index, char in enumerate(text):
        after = text[index + 1 :]
        ends_like_an_escape = len(after) > 5 and (after[5] == "_" or after[5] in FORBIDDEN)
        if char == "_" and re.match("x[0-9A-Fa-f]{4}", after) and ends_like_an_escape:
            escaped += "_x005F_"
        elif char in FORBIDDEN:
            escaped += f"_x{ord(char):04X}_"
        elif "\ud800" <= char <= "\udfff":
            escaped += "\ufffd"
        else:
            escaped += {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(char, char)
    return escaped


def is_plain_number(text: str) -> bool:
    if not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", text):
        return False
    number = Decimal(text)
    significant = len(number.normalize().as_tuple().digits) + max(number.normalize().as_tuple().exponent, 0)
    return significant <= 15 and not (number == 0 and text[0] == "-")


def plain_date(text: str) -> str | None:
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) or text < "1900-03-01":
        return None
    try:
        return str((datetime.strptime(text, "%Y-%m-%d") - datetime(1899, 12, 30)).days)
    except ValueError:
        return None


def plain_moment(text: str) -> str | None:
    if not re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2}", text) or text < "1900-03-01":
        return None
    try:
        wall = datetime.fromisoformat(text[:19])
    except ValueError:
        return None
    fraction = timedelta(microseconds=int(text[20:-6].ljust(6, "0") or 0) if text[19] == "." else 0)
    zoned = wall.replace(tzinfo=ZoneInfo(ZONE))
    since = wall + fraction - datetime(1899, 12, 30)
    if zoned.utcoffset() > zoned.replace(fold=1).utcoffset() or (fraction and since.days >= 65_536):
        return None
    if zoned.isoformat()[19:] != text[-6:] or (text[19] == "." and text[-7] == "0"):
        return None
    step = Decimal("1e-12") if fraction else Decimal("1e-11")
    of_day = Decimal(since.seconds * 10**6 + since.microseconds) / Decimal(86_400 * 10**6)
    rounded = min(of_day.quantize(step, ROUND_HALF_UP), 1 - step)
    return f"{since.days}.{str(rounded).partition('.')[2] or '0'}" if rounded else f"{since.days}.{'0' * 11}"


def texts() -> st.SearchStrategy[str]:
    common = st.sampled_from(
        ["plain", "Grüße", "日本語", "a & b < c > d", "two\nlines", "a_b", "_x0041_", " ends ", "\n", "\t", "a\tb", "",
         "\x00", "no\u00a0break", "\u3000", "\u00a0x", "\ud800", "\ufffe", "\x7f", "\u200b",
         "👩‍👩‍👧", '"', "_x", "a\r\n"]
    )  # fmt: skip
    return common | st.text(st.sampled_from("_x004aF&<> \n\r\x01ü日"), max_size=12)


def numbers() -> st.SearchStrategy[str]:
    def decimal(units: int, scale: int) -> str:
        return f"{Decimal(units).scaleb(-scale):f}"

    usual = st.builds(decimal, st.integers(-(10**7), 10**7), st.just(2))
    return usual | st.builds(decimal, st.integers(-(10**18), 10**18), st.integers(0, 17))


def moments() -> st.SearchStrategy[str]:
    at = st.datetimes(datetime(1899, 1, 1), datetime(2090, 1, 1)) | st.datetimes(
        datetime(2024, 10, 26, 22), datetime(2024, 10, 28, 2)
    )
    ends = st.sampled_from(["", ".5", ".123456", ".000000", ".1234567"])
    offsets = st.sampled_from(["+01:00", "+02:00", "Z", "+0100"])
    return st.builds(lambda time, end, offset: f"{time:%Y-%m-%dT%H:%M:%S}{end}{offset}", at, ends, offsets)


CELLS = {
    ColumnType.INTEGER: numbers(),
    ColumnType.MONEY: numbers(),
    ColumnType.BOOLEAN: st.sampled_from(["true", "false"]),
    ColumnType.DATE: moments().map(lambda text: text[:10]),
    ColumnType.TIMESTAMP: moments(),
    ColumnType.TEXT: texts(),
}
ALIKE = {
    ColumnType.INTEGER: st.integers(-(10**14), 10**14).map(str),
    ColumnType.MONEY: st.decimals(0, 10**6, places=2).map(lambda amount: f"{amount:f}"),
    ColumnType.TIMESTAMP: st.datetimes(datetime(2023, 1, 1), datetime(2025, 1, 1)).map(
        lambda time: time.replace(microsecond=0, tzinfo=ZoneInfo(ZONE)).isoformat()
    ),
    ColumnType.TEXT: st.sampled_from(["ascii", "Grüße", "日本", "a & b", "two\nlines", "<i>"]),
}


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[Cell, ...]]:
    """Draw rows whose columns are alike, of their type, anything, or partly NULL."""
    count = draw(st.integers(1, 8))
    columns = []
    for each in COLUMNS:
        own = CELLS[each.type]
        kinds = [ALIKE.get(each.type, own), own, own | texts(), own | st.none(), own | texts() | st.none()]
        columns.append(draw(st.lists(draw(st.sampled_from(kinds)), min_size=count, max_size=count)))
    return list(zip(*columns, strict=True))


@given(rows=tables())
def test_every_cell_is_what_a_plain_rendering_says(rows: list[tuple[Cell, ...]]) -> None:
    expected = "".join(plain_row(COLUMNS, row, number) for number, row in enumerate(rows, 2))
    assert sheet_rows(COLUMNS, rows) == expected


def test_blocks_follow_each_other_without_a_gap() -> None:
    rows = [(f"{number} ü", str(number), f"{number}.05", "EUR", "true", None, None) for number in range(2_500)]
    expected = "".join(plain_row(COLUMNS, row, number) for number, row in enumerate(rows, 2))
    assert sheet_rows(COLUMNS, rows) == expected


@given(cells=st.lists(texts() | st.text(max_size=20), min_size=1, max_size=6))
def test_the_contents_of_a_plain_column_are_those_of_its_cells(cells: list[str]) -> None:
    contents = plain_contents(cells)
    if contents is not None:
        assert [f"<is><t>{content}</t></is>" for content in contents] == list(
            as_octets(list(map(inline_string, cells)))
        )


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_long_text_is_found_anywhere_in_its_column(place: int) -> None:
    cells = ["a" * 9_000, "b" * NEVER_TOO_LONG, ""] * 3
    assert plain_contents(cells[1:]) is None or plain_contents(cells[1:]) == cells[1:]
    assert plain_contents(["short"] * 10_000) is not None
    cells.insert(place, "c" * (NEVER_TOO_LONG + 1))
    assert plain_contents(cells) is None


@example(cells=["1\n2"])
@given(cells=st.lists(numbers() | st.sampled_from(["-0", "1e5", "1\n2", "", "05"]), min_size=1, max_size=5))
def test_uniform_numbers_are_numbers_of_one_scale(cells: list[str]) -> None:
    found = uniform_numbers(cells)
    if found is not None:
        assert found.texts == cells
        assert {number and number.scale for number in map(read_number, cells)} == {found.scale}


@given(scale=st.integers(0, 14), units=st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=20))
def test_sums_of_uniform_numbers_are_exact(scale: int, units: list[int]) -> None:
    for each in (units, list(map(abs, units))):
        amounts = [f"{Decimal(unit).scaleb(-scale):f}" for unit in each]
        found = uniform_numbers(amounts)
        if found is not None:
            assert sum_uniform(found.texts, found.scale) == Decimal(sum(each)).scaleb(-scale)


@given(cells=st.lists(moments() | texts(), min_size=1, max_size=4))
def test_time_stamps_of_a_column_are_those_of_its_cells(cells: list[str]) -> None:
    clock = wall_clock(ZONE)
    serials = clock.whole_second_serials(cells)
    if serials is not None:
        assert [clock.serial(cell) for cell in cells] == [Moment(serial, has_fraction=False) for serial in serials]


def test_what_is_kept_of_days_is_days() -> None:
    clock = wall_clock("Pacific/Auckland")
    secret = "12 Oak St."
    assert clock.serial(f"{secret}T10:00:00+00:00") is None
    assert clock.whole_second_serials([f"{secret}T10:00:00+00:00"]) is None
    assert secret not in repr(vars(clock))


def test_more_columns_than_a_sheet_has_are_refused_with_a_remedy() -> None:
    columns = [column(f"c{number}", ColumnType.BOOLEAN) for number in range(16_385)]
    with pytest.raises(InvalidRequestError, match=r"'wide' has 16,385.*choose another format"):
        list(WorkbookWriter().write(document(), [section("wide", columns, [])]))


def test_very_wide_rows_are_not_gathered() -> None:
    taken = 0

    def batches() -> Iterator[Batch]:
        nonlocal taken
        for number in range(40):
            taken += 1
            yield [[f"{number}"], ["é" * 1_000_000]]

    reader = RowReader(batches())
    blocks = []
    while reader.has_more:
        blocks.append(list(reader.take(64)[0]))
        assert taken <= sum(map(len, blocks)) + 1
    assert [number for block in blocks for number in block] == list(map(str, range(40)))
    assert max(map(len, blocks)) < 10
