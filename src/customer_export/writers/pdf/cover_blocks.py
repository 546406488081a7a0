"""The parts of the cover but the charts: title, facts, key figures, headings, contents."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from customer_export.writers.pdf.canvas import Canvas, Text
from customer_export.writers.pdf.cover import Cover, Fact, Tile
from customer_export.writers.pdf.flow import Bookmark
from customer_export.writers.pdf.shaped_texts import Form
from customer_export.writers.pdf.structure import Element

_TITLE_RULE_POINTS, _CONTENTS_RULE_POINTS = 1.2, 0.5
_SPACE_BEFORE_RULE, _SPACE_AFTER_RULE = 4.5, 9.5
_SPACE_UNDER_LOGO = 18.0
_SPACE_UNDER_HEADING = 5.0
_SPACE_UNDER_FACT = 3.5

_ROWS_POINTS, _NUMBER_POINTS = 88.0, 28.0
"""What a line of the contents has for the number of rows, with the page's, and for the page's number alone."""
_DIGIT_EMS = 0.6
"""What a digit takes of the font size, and some more: a number of many pages needs more room than that."""


class LogoBlock:
    """The logo, as tall as the theme has it."""

    above = 0.0
    keeps_next = False

    def __init__(self, canvas: Canvas, form: Form) -> None:
        self._canvas, self._form = canvas, form
        self.height = form.height + _SPACE_UNDER_LOGO

    def draw(self, top: float) -> None:
        """Draw it with the brand's name as its alternative text."""
        canvas, form = self._canvas, self._form
        canvas.begin_figure(canvas.theme.brand.name, start=0.0, top=top, width=form.width, height=form.height)
        canvas.page.form(form, canvas.left(0.0, form.width), top - form.height)
        canvas.end()


class TitleBlock:
    """What this is, whose it is, a rule, and a sentence."""

    above = 0.0
    keeps_next = False

    def __init__(self, canvas: Canvas, cover: Cover) -> None:
        self._canvas = canvas
        theme = canvas.theme.cover
        styles = (
            canvas.style(theme.title_size, colour="accent", bold=True),
            canvas.style(theme.customer_size, bold=True),
            canvas.style(theme.label_size, colour="muted"),
        )
        self._title, self._customer, self._description = (
            canvas.set(text, style, width=canvas.width)
            for text, style in zip((cover.title, cover.customer, cover.description), styles, strict=True)
        )

    @cached_property
    def height(self) -> float:
        """The height of its lines and the rule between them."""
        texts = (self._title, self._customer, self._description)
        rule = _SPACE_BEFORE_RULE + _TITLE_RULE_POINTS + _SPACE_AFTER_RULE
        return sum(self._canvas.measure(text)[1] for text in texts) + rule

    def draw(self, top: float) -> None:
        """Draw it."""
        canvas = self._canvas
        for kind, text in (("P", self._title), ("H1", self._customer)):
            canvas.begin(kind)
            canvas.text(text, start=0.0, top=top)
            canvas.end()
            top -= canvas.measure(text)[1]
        top -= _SPACE_BEFORE_RULE
        canvas.box("accent", start=0.0, top=top, width=canvas.width, height=_TITLE_RULE_POINTS)
        canvas.begin("P")
        canvas.text(self._description, start=0.0, top=top - _TITLE_RULE_POINTS - _SPACE_AFTER_RULE)
        canvas.end()


class HeadingBlock:
    """The heading of what follows; two charts beside each other have one each."""

    keeps_next = True

    def __init__(self, canvas: Canvas, titles: Sequence[str]) -> None:
        self._canvas = canvas
        self.above = canvas.theme.cover.heading_space
        style = canvas.style(canvas.theme.cover.heading_size, bold=True)
        self._places, width = columns_of(canvas, len(titles), canvas.theme.cover.gap)
        self._texts = [canvas.set(title, style, width=width) for title in titles]

    @cached_property
    def height(self) -> float:
        """The height of the highest one."""
        return max(self._canvas.measure(text)[1] for text in self._texts) + _SPACE_UNDER_HEADING

    def draw(self, top: float) -> None:
        """Draw it."""
        for start, text in zip(self._places, self._texts, strict=True):
            self._canvas.begin("H2")
            self._canvas.text(text, start=start, top=top)
            self._canvas.end()


@dataclass(frozen=True, slots=True)
class _Stack:
    """Lines under each other in one box, read as one paragraph."""

    canvas: Canvas
    texts: Sequence[Text]

    @property
    def height(self) -> float:
        return sum(self.canvas.measure(text)[1] for text in self.texts)

    def draw(self, *, start: float, top: float) -> None:
        self.canvas.begin("P")
        for text in self.texts:
            self.canvas.text(text, start=start, top=top)
            top -= self.canvas.measure(text)[1]
        self.canvas.end()


class FactsBlock:
    """Facts beside each other: labels, and under each its value."""

    keeps_next = False

    def __init__(self, canvas: Canvas, facts: Sequence[Fact], *, above: float, places: int) -> None:
        self.above = above
        theme = canvas.theme.cover
        self._places, width = columns_of(canvas, places, theme.gap)
        label, value = canvas.style(theme.label_size, colour="muted"), canvas.style(theme.fact_size)
        self._facts = [
            _Stack(canvas, [canvas.set(fact.label, label, width=width), canvas.set(fact.value, value, width=width)])
            for fact in facts
        ]

    @cached_property
    def height(self) -> float:
        """The height of the highest one."""
        return max(fact.height for fact in self._facts) + _SPACE_UNDER_FACT

    def draw(self, top: float) -> None:
        """Draw them."""
        for start, fact in zip(self._places, self._facts, strict=False):  # the last line may have fewer
            fact.draw(start=start, top=top)


