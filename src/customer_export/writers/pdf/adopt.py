"""Objects of a PDF that typst made, taken over into the file that is being written."""

import io
import re
from collections.abc import Iterator, Mapping

import pikepdf

from customer_export.writers.pdf.objects import ObjectFile, number

_TOKENS = re.compile(r"\((?:[^\\()]|\\.)*\)|<[0-9A-Fa-f]+>|\b(?P<number>[0-9]+) 0 R\b", re.DOTALL)
"""What qpdf writes: strings, in which nothing is a reference (it escapes every parenthesis), and references."""

_FORM_MARGIN = 12.0
"""Points that glyphs may stick out of a text's box (Thai and Hindi marks, swashes): a form is clipped to its /BBox."""


class Adoption:
    """Copies objects of one PDF, each once. `known` says under which number some of them go here already."""

    def __init__(self, source: pikepdf.Pdf, objects: ObjectFile, *, known: Mapping[int, int] | None = None) -> None:
        self._source = source
        self._objects = objects
        self._numbers = dict(known or {})

    def text(self, value: pikepdf.Object) -> str:
        """Write a value as this file says it, and copy what it refers to."""
        return self._renumbered(value.unparse())

    def number(self, value: pikepdf.Object) -> int:
        """Copy an indirect object, and give its number here."""
        return self._adopted(value.objgen[0])

    def entries(self, value: pikepdf.Object, *left_out: str) -> str:
        """Write the entries of a dictionary, or of a stream's."""
        if isinstance(value, pikepdf.Stream):
            value = value.stream_dict
        kept = pikepdf.Dictionary({key: entry for key, entry in value.items() if key not in left_out})
        return self._renumbered(kept.unparse()).removeprefix("<<").removesuffix(">>")

    def _renumbered(self, text: bytes) -> str:
        return _TOKENS.sub(self._reference, text.decode("latin-1"))

    def _reference(self, token: re.Match[str]) -> str:
        number = token["number"]
        return token[0] if number is None else f"{self._adopted(int(number))} 0 R"

    def _adopted(self, theirs: int) -> int:
        known = self._numbers.get(theirs)
        if known is not None:
            return known
        ours = self._numbers[theirs] = self._objects.reserve()
        value = self._source.get_object(theirs, 0)
        if isinstance(value, pikepdf.Stream):
            self._objects.put_raw_stream(ours, self.entries(value, "/Length"), value.read_raw_bytes())
        else:
            self._objects.put(ours, self._renumbered(value.unparse(resolved=True)))
        return ours


def adopt_pages_as_forms(pdf: bytes, *, objects: ObjectFile) -> Iterator[tuple[int, float, float]]:
    """Make a form of each page of a PDF: its number, and the page's width and height."""
    with pikepdf.open(io.BytesIO(pdf)) as source:
        adoption = Adoption(source, objects)
        for page in source.pages:
            width, height = float(page.mediabox[2]), float(page.mediabox[3])
            content = page.Contents
            box = (-_FORM_MARGIN, -_FORM_MARGIN, width + _FORM_MARGIN, height + _FORM_MARGIN)
            form = objects.reserve()
            objects.put_raw_stream(
                form,
                f"/Type/XObject/Subtype/Form/BBox[{' '.join(map(number, box))}]"
                f"/Resources {adoption.text(page.Resources)}{adoption.entries(content, '/Length')}",
                content.read_raw_bytes(),
            )
            yield form, width, height
