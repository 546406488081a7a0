"""Setting plain text: nothing is lost at the ends of lines, and no line is wider than its column."""

import json
import re
from collections import Counter
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdf_reports import ORDER_COLUMNS

from customer_export.errors import RendererFailedError
from customer_export.model.customer_map import OrdersRole
from customer_export.writers.pdf.child import source_of
from customer_export.writers.pdf.figures import Figures
from customer_export.writers.pdf.fonts import plain_fonts
from customer_export.writers.pdf.long_texts import LongTexts
from customer_export.writers.pdf.objects import ObjectFile, number
from customer_export.writers.pdf.texts import Line, Typesetter, longest_word
from customer_export.writers.pdf.theme import DEFAULT_TEMPLATE

PLAIN = st.text(alphabet=st.sampled_from("abcWi 09-/@.,()\\ äßñŁžЖяΩ€—\n"), max_size=200)


@cache
def typesetter() -> Typesetter:
    """Give one for all tests: to cut its fonts takes two seconds."""
    return Typesetter(plain_fonts(DEFAULT_TEMPLATE))


def shown(line: Line) -> str:
    """Read an operand of Tj as a viewer does."""
    if line.operand.startswith("<"):
        return bytes.fromhex(line.operand[1:-1]).decode("utf-16-be")
    text = line.operand[1:-1]
    return text.replace("\\(", "(").replace("\\)", ")").replace("\\\\", "\\")


@given(text=PLAIN, width=st.floats(min_value=10, max_value=400), size=st.sampled_from([5.7, 7.0, 13.0]))
def test_lines_hold_every_character_and_fit(text: str, width: float, size: float) -> None:
    lines = typesetter().lines(text, width=width, size=size)
    assert lines is not None
    assert "".join(map(shown, lines)) == text.replace("\n", "")
    widest_character = 1.2 * size
    assert all(line.width <= max(width, widest_character) + 1e-6 for line in lines)


@given(text=PLAIN)
def test_a_width_that_has_the_longest_word_breaks_no_word(text: str) -> None:
    advances = typesetter().faces[False][-1].advances
    words = text.replace("\n", " ").split(" ")
    width = max((typesetter().estimate(word, size=7) for word in words), default=0) + 0.01
    assert longest_word(text.replace("\n", " "), advances) * 7 / 1000 <= width
    lines = typesetter().lines(text.replace("\n", " "), width=max(width, 0.1), size=7)
    assert lines is not None
    assert Counter("".join(map(shown, lines)).split()) == Counter(text.replace("\n", " ").split())


@given(text=st.text())
def test_every_text_becomes_one_that_can_be_shown(text: str) -> None:
    visible = typesetter().visible(text)
    assert typesetter().visible(visible) == visible
    assert not any(ord(character) < 32 for character in visible.replace("\n", ""))
    assert typesetter().fonts.uncovered.search(visible) is None


@pytest.mark.parametrize("text", ["مرحبا", "日本", "שלום", "हिन्दी", "ไทย", "😀", "e\u0301", "a\u200db", "\u202ea"])
def test_what_needs_shaping_is_not_set_plainly(text: str) -> None:
    assert typesetter().line(text, size=7) is None
    assert typesetter().lines(f"plain\n{text}", width=100, size=7) is None


@given(texts=st.lists(st.text(max_size=3000), max_size=5))
def test_long_texts_come_back_whole_and_in_order(texts: list[str]) -> None:
    kept = LongTexts(typesetter())
    try:
        shortened = [
            kept.shorten(text, width=40, size=7, section="s", column=ORDER_COLUMNS[0], row=row)
            for row, text in enumerate(texts, 1)
        ]
        long = list(kept.all())
        for row, (text, short) in enumerate(zip(texts, shortened, strict=True), 1):
            whole = next((item.text for item in long if item.row == row), short)
            assert whole == typesetter().visible(text)
            assert len(short) <= max(200, 12 * 40)
        assert [item.number for item in long] == list(range(1, len(long) + 1))
    finally:
        kept.close()


AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=3)
ROLE = OrdersRole(section="orders", amount="total", time="placed_at", status="status")


@given(rows=st.lists(st.tuples(AMOUNTS, st.sampled_from(["EUR", "KWD"]), st.integers(1, 12)), max_size=30))
def test_figures_are_exact_sums_however_the_rows_come(rows: list[tuple[Decimal, str, int]]) -> None:
    whole, single = Figures(), Figures()
    records = [
        ["id", "1", "paid", f"2026-{month:02}-03T00:00:00+00:00", code, "0", str(amount), "1", None]
        for amount, code, month in rows
    ]
    whole.add([[record[index] for record in records] for index in range(9)], ORDER_COLUMNS, ROLE)
    for record in records:
        single.add([[cell] for cell in record], ORDER_COLUMNS, ROLE)
    assert whole == single
    assert whole.orders == len(rows)
    for code in {code for _, code, _ in rows}:
        assert whole.currencies[code].total == sum((amount for amount, other, _ in rows if other == code), Decimal(0))
        assert sum(whole.currencies[code].months.values(), Decimal(0)) == whole.currencies[code].total


def test_an_object_that_was_promised_must_be_written() -> None:
    objects = ObjectFile()
    root = objects.add("<</Type/Catalog>>")
    objects.reserve()
    with pytest.raises(RendererFailedError, match="promised"):
        objects.write_references(root=root, information=None, identity=bytes(16))


@given(value=st.floats(min_value=-10_000, max_value=10_000))
def test_a_length_is_written_to_a_hundredth_of_a_point(value: float) -> None:
    assert abs(float(number(value)) - value) <= 0.00501
    assert "e" not in number(value)


@given(data=st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_data_stay_one_string_literal_in_the_source(data: object) -> None:
    text = json.dumps(data)
    source = source_of("cover.typ", text).decode()
    literal = re.fullmatch(r'#import "cover\.typ": render\n#render\(json\(bytes\("((?:[^"\\]|\\["\\])*)"\)\)\)', source)
    assert literal is not None
    assert re.sub(r'\\(["\\])', r"\1", literal[1]) == text
