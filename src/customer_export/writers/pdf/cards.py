"""A section as cards: each record as labels and values, three beside each other.

For sections of few rows, and for those of more columns than the widest paper can show side by side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from customer_export.model.columns import Column
from customer_export.writers.pdf.composition import Setting, TextStyle
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.long_texts import LongTexts
from customer_export.writers.pdf.structure import ROW_HEAD, Element

_FIELDS_BESIDE = 3
_FIELD_SPACE_POINTS = 5.0
_LINES_BESIDE = 3
"""A value of more lines than this gets the whole width, on a line of its own."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One label with its value, set for a width; `beside` is how many thirds of the page it takes."""

    label: Setting
    value: Setting
    width: float
    beside: int


class Cards:
    """The cards of one section: the same interface as a table's."""

    def __init__(
        self, *, flow: Flow, columns: Sequence[Column], section: str, long_texts: LongTexts, parent: Element | None
    ) -> None:
        self._flow = flow
        self._columns = columns
        self._section = section
        self._long_texts = long_texts
        self._parent = parent
        self._rows = 0
        theme = flow.theme.card
        self._style = TextStyle(size=theme.size, leading=theme.leading)
        self._label_style = TextStyle(size=theme.label_size, leading=theme.leading, colour="muted")
        self._landscape = flow.page.width > flow.page.height
        self._whole = flow.width
        self._third = (self._whole - (_FIELDS_BESIDE - 1) * theme.gap) / _FIELDS_BESIDE

    def add(self, batch: Sequence[Sequence[str | None]]) -> None:
        """Draw records, given column by column as people read them."""
        cards = []
        for row in zip(*batch, strict=True):
            self._rows += 1
            cards.append([self._set(column, cell) for column, cell in zip(self._columns, row, strict=True)])
        self._flow.compositor.shaped.set_wanted()
        for offset, card in enumerate(cards, self._rows - len(cards) + 1):
            self._draw_card(card, first=offset == 1)

    def close(self) -> None:
        """End the section; each card has been closed already."""

    def _set(self, column: Column, cell: str | None) -> _Field:
        compositor, style, start = self._flow.compositor, self._style, self._flow.start
        label = compositor.set(column.label, width=self._third, style=self._label_style, align=start)
        if cell is None or cell == "":
            return _Field(label, None, self._third, 1)
        typesetter = compositor.typesetter
        text = self._long_texts.shorten(
            cell, width=self._whole, size=style.size, section=self._section, column=column, row=self._rows
        )
        long = typesetter.estimate(text, size=style.size) > self._third * (_LINES_BESIDE - 0.5)
        broad = long or text.count("\n") >= _LINES_BESIDE
        width = self._whole if broad else self._third
        value = compositor.set(text, width=width, style=style, align=start)
        return _Field(label, value, width, _FIELDS_BESIDE if broad else 1)

    def _draw_card(self, fields: Sequence[_Field], *, first: bool) -> None:
        flow, tags = self._flow, self._flow.tags
        lines = list(_lines_of(fields))
        if not first:
            flow.y -= flow.theme.card.space / 2
            if flow.has_room(flow.theme.card.space + self._height(lines[0])):
                flow.rule("rule")
                flow.y -= flow.theme.card.space / 2
        element = tags.open("Table", self._parent)
        for line in lines:
            height = self._height(line)
            if not flow.has_room(height):
                flow.begin_page(landscape=self._landscape)
            left = flow.theme.page.margin_side
            for index, field in enumerate(line):
                shift = index * (self._third + flow.theme.card.gap)
                x = left + self._whole - shift - field.width if flow.right_to_left else left + shift
                self._draw_field(field, x=x, element=element)
            flow.y -= height
        tags.close(element)

    def _draw_field(self, field: _Field, *, x: float, element: Element | None) -> None:
        flow, tags = self._flow, self._flow.tags
        row = tags.open("TR", element)
        top = flow.y
        for kind, attributes, setting, style in (
            ("TH", ROW_HEAD, field.label, self._label_style),
            ("TD", "", field.value, self._style),
        ):
            if setting is None:
                tags.blank(kind, row)
                continue
            tags.begin(flow.page, kind, row, attributes)
            flow.compositor.draw(flow.page, setting, x=x, top=top, width=field.width, style=style, align=flow.start)
            tags.end(flow.page, row)
            top -= flow.compositor.height(setting, style)
        tags.close(row)

    def _height(self, line: Sequence[_Field]) -> float:
        compositor = self._flow.compositor
        return _FIELD_SPACE_POINTS + max(
            compositor.height(field.label, self._label_style)
            + max(self._style.leading, compositor.height(field.value, self._style))
            for field in line
        )


def _lines_of(fields: Sequence[_Field]) -> Iterator[list[_Field]]:
    """Arrange the fields of a card in lines of three."""
    line: list[_Field] = []
    for field in fields:
        if sum(other.beside for other in line) + field.beside > _FIELDS_BESIDE:
            yield line
            line = []
        line.append(field)
    if line:
        yield line
