"""The PDF report: every cell is in it, readable in every script, and it is what the standards ask for."""

import io
import re
from dataclasses import replace
from decimal import Decimal

import pikepdf
import pypdfium2
import pytest
from pdf_checks import (
    assert_tagged,
    assert_well_formed,
    missing_glyphs,
    page_texts,
    poppler_text,
    read_text,
    squeezed,
)
from pdf_reports import NAMES, HeldSection, column, document, names_report, orders, section, texts, wide_section

from customer_export.model.columns import ColumnType
from customer_export.writers.locale import LOCALES, Word, locale_of
from customer_export.writers.pdf import PdfWriter, RendererPool, shaped_texts


def write(writer: PdfWriter, *sections: HeldSection, locale: str = "en", title: str = NAMES[0]) -> bytes:
    return b"".join(writer.write(document(locale=locale, title=title), sections))


@pytest.fixture(scope="module")
def names_pdf(pdf_writer: PdfWriter) -> bytes:
    return write(pdf_writer, *names_report())


@pytest.fixture(scope="module")
def orders_pdf(pdf_writer: PdfWriter) -> bytes:
    return write(pdf_writer, orders(120))


@pytest.fixture(scope="module")
def lean_pdf(renderer_pool: RendererPool) -> bytes:
    return write(PdfWriter(renderer_pool, tagged_rows_max=100), orders(1200))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_read_back(pdf_writer: PdfWriter, name: str) -> None:
    pdf = write(pdf_writer, texts(name), title="x")
    assert squeezed(name) in squeezed(read_text(pdf))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NAMES[3:5]])
def test_a_name_from_left_to_right_keeps_its_blanks(pdf_writer: PdfWriter, name: str) -> None:
    text = poppler_text(write(pdf_writer, texts(name), title="x"))
    if text is None:
        pytest.skip("pdftotext isn't installed")
    assert name in text


@pytest.mark.parametrize("name", NAMES)
def test_the_cover_shows_the_customer_in_any_script(pdf_writer: PdfWriter, name: str) -> None:
    assert squeezed(name) in squeezed(page_texts(write(pdf_writer, texts("a"), title=name))[0])


def test_names_stand_in_the_order_of_the_rows(names_pdf: bytes) -> None:
    text = squeezed(read_text(names_pdf))
    places = [text.index(squeezed(name.split()[0])) for name in NAMES[1:]]  # the first is the customer's own
    assert places == sorted(places)


def test_no_character_is_a_missing_glyph_box(names_pdf: bytes) -> None:
    assert missing_glyphs(names_pdf) == 0


def test_a_character_without_a_font_is_named(pdf_writer: PdfWriter) -> None:
    pdf = write(pdf_writer, texts("cuneiform \U00012000, private \ue000, bell \x07, nul \x00"))
    assert missing_glyphs(pdf) == 0
    text = read_text(pdf)
    for shown in ("[U+12000]", "[U+E000]", "[U+0007]", "[U+0000]"):
        assert shown in text


@pytest.mark.parametrize(
    "cell",
    [
        "#let x = 1 $x$ *b* _i_ <l> @ref \\ ] #panic()",
        "(unbalanced ( and \\) EMC ET Q endstream",
        "/ActualText <</MCID 0>>BDC",
        '=HYPERLINK("http://x","y")',
        "<script>alert(1)</script> ]]> &amp;",
        '日本 #image("/etc/passwd") [*x*]',
    ],
)
def test_a_hostile_cell_is_shown_as_it_is(pdf_writer: PdfWriter, cell: str) -> None:
    pdf = write(pdf_writer, texts(cell), title=cell)
    assert_well_formed(pdf)
    assert_tagged(pdf)
    pages = page_texts(pdf)
    assert squeezed(cell) in squeezed(pages[0])
    assert squeezed(cell) in squeezed(pages[1])


def test_a_text_that_was_forgotten_is_set_again(pdf_writer: PdfWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaped_texts, "REMEMBERED_TEXTS", 10)
    columns = [column("number", ColumnType.INTEGER), replace(column("note"), label="注記")]
    rows = [[str(index), "常連" if index % 100 == 0 else f"第{index}番"] for index in range(1, 1301)]
    text = squeezed(read_text(write(pdf_writer, section("notes", columns, rows, batch_rows=100), title="x")))
    assert text.count("常連") == 13
    assert text.count("注記") > 10
    assert all(f"第{index}番" in text for index in range(1, 1301) if index % 100)


