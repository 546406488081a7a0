"""PDF: a report that people are glad to open, with a cover, charts, and every row of every section."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from customer_export.model.document import Document, SectionStream
from customer_export.model.ledger import Limit
from customer_export.writers.locale import locale_of
from customer_export.writers.pdf.design import designed_theme
from customer_export.writers.pdf.fonts import plain_fonts
from customer_export.writers.pdf.own_pages import check_rows
from customer_export.writers.pdf.pool import RendererPool
from customer_export.writers.pdf.report import Report, Workshop
from customer_export.writers.pdf.texts import Typesetter
from customer_export.writers.pdf.theme import read_theme

TAGGED_ROWS_MAX = 5000
"""Rows up to which a report is tagged (PDF/UA-1, PDF/A-2a).

Tags triple the bytes and make 10,000 rows take 1.7 times as long, and nobody has a hundred pages read aloud.
"""


class PdfWriter:
    """Writes PDF. Shared by all exports and threads; the pool is the caller's, who closes it."""

    media_type = "application/pdf"

    def __init__(self, pool: RendererPool, *, tagged_rows_max: int = TAGGED_ROWS_MAX) -> None:
        self._pool = pool
        self._tagged_rows_max = tagged_rows_max
        self._theme = read_theme(pool.template)

    @cached_property
    def _workshop(self) -> Workshop:
        """What all reports share; the first one waits about a second while the fonts are cut."""
        typesetter = Typesetter(plain_fonts(self._pool.template))
        return Workshop(pool=self._pool, theme=self._theme, typesetter=typesetter)

    def _workshop_for(self, document: Document) -> Workshop:
        """Give what a report needs, with the theme of its template."""
        template = document.request.template
        if template is None or template.design.theme is None:
            return self._workshop
        return replace(self._workshop, theme=designed_theme(self._pool.template, template.design.theme))

    def warm(self) -> None:
        """Start the renderers and cut the fonts now (about a second), so that the first export need not wait."""
        self._pool.warm()
        _ = self._workshop

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the file's bytes. Raises the renderers' errors, RendererBusyError before the first byte."""
        streams = list(sections)
        tagged = sum(stream.rows for stream in streams) <= self._tagged_rows_max
        template = document.request.template
        if template is not None and template.design.pages is not None:
            check_rows(streams)
            tagged = False  # nobody knows what is what on such pages
        elif not tagged:
            document.ledger.reach(Limit.TAGGED_ROWS, value=self._tagged_rows_max, section=None)
        with self._pool.admitted():
            report = Report(
                workshop=self._workshop_for(document),
                document=document,
                streams=streams,
                locale=locale_of(document.request.locale),
                tagged=tagged,
            )
            try:
                for stream in streams:
                    yield from report.add_section(stream)
                yield from report.finish()
            finally:
                report.close()
