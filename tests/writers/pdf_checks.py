"""What must hold of every PDF that the writer makes, read back with other libraries than it is made with."""

import io
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
import pypdfium2

_SHOWN = {"Tj", "TJ", "'", '"'}
_DRAWN = {*_SHOWN, "Do", "f", "S", "B", "re"}


def page_texts(pdf: bytes) -> list[str]:
    """Read each page's text with pdfium, with the line breaks that a page has."""
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]


def read_text(pdf: bytes) -> str:
    return "\n".join(page_texts(pdf))


def squeezed(text: str) -> str:
    """Leave out blanks: lines break where the paper ends, and pdfium loses some blanks of Thai."""
    return re.sub(r"\s+", "", text)


def assert_well_formed(pdf: bytes) -> None:
    """Have qpdf (in pikepdf) check every object and stream."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert opened.check_pdf_syntax() == []


@dataclass(frozen=True, slots=True)
class GlyphUse:
    """A font as a content stream uses it, and the codes shown in it."""

    font: pikepdf.Object
    codes: bytes


def glyphs_shown(pdf: pikepdf.Pdf) -> Iterator[GlyphUse]:
    """Find every string shown on a page or in a form."""
    for page in pdf.pages:
        yield from _shown_in(page.obj, page.obj.Resources)


def _shown_in(content: pikepdf.Object, resources: pikepdf.Object) -> Iterator[GlyphUse]:
    font = None
    for operands, operator in pikepdf.parse_content_stream(content):
        name = str(operator)
        if name == "Tf":
            font = resources.Font[str(operands[0])]
        elif name in _SHOWN:
            parts = operands[0] if name == "TJ" else [operands[0]]
            for part in parts:
                if isinstance(part, pikepdf.String):
                    assert font is not None
                    yield GlyphUse(font, bytes(part))
        elif name == "Do":
            form = resources.XObject[str(operands[0])]
            if form.get("/Subtype") == "/Form":
                yield from _shown_in(form, form.get("/Resources", resources))


def missing_glyphs(pdf: bytes) -> int:
    """Count the characters that are shown by a font's first glyph, which is the box for what it lacks."""
    missing = 0
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for use in glyphs_shown(opened):
            if use.font.Subtype == "/Type0":
                glyphs = use.font.DescendantFonts[0].get("/CIDToGIDMap")
                table = glyphs.read_bytes() if isinstance(glyphs, pikepdf.Stream) else None
                for index in range(0, len(use.codes), 2):
                    code = int.from_bytes(use.codes[index : index + 2], "big")
                    glyph = code if table is None else int.from_bytes(table[2 * code : 2 * code + 2], "big")
                    missing += glyph == 0
            else:
                widths = [int(width) for width in use.font.Widths]
                missing += sum(code < 32 or widths[code - 32] == 0 for code in use.codes)
    return missing


def assert_tagged(pdf: bytes) -> dict[str, int]:
    """Check what PDF/UA-1 asks of the structure, as far as a program can, and count the elements by kind.

    Everything drawn is an element's or an artifact (7.1); each marked content is found from both sides; every header
    cell has its scope (7.5) and every row of a table as many cells as the others.
    """
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        root = opened.Root
        assert bool(root.MarkInfo.Marked)
        assert str(root.Lang)
        assert bool(root.ViewerPreferences.DisplayDocTitle)
        kinds: dict[str, int] = {}
        owners: dict[tuple[int, int], tuple[int, int]] = {}
        _walk(root.StructTreeRoot.K, root.StructTreeRoot, kinds, owners)
        numbers = list(root.StructTreeRoot.ParentTree.Nums)
        parents = dict(zip([int(key) for key in numbers[::2]], numbers[1::2], strict=True))
        for page in opened.pages:
            drawn = _marked_contents(page)
            elements = parents[int(page.obj.StructParents)]
            assert sorted(drawn) == list(range(len(elements)))
            for content, element in enumerate(elements):
                assert owners[page.obj.objgen[0], content] == element.objgen
            for link in page.obj.get("/Annots", []):
                assert parents[int(link.StructParent)].S == "/Link"
                assert "/Dest" in link
        return kinds


def _walk(
    element: pikepdf.Object,
    parent: pikepdf.Object,
    kinds: dict[str, int],
    owners: dict[tuple[int, int], tuple[int, int]],
) -> None:
    if isinstance(element, pikepdf.Array):
        for kid in element:
            _walk(kid, parent, kinds, owners)
        return
    assert element.P.objgen == parent.objgen
    kind = str(element.S)
    kinds[kind] = kinds.get(kind, 0) + 1
    if kind == "/TH":
        attributes = element.A
        assert attributes.Scope in {"/Column", "/Row"}
    if kind == "/Table":
        assert len({len(row.K) for row in element.K}) == 1
    kids = element.get("/K")
    for kid in kids if isinstance(kids, pikepdf.Array) else [] if kids is None else [kids]:
        if isinstance(kid, int):
            owners[element.Pg.objgen[0], kid] = element.objgen
        elif kid.get("/Type") == "/MCR":
            owners[kid.Pg.objgen[0], int(kid.MCID)] = element.objgen
        elif kid.get("/Type") != "/OBJR":
            _walk(kid, element, kinds, owners)


def _marked_contents(page: pikepdf.Page) -> list[int]:
    """List the ids of a page's marked contents, and check that nothing is drawn outside of them and of artifacts."""
    found: list[int] = []
    open_marks: list[str] = []
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name in {"BDC", "BMC"}:
            tag = str(operands[0])
            if name == "BDC" and isinstance(operands[1], pikepdf.Dictionary) and "/MCID" in operands[1]:
                found.append(int(operands[1].MCID))
                tag = "content"
            open_marks.append(tag)
        elif name == "EMC":
            open_marks.pop()
        elif name in _DRAWN:
            assert "content" in open_marks or "/Artifact" in open_marks, (name, operands)
    assert open_marks == []
    return found


def poppler_text(pdf: bytes) -> str | None:
    """Read the text with poppler where it is installed."""
    try:
        done = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    except FileNotFoundError:
        return None
    return done.stdout.decode()
