"""One report while it is written: its sections in their order, the appendix of long texts, the cover, the end.

It is long because what comes when, and on which page, is decided in one place; how each part looks is not.
"""

import hashlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from customer_export.model.columns import Batch, ColumnType
from customer_export.model.document import Document, SectionStream
from customer_export.writers.embedded import ascii_json
from customer_export.writers.letter import letter_of
from customer_export.writers.locale import Locale, Word
from customer_export.writers.pdf.adopt import adopt_pages_as_forms
from customer_export.writers.pdf.appendix import draw_appendix
from customer_export.writers.pdf.attachment import FILE_NAME, JsonAttachment
from customer_export.writers.pdf.cards import Cards
from customer_export.writers.pdf.columns import SAMPLE_ROWS, TablePlan, plan_table
from customer_export.writers.pdf.composition import Compositor
from customer_export.writers.pdf.cover import describe_cover, local_time, shortened
from customer_export.writers.pdf.cover_blocks import ContentsEntry
from customer_export.writers.pdf.cover_pages import draw_cover
from customer_export.writers.pdf.design import logo_data
from customer_export.writers.pdf.embedding import embed_fonts
from customer_export.writers.pdf.figures import Figures
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.footers import Footers, portions
from customer_export.writers.pdf.letter_pages import draw_letter
from customer_export.writers.pdf.long_texts import LongTexts
from customer_export.writers.pdf.metadata import Metadata, write_catalogue, write_information
from customer_export.writers.pdf.objects import ObjectFile
from customer_export.writers.pdf.outline import write_outline
from customer_export.writers.pdf.own_pages import own_pages_of
from customer_export.writers.pdf.pages import Page, PageBook, Tags
from customer_export.writers.pdf.pool import Compilation, RendererPool
from customer_export.writers.pdf.rows import in_portions, write_for_people
from customer_export.writers.pdf.shaped_texts import Form, ShapedTexts, ShapingContext
from customer_export.writers.pdf.structure import Element, MarkedPage, Structure
from customer_export.writers.pdf.tables import Table
from customer_export.writers.pdf.texts import Typesetter
from customer_export.writers.pdf.theme import Theme

_TABLE_ROOM_POINTS, _CARDS_ROOM_POINTS = 90.0, 60.0
"""A heading moves to the next page rather than stand over fewer than about three rows, or no card."""

_LANDSCAPE_ROOM_POINTS = 170.0
"""Less room than a third of a landscape page isn't worth turning a section that fits upright paper for."""

MANIFEST_COMMENT = "customer-export-manifest "
"""Before the manifest, in the file's last comment: it is of all that stands before it."""

