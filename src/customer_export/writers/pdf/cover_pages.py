"""The cover, drawn when all other pages are known: its blocks, one under the other, on as many pages as they need."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from customer_export.writers.locale import Locale, Word
from customer_export.writers.pdf.canvas import Block, Canvas
from customer_export.writers.pdf.charts import ColumnsBlock, RowsBlock
from customer_export.writers.pdf.cover import Cover
from customer_export.writers.pdf.cover_blocks import (
    Contents,
    ContentsBlock,
    ContentsEntry,
    FactsBlock,
    HeadingBlock,
    LogoBlock,
    TilesBlock,
    TitleBlock,
)
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.shaped_texts import Form
from customer_export.writers.pdf.structure import Element

_SPACE_ABOVE_FACTS = 9.5
_FACTS_BESIDE = 2
_IN_THREES = frozenset({3, 5, 6, 9})
"""So many tiles fill lines of three better than lines of four."""

_CONTENTS_LINES_MAX = 6
"""A longer list of contents is set in two columns, read down the first and then the second."""

_Part = TypeVar("_Part")


def draw_cover(
    *,
    flow: Flow,
    cover: Cover,
    locale: Locale,
    logo: Form | None,
    write_contents: Callable[[int], Sequence[ContentsEntry]],
    parent: Element | None,
    after: int = 0,
) -> None:
    """Draw the cover and put its pages before all others but the first, `after` of them.

    `write_contents` writes the contents for a number of pages that the cover has.
    """
    canvas = Canvas(flow=flow, element=parent)
    pages = _arrange(canvas, cover, locale, logo, write_contents(1))
    if len(pages) > 1:  # page numbers are as high as others, so nothing moves
        pages = _arrange(canvas, cover, locale, logo, write_contents(len(pages)))
    _draw_places(flow, pages)
    flow.book.move_to_front(len(pages), after=after)


def draw_blocks(canvas: Canvas, blocks: Sequence[Block]) -> int:
    """Draw blocks whose texts are set on pages of their own, and say how many these are."""
    pages = _paginate(canvas, blocks)
    _draw_places(canvas.flow, pages)
    return len(pages)


def _draw_places(flow: Flow, pages: "_Places") -> None:
    for page in pages:
        flow.begin_page(landscape=False)
        for block, top in page:
            block.draw(top)
    flow.end_page()


_Places = list[list[tuple[Block, float]]]
"""By page, the blocks and their upper edges."""


def _arrange(
    canvas: Canvas, cover: Cover, locale: Locale, logo: Form | None, contents: Sequence[ContentsEntry]
) -> _Places:
    """Make the blocks and put them on pages."""
    makers: dict[str, Iterator[Block]] = {
        "logo": _make_logo(canvas, logo),
        "title": iter([TitleBlock(canvas, cover)]),
        "facts": _make_facts(canvas, cover),
        "not adding up": _make_not_adding_up(canvas, cover, locale),
        "figures": _make_figures(canvas, cover, locale),
        "months": _make_months(canvas, cover),
        "statuses": _make_statuses(canvas, cover),
        "contents": _make_contents(canvas, locale, contents),
    }
    names = list(canvas.theme.cover.blocks)
    # no theme can leave it out
    names.insert(names.index("facts") + 1 if "facts" in names else len(names), "not adding up")
    blocks = [block for name in names for block in makers[name]]
    canvas.flow.compositor.shaped.set_wanted()
    return _paginate(canvas, blocks)


def _make_logo(canvas: Canvas, logo: Form | None) -> Iterator[Block]:
    if logo is not None:
        yield LogoBlock(canvas, logo)


def _make_facts(canvas: Canvas, cover: Cover) -> Iterator[Block]:
    above = _SPACE_ABOVE_FACTS
    for facts in _in_lines(cover.facts, _FACTS_BESIDE):
        yield FactsBlock(canvas, facts, above=above, places=_FACTS_BESIDE)
        above = 0.0


def _make_not_adding_up(canvas: Canvas, cover: Cover, locale: Locale) -> Iterator[Block]:
    if cover.not_adding_up:
        yield HeadingBlock(canvas, [locale.word(Word.TOTALS_NOT_ADDING_UP)])
        for fact in cover.not_adding_up:
            yield FactsBlock(canvas, [fact], above=0.0, places=1)


def _make_figures(canvas: Canvas, cover: Cover, locale: Locale) -> Iterator[Block]:
    if cover.tiles:
        yield HeadingBlock(canvas, [locale.word(Word.KEY_FIGURES)])
        above = 0.0
        places = 3 if len(cover.tiles) in _IN_THREES else 4
        for tiles in _in_lines(cover.tiles, places):
            yield TilesBlock(canvas, tiles, above=above, places=places)
            above = canvas.theme.cover.tile_gap


def _make_months(canvas: Canvas, cover: Cover) -> Iterator[Block]:
    if cover.months:
        yield HeadingBlock(canvas, [chart.title for chart in cover.months])
        yield ColumnsBlock(canvas, cover.months)


def _make_statuses(canvas: Canvas, cover: Cover) -> Iterator[Block]:
    if cover.statuses is not None:
        yield HeadingBlock(canvas, [cover.statuses.title])
        yield RowsBlock(canvas, cover.statuses)


def _make_contents(canvas: Canvas, locale: Locale, entries: Sequence[ContentsEntry]) -> Iterator[Block]:
    if entries:
        yield HeadingBlock(canvas, [locale.word(Word.CONTENTS)])
        contents = Contents(canvas, entries)
        columns = 1 if len(entries) <= _CONTENTS_LINES_MAX else 2
        lines = -(-len(entries) // columns)
        for line in range(lines):
            yield ContentsBlock(canvas, contents, range(line, len(entries), lines), places=columns)


def _in_lines(parts: Sequence[_Part], beside: int) -> Iterator[Sequence[_Part]]:
    """Arrange parts beside each other in lines."""
    for start in range(0, len(parts), beside):
        yield parts[start : start + beside]


def _paginate(canvas: Canvas, blocks: Sequence[Block]) -> _Places:
    """Put blocks on pages, a heading never without what follows it."""
    page = canvas.theme.page
    places: _Places = []
    y = 0.0
    for index, block in enumerate(blocks):
        needed = block.height
        if block.keeps_next:
            needed += blocks[index + 1].above + blocks[index + 1].height
        if places and y - block.above - needed >= page.margin_bottom:
            y -= block.above
        else:
            places.append([])
            y = page.height - page.margin_top
        places[-1].append((block, y))
        y -= block.height
    return places
