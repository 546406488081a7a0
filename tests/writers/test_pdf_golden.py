"""The look of the report, compared with kept pictures. `python tests/writers/renew_pdf_golden.py` renews them."""

from pdf_golden_pages import DIFFERENT_SHARE_MAX, GOLDEN, different_share, render_golden_pages
from PIL import Image, ImageChops

from customer_export.writers.pdf import PdfWriter


def test_pages_look_as_they_did(pdf_writer: PdfWriter) -> None:
    seen = set()
    for name, picture in render_golden_pages(pdf_writer):
        seen.add(f"{name}.png")
        with Image.open(GOLDEN / f"{name}.png") as kept:
            share = different_share(picture, kept.convert("L"))
        assert share <= DIFFERENT_SHARE_MAX, f"{name} differs in {share:.2%}; if that is meant, renew the pictures"
    assert seen == {path.name for path in GOLDEN.glob("*.png")}


def test_a_line_that_moved_is_seen(pdf_writer: PdfWriter) -> None:
    for _, picture in render_golden_pages(pdf_writer):
        assert different_share(picture, ImageChops.offset(picture, 0, 3)) > DIFFERENT_SHARE_MAX