def test_neighbours_of_a_cell_in_another_font_keep_theirs(pdf_writer: PdfWriter) -> None:
    columns = [column("one"), column("other"), column("third"), column("fourth")]
    rows = [["left", "Ωμέγα\nΨι", "right", "Šimić"], ["left", "日本\nmore", "right", "Šimić"]]
    pages = page_texts(write(pdf_writer, section("fonts", columns, rows), title="x"))
    assert [pages[1].count(word) for word in ("left", "right", "Ωμέγα", "Šimić", "日本")] == [2, 2, 1, 2, 1]


@pytest.mark.parametrize("name", NAMES)
def test_a_line_break_is_kept_in_any_script(pdf_writer: PdfWriter, name: str) -> None:
    word = name.split(maxsplit=1)[0]
    text = page_texts(write(pdf_writer, texts(f"{name}\n{word}\r\n{word}"), title="x"))[1]
    assert "U+000" not in text
    assert sum(squeezed(word) in squeezed(line) for line in text.split("\n")) == 3


def test_every_order_is_in_the_table_once(orders_pdf: bytes) -> None:
    text = squeezed(read_text(orders_pdf))
    for index in range(120):
        assert text.count(f"{index:08x}-1111-4222-8333-444455556666") == 1


def test_every_order_is_in_the_lean_ledger_once(lean_pdf: bytes) -> None:
    text = squeezed(read_text(lean_pdf))
    found = re.findall(r"([0-9a-f]{8})-1111-4222-8333-444455556666", text)
    assert [int(part, 16) for part in found] == list(range(1200))
    assert missing_glyphs(lean_pdf) == 0
    assert_well_formed(lean_pdf)


def test_every_page_repeats_the_header_and_counts_itself(lean_pdf: bytes) -> None:
    pages = page_texts(lean_pdf)
    for index, text in enumerate(pages, 1):
        assert f"Page {index} of {len(pages)}" in text
        assert "0193a1b2-7c3d-7e4f-8a5b-0c1d2e3f4a5b" in text
        assert index == 1 or "Placed at" in text


def test_a_small_report_is_tagged_as_pdf_ua(orders_pdf: bytes) -> None:
    kinds = assert_tagged(orders_pdf)
    assert kinds["/Table"] == 1
    assert kinds["/TH"] == 9
    assert kinds["/TD"] == 120 * 9
    assert kinds["/H1"] == 1
    assert kinds["/Figure"] == 2
    with pikepdf.open(io.BytesIO(orders_pdf)) as pdf:
        metadata = pdf.Root.Metadata.read_bytes().decode()
    assert re.search(r"pdfuaid:part>\s*1\s*<", metadata)
    assert re.search(r"pdfaid:part>\s*2\s*<.*pdfaid:conformance>\s*A\s*<", metadata, re.DOTALL)


def test_a_large_report_says_that_it_has_no_tags(lean_pdf: bytes) -> None:
    with pikepdf.open(io.BytesIO(lean_pdf)) as pdf:
        assert "/StructTreeRoot" not in pdf.Root
        metadata = pdf.Root.Metadata.read_bytes().decode()
    assert "pdfuaid" not in metadata
    assert re.search(r"pdfaid:conformance>\s*U\s*<", metadata)


def test_every_font_is_embedded(orders_pdf: bytes, lean_pdf: bytes) -> None:
    for content in (orders_pdf, lean_pdf):
        with pikepdf.open(io.BytesIO(content)) as pdf:
            descriptors = [
                item
                for item in pdf.objects
                if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor"
            ]
            assert descriptors
            assert all({"/FontFile2", "/FontFile3"} & set(item.keys()) for item in descriptors)


def test_the_outline_and_the_contents_lead_to_the_sections(pdf_writer: PdfWriter) -> None:
    pdf = write(pdf_writer, orders(60), *names_report(), texts("x" * 20_000))
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        numbers = {page.obj.objgen: index for index, page in enumerate(opened.pages)}
        outline = opened.open_outline()
        marks = {mark.title: numbers[mark.destination[0].objgen] for mark in outline.root}
        links = [numbers[link.Dest[0].objgen] for link in opened.pages[0].obj.Annots]
    assert list(marks) == ["Summary", "Orders", "People", "Notes", "Long texts"]
    assert links == [marks["Orders"], marks["People"], marks["Notes"]]
    pages = page_texts(pdf)
    for label, index in list(marks.items())[1:]:
        assert label in pages[index]
    numbers_shown = re.findall(r"\d+ rows? (\d+)", " ".join(pages[0].split()))
    assert [int(number) for number in numbers_shown] == [link + 1 for link in links]


