"""The pages whose pictures are kept: what a change of the design is meant to change, and nothing else is."""

import io
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from pdf_reports import NAMES, column, document, names_report, orders, section, wide_section
from PIL import Image, ImageChops

from customer_export.model.columns import ColumnType
from customer_export.writers.pdf import PdfWriter

GOLDEN = Path(__file__).parent / "pdf_golden"
DOTS_PER_INCH = 50
"""Enough to see a column, a line or a font that has changed, and 10 kB a picture."""

DIFFERENT_SHADE = 64
DIFFERENT_SHARE_MAX = 0.002
"""Of the pixels, this share may differ clearly: half a line of text, as another version of a library may set it."""


def render_golden_pages(writer: PdfWriter) -> Iterator[tuple[str, Image.Image]]:
    """Draw every kept page with its name."""
    mixed = section(
        "notes",
        [column("id", ColumnType.INTEGER), column("text"), column("more"), column("paid", ColumnType.BOOLEAN)],
        [[str(index), name, " ".join([name] * (index % 4 * 5 + 1)), "true"] for index, name in enumerate(NAMES)],
    )
    sections = [orders(40, currencies=("EUR", "JPY")), wide_section(), mixed, *names_report()]
    for locale, title, pages in (("en", NAMES[0], (0, 1, 2, 3)), ("ar", NAMES[3], (0, 1)), ("ja", NAMES[6], (0,))):
        pdf = pypdfium2.PdfDocument(b"".join(writer.write(document(locale=locale, title=title), sections)))
        for index in pages:
            yield f"{locale}-{index + 1}", pdf[index].render(scale=DOTS_PER_INCH / 72).to_pil().convert("L")


def different_share(one: Image.Image, other: Image.Image) -> float:
    """Measure how much of two pictures differs clearly, from 0 to 1."""
    if one.size != other.size:
        return 1.0
    shades = ImageChops.difference(one, other).histogram()
    return sum(shades[DIFFERENT_SHADE:]) / (one.size[0] * one.size[1])


def encode(picture: Image.Image) -> bytes:
    """Write a picture as a small PNG of 16 shades."""
    file = io.BytesIO()
    picture.quantize(16).save(file, format="PNG", optimize=True)
    return file.getvalue()
