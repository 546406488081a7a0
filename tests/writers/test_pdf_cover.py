"""The cover: what a template folder says of it, its contents over several pages, and what the file says of itself."""

import io
import re
import shutil
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pikepdf
import pytest
from pdf_checks import assert_tagged, assert_well_formed, missing_glyphs, page_texts, squeezed
from pdf_reports import NAMES, HeldSection, document, orders, section, texts
from PIL import Image, ImageCms

from customer_export.errors import RendererFailedError
from customer_export.model.customer_map import CustomerMap
from customer_export.model.disclosure import DsarProfile
from customer_export.model.dsar import covering_of, map_for_answer
from customer_export.writers.locale import locale_of
from customer_export.writers.pdf import PdfWriter, RendererPool
from customer_export.writers.pdf.adopt import adopt_pages_as_forms
from customer_export.writers.pdf.cover import describe_cover
from customer_export.writers.pdf.figures import CurrencyFigures, Figures
from customer_export.writers.pdf.objects import ObjectFile
from customer_export.writers.pdf.pool import Compilation
from customer_export.writers.pdf.theme import COVER_BLOCKS, DEFAULT_TEMPLATE, read_theme

_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#c00"/></svg>'
)


@contextmanager
def changed_template(folder: Path, old: str, new: str) -> Iterator[PdfWriter]:
    """A writer with a template whose theme has been changed, with a logo beside it."""
    template = folder / "template"
    shutil.copytree(DEFAULT_TEMPLATE, template)
    (template / "logo.svg").write_text(_LOGO)
    theme = (template / "theme.toml").read_text(encoding="utf-8")
    assert old in theme
    (template / "theme.toml").write_text(theme.replace(old, new), encoding="utf-8")
    with closing(RendererPool(template=template, children=1)) as pool:
        yield PdfWriter(pool)


def write(writer: PdfWriter, *sections: HeldSection, locale: str = "en", title: str = NAMES[0]) -> bytes:
    return b"".join(writer.write(document(locale=locale, title=title), sections))


def many_sections(count: int) -> list[HeldSection]:
    return [section(f"part_{index:03}", texts("a").columns, [["x"]]) for index in range(count)]


def test_a_logo_stands_on_the_cover_with_the_name_of_the_brand(tmp_path: Path) -> None:
    with changed_template(tmp_path, 'logo = ""', 'logo = "logo.svg"') as writer:
        pdf = write(writer, orders(5))
    assert_well_formed(pdf)
    assert assert_tagged(pdf)["/Figure"] == 3
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        [alternative] = [
            str(item.Alt)
            for item in opened.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/Figure" and "Customer" in str(item.Alt)
        ]
        forms = opened.pages[0].obj.Resources.XObject
    assert alternative == "Customer export"
    assert len(forms) == 1


def test_the_theme_orders_the_blocks_of_the_cover(tmp_path: Path) -> None:
    old = f"blocks = {list(COVER_BLOCKS)}".replace("'", '"')
    with changed_template(tmp_path, old, 'blocks = ["contents", "statuses", "title"]') as writer:
        pdf = write(writer, orders(5))
    assert_tagged(pdf)
    text = page_texts(pdf)[0]
    places = [text.index(word) for word in ("Contents", "Orders by status", "Everything that")]
    assert places == sorted(places)
    assert "Key figures" not in text


def test_a_theme_with_an_unknown_block_is_refused(tmp_path: Path) -> None:
    template = tmp_path / "template"
    shutil.copytree(DEFAULT_TEMPLATE, template)
    theme = (template / "theme.toml").read_text(encoding="utf-8")
    (template / "theme.toml").write_text(theme.replace('"statuses"', '"stars"'), encoding="utf-8")
    with pytest.raises(ValueError, match="'stars'; there are logo, title"):
        read_theme(template)


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_long_contents_go_on_over_pages_and_lead_to_every_section(pdf_writer: PdfWriter, locale: str) -> None:
    pdf = write(pdf_writer, *many_sections(150), locale=locale)
    assert_well_formed(pdf)
    kinds = assert_tagged(pdf)
    assert kinds["/TOC"] == 1
    assert kinds["/TOCI"] == kinds["/Link"] == 150
    pages = page_texts(pdf)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        numbers = {page.obj.objgen: index for index, page in enumerate(opened.pages)}
        links = [link for page in opened.pages for link in page.obj.get("/Annots", [])]
        targets = {str(link.Contents): numbers[link.Dest[0].objgen] for link in links}
        first = numbers[opened.open_outline().root[1].destination[0].objgen]
        [contents] = [
            item for item in opened.objects if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/TOC"
        ]
        labels = [str(entry.K[0].K[-1].Obj.Contents) for entry in contents.K]
    assert first > 1
    assert labels == [f"Part {index:03}" for index in range(150)]
    assert set(targets) == set(labels)
    # Only the digits: pdfium turns Latin words around on a page from right to left.
    assert all(label.split()[1] in pages[index] for label, index in targets.items())
    if locale == "en":
        shown = dict(re.findall(r"(Part \d+) 1 row (\d+)", " ".join(" ".join(pages[:first]).split())))
        assert shown == {label: str(index + 1) for label, index in targets.items()}


