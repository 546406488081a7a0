"""Texts too long for a table's cell: the cell shows how they begin and a number, the appendix shows them whole."""

import json
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from customer_export.model.columns import Column
from customer_export.model.ledger import AlterationKind, SectionLedger
from customer_export.writers.pdf.texts import Typesetter

LINES_MAX = 12
"""A cell of more lines goes to the appendix: a row stays under a quarter of a page, so rows never break."""

_EXCERPT_LINES = 3
_KEPT_IN_MEMORY_BYTES = 1 << 20


class LongText(NamedTuple):
    """A long text, and where it belongs: `row` counts from 1."""

    number: int
    section: str
    column: str
    row: int
    text: str


class LongTexts:
    """The long texts of a document in their order, in a temporary file if they are many. Its maker closes it."""

    def __init__(self, typesetter: Typesetter) -> None:
        self._typesetter = typesetter
        self._file = tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY_BYTES, mode="w+", encoding="utf-8")  # noqa: SIM115
        self._ledger: SectionLedger | None = None
        self.count = 0

    def begin_section(self, ledger: SectionLedger | None) -> None:
        """Note what is changed from here on in the ledger of a section; None: these are no cells of one."""
        self._ledger = ledger

    def close(self) -> None:
        """Remove the temporary file."""
        self._file.close()

    def shorten(self, text: str, *, width: float, size: float, section: str, column: Column, row: int) -> str:
        """Return a text that fits a cell: as it is, or the beginning of one that is kept for the appendix.

        What no font can show is written as `[U+0007]`, and every line break as a line feed.
        """
        shown = self._typesetter.visible(text)
        if shown is not text and shown != text:
            self._note(column, AlterationKind.CHARACTERS_REPLACED, row)
        if not self._is_long(shown, width, size):
            return shown
        self._note(column, AlterationKind.CELL_CONTINUED, row)
        self.count += 1
        self._file.write(json.dumps(LongText(self.count, section, column.label, row, shown)) + "\n")
        begin = " ".join(shown[: int(_EXCERPT_LINES * width / size)].split())
        return f"{begin}… [{self.count}]"

    def all(self) -> Iterator[LongText]:
        """Read them again."""
        self._file.seek(0)
        for line in self._file:
            yield LongText(*json.loads(line))

    def _note(self, column: Column, kind: AlterationKind, row: int) -> None:
        if self._ledger is not None:
            self._ledger.add(column.name, kind, [row - 1])

    def _is_long(self, text: str, width: float, size: float) -> bool:
        if len(text) * size < width * LINES_MAX / 2 and text.count("\n") < LINES_MAX:
            return False
        if len(text) > width / size * LINES_MAX * 8:  # no character is narrower than an eighth of an em
            return True
        estimate = self._typesetter.estimate
        lines = sum(1 + int(estimate(line, size=size) * 1.1 / width) for line in text.split("\n"))
        return lines > LINES_MAX
