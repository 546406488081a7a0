"""The covering document of an answer to a data subject: the first pages of the report."""

from collections.abc import Iterator
from functools import cached_property

from customer_export.writers.letter import Entry, Letter, Line
from customer_export.writers.pdf.canvas import Block, Canvas
from customer_export.writers.pdf.cover import Cover, Fact
from customer_export.writers.pdf.cover_blocks import FactsBlock, HeadingBlock, TitleBlock
from customer_export.writers.pdf.cover_pages import draw_blocks
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.structure import Element

_FACTS_BESIDE = 2
_SPACE_ABOVE_FACTS = 9.5
_SPACE_ABOVE_ENTRY, _SPACE_UNDER_LINE = 7.0, 3.0
_LABEL_SHARE = 0.28
"""How much of the width the labels have: enough for the longest on one or two lines."""


class EntryTitleBlock:
    """The title of an entry, never without its first line."""

    above = _SPACE_ABOVE_ENTRY
    keeps_next = True

    def __init__(self, canvas: Canvas, title: str) -> None:
        self._canvas = canvas
        self._text = canvas.set(title, canvas.style(canvas.theme.cover.fact_size, bold=True), width=canvas.width)

    @cached_property
    def height(self) -> float:
        """The height of its lines."""
        return self._canvas.measure(self._text)[1] + _SPACE_UNDER_LINE

    def draw(self, top: float) -> None:
        """Draw it."""
        self._canvas.begin("H3")
        self._canvas.text(self._text, start=0.0, top=top)
        self._canvas.end()


class LineBlock:
    """A label with its text beside it, or a paragraph in the whole width."""

    above = 0.0

    def __init__(self, canvas: Canvas, line: Line, *, keeps_next: bool) -> None:
        self.keeps_next = keeps_next
        self._canvas = canvas
        size = canvas.theme.cover.fact_size
        self._start = canvas.width * _LABEL_SHARE if line.label else 0.0
        gap = canvas.theme.cover.gap if line.label else 0.0
        self._label = canvas.set(line.label, canvas.style(size, colour="muted"), width=self._start - gap)
        self._text = canvas.set(line.text, canvas.style(size), width=canvas.width - self._start)

    @cached_property
    def height(self) -> float:
        """The height of the higher one."""
        return max(self._canvas.measure(text)[1] for text in (self._label, self._text)) + _SPACE_UNDER_LINE

    def draw(self, top: float) -> None:
        """Draw both as one paragraph."""
        self._canvas.begin("P")
        self._canvas.text(self._label, start=0.0, top=top)
        self._canvas.text(self._text, start=self._start, top=top)
        self._canvas.end()


def draw_letter(*, flow: Flow, letter: Letter, parent: Element | None) -> int:
    """Draw the letter, put its pages before all others, and say how many there are."""
    canvas = Canvas(flow=flow, element=parent)
    blocks = list(_blocks(canvas, letter))
    flow.compositor.shaped.set_wanted()
    pages = draw_blocks(canvas, blocks)
    flow.book.move_to_front(pages)
    return pages


def _blocks(canvas: Canvas, letter: Letter) -> Iterator[Block]:
    yield TitleBlock(
        canvas,
        Cover(
            title=letter.basis,
            customer=letter.title,
            description=letter.opening,
            facts=(),
            tiles=(),
            months=(),
            statuses=None,
        ),
    )
    above = _SPACE_ABOVE_FACTS
    facts = [Fact(line.label, line.text) for line in letter.facts]
    for start in range(0, len(facts), _FACTS_BESIDE):
        yield FactsBlock(canvas, facts[start : start + _FACTS_BESIDE], above=above, places=_FACTS_BESIDE)
        above = 0.0
    for part in letter.parts:
        if part.entries:
            yield HeadingBlock(canvas, [part.heading])
        for entry in part.entries:
            yield from _entry(canvas, entry)


def _entry(canvas: Canvas, entry: Entry) -> Iterator[Block]:
    if entry.title:
        yield EntryTitleBlock(canvas, entry.title)
    for number, line in enumerate(entry.lines, start=1):
        yield LineBlock(canvas, line, keeps_next=number == len(entry.lines) - 1)  # no last line stands alone