class TilesBlock:
    """Key figures beside each other, each on a ground of its own."""

    keeps_next = False

    def __init__(self, canvas: Canvas, tiles: Sequence[Tile], *, above: float, places: int) -> None:
        self._canvas = canvas
        self.above = above
        theme = canvas.theme.cover
        self._places, self._width = columns_of(canvas, places, theme.tile_gap)
        width = self._width - 2 * theme.tile_padding_x
        label, value = canvas.style(theme.label_size, colour="muted"), canvas.style(theme.figure_size, bold=True)
        self._tiles = [
            _Stack(
                canvas,
                [
                    canvas.set(text, style, width=width)
                    for text, style in ((tile.label, label), (tile.value, value), (tile.note, label))
                    if text
                ],
            )
            for tile in tiles
        ]

    @cached_property
    def height(self) -> float:
        """The height of the highest one, with its ground."""
        return max(tile.height for tile in self._tiles) + 2 * self._canvas.theme.cover.tile_padding_y

    def draw(self, top: float) -> None:
        """Draw them, all as high as the highest."""
        theme, height = self._canvas.theme.cover, self.height
        for start, tile in zip(self._places, self._tiles, strict=False):
            self._canvas.box("accent_soft", start=start, top=top, width=self._width, height=height)
            tile.draw(start=start + theme.tile_padding_x, top=top - theme.tile_padding_y)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentsEntry:
    """A line of the contents: `rows` and `page` as people read them, and where it leads."""

    label: str
    rows: str
    page: str
    target: Bookmark


class Contents:
    """The contents as a list of the structure, in the order of the sections however they are drawn."""

    def __init__(self, canvas: Canvas, entries: Sequence[ContentsEntry]) -> None:
        self._canvas, self.entries = canvas, entries

    @cached_property
    def items(self) -> Sequence[Element | None]:
        """The open elements of the entries; whoever draws one closes it."""
        tags = self._canvas.flow.tags
        contents = tags.open("TOC", self._canvas.element)
        items = [tags.open("TOCI", contents) for _ in self.entries]
        tags.close(contents)
        return items


class ContentsBlock:
    """A line of the contents, or two beside each other; each is a link."""

    above = 0.0
    keeps_next = False

    def __init__(self, canvas: Canvas, contents: Contents, indexes: Sequence[int], *, places: int) -> None:
        self._canvas, self._contents, self._indexes = canvas, contents, indexes
        theme = canvas.theme.cover
        self._places, self._width = columns_of(canvas, places, theme.gap)
        longest = max((len(entry.page) for entry in contents.entries), default=0)
        self._number_width = max(_NUMBER_POINTS, longest * _DIGIT_EMS * theme.contents_size)
        self._rows_width = _ROWS_POINTS - _NUMBER_POINTS + self._number_width
        text, small = canvas.style(theme.contents_size), canvas.style(theme.label_size, colour="muted")
        self._texts = [
            (
                canvas.set(entry.label, text, width=self._width - self._rows_width),
                canvas.set(entry.rows, small, width=_ROWS_POINTS - _NUMBER_POINTS, flush_end=True),
                canvas.set(entry.page, text, width=self._number_width, flush_end=True),
            )
            for entry in map(contents.entries.__getitem__, indexes)
        ]

    @cached_property
    def height(self) -> float:
        """The height of the highest label, with its rule."""
        labels = max(self._canvas.measure(text)[1] for texts in self._texts for text in texts)
        return labels + 2 * self._canvas.theme.cover.contents_padding + _CONTENTS_RULE_POINTS

    def draw(self, top: float) -> None:
        """Draw it and put the links on the page."""
        for start, index, texts in zip(self._places, self._indexes, self._texts, strict=False):
            self._draw_entry(index, texts, start=start, top=top)

    def _draw_entry(self, index: int, texts: tuple[Text, Text, Text], *, start: float, top: float) -> None:
        canvas, tags, height = self._canvas, self._canvas.flow.tags, self.height
        entry, item = self._contents.entries[index], self._contents.items[index]
        link = tags.open("Link", item)
        shifts = (0.0, self._width - self._rows_width, self._width - self._number_width)
        for text, shift in zip(texts, shifts, strict=True):
            lower = canvas.theme.cover.contents_padding + texts[0].style.rise - text.style.rise  # all on one base line
            canvas.begin("Span", parent=link)
            canvas.text(text, start=start + shift, top=top - lower)
            canvas.end()
        left = canvas.left(start, self._width)
        canvas.flow.book.add_link(
            canvas.page, link, rectangle=(left, top - height, left + self._width, top), label=entry.label,
            target=(entry.target.page, entry.target.top),
        )  # fmt: skip
        tags.close(link)
        tags.close(item)
        canvas.box(
            "rule", start=start, top=top - height + _CONTENTS_RULE_POINTS, width=self._width,
            height=_CONTENTS_RULE_POINTS,
        )  # fmt: skip


def columns_of(canvas: Canvas, count: int, gap: float) -> tuple[list[float], float]:
    """Divide the page's width: where each of some columns begins, and how wide all are."""
    width = (canvas.width - (count - 1) * gap) / count
    return [index * (width + gap) for index in range(count)], width
