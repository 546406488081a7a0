"""Texts that are longer than a cell can be: the cell holds the beginning, a sheet of its own the rest."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO

from customer_export.writers.xlsx.limits import CELL_UNITS, SheetLimits
from customer_export.writers.xlsx.text import NEVER_TOO_LONG, inline_string, split_units, utf16_units

# What is held in memory before a temporary file takes it.
_SPOOLED_BYTES = 1 << 20


class LongTexts:
    """The rows of the sheets of long texts, kept in temporary files until the sections are written.

    Column A names the cell (`Orders!L7`), B counts the parts from 2 on, C is the text. `sheet_name` is the first
    sheet's name and `marker` makes the words at the end of a shortened cell from it and the cell's own address.
    Close it to remove the files.
    """

    def __init__(self, *, sheet_name: str, marker: Callable[[str, str], str], limits: SheetLimits) -> None:
        self.sheet_name = sheet_name
        self._marker = marker
        self._rows_per_sheet = limits.rows - 1
        self._waiting: list[tuple[int, int, str, list[str]]] = []
        self._spools: list[IO[bytes]] = []
        self._rows: list[int] = []
        self._files = ExitStack()

    @property
    def rows(self) -> tuple[int, ...]:
        """How many rows each of the sheets has."""
        return tuple(self._rows)

    def shorten(self, text: str, *, sheet: str, column: int, letters: str, row: int) -> str:
        """Return the text if it fits into a cell, else its beginning and where it goes on."""
        if len(text) <= NEVER_TOO_LONG or utf16_units(text) <= CELL_UNITS:
            return text
        address = f"{sheet}!{letters}{row}"
        marker = self._marker(self.sheet_name, address)
        first, *rest = split_units(text, first_units=CELL_UNITS - utf16_units(marker), next_units=CELL_UNITS)
        self._waiting.append((row, column, address, rest))
        return first + marker

    def flush(self) -> None:
        """Write what a block of rows left, in the order of its cells, however the block was read."""
        for _, _, address, parts in sorted(self._waiting):
            for number, part in enumerate(parts, 2):
                self._write_row(address, number, part)
        self._waiting.clear()

    def xml(self, sheet: int) -> Iterator[bytes]:
        """Read the rows of a sheet, counted from 0, in pieces."""
        spool = self._spools[sheet]
        spool.seek(0)
        while piece := spool.read(_SPOOLED_BYTES):
            yield piece

    def close(self) -> None:
        """Remove the temporary files."""
        self._files.close()

    def _write_row(self, address: str, number: int, text: str) -> None:
        if not self._rows or self._rows[-1] == self._rows_per_sheet:
            spool = SpooledTemporaryFile(_SPOOLED_BYTES)  # noqa: SIM115  # the next line has it closed
            self._spools.append(self._files.enter_context(spool))
            self._rows.append(0)
        self._rows[-1] += 1
        row = self._rows[-1] + 1
        xml = (
            f'<row r="{row}"><c r="A{row}" t="inlineStr">{inline_string(address)}</c><c r="B{row}"><v>{number}</v></c>'
            f'<c r="C{row}" t="inlineStr">{inline_string(text)}</c></row>'
        )
        self._spools[-1].write(xml.encode())
