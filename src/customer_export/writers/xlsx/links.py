"""Links on cells, only where a click can do nothing but open a web page or a new message."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self
from urllib.parse import quote

from customer_export.writers.xlsx.limits import LINK_CHARACTERS, LINKS_PER_SHEET
from customer_export.writers.xlsx.names import column_letters
from customer_export.writers.xlsx.text import escape_xml

# RFC 5321, 4.5.3.1: a path has at most 256 octets, two of them its angle brackets.
_ADDRESS_CHARACTERS = 254

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

# A dot-atom of RFC 5322 at a host name. Quoted local parts exist on paper.
_ADDRESS = re.compile(rf"([A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]+)@({_HOST})").fullmatch

# RFC 3986 with a host name and without user information, which serves to disguise a host. A character more than
# these would make Excel call the whole file damaged.
_URL = re.compile(
    rf"https?://{_HOST}(?::[0-9]{{1,5}})?"
    r"(?:[/?](?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)?"
    r"(?:#(?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)?",
    re.IGNORECASE,
).fullmatch

_SPOOLED_BYTES = 1 << 18

_RELATIONSHIPS_START = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
)
_HYPERLINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"


def email_target(text: str) -> str | None:
    """Return the `mailto:` of an address, or None. What would begin a subject or a copy is escaped (RFC 6068)."""
    match = _ADDRESS(text) if len(text) <= _ADDRESS_CHARACTERS else None
    return f"mailto:{quote(match[1], safe='!$*+.-_~')}@{match[2]}" if match else None


def url_target(text: str) -> str | None:
    """Return the text if it is a plain web address, else None."""
    return text if len(text) <= LINK_CHARACTERS and _URL(text) else None


class ColumnLinks:
    """The links of one column of one sheet, in a temporary file: the sheet names them after its last row.

    `budget` is the number of links that may be added, since Excel limits them a sheet.
    """

    def __init__(self, *, letters: str, budget: int) -> None:
        self._letters = letters
        self._left = budget
        self.used = False
        self._spool = SpooledTemporaryFile(_SPOOLED_BYTES)  # noqa: SIM115  # closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._spool.close()

    def add(self, row: int, target: str) -> bool:
        """Link the cell of a row; False if the budget is used up. Targets are ASCII without blanks."""
        if not self._left:
            return False
        self._left -= 1
        self.used = True
        self._spool.write(f"{row} {target}\n".encode())
        return True

    def elements(self) -> Iterator[bytes]:
        """Give the `<hyperlink>` elements."""
        for cell, _ in self._read():
            yield f'<hyperlink ref="{cell}" r:id="rId{cell}"/>'.encode()

    def relationships(self) -> Iterator[bytes]:
        """Give the `<Relationship>` elements that the others refer to."""
        for cell, target in self._read():
            yield (
                f'<Relationship Id="rId{cell}" Type="{_HYPERLINK}" Target="{escape_xml(target)}"'
                ' TargetMode="External"/>'
            ).encode()

    def _read(self) -> Iterator[tuple[str, str]]:
        self._spool.seek(0)
        for line in self._spool:
            row, target = line.decode().split()
            yield f"{self._letters}{row}", target


@contextmanager
def closing_links(columns: Sequence[int]) -> Iterator[Mapping[int, ColumnLinks]]:
    """Hold the links of a sheet's columns, by their indexes, and remove the temporary files at the end.

    Links are shared out among the columns beforehand, so that they do not depend on how the rows come in batches.
    """
    with ExitStack() as files:
        yield {
            index: files.enter_context(
                ColumnLinks(letters=column_letters(index), budget=LINKS_PER_SHEET // len(columns))
            )
            for index in columns
        }


def relationships_part(columns: Iterable[ColumnLinks]) -> Iterator[bytes]:
    """Give the part that holds the targets of a sheet's links."""
    yield _RELATIONSHIPS_START
    for links in columns:
        yield from links.relationships()
    yield b"</Relationships>"
