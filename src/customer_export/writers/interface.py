"""What a format is."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from customer_export.model.document import Document, SectionStream


class Writer(Protocol):
    """Turns the sections of one export into the bytes of one file.

    A writer reads each section once, in order, and holds no more than a batch of it at a time. It is shared by
    all exports and threads, so it keeps no state between calls.
    """

    @property
    def media_type(self) -> str:
        """The Content-Type of the file."""

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the file's bytes in order. What the sections raise passes through."""
