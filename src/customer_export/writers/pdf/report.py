"""One report while it is written: its sections in their order, the appendix of long texts, the cover, the end."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import pikepdf

from customer_export.model.columns import Batch, Cell, Column, ColumnType
from customer_export.model.document import Document, SectionStream
from customer_export.writers.locale import Locale, Word
from customer_export.writers.pdf.appendix import draw_appendix
from customer_export.writers.pdf.assembly import Ending, assemble
from customer_export.writers.pdf.cards import Cards
from customer_export.writers.pdf.columns import SAMPLE_ROWS, TablePlan, plan_table
from customer_export.writers.pdf.composition import Compositor
from customer_export.writers.pdf.cover import ContentsEntry, describe_cover, local_time, plain_blanks, shortened
from customer_export.writers.pdf.embedding import embed_fonts
from customer_export.writers.pdf.figures import Figures
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.footers import Footers, portions
from customer_export.writers.pdf.long_texts import LongTexts
from customer_export.writers.pdf.objects import ObjectFile
from customer_export.writers.pdf.pages import Page, PageBook, Tags
from customer_export.writers.pdf.pool import Compilation, RendererPool
from customer_export.writers.pdf.shaped_texts import ShapedTexts, ShapingContext, choose_han
from customer_export.writers.pdf.structure import Element, MarkedPage, Structure
from customer_export.writers.pdf.tables import Table
from customer_export.writers.pdf.texts import Typesetter
from customer_export.writers.pdf.theme import Theme

ROWS_AT_ONCE = 500
"""Rows that are set and then drawn: about 5 MB of settings, and a child has work for a tenth of a second."""

_TABLE_ROOM_POINTS, _CARDS_ROOM_POINTS = 90.0, 60.0
"""A heading moves to the next page rather than stand over fewer than about three rows, or no card."""

_LANDSCAPE_ROOM_POINTS = 170.0
"""Less room than a third of a landscape page isn't worth turning a section that fits upright paper for."""

_FOOTERS_AT_ONCE = 200
_FOOTER_TITLE_CHARACTERS = 60

TAGGED_STANDARDS = ("a-2a", "ua-1")
LEAN_STANDARDS = ("a-2u",)
"""The standards that typst holds the cover to, and names in the metadata; the tables hold to the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What all reports share."""

    pool: RendererPool
    theme: Theme
    typesetter: Typesetter


