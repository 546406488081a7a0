"""Draw the kept pictures of the PDF report again: `python tests/writers/renew_pdf_golden.py`. Look at them then."""

from contextlib import closing

from pdf_golden_pages import GOLDEN, encode, render_golden_pages

from customer_export.writers.pdf import PdfWriter, RendererPool


def main() -> None:
    """Replace every picture."""
    for path in GOLDEN.glob("*.png"):
        path.unlink()
    with closing(RendererPool()) as pool:
        for name, picture in render_golden_pages(PdfWriter(pool)):
            (GOLDEN / f"{name}.png").write_bytes(encode(picture))


if __name__ == "__main__":
    main()
