"""Pages that a template sets itself, by typst source: they get the export as data, and ours are the margins.

All that ties a report to its manifest is as in every other one. typst needs the whole document in memory, so there is a
limit to the rows.
"""

from collections.abc import Iterable, Mapping
from itertools import chain

from customer_export.errors import InvalidRequestError, RendererFailedError, TemplateFailedError
from customer_export.model.columns import Batch, Column
from customer_export.model.document import Document, SectionStream
from customer_export.writers.json_head import customer_head, export_head
from customer_export.writers.locale import Locale
from customer_export.writers.pdf.adopt import adopt_pages_as_forms
from customer_export.writers.pdf.objects import ObjectFile
from customer_export.writers.pdf.pages import PageBook
from customer_export.writers.pdf.pool import Compilation, RendererPool
from customer_export.writers.pdf.rows import write_for_people
from customer_export.writers.pdf.shaped_texts import Form

MOST_ROWS = 5_000
"""Of all sections together: typst sets some hundred rows a second, and a part of a PDF may take half a minute."""


def check_rows(streams: Iterable[SectionStream]) -> None:
    """Raise InvalidRequestError if there are more rows than such pages may hold."""
    rows = sum(stream.rows for stream in streams)
    if rows > MOST_ROWS:
        raise InvalidRequestError(
            f"Invalid request parameters: template: it sets its pages itself, with at most {MOST_ROWS:,} rows, and "
            f"these are {rows:,}; ask for fewer sections or a shorter period"
        )


def own_pages_of(document: Document, locale: Locale) -> "OwnPages | None":
    """Make what sets a document's pages, if its template does that itself."""
    template = document.request.template
    if template is None or template.design.pages is None:
        return None
    return OwnPages(document=document, locale=locale, pages=template.design.pages)


class OwnPages:
    """Collects the sections of an export, then has its pages set."""

    def __init__(self, *, document: Document, locale: Locale, pages: str) -> None:
        self._document = document
        self._locale = locale
        self._pages = pages
        self._sections: list[Mapping[str, object]] = []

    def add_section(self, stream: SectionStream, batches: Iterable[Batch]) -> None:
        """Take the rows, as texts for people and as they are."""
        values = [*batches]
        texts = [write_for_people(batch, stream.columns, self._locale) for batch in values]
        self._sections.append(
            {
                "name": stream.name,
                "label": stream.label,
                "columns": [_column(column) for column in stream.columns],
                "rows": _rows(texts),
                "values": _rows(values),
            }
        )

    def draw(self, book: PageBook, objects: ObjectFile, pool: RendererPool) -> None:
        """Set the pages and take them over. Raises TemplateFailedError, and the other errors of renderers."""
        compilation = Compilation(
            main="(its own pages)",
            data=self._data(),
            timestamp_seconds=int(self._document.created_at.timestamp()),
            pages=self._source(),
        )
        try:
            for number, width, height in adopt_pages_as_forms(pool.submit(compilation).result(), objects=objects):
                page = book.begin(width=width, height=height)
                page.form(Form(number, width, height), 0.0, 0.0)
                book.end(page)
        except RendererFailedError as failure:
            template = self._document.request.template
            assert template is not None
            raise TemplateFailedError(template.reference, failure.message) from failure

    def _data(self) -> Mapping[str, object]:
        marks = self._document.marks()
        return {
            "export": {
                **export_head(self._document),
                "sha256": marks.canonical_sha256,
                "manifest": marks.manifest,
                "locale": self._locale.tag,
            },
            "customer": customer_head(self._document),
            "sections": self._sections,
        }

    def _source(self) -> str:
        """Begin with the fonts and the language of all other reports."""
        return (
            '#import "fonts.typ": families\n'
            f'#set text(font: families(none, "SC"), lang: "{self._locale.tag[:2]}", size: 9pt)\n{self._pages}'
        )


def _column(column: Column) -> Mapping[str, object]:
    return {"name": column.name, "label": column.label, "type": column.type.value}


def _rows(batches: Iterable[Batch]) -> list[tuple[str | None, ...]]:
    return list(chain.from_iterable(zip(*batch, strict=True) for batch in batches))