_FOOTERS_AT_ONCE = 200
_FOOTER_TITLE_CHARACTERS = 60
_FILE_TITLE_CHARACTERS = 300


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
        context = ShapingContext(
            language=locale.tag, direction=locale.direction, timestamp_seconds=int(document.created_at.timestamp())
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
        self._attachment = None if document.request.attach is None else JsonAttachment(document)
        self._letter = None if document.dsar is None else self._open_section()
        self._letter_pages = 0
        self._cover = self._flow.tags.open("Sect", self._structure.document if self._structure else None)
        self._logo = self._set_logo()
        self._own = own_pages_of(document, locale)

    def close(self) -> None:
        """Give back what the report holds."""
        self._long_texts.close()
        if self._attachment is not None:
            self._attachment.close()

    def add_section(self, stream: SectionStream) -> Iterator[bytes]:
        """Draw a section, and give bytes as they become ready."""
        if self._own is not None:
            self._own.add_section(stream, self._rows(stream))
            return
        self._long_texts.begin_section(self._document.ledger.section(stream.name))
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
        """Draw the appendix, the cover and the footers, or the pages of a template's own, and end the file."""
        if self._own is not None:
            self._own.draw(self._book, self._objects, self._workshop.pool)
        else:
            if self._long_texts.count:
                yield from self._add_appendix()
            self._flow.end_page()
            self._draw_letter()
            self._draw_cover()
        yield from self._write_footers()
        metadata = self._describe_file()
        if self._structure is not None:
            self._structure.close_all()
        outline = write_outline(
            self._objects,
            title=self._locale.word(Word.SUMMARY),
            first_page=self._book.footers[self._letter_pages].page,
            bookmarks=self._flow.bookmarks,
        )
        self._book.write_tree()
        attachment = yield from self._attach()
        catalogue = write_catalogue(
            self._objects,
            metadata,
            pages=self._book.tree,
            outline=outline,
            structure=self._structure.root if self._structure else None,
            attachment=attachment,
        )
        information = write_information(self._objects, metadata)
        programs = self._workshop.typesetter.fonts.programs.values()
        embed_fonts(self._objects, programs=programs, numbers=self._book.font_numbers)
        self._objects.write_references(root=catalogue, information=information, identity=metadata.identity)
        yield self._objects.drain()
        self._objects.finish(comment=f"{MANIFEST_COMMENT}{ascii_json(self._document.manifest_within())}")
        yield self._objects.drain()

    def _attach(self) -> Generator[bytes, None, tuple[str, int] | None]:
        """Write the attached document; give its name and the number of its specification."""
        if self._attachment is None:
            return None
        for _ in self._attachment.write_stream(self._objects):
            yield self._objects.drain()
        return FILE_NAME, self._attachment.write_specification(self._objects)

    def _open_section(self) -> Element | None:
        return self._flow.tags.open("Sect", self._structure.document if self._structure else None)

    def _batches(self, stream: SectionStream) -> Iterator[Batch]:
        """Read a section in portions, as people read it; the orders are added up as they pass."""
        role = self._document.orders
        for portion in in_portions(self._rows(stream)):
            if role is not None and role.section == stream.name:
                self._figures.add(portion, stream.columns, role)
            yield write_for_people(portion, stream.columns, self._locale)

    def _rows(self, stream: SectionStream) -> Iterator[Batch]:
        return stream.batches() if self._attachment is None else self._attachment.batches(stream)

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
        self._long_texts.begin_section(None)
        parent = self._open_section()
        for _ in draw_appendix(flow=self._flow, long_texts=self._long_texts, locale=self._locale, parent=parent):
            yield self._objects.drain()
        self._flow.tags.close(parent)

    def _set_logo(self) -> Future[bytes] | None:
        """Have typst set the logo, if the template or the theme has one, while the sections are drawn."""
        theme, template = self._workshop.theme, self._document.request.template
        data: dict[str, object] = {"height": theme.cover.logo_height}
        if template is not None and template.design.logo is not None:
            data = logo_data(template.design.logo, height=theme.cover.logo_height)
        elif not theme.brand.logo:
            return None
        return self._workshop.pool.submit(
            Compilation(
                main="logo.typ",
                data=data,
                timestamp_seconds=int(self._document.created_at.timestamp()),
            )
        )

    def _draw_letter(self) -> None:
        """Draw the covering document of an answer to a data subject; its pages come first of all."""
        document = self._document
        if document.dsar is not None:
            letter = letter_of(document, document.dsar, self._locale)
            self._letter_pages = draw_letter(flow=self._flow, letter=letter, parent=self._letter)
            self._flow.tags.close(self._letter)

    def _draw_cover(self) -> None:
        logo = None
        if self._logo is not None:
            [logo] = (Form(*form) for form in adopt_pages_as_forms(self._logo.result(), objects=self._objects))
        draw_cover(
            flow=self._flow,
            cover=describe_cover(document=self._document, locale=self._locale, figures=self._figures),
            locale=self._locale,
            logo=logo,
            write_contents=self._write_contents,
            parent=self._cover,
            after=self._letter_pages,
        )
        self._flow.tags.close(self._cover)

    def _write_contents(self, cover_pages: int) -> list[ContentsEntry]:
        """Write the contents: the bookmarks begin with the sections, in their order."""
        word = self._locale.word
        return [
            ContentsEntry(
                label=stream.label,
                rows=word(Word.ROW_COUNT, count=stream.rows),
                page=self._locale.format_integer(str(mark.page_index + self._letter_pages + cover_pages + 1)),
                target=mark,
            )
            for stream, mark in zip(self._streams, self._flow.bookmarks, strict=False)
        ]

    def _describe_file(self) -> Metadata:
        document, visible = self._document, self._workshop.typesetter.visible
        customer = shortened(document.customer_title or document.request.customer_id, _FILE_TITLE_CHARACTERS)
        return Metadata(
            title=visible(f"{self._locale.word(Word.TITLE)} · {customer}"),
            subject=visible(self._locale.word(Word.DESCRIPTION, source=document.map_name)),
            author=f"customer-export {document.product_version}",
            keywords=_keywords(document),
            language=self._locale.tag,
            direction=self._locale.direction,
            created_at=document.created_at,
            identity=hashlib.sha256(document.export_id.encode()).digest()[:16],
            tagged=self._structure is not None,
            part=2 if self._attachment is None else 3,
        )

    def _make_footers(self) -> Footers:
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
            pages=len(self._book.footers),
            narrowest=min(waiting.width for waiting in self._book.footers),
        )

    def _write_footers(self) -> Iterator[bytes]:
        footers = self._make_footers()
        for portion in portions(len(self._book.footers), at_once=_FOOTERS_AT_ONCE):
            footers.prepare(portion)
            for index in portion:
                waiting = self._book.footers[index]
                page = Page(waiting.page, waiting.width, 0.0, MarkedPage(waiting.page), tagged=False)
                footers.draw(page, index)
                self._book.write_footer(waiting, page)
            yield self._objects.drain()


_ISOLATE, _END_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def _keywords(document: Document) -> str:
    """Tie the report to its manifest, for programs; every row has been read by now."""
    marks = document.marks()
    digest = [f"canonical-sha256={marks.canonical_sha256}"] if marks.canonical_sha256 else []
    return ", ".join([f"export-id={marks.export_id}", *digest, f"manifest={marks.manifest}"])
