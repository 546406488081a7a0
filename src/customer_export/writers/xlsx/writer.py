"""The workbook as a whole: the sections stream first, the Summary and all that names them comes last."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC

from customer_export.model.document import Document, SectionStream
from customer_export.model.ledger import Limit
from customer_export.model.template import SummaryPlace, WorkbookDesign
from customer_export.writers.letter import Letter, letter_of
from customer_export.writers.locale import Word, locale_of
from customer_export.writers.xlsx.book import Book, DataSheet, SectionSheets, page_footer
from customer_export.writers.xlsx.charts import (
    MONTHS_FIRST,
    MONTHS_HEADER,
    MONTHS_LAST,
    STATUSES_FIRST,
    STATUSES_HEADER,
    STATUSES_LAST,
    fill_chart,
)
from customer_export.writers.xlsx.figures import OrderFigures
from customer_export.writers.xlsx.limits import NUMBER_FORMATS, SheetLimits
from customer_export.writers.xlsx.long_texts import LongTexts
from customer_export.writers.xlsx.manifest import manifest_part
from customer_export.writers.xlsx.names import SheetNames
from customer_export.writers.xlsx.package import Package, pack
from customer_export.writers.xlsx.section import SectionWriter, part_path
from customer_export.writers.xlsx.sheet import SheetEnd, SheetFrame, sheet_end, sheet_start
from customer_export.writers.xlsx.shell import (
    AUTHOR_MARK,
    BOOK_PATH,
    CREATED_MARK,
    CUSTOM_PATH,
    DIGEST_MARK,
    EXPORT_MARK,
    MANIFEST_MARK,
    PROPERTIES_PATH,
    SHEET_MARK,
    SUMMARY_MARK,
    TITLE_MARK,
    MarkedPart,
    Shape,
    SheetShape,
    make_shell,
    root_part,
)
from customer_export.writers.xlsx.styles import Face, Style
from customer_export.writers.xlsx.summary import Summary
from customer_export.writers.xlsx.text import escape_xml, inline_string, split_units, without_control_characters

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# Fewer and larger pieces than a socket takes at once gain nothing.
_CHUNK_BYTES = 1 << 16

# Excel's limit for the texts of a document's properties.
_PROPERTY_UNITS = 255

_LONG_TEXTS_WIDTHS = (32, 8, 120)
_LETTER_WIDTHS = (44, 32, 120)


class WorkbookWriter:
    """Writes an export as an Excel workbook (ECMA-376, transitional)."""

    def __init__(self, *, limits: SheetLimits | None = None) -> None:
        self._limits = limits or SheetLimits()

    @property
    def media_type(self) -> str:
        """The Content-Type of the file."""
        return _MEDIA_TYPE

    def write(self, document: Document, sections: Iterable[SectionStream]) -> Iterator[bytes]:
        """Give the file's bytes in order. What the sections raise passes through."""
        package = Package()
        locale = locale_of(document.request.locale)
        names = SheetNames()
        template = document.request.template
        design = WorkbookDesign() if template is None else template.workbook
        has_summary = design.summary is not SummaryPlace.NONE
        summary_name = names.claim(locale.word(Word.SUMMARY)) if has_summary else None
        long_texts = LongTexts(
            sheet_name=names.claim(locale.word(Word.LONG_TEXTS)),
            marker=lambda sheet, cell: f"… [{locale.word(Word.CONTINUED_ON_SHEET, name=sheet)}: {cell}]",
            limits=self._limits,
        )
        with closing(long_texts):
            book = Book(
                package=package,
                document=document,
                design=design,
                locale=locale,
                names=names,
                long_texts=long_texts,
                limits=self._limits,
                summary_name=summary_name,
                footer=page_footer(document, locale),
            )
            for _ in _write_parts(book, sections):
                if package.pending_bytes >= _CHUNK_BYTES:
                    yield package.take()
        yield package.take()
        package.add(manifest_part(document.manifest_within()))
        package.finish()
        yield package.take()


def _write_parts(book: Book, sections: Iterable[SectionStream]) -> Iterator[None]:
    """Write the workbook's parts, pausing wherever the output may have grown."""
    book.package.add(root_part())
    figures = OrderFigures()
    role = book.document.orders if book.summary_name is not None else None
    for section in sections:
        is_orders = role is not None and section.name == role.section
        yield from SectionWriter(book=book, section=section, figures=figures if is_orders else None).write()
        yield
    yield from _write_long_texts(book)
    yield from _write_letter(book)
    if book.styles.is_full:
        book.document.ledger.reach(Limit.NUMBER_FORMATS, value=NUMBER_FORMATS, section=None)
    summary = None if book.summary_name is None else Summary(book=book, figures=figures)
    shape = _shape(book, summary)
    for part in make_shell(shape):
        if isinstance(part, MarkedPart):
            filled = _fill(part, book, summary, is_summary=part.path == shape.summary_path)
            part = pack(part.path, filled.encode())  # noqa: PLW2901  # marked parts are packed last
        book.package.add(part)


def _write_long_texts(book: Book) -> Iterator[None]:
    """Write the sheets of what did not fit into its cell."""
    label = book.locale.word(Word.LONG_TEXTS)
    header = book.styles.number(Style(Face.HEADER))
    texts = (book.locale.word(Word.SHEET), "#", book.locale.word(Word.VALUE))
    frame = SheetFrame(
        headers=tuple((text, header) for text in texts),
        widths=_LONG_TEXTS_WIDTHS,
        footer=book.footer,
        right_to_left=book.right_to_left,
    )
    names: list[str] = []
    for index, rows in enumerate(book.long_texts.rows):
        names.append(book.long_texts.sheet_name if not index else book.names.claim(label, number=index + 1))
        with book.package.open(part_path(len(book.sheets) + 2)) as part:
            part.write(sheet_start(frame))
            for piece in book.long_texts.xml(index):
                part.write(piece)
                yield
            part.write_all(sheet_end(frame, SheetEnd(last_row=rows + 1, columns_of_text=(0, 2))))
        suffix = f"_{index + 1}" if index else ""
        book.sheets.append(
            DataSheet(name=names[-1], columns=len(texts), last_row=rows + 1, range_name=f"long_texts{suffix}")
        )
    if names:
        rows_in_all = sum(book.long_texts.rows)
        book.sections.append(SectionSheets(label=label, rows=rows_in_all, sheets=tuple(names)))