class Report:
    """One report. Give it the sections, then `finish` it, and close it in any case."""

    def __init__(
        self,
        *,
        workshop: Workshop,
        document: Document,
        streams: Sequence[SectionStream],
        locale: Locale,
        tagged: bool,
    ) -> None:
        self._workshop = workshop
        self._document = document
        self._streams = streams
        self._locale = locale
        self._objects = ObjectFile()
        self._structure = Structure(self._objects) if tagged else None
        self._book = PageBook(objects=self._objects, structure=self._structure)
        self._timestamp_seconds = int(document.created_at.timestamp())
        context = ShapingContext(
            language=locale.tag, direction=locale.direction, timestamp_seconds=self._timestamp_seconds
        )
        shaped = ShapedTexts(pool=workshop.pool, objects=self._objects, context=context)
        self._compositor = Compositor(theme=workshop.theme, typesetter=workshop.typesetter, shaped=shaped)
        self._flow = Flow(
            book=self._book,
            compositor=self._compositor,
            tags=Tags(self._structure),
            right_to_left=locale.direction == "rtl",
        )
        self._long_texts = LongTexts(workshop.typesetter)
        self._figures = Figures()
        self._cover: Future[bytes] | None = None
        role = document.orders
        if role is None or all(stream.name != role.section for stream in streams):
            self._cover = self._start_cover()

    def close(self) -> None:
        """Give back what the report holds."""
        self._long_texts.close()

    def add_section(self, stream: SectionStream) -> Iterator[bytes]:
        """Draw a section, and give bytes as they become ready."""
        parent = self._open_section()
        batches = self._batches(stream)
        first = next(batches, None)
        body = self._begin_body(stream, first, parent)
        if first is not None:
            body.add(first)
        for batch in batches:
            yield self._objects.drain()
            body.add(batch)
        body.close()
        self._flow.tags.close(parent)

    def finish(self) -> Iterator[bytes]:
        """Draw the appendix and the footers, have the cover set, and end the file."""
        if self._long_texts.count:
            yield from self._add_appendix()
        self._flow.end_page()
        with pikepdf.open(io.BytesIO((self._cover or self._start_cover()).result())) as cover:
            pages = len(cover.pages)
            footers = self._make_footers(cover_pages=pages)
            yield from self._write_footers(footers, cover_pages=pages)
            footers.prepare(range(pages), [mark.page_index + pages for mark in self._flow.bookmarks])
            ending = Ending(
                title=self._locale.word(Word.SUMMARY),
                bookmarks=self._flow.bookmarks,
                draw_footer=footers.draw,
                draw_number=footers.draw_number,
            )
            roots = assemble(
                objects=self._objects, book=self._book, structure=self._structure, cover=cover, ending=ending
            )
        programs = self._workshop.typesetter.fonts.programs.values()
        embed_fonts(self._objects, programs=programs, numbers=self._book.font_numbers)
        identity = hashlib.sha256(self._document.export_id.encode()).digest()[:16]
        self._objects.finish(root=roots.catalogue, information=roots.information, identity=identity)
        yield self._objects.drain()

    def _open_section(self) -> Element | None:
        return self._flow.tags.open("Sect", self._structure.document if self._structure else None)

    def _batches(self, stream: SectionStream) -> Iterator[Batch]:
        """Read a section in portions, as people read it; the orders are added up as they pass."""
        role = self._document.orders
        read = 0
        for batch in stream.batches():
            rows = len(batch[0]) if batch else 0
            read += rows
            if role is not None and role.section == stream.name:
                self._figures.add(batch, stream.columns, role)
                if read == stream.rows:  # nothing more to add up, so the cover is set while this is drawn
                    self._cover = self._start_cover()
            for portion in portions(rows, at_once=ROWS_AT_ONCE):
                cells = [column[portion.start : portion.stop] for column in batch]
                yield write_for_people(cells, stream.columns, self._locale)

    def _begin_body(self, stream: SectionStream, first: Batch | None, parent: Element | None) -> "Table | Cards":
        """Draw the heading of a section, and begin its table or its cards."""
        flow = self._flow
        label = self._workshop.typesetter.visible(stream.label)
        note = (
            self._locale.word(Word.NO_ENTRIES)
            if first is None
            else self._locale.word(Word.ROW_COUNT, count=stream.rows)
        )
        if first is not None and any(column.type is ColumnType.TIMESTAMP for column in stream.columns):
            note += " · " + self._locale.word(Word.TIMES_IN, zone=self._document.request.time_zone)
        on_landscape = flow.has_landscape_room(_LANDSCAPE_ROOM_POINTS)
        plan = None if first is None else self._plan(stream, first, on_landscape=on_landscape)
        room = _TABLE_ROOM_POINTS if plan else _CARDS_ROOM_POINTS if first else 0.0
        landscape = on_landscape if plan is None else plan.landscape
        flow.heading(label, note, landscape=landscape, room=room, parent=parent)
        if plan is None:
            return Cards(flow=flow, columns=stream.columns, section=label, long_texts=self._long_texts, parent=parent)
        table = Table(flow=flow, plan=plan, section=label, long_texts=self._long_texts, parent=parent)
        table.draw_head(repeated=False)
        return table

    def _plan(self, stream: SectionStream, first: Batch, *, on_landscape: bool) -> TablePlan | None:
        return plan_table(
            columns=stream.columns,
            sample=[cells[:SAMPLE_ROWS] for cells in first],
            rows=stream.rows,
            theme=self._workshop.theme,
            typesetter=self._workshop.typesetter,
            right_to_left=self._flow.right_to_left,
            on_landscape=on_landscape,
        )

    def _add_appendix(self) -> Iterator[bytes]:
        parent = self._open_section()
        for _ in draw_appendix(flow=self._flow, long_texts=self._long_texts, locale=self._locale, parent=parent):
            yield self._objects.drain()
        self._flow.tags.close(parent)

    def _start_cover(self) -> Future[bytes]:
        document = self._document
        data = describe_cover(
            document=document,
            locale=self._locale,
            figures=self._figures,
            contents=[ContentsEntry(stream.label, stream.rows) for stream in self._streams],
            typesetter=self._workshop.typesetter,
            han=choose_han(document.customer_title, self._locale.tag),
        )
        compilation = Compilation(
            main="cover.typ",
            data=data,
            standards=TAGGED_STANDARDS if self._structure else LEAN_STANDARDS,
            tagged=self._structure is not None,
            timestamp_seconds=self._timestamp_seconds,
        )
        return self._workshop.pool.submit(compilation)

    def _make_footers(self, *, cover_pages: int) -> Footers:
        document = self._document
        created = local_time(document.created_at, document=document, locale=self._locale)
        title = shortened(document.customer_title, _FOOTER_TITLE_CHARACTERS)
        parts = [title, f"{self._locale.word(Word.EXPORT_ID)} {document.export_id}", created]
        about = self._workshop.typesetter.visible(" · ".join(part for part in parts if part))
        if self._flow.right_to_left or not self._workshop.typesetter.face_of(about):
            parts = [title, self._locale.word(Word.EXPORT_ID), document.export_id, created]
            about = " · ".join(f"{_ISOLATE}{part}{_END_ISOLATE}" for part in parts if part)
        return Footers(
            compositor=self._compositor,
            locale=self._locale,
            about=about,
            pages=len(self._book.footers) + cover_pages,
            narrowest=self._workshop.theme.page.width,
        )

    def _write_footers(self, footers: Footers, *, cover_pages: int) -> Iterator[bytes]:
        for portion in portions(len(self._book.footers), at_once=_FOOTERS_AT_ONCE):
            footers.prepare(index + cover_pages for index in portion)
            for index in portion:
                waiting = self._book.footers[index]
                page = Page(waiting.page, waiting.width, 0.0, MarkedPage(waiting.page), tagged=False)
                footers.draw(page, index + cover_pages)
                self._book.write_footer(waiting, page)
            yield self._objects.drain()


_ISOLATE, _END_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"

_FORMATTED = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY, ColumnType.TIMESTAMP})


def write_for_people(batch: Batch, columns: Sequence[Column], locale: Locale) -> list[list[Cell]]:
    """Write the cells of some rows as people of a locale read them."""
    index = {column.name: number for number, column in enumerate(columns)}
    written = []
    for column, cells in zip(columns, batch, strict=True):
        currencies: Sequence[Cell] | str | None = column.currency_code
        if column.type is ColumnType.MONEY and column.currency in index:
            currencies = batch[index[column.currency]]
        texts = locale.format_column(cells, column.type, currencies)
        if column.type in _FORMATTED:
            texts = [None if text is None else plain_blanks(text) for text in texts]
        written.append(texts)
    return written