def test_a_long_number_of_a_page_stands_on_one_line_of_the_contents(tmp_path: Path) -> None:
    with changed_template(tmp_path, "contents_size = 9.0", "contents_size = 28") as writer:
        pdf = write(writer, *many_sections(120))
    assert re.search(r"Part 110 1 row \d\d\b", " ".join(" ".join(page_texts(pdf)).split()))


@pytest.mark.parametrize(("last", "title"), [("2026-12", "Spending by month"), ("2027-01", "Spending by year")])
def test_the_chart_of_spending_says_what_its_columns_are(last: str, title: str) -> None:
    spent = CurrencyFigures(orders=2, total=Decimal(3), months={"2024-01": Decimal(1), last: Decimal(2)})
    figures = Figures(orders=2, currencies={"EUR": spent})
    [chart] = describe_cover(document=document(), locale=locale_of("en"), figures=figures).months
    assert chart.title == f"{title} · EUR"
    assert chart.alternative.startswith(f"{title}: ")
    assert [bar.share for bar in chart.bars if bar.share] == [0.5, 1.0]


@pytest.mark.parametrize("title", ["</rdf:li> & <x>", "bell \x07 lone \ud800", NAMES[3], NAMES[-1]])
def test_both_kinds_of_metadata_say_the_same(pdf_writer: PdfWriter, title: str) -> None:
    pdf = write(pdf_writer, texts("a"), title=title)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        packet = ET.fromstring(opened.Root.Metadata.read_bytes().decode())
        information = {key: str(value) for key, value in opened.trailer.Info.items()}
    names = {"dc": "http://purl.org/dc/elements/1.1/", "xmp": "http://ns.adobe.com/xap/1.0/"}
    for key, path in (("/Title", "dc:title"), ("/Subject", "dc:description"), ("/Author", "dc:creator")):
        element = packet.find(f".//{path}", names)
        assert element is not None
        assert "".join(element.itertext()) == information[key]
    created = packet.find(".//xmp:CreateDate", names)
    assert created is not None
    assert created.text == "2026-11-22T20:58:15+00:00"
    assert information["/CreationDate"] == information["/ModDate"] == "D:20261122205815Z"


def test_the_colours_are_those_of_srgb(pdf_writer: PdfWriter) -> None:
    with pikepdf.open(io.BytesIO(write(pdf_writer, texts("a")))) as opened:
        profile = opened.Root.OutputIntents[0].DestOutputProfile.read_bytes()
    ours = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(ours, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    colours = bytes(value for red in range(0, 256, 17) for green in range(0, 256, 17) for value in (red, green, 85))
    seen = ImageCms.applyTransform(Image.frombytes("RGB", (16, 16), colours), transform)
    assert seen is not None
    assert max(abs(one - other) for one, other in zip(colours, seen.tobytes(), strict=True)) <= 1


def test_a_european_name_needs_no_greek_font(pdf_writer: PdfWriter) -> None:
    pdf = write(pdf_writer, texts("Łukasz Šimić Ğ"), title="Łukasz")
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        lengths = [item.Length1 for item in opened.objects if isinstance(item, pikepdf.Stream) and "/Length1" in item]
    assert max(lengths) < 40_000
    assert squeezed("Łukasz Šimić Ğ") in squeezed(page_texts(pdf)[1])


def test_a_pdf_that_is_written_otherwise_than_typst_does_is_refused(renderer_pool: RendererPool) -> None:
    fields = {"lines": [["日本"]], "width": 80, "size": 7, "leading": 9, "weight": "regular", "colour": "#000000"}
    data = {"texts": [fields | {"align": "left", "rtl": False, "script": None, "han": "JP"}]}
    made = renderer_pool.submit(Compilation(main="shaped.typ", data=data, timestamp_seconds=0)).result()
    [(_, width, height)] = adopt_pages_as_forms(made, objects=ObjectFile())
    assert (width, height) == (80.0, 9.0)
    packed = io.BytesIO()
    with pikepdf.open(io.BytesIO(made)) as opened:
        opened.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    for other in (packed.getvalue(), made[:-30], b"", zlib.compress(made)):
        with pytest.raises(RendererFailedError, match="another way"):
            list(adopt_pages_as_forms(other, objects=ObjectFile()))


@pytest.mark.parametrize("locale", ["en", "de", "ar"])
@pytest.mark.parametrize("profile", DsarProfile)
def test_the_covering_letter_of_an_answer_is_accessible_and_whole(
    pdf_writer: PdfWriter, demo_map: CustomerMap, locale: str, profile: DsarProfile
) -> None:
    answer = map_for_answer(demo_map, profile)
    letter = covering_of(
        replace(document().request, dsar=profile, sections=tuple(one.name for one in answer.sections)), answer
    )
    assert letter is not None
    pdf = b"".join(pdf_writer.write(replace(document(locale=locale), dsar=letter), [orders(5)]))
    assert_well_formed(pdf)
    assert missing_glyphs(pdf) == 0
    assert assert_tagged(pdf)["/H3"] >= len(letter.sections)
    shown = squeezed("".join(page_texts(pdf)))
    labels = [section.label for section in letter.sections]
    labels += [label for one in letter.withheld for label in one.columns]
    # word by word: from right to left, readers give the words of a line in the order in which they stand
    assert [word for label in labels for word in re.findall(r"\w+", label) if word not in shown] == []
