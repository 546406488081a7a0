"""The differences of two exports as a page of HTML that needs nothing else: no script, no style sheet, no font."""

from collections.abc import Sequence
from html import escape
from typing import IO

from customer_export.cli.diff_words import SIGNS, column_notes, told_cell, told_counts, told_key, told_side
from customer_export.verify.differences import Beginning, Event, Kind, Note, RowDifference, SectionBegin, SectionEnd

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>What differs between two exports</title>
<style>
:root { color-scheme: light dark; --line: light-dark(#d0d7de, #444c56); --dim: light-dark(#57606a, #9da7b3);
  --gone: light-dark(#ffebe9, #4b1d1d); --added: light-dark(#dafbe1, #14391f); --note: light-dark(#fff8c5, #453a0c); }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; padding-bottom: .25rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: plaintext; }
th[scope=rowgroup] { font-weight: 600; }
del { background: var(--gone); } ins { background: var(--added); } del, ins { text-decoration: none; }
.null { color: var(--dim); font-style: italic; } .dim { color: var(--dim); }
.note { background: var(--note); border-radius: .3rem; padding: .3rem .6rem; }
.outcome { font-weight: 600; }
</style>
</head>
<body>
<h1>What differs between two exports</h1>
"""
_COLUMNS = "".join(f'<th scope="col">{name}</th>' for name in ("row", "column", "before", "after"))
_TABLE = f"<table><thead><tr>{_COLUMNS}</tr></thead>\n"
_WORDS = {Kind.GONE: "gone", Kind.ADDED: "added", Kind.CHANGED: "changed"}


class DiffPage:
    """Writes the page as the differences come; of each section `limit` rows are shown."""

    def __init__(self, file: IO[str], *, limit: int) -> None:
        self._write = file.write
        self._limit = limit
        self._shown = 0
        self._write(_HEAD)

    def tell(self, event: Event) -> None:
        """Add what comes next."""
        match event:
            case Beginning():
                sides = (("Before", event.old), ("After", event.new))
                self._write("".join(f"<p>{words}: {escape(told_side(export))}</p>\n" for words, export in sides))
                self._notes(event.notes)
            case SectionBegin():
                self._begin(event)
            case RowDifference():
                self._row(event)
            case SectionEnd():
                self._end(event)

    def end(self, *, differs: bool) -> None:
        """End the page."""
        self._write(f'<hr><p class="outcome">{"They differ." if differs else "No difference."}</p>\n</body>\n</html>\n')

    def _begin(self, event: SectionBegin) -> None:
        self._shown = 0
        self._write(f"<h2>{escape(event.name)}</h2>\n")
        if event.only is not None:
            self._write(f'<p class="note">The whole section is {_WORDS[event.only]}.</p>\n')
        for words, names in column_notes(event):
            self._write(f'<p class="note">{escape(words)}: {escape(", ".join(names))}</p>\n')

    def _row(self, event: RowDifference) -> None:
        self._shown += 1
        if self._shown > self._limit:
            return
        if self._shown == 1:
            self._write(_TABLE)
        told = {name: cells for name, cells in event.cells.items() if cells != (None, None)} or {"": (None, None)}
        what = f"{SIGNS[event.kind]} {_WORDS[event.kind]}<br>{escape(told_key(event))}"
        head = f'<th scope="rowgroup" rowspan="{len(told)}">{what}</th>'
        rows = []
        for name, (before, after) in told.items():
            old = "" if event.kind is Kind.ADDED else _cell("del", before)
            new = "" if event.kind is Kind.GONE else _cell("ins", after)
            rows.append(f"<tr>{head}<td>{escape(name)}</td><td>{old}</td><td>{new}</td></tr>\n")
            head = ""
        self._write(f"<tbody>{''.join(rows)}</tbody>\n")

    def _end(self, event: SectionEnd) -> None:
        if self._shown and self._limit:
            self._write("</table>\n")
        if self._shown > self._limit:
            more = self._shown - self._limit
            self._write(f'<p class="note">{more:,} more rows are not shown: --limit shows more, --json all.</p>\n')
        self._write(f'<p class="dim">{escape(told_counts(event))}</p>\n')
        self._notes(event.notes)

    def _notes(self, notes: Sequence[Note]) -> None:
        for note in notes:
            self._write(f'<p class="note">{escape(note.message)}</p>\n')


def _cell(tag: str, cell: str | None) -> str:
    null = ' class="null"' if cell is None else ""
    return f"<{tag}{null}>{escape(told_cell(cell))}</{tag}>"
