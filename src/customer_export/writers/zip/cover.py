"""The covering document of an answer to a data subject, as a page of the archive."""

from collections.abc import Iterator, Sequence
from html import escape

from customer_export.writers.letter import Entry, Letter, Line
from customer_export.writers.zip.readme import STYLE


def cover_page(letter: Letter) -> str:
    """Write the letter. Every text is escaped; nothing on the page runs or is fetched."""
    return "".join(_pieces(letter))


def _pieces(letter: Letter) -> Iterator[str]:
    yield f"<!doctype html><html lang='{letter.language}'><head><meta charset=utf-8>"
    yield "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>{escape(letter.title)}</title>"
    yield f"<style>{STYLE}h3{{margin:1.5rem 0 .25rem}}th{{width:30%}}</style></head>"
    yield f"<body><p>{escape(letter.basis)}</p><h1>{escape(letter.title)}</h1><p>{escape(letter.opening)}</p>"
    yield from _lines(letter.facts)
    for part in letter.parts:
        yield f"<h2>{escape(part.heading)}</h2>"
        for entry in part.entries:
            yield from _entry(entry)
    yield "</body></html>\n"


def _entry(entry: Entry) -> Iterator[str]:
    if entry.title:
        yield f"<h3>{escape(entry.title)}</h3>"
    yield from (f"<p>{escape(line.text)}</p>" for line in entry.lines if not line.label)
    yield from _lines([line for line in entry.lines if line.label])


def _lines(lines: Sequence[Line]) -> Iterator[str]:
    if lines:
        rows = "".join(
            f"<tr><th>{escape(line.label)}</th><td><bdi>{escape(line.text)}</bdi></td></tr>" for line in lines
        )
        yield f"<table>{rows}</table>"