def _write_letter(book: Book) -> Iterator[None]:
    """Write the covering document of an answer to a data subject, a line a row."""
    document = book.document
    if document.dsar is None:
        return
    letter = letter_of(document, document.dsar, book.locale)
    header = book.styles.number(Style(Face.HEADER))
    frame = SheetFrame(
        headers=((letter.title, header), ("", header), (letter.basis, header)),
        widths=_LETTER_WIDTHS,
        footer=book.footer,
        right_to_left=book.right_to_left,
    )
    rows = list(_letter_rows(letter))
    with book.package.open(part_path(len(book.sheets) + 2)) as part:
        part.write(sheet_start(frame))
        for number, cells in enumerate(rows, 2):
            written = "".join(
                f'<c r="{letters}{number}" t="inlineStr">{inline_string(text)}</c>'
                for letters, text in zip("ABC", cells, strict=True)
                if text
            )
            part.write(f'<row r="{number}">{written}</row>'.encode())
        part.write_all(sheet_end(frame, SheetEnd(last_row=len(rows) + 1, columns_of_text=(0, 2))))
    # a name that begins like this is no section's
    sheet = DataSheet(
        name=book.names.claim(letter.short_title),
        columns=len(_LETTER_WIDTHS),
        last_row=len(rows) + 1,
        range_name="_letter",
    )
    book.sheets.append(sheet)
    book.sections.append(SectionSheets(label=letter.short_title, rows=len(rows), sheets=(sheet.name,)))
    yield


def _letter_rows(letter: Letter) -> Iterator[tuple[str, str, str]]:
    yield "", "", letter.opening
    yield from (("", line.label, line.text) for line in letter.facts)
    for part in letter.parts:
        for entry in part.entries:
            yield from ((entry.title or part.heading, line.label, line.text) for line in entry.lines)


def _shape(book: Book, summary: Summary | None) -> Shape:
    charted = summary if book.design.charts else None
    return Shape(
        locale_tag=book.locale.tag,
        summary=book.design.summary,
        summary_name=book.summary_name,
        sheets=tuple(
            SheetShape(name=sheet.name, columns=sheet.columns, range_name=sheet.range_name) for sheet in book.sheets
        ),
        styles=book.styles.styles,
        months=() if charted is None else charted.secondary_axes,
        statuses=charted is not None and charted.statuses is not None,
    )


def _fill(part: MarkedPart, book: Book, summary: Summary | None, *, is_summary: bool) -> str:
    """Put the customer's own values in place of the marks of a part of the shell."""
    if part.path == BOOK_PATH:
        return _fill_book(part.xml, book, summary)
    if part.path == PROPERTIES_PATH:
        return _fill_properties(part.xml, book.document)
    if part.path == CUSTOM_PATH:
        return _fill_marks(part.xml, book.document)
    assert summary is not None  # all else is the Summary's
    if is_summary:
        footer_id = escape_xml(book.document.export_id.replace("&", "&&"))
        return summary.grid.fill(part.xml).replace(EXPORT_MARK, footer_id, 1)
    return fill_chart(part.xml, _chart_rows(summary), summary.grid.value_at)


def _fill_book(xml: str, book: Book, summary: Summary | None) -> str:
    if summary is not None:
        xml = xml.replace(f"${SUMMARY_MARK}", f"${summary.last_row}")
    for number, sheet in enumerate(book.sheets, 1):
        xml = xml.replace(f"${SHEET_MARK + number}", f"${sheet.last_row}")
    # There is no formula to calculate, and Excel would ask whether to save the changes.
    return xml.replace(' fullCalcOnLoad="1"', "")


def _fill_properties(xml: str, document: Document) -> str:
    created = document.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        xml.replace(CREATED_MARK, created)
        .replace(EXPORT_MARK, _property(document.export_id))
        .replace(AUTHOR_MARK, _property(document.requested_by))
        .replace(TITLE_MARK, _property(document.customer_title))
    )


def _fill_marks(xml: str, document: Document) -> str:
    """Tie the workbook to its manifest; every row has been read by now."""
    marks = document.marks()
    return (
        xml.replace(EXPORT_MARK, _property(marks.export_id))
        .replace(DIGEST_MARK, _property(marks.canonical_sha256))
        .replace(MANIFEST_MARK, _property(marks.manifest))
    )


def _chart_rows(summary: Summary) -> dict[int, int]:
    """Map the marked rows of the charts to their tables' rows."""
    rows: dict[int, int] = {}
    if (table := summary.months) is not None:
        rows |= {MONTHS_HEADER: table.header, MONTHS_FIRST: table.first, MONTHS_LAST: table.last}
    if (table := summary.statuses) is not None:
        rows |= {STATUSES_HEADER: table.header, STATUSES_FIRST: table.first, STATUSES_LAST: table.last}
    return rows


def _property(text: str) -> str:
    """Return a text as a document property holds it."""
    clipped = split_units(text, first_units=_PROPERTY_UNITS, next_units=_PROPERTY_UNITS)[:1]
    return escape_xml(without_control_characters("".join(clipped)))
