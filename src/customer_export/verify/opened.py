"""An export that is read for its cells, section by section."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from operator import attrgetter
from typing import IO

from customer_export.verify.claims import Claims, UnreadableManifestError, read_claims
from customer_export.verify.embedded import embedded_manifest
from customer_export.verify.opening import format_of, unpacked
from customer_export.verify.reading import can_be_read, read_rows
from customer_export.verify.rows import UNREADABLE, BrokenFileError, Piece, Pieces
from customer_export.verify.sealed import decrypt_first, encryption_of


class OpenedExport:
    """A file of ours with its manifest. Sections are best read in their order: another one reads the file again."""

    def __init__(self, name: str, file: IO[bytes], claims: Claims) -> None:
        self.name = name
        self.claims = claims
        self._file = file
        self._order = {section.name: place for place, section in enumerate(claims.sections)}
        self._reached = -1
        self._begin()

    def pieces(self, section: str) -> Iterator[Piece]:
        """Read the rows of a section. Raises BrokenFileError."""
        wanted = self._order[section]
        if self._reached >= wanted:
            self._begin()
        while self._next is not None and self._order[self._next[0]] < wanted:
            self._advance()
        self._reached = wanted
        if self._next is not None and self._next[0] == section:
            yield from self._next[1]
            self._advance()

    def finish(self) -> None:
        """Read what is left, so that it is known that the file has its end. Raises as `pieces` does."""
        while self._next is not None:
            self._advance()

    def _begin(self) -> None:
        self._file.seek(0)
        self._groups = groupby(self._read(), key=attrgetter("section"))
        self._reached = -1
        self._advance()

    def _advance(self) -> None:
        self._next: tuple[str, Iterator[Piece]] | None = next(self._groups, None)

    def _read(self) -> Pieces:
        try:
            yield from read_rows(self._file, self.claims, cells=True)
        except BrokenFileError as failure:
            raise BrokenFileError(f"{self.name}: {failure}") from failure
        except UNREADABLE as failure:
            raise BrokenFileError(f"{self.name} can't be read to its end ({failure})") from failure


def open_export(name: str, file: IO[bytes], *, manifest: object | None, stack: ExitStack) -> OpenedExport:
    """Open a file that has rows, with the manifest beside it or else that in it. Raises BrokenFileError."""
    method = encryption_of(file)
    if method is not None:
        raise BrokenFileError(f"{name}: {decrypt_first(method)}")
    try:
        plain = unpacked(file, stack)
        claims = _claims(plain, format_of(plain), manifest)
    except BrokenFileError as failure:
        raise BrokenFileError(f"{name}: {failure}") from failure
    return OpenedExport(name, plain, claims)


def _claims(file: IO[bytes], form: str, manifest: object | None) -> Claims:
    embedded = embedded_manifest(file, form)
    given = manifest if manifest is not None else None if embedded is None else embedded.members
    if given is None:
        raise BrokenFileError("it has no manifest: put it beside the file as FILE.manifest.json")
    try:
        claims = read_claims(given)
    except UnreadableManifestError as failure:
        raise BrokenFileError(f"its manifest can't be read: {failure}") from failure
    if claims.format != form:
        raise BrokenFileError(f"its manifest is of a {claims.format}, and the file is a {form}")
    if not can_be_read(claims):
        raise BrokenFileError("a PDF has rows that can be compared only if it was made with attach=json")
    if not claims.has_rows:
        raise BrokenFileError("its manifest does not name the columns: it is of a version before 2")
    return claims
