"""`customer-export diff`: what differs between two exports of one customer, offline."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from enum import IntEnum, unique
from pathlib import Path
from typing import IO, Annotated, NoReturn

import orjson
import typer
from rich.console import Console
from rich.text import Text

from customer_export.cli.diff_page import DiffPage
from customer_export.cli.diff_words import (
    SIGNS,
    column_notes,
    event_members,
    told_cell,
    told_counts,
    told_key,
    told_side,
)
from customer_export.cli.manifests import manifest_of
from customer_export.cli.terminal import harmless
from customer_export.errors import ConfigurationError
from customer_export.verify.comparing import compare_exports
from customer_export.verify.differences import Beginning, Event, Kind, Note, RowDifference, SectionBegin, SectionEnd
from customer_export.verify.opened import OpenedExport, open_export
from customer_export.verify.rows import BrokenFileError

_SHOWN_ROWS = 100  # of a section: four screens; programs get all by --json
_STYLES = {Kind.GONE: "red", Kind.ADDED: "green", Kind.CHANGED: "yellow"}


@unique
class DiffExit(IntEnum):
    """The exit codes; 2 is that of a wrong command line."""

    SAME = 0
    DIFFERENT = 1
    UNREADABLE = 3


def diff(
    old: Annotated[Path, typer.Argument(help="The earlier export, in any format; a PDF needs attach=json.")],
    new: Annotated[Path, typer.Argument(help="The later export of the same customer, also in another format.")],
    old_manifest: Annotated[
        Path | None,
        typer.Option(help="The manifest of OLD. [default: OLD.manifest.json beside it, else the one in it]"),
    ] = None,
    new_manifest: Annotated[Path | None, typer.Option(help="The same of NEW.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write it as a page of HTML, too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Tell it as a line of JSON a difference.")] = False,
    limit: Annotated[
        int, typer.Option(min=0, help="How many rows of a section are shown to people; all are counted.")
    ] = _SHOWN_ROWS,
) -> None:
    """Say what differs between two exports of one customer: rows added and gone, and cells changed. Asks no server.

    The exit code is 0 if nothing differs, 1 if something does, 2 if the command is not right, and 3 if a file can't be
    read.

    Example: customer-export diff march.zip april.xlsx --html changes.html
    """
    with ExitStack() as stack:
        try:
            one = _opened(old, old_manifest, stack)
            two = _opened(new, new_manifest, stack)
            _hold_to_one_customer(one, two)
            page = None if html is None else DiffPage(stack.enter_context(_writable(html)), limit=limit)
            differs = _tell(compare_exports(one, two), page, json=json, limit=limit)
        except BrokenFileError as failure:
            _cannot_read(str(failure))
        except ConfigurationError as failure:
            _cannot_read(failure.message)
    raise typer.Exit(DiffExit.DIFFERENT if differs else DiffExit.SAME)


def _opened(path: Path, manifest: Path | None, stack: ExitStack) -> OpenedExport:
    try:
        file = stack.enter_context(path.open("rb"))
        return open_export(str(path), file, manifest=manifest_of(path, manifest), stack=stack)
    except OSError as failure:
        raise BrokenFileError(f"{failure.filename or path} cannot be read ({failure.strerror})") from failure


def _writable(path: Path) -> IO[str]:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as failure:
        raise typer.BadParameter(f"{path} cannot be written ({failure.strerror})") from failure


def _hold_to_one_customer(old: OpenedExport, new: OpenedExport) -> None:
    one, two = old.claims.customer_id, new.claims.customer_id
    if one != two:
        raise typer.BadParameter(f"these are exports of two customers, {one} and {two}; give two of one customer")


def _cannot_read(message: str) -> NoReturn:
    typer.echo(f"customer-export: {harmless(message)}", err=True)
    raise typer.Exit(DiffExit.UNREADABLE)


def _tell(events: Iterator[Event], page: DiffPage | None, *, json: bool, limit: int) -> bool:
    """Tell the events as they come; whether something differs."""
    teller: _JsonTeller | _TerminalTeller = _JsonTeller() if json else _TerminalTeller(limit)
    differs = False
    for event in events:
        teller.tell(event)
        if page is not None:
            page.tell(event)
        differs |= isinstance(event, RowDifference) or (isinstance(event, SectionBegin) and event.differs)
    teller.end(differs=differs)
    if page is not None:
        page.end(differs=differs)
    return differs


class _JsonTeller:
    """Writes a line an event (docs/diff.md)."""

    def tell(self, event: Event) -> None:
        typer.echo(orjson.dumps(event_members(event)))

    def end(self, *, differs: bool) -> None:
        typer.echo(orjson.dumps({"kind": "end", "outcome": "different" if differs else "same"}))


class _TerminalTeller:
    """Writes for people; coloured on a terminal only."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._shown = 0
        self._console = Console(soft_wrap=True, highlight=False)

    def tell(self, event: Event) -> None:
        match event:
            case Beginning():
                self._print(f"old: {told_side(event.old)}", style="dim")
                self._print(f"new: {told_side(event.new)}", style="dim")
                self._tell_notes(event.notes)
            case SectionBegin():
                self._begin(event)
            case RowDifference():
                self._shown += 1
                if self._shown <= self._limit:
                    self._tell_row(event)
            case SectionEnd():
                self._end_section(event)

    def end(self, *, differs: bool) -> None:
        self._print("they differ" if differs else "no difference", style="bold")

    def _begin(self, event: SectionBegin) -> None:
        self._shown = 0
        self._print(event.name, style="bold")
        if event.only is not None:
            self._print(f"  {SIGNS[event.only]} the whole section", style=_STYLES[event.only])
        for words, names in column_notes(event):
            self._print(f"  ! {words}: {', '.join(names)}", style="magenta")

    def _tell_row(self, event: RowDifference) -> None:
        self._print(f"  {SIGNS[event.kind]} {told_key(event)}", style=_STYLES[event.kind])
        for name, (before, after) in event.cells.items():
            line = Text(f"      {harmless(name)}: ")
            if event.kind is not Kind.ADDED:
                line.append(harmless(told_cell(before)), style="red")
            if event.kind is Kind.CHANGED:
                line.append(" -> ")
            if event.kind is not Kind.GONE:
                line.append(harmless(told_cell(after)), style="green")
            if event.kind is Kind.CHANGED or (before, after) != (None, None):
                self._console.print(line)

    def _end_section(self, event: SectionEnd) -> None:
        if self._shown > self._limit:
            self._print(f"  … and {self._shown - self._limit:,} more rows: --limit shows more, --json all")
        self._print(f"  {told_counts(event)}", style="dim")
        self._tell_notes(event.notes)

    def _tell_notes(self, notes: Sequence[Note]) -> None:
        for note in notes:
            self._print(f"  ! {note.message}", style="magenta")

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(harmless(text), style=style))
