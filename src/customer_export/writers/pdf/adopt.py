"""Pages of a PDF that typst made, taken over as forms into the file that is being written.

typst writes the plainest of PDFs: a cross-reference table (ISO 32000-1, 7.5.4), every object by itself, the length of
a stream as a number. Reading just that takes a tenth of the time of a general library; anything else is refused.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from customer_export.errors import RendererFailedError
from customer_export.writers.pdf.objects import ObjectFile, number

_TOKENS = re.compile(r"\((?:[^\\()]|\\.)*\)|<[0-9A-Fa-f]+>|\b(?P<number>[0-9]+) 0 R\b", re.DOTALL)
"""Strings, in which nothing is a reference, and references."""

_START = re.compile(rb"startxref\s+([0-9]+)\s+%%EOF\s*\Z")
_TABLE = re.compile(rb"xref\s+0 ([0-9]+)\s+")
_ENTRY_BYTES = 20
_OFFSET_DIGITS = 10
_HEAD = re.compile(rb"[0-9]+ 0 obj\s+(.*?)\s+(endobj|stream\r?\n)", re.DOTALL)
_ROOT, _PAGES = re.compile(r"/Root ([0-9]+) 0 R"), re.compile(r"/Pages ([0-9]+) 0 R")
_KIDS = re.compile(r"/Kids ?\[([^\]]*)\]")
_REFERENCE = re.compile(r"([0-9]+) 0 R")
_PAGE = re.compile(
    r"/Resources (?P<resources>[0-9]+ 0 R).*?/MediaBox ?\[0 0 (?P<width>[0-9.]+) (?P<height>[0-9.]+)\]"
    r".*?/Contents (?P<content>[0-9]+) 0 R",
    re.DOTALL,
)
_LENGTH = re.compile(r"/Length ([0-9]+)(?= ?[/>])")

_FORM_MARGIN = 12.0
"""Points that glyphs may stick out of a text's box (Thai and Hindi marks, swashes): a form is clipped to its /BBox."""


_Match = TypeVar("_Match", re.Match[str], re.Match[bytes])


class _Object(NamedTuple):
    """An object as it is written: the value or the dictionary without its /Length, and the data if it is a stream."""

    text: str
    data: bytes | None


class _Source:
    """A PDF of typst's. Every method raises RendererFailedError where it isn't written as typst writes."""

    def __init__(self, pdf: bytes) -> None:
        self._pdf = pdf
        start = _match(_START.search(pdf, max(0, len(pdf) - 64)))
        table = _match(_TABLE.match(pdf, int(start[1])))
        ends = range(table.end(), table.end() + int(table[1]) * _ENTRY_BYTES, _ENTRY_BYTES)
        self._offsets = [int(pdf[place : place + _OFFSET_DIGITS]) for place in ends]
        self._trailer = pdf[ends.stop :].decode("latin-1")

    def read(self, number: int) -> _Object:
        """Read an object."""
        head = _match(_HEAD.match(self._pdf, self._offsets[number]))
        text = head[1].decode("latin-1")
        if head[2] == b"endobj":
            return _Object(text, None)
        length = _match(_LENGTH.search(text))
        data = self._pdf[head.end() : head.end() + int(length[1])]
        return _Object(text[: length.start()] + text[length.end() :], data)

    def pages(self) -> Iterator["re.Match[str]"]:
        """Read the pages."""
        root = self.read(int(_match(_ROOT.search(self._trailer))[1]))
        tree = self.read(int(_match(_PAGES.search(root.text))[1]))
        for kid in _REFERENCE.finditer(_match(_KIDS.search(tree.text))[1]):
            yield _match(_PAGE.search(self.read(int(kid[1])).text))


class _Adoption:
    """Copies objects of one PDF, each once, and those that are equal once, too."""

    def __init__(self, source: _Source, objects: ObjectFile) -> None:
        self._source = source
        self._objects = objects
        self._numbers: dict[str, int] = {}
        self._values: dict[str, int] = {}

    def renumbered(self, text: str) -> str:
        """Write a value as this file says it, and copy what it refers to."""
        return _TOKENS.sub(self._reference, text)

    def _reference(self, token: re.Match[str]) -> str:
        theirs = token["number"]
        if theirs is None:
            return token[0]
        if theirs not in self._numbers:
            self._numbers[theirs] = self._copy(int(theirs))
        return f"{self._numbers[theirs]} 0 R"

    def _copy(self, theirs: int) -> int:
        text, data = self._source.read(theirs)
        text = self.renumbered(text)
        if data is None:
            if text not in self._values:
                self._values[text] = self._objects.add(text)
            return self._values[text]
        ours = self._objects.reserve()
        self._objects.put_raw_stream(ours, text.removeprefix("<<").removesuffix(">>"), data)
        return ours


def adopt_pages_as_forms(pdf: bytes, *, objects: ObjectFile) -> Iterator[tuple[int, float, float]]:
    """Make a form of each page of a PDF: its number, and the page's width and height."""
    source = _Source(pdf)
    adoption = _Adoption(source, objects)
    for page in source.pages():
        width, height = float(page["width"]), float(page["height"])
        content = source.read(int(page["content"]))
        box = (-_FORM_MARGIN, -_FORM_MARGIN, width + _FORM_MARGIN, height + _FORM_MARGIN)
        form = objects.reserve()
        objects.put_raw_stream(
            form,
            f"/Type/XObject/Subtype/Form/BBox[{' '.join(map(number, box))}]"
            f"/Resources {adoption.renumbered(page['resources'])}{content.text[2:-2]}",
            content.data or b"",
        )
        yield form, width, height


def _match(found: _Match | None) -> _Match:
    if found is None:
        message = "typst wrote a PDF in another way than expected; install the version that the product requires"
        raise RendererFailedError(message)
    return found
