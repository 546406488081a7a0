"""Drawing the cover: texts that have been set, shapes, and the elements that both belong to.

Places are counted from the side where lines begin, so that one description serves both directions of writing.
"""

from typing import NamedTuple, Protocol

from customer_export.writers.pdf.composition import Align, Setting, TextStyle
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.objects import number, text_string
from customer_export.writers.pdf.pages import Page
from customer_export.writers.pdf.structure import Element

LINE_HEIGHT = 1.3
"""Base line to base line, of the font size."""


class Text(NamedTuple):
    """A text that has been set; `width` is its box's in points, None for a line as long as it gets."""

    setting: Setting
    style: TextStyle
    width: float | None
    align: Align


class Block(Protocol):
    """A part of the cover from margin to margin, never broken; what it sets is set when it is made."""

    @property
    def above(self) -> float:
        """The room above it in points, which the top of a page doesn't need."""

    @property
    def keeps_next(self) -> bool:
        """Whether it goes to a new page together with the next block."""

    @property
    def height(self) -> float:
        """Its height in points, known once all texts are set."""

    def draw(self, top: float) -> None:
        """Draw it on the page under way, from its upper edge down."""


class Canvas:
    """The pages of the cover; `element` is what holds theirs."""

    def __init__(self, *, flow: Flow, element: Element | None) -> None:
        self.flow = flow
        self.theme = flow.theme
        self.element = element
        self.width = flow.theme.page.width - 2 * flow.theme.page.margin_side
        self._ends: Align = "left" if flow.right_to_left else "right"

    @property
    def page(self) -> Page:
        """The page under way."""
        return self.flow.page

    def style(self, size: float, *, colour: str = "ink", bold: bool = False) -> TextStyle:
        """Give the style of a text of the cover."""
        return TextStyle(size=size, leading=size * LINE_HEIGHT, colour=colour, bold=bold)

    def set(self, text: str, style: TextStyle, *, width: float | None = None, flush_end: bool = False) -> Text:
        """Set a text; what no font can show is shown by its code."""
        align = self._ends if flush_end else self.flow.start
        visible = self.flow.compositor.typesetter.visible(text)
        return Text(self.flow.compositor.set(visible, width=width, style=style, align=align), style, width, align)

    def measure(self, text: Text) -> tuple[float, float]:
        """Give a text's width and height."""
        compositor = self.flow.compositor
        return compositor.width(text.setting), compositor.height(text.setting, text.style)

    def estimate(self, text: str, style: TextStyle) -> float:
        """Guess how wide a text is in one line; never too little."""
        return self.flow.compositor.typesetter.estimate(text, size=style.size)

    def left(self, start: float, width: float) -> float:
        """Give the left edge of a box that begins `start` points after the margin."""
        margin = self.theme.page.margin_side
        return margin + (self.width - start - width if self.flow.right_to_left else start)

    def text(self, text: Text, *, start: float, top: float) -> None:
        """Draw a text whose box begins `start` points after the margin."""
        width = self.measure(text)[0] if text.width is None else text.width
        self.flow.compositor.draw(
            self.page, text.setting, x=self.left(start, width), top=top, width=width, style=text.style, align=text.align
        )

    def box(self, colour: str, *, start: float, top: float, width: float, height: float) -> None:
        """Fill a rectangle, as decoration."""
        self.page.box(self.theme.operands[colour], self.left(start, width), top - height, width, height)

    def begin(self, kind: str, attributes: str = "", *, parent: Element | None = None) -> None:
        """Begin an element that is drawn next."""
        self.flow.tags.begin(self.page, kind, parent or self.element, attributes)

    def begin_figure(self, alternative: str, *, start: float, top: float, width: float, height: float) -> None:
        """Begin a figure, for people who can't see it with a text instead."""
        left = self.left(start, width)
        box = " ".join(map(number, (left, top - height, left + width, top)))
        shown = self.flow.compositor.typesetter.visible(alternative)
        self.begin("Figure", f"/Alt{text_string(shown)}/A<</O/Layout/Placement/Block/BBox[{box}]>>")

    def end(self) -> None:
        """End what is drawn."""
        self.flow.tags.end(self.page, self.element)
