"""The appendix: the texts that are too long for a cell, whole."""

from collections.abc import Iterator

from customer_export.model.columns import Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.writers.locale import Locale, Word
from customer_export.writers.pdf.columns import TableColumn, TablePlan
from customer_export.writers.pdf.composition import Align, Setting, TextStyle
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.long_texts import LongText, LongTexts
from customer_export.writers.pdf.structure import Element
from customer_export.writers.pdf.tables import Table

_LINES_A_ROW = 40
"""Lines drawn at once: under half an upright page, so that little of a page stays empty."""

_CHARACTERS_A_ROW = 800
"""Characters shaped at once: fewer than _LINES_A_ROW lines even if each is an em wide."""

_NUMBER_POINTS, _PLACE_POINTS = 22.0, 96.0
_ROOM_POINTS = 90.0


def draw_appendix(*, flow: Flow, long_texts: LongTexts, locale: Locale, parent: Element | None) -> Iterator[None]:
    """Draw every long text on upright pages, and come up for air after each part of one."""
    plan = _plan(flow, locale)
    flow.heading(locale.word(Word.LONG_TEXTS), "", landscape=False, room=_ROOM_POINTS, parent=parent)
    table = Table(flow=flow, plan=plan, section="", long_texts=long_texts, parent=parent)
    table.draw_head(repeated=False)
    for text in long_texts.all():
        place = f"{text.section} · {text.column} · {locale.format_integer(str(text.row))}"
        first = True
        for part in _parts(text, flow=flow, plan=plan):
            heads = (f"[{text.number}]", place) if first else (None, None)
            table.add_settings([*([_set(flow, plan, index, head)] for index, head in enumerate(heads)), [part]])
            first = False
            yield
    table.close()


def _plan(flow: Flow, locale: Locale) -> TablePlan:
    theme = flow.theme
    padding = theme.table.padding_x
    inner = theme.page.width - 2 * theme.page.margin_side - 6 * padding
    widths = (_NUMBER_POINTS, _PLACE_POINTS, inner - _NUMBER_POINTS - _PLACE_POINTS)
    labels = (
        "#",
        " · ".join(locale.word(word) for word in (Word.SECTION, Word.COLUMN, Word.ROW)),
        locale.word(Word.CONTENT),
    )
    align: Align = flow.start
    columns = []
    left = theme.page.margin_side
    for label, width in zip(labels, widths, strict=True):
        x = theme.page.width - left - 2 * padding - width if flow.right_to_left else left
        column = Column(
            name=label,
            label=label,
            type=ColumnType.TEXT,
            source=SourceColumn(None, label),
            personal_data=PersonalDataClass.NONE,
        )
        columns.append(TableColumn(column=column, x=x + padding, width=width, align=align))
        left += width + 2 * padding
    style = TextStyle(size=theme.table.size, leading=theme.table.leading)
    head = TextStyle(size=theme.table.head_size, leading=theme.table.leading, bold=True, colour="muted")
    return TablePlan(
        landscape=False, style=style, head_style=head, padding_x=padding, padding_y=theme.table.padding_y,
        columns=tuple(columns),
    )  # fmt: skip


def _parts(text: LongText, *, flow: Flow, plan: TablePlan) -> Iterator[Setting]:
    """Set a text in parts of less than a page."""
    width = plan.columns[-1].width
    lines = flow.compositor.typesetter.lines(text.text, width=width, size=plan.style.size)
    if lines is not None:
        for start in range(0, len(lines), _LINES_A_ROW):
            yield lines[start : start + _LINES_A_ROW]
        return
    for part in _portions(text.text):
        yield flow.compositor.set(part, width=width, style=plan.style, align=flow.start)


def _portions(text: str) -> Iterator[str]:
    """Cut a text at the ends of lines, or between words, or anywhere if there is neither."""
    start = 0
    while start < len(text):
        end = start + _CHARACTERS_A_ROW
        lines = text.count("\n", start, end)
        if lines >= _LINES_A_ROW:
            end = start + len("\n".join(text[start:end].split("\n")[:_LINES_A_ROW])) + 1
        elif end < len(text):
            cut = max(text.rfind("\n", start, end), text.rfind(" ", start, end))
            end = cut + 1 if cut > start else end
        yield text[start:end].removesuffix("\n")
        start = end


def _set(flow: Flow, plan: TablePlan, index: int, text: str | None) -> Setting:
    column = plan.columns[index]
    return flow.compositor.set(text, width=column.width, style=plan.style, align=column.align)