def test_the_key_figures_are_sums_of_one_currency_each(pdf_writer: PdfWriter) -> None:
    held = orders(30, currencies=("EUR", "JPY", "KWD"))
    cover = page_texts(write(pdf_writer, held))[0]
    for currency in ("EUR", "JPY", "KWD"):
        total = sum(
            (
                Decimal(amount or 0)
                for amount, code in zip(held.cells[6], held.cells[4], strict=True)
                if code == currency
            ),
            Decimal(0),
        )
        assert squeezed(locale_of("en").format_money(str(total), currency)) in squeezed(cover)


def test_an_amount_that_is_no_number_is_in_the_table_and_in_no_total(pdf_writer: PdfWriter) -> None:
    columns = [
        column("placed_at", ColumnType.TIMESTAMP),
        column("currency"),
        column("total", ColumnType.MONEY, currency="currency"),
    ]
    rows = [["2026-01-01T00:00:00+00:00", "EUR", "1.10"], [None, "EUR", "NaN"], ["not a date", "EUR", "2.20"]]
    pages = page_texts(write(pdf_writer, section("orders", columns, rows)))
    assert "€3.30" in pages[0]
    assert "NaN" in pages[1]
    assert "not a date" in pages[1]


@pytest.mark.parametrize("held", [texts(), texts(None, "", None)])
def test_a_section_without_anything_says_so(pdf_writer: PdfWriter, held: HeldSection) -> None:
    pdf = write(pdf_writer, held)
    assert_tagged(pdf)
    assert ("No entries" in page_texts(pdf)[1]) == (held.rows == 0)


def test_a_customer_without_sections_has_a_cover(pdf_writer: PdfWriter) -> None:
    pdf = write(pdf_writer, title="")
    assert_tagged(pdf)
    assert "550e8400-e29b-41d4-a716-446655440000" in page_texts(pdf)[0]


def test_an_endless_title_leaves_the_cover_one_page(pdf_writer: PdfWriter) -> None:
    pages = page_texts(write(pdf_writer, texts("a"), title="Endless 無限 " * 50_000))
    assert len(pages) == 2
    assert "Page 1 of 2" in pages[0]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_is_set_without_missing_glyphs(pdf_writer: PdfWriter, locale: str) -> None:
    pdf = write(pdf_writer, orders(40), locale=locale, title=NAMES[3])
    assert_well_formed(pdf)
    assert_tagged(pdf)
    assert missing_glyphs(pdf) == 0
    assert squeezed(locale_of(locale).word(Word.KEY_FIGURES)) in squeezed(page_texts(pdf)[0])
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert str(opened.Root.Lang).startswith(locale)


def test_columns_run_from_right_to_left_in_arabic(pdf_writer: PdfWriter) -> None:
    def left_edge(locale: str, label: str) -> float:
        page = pypdfium2.PdfDocument(write(pdf_writer, orders(5), locale=locale))[1]
        searched = page.get_textpage()
        index, _ = searched.search(label).get_next()
        return float(searched.get_charbox(index)[0])

    assert left_edge("en", "Number") < left_edge("en", "Note")
    assert left_edge("ar", "Number") > left_edge("ar", "Note")


def test_more_columns_than_paper_become_cards(pdf_writer: PdfWriter) -> None:
    pdf = write(pdf_writer, wide_section())
    assert_tagged(pdf)
    text = squeezed(read_text(pdf))
    for row in range(3):
        for index in range(30):
            assert f"value{row}{index}" in text


@pytest.mark.parametrize(
    "note",
    [
        " ".join(f"word{index}" for index in range(100_000)),
        "".join(f"{index:07}" for index in range(30_000)),
        "".join(f"第{index}行。" for index in range(20_000)),
        "\n".join(f"line {index}" for index in range(3_000)),
    ],
    ids=["a megabyte of words", "one word", "chinese", "lines"],
)
def test_a_long_note_is_whole_in_the_appendix(pdf_writer: PdfWriter, note: str) -> None:
    pdf = write(pdf_writer, texts("short", note))
    assert_well_formed(pdf)
    pages = page_texts(pdf)
    assert "… [1]" in pages[1]
    body = [page.rpartition("Zoë")[0] for page in pages[1:]]  # without the footers
    text = squeezed("".join(page.removeprefix("#Section · Column · Row Content") for page in body))
    text = text.replace("#Section·Column·RowContent", "")
    assert squeezed(note) in text


def test_the_bytes_depend_on_nothing_but_the_data(pdf_writer: PdfWriter) -> None:
    assert write(pdf_writer, orders(300)) == write(pdf_writer, orders(300))


@pytest.mark.parametrize("batch_rows", [7, 100, 250])
def test_the_pages_do_not_depend_on_the_batches(pdf_writer: PdfWriter, batch_rows: int) -> None:
    expected = page_texts(write(pdf_writer, orders(250)))
    assert page_texts(write(pdf_writer, orders(250, batch_rows=batch_rows))) == expected
