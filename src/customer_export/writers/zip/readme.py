"""The page that a person opens first."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from customer_export.model.document import Document
from customer_export.writers.locale import Locale, Word

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:3rem auto;padding:0 1.5rem;color:#1b2430}"
    "h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2.5rem 0 .5rem}p{margin:.25rem 0;color:#4a5668}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:start;padding:.4rem .75rem .4rem 0;"
    "border-bottom:1px solid #dfe4ea;vertical-align:top}th{font-weight:600;color:#4a5668}td.n{text-align:end}"
    "code{font-size:.85em;overflow-wrap:anywhere}a{color:#0b57a4}"
)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the archive: its path, what it is, and its rows if it is a table."""

    path: str
    content: str
    rows: int | None = None


def readme_page(document: Document, files: Sequence[ListedFile], locale: Locale) -> str:
    """Say what is in the archive. Every text from the data is escaped; nothing on the page runs or is fetched."""
    word = locale.word
    facts = (
        (Word.CUSTOMER, document.customer_title),
        (Word.CUSTOMER_ID, document.request.customer_id),
        (Word.SNAPSHOT_TAKEN, locale.format_timestamp(document.snapshot_at, with_offset=True)),
        (Word.TIME_ZONE, document.request.time_zone),
        (Word.REQUESTED_BY, document.requested_by),
        (Word.DATA_SOURCE, f"{document.map_name} ({document.map_version})"),
        (Word.EXPORT_ID, document.export_id),
    )
    listed = "".join(
        f"<tr><td><a href='{escape(file.path)}'><code>{escape(file.path)}</code></a></td>"
        f"<td>{escape(file.content)}</td>"
        f"<td class=n>{'' if file.rows is None else locale.format_integer(str(file.rows))}</td></tr>"
        for file in files
    )
    told = "".join(
        f"<tr><th>{escape(word(label))}</th><td><bdi>{escape(value)}</bdi></td></tr>" for label, value in facts
    )
    return (
        f"<!doctype html><html lang='{locale.tag}' dir='{locale.direction}'><head><meta charset=utf-8>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(word(Word.TITLE))}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(word(Word.TITLE))}</h1>"
        f"<p>{escape(word(Word.DESCRIPTION, source=document.map_name))}</p>"
        f"<h2>{escape(word(Word.SUMMARY))}</h2><table>{told}</table>"
        f"<h2>{escape(word(Word.README_TITLE))}</h2>"
        f"<table><tr><th>{escape(word(Word.FILE))}</th><th>{escape(word(Word.CONTENT))}</th>"
        f"<th>{escape(word(Word.ROWS))}</th></tr>{listed}</table>"
        "</body></html>\n"
    )
