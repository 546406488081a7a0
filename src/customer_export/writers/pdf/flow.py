"""The flow of sections over pages: headings, tables, cards, one under the other."""

from dataclasses import dataclass

from customer_export.writers.pdf.composition import Align, Compositor, TextStyle
from customer_export.writers.pdf.pages import Page, PageBook, Tags
from customer_export.writers.pdf.structure import Element

_RULE_POINTS = 0.75


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline: `page` is the number of a page's object, `page_index` counts from 0."""

    title: str
    page: int
    page_index: int
    top: float


class Flow:
    """Where the next thing is drawn: a page under way, and how far down it has come."""

    def __init__(self, *, book: PageBook, compositor: Compositor, tags: Tags, right_to_left: bool) -> None:
        self.book = book
        self.compositor = compositor
        self.theme = compositor.theme
        self.tags = tags
        self.right_to_left = right_to_left
        self.start: Align = "right" if right_to_left else "left"
        self.bookmarks: list[Bookmark] = []
        self.y = 0.0
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        """The page under way."""
        assert self._page is not None
        return self._page

    @property
    def width(self) -> float:
        """The width between the margins."""
        return self.page.width - 2 * self.theme.page.margin_side

    def has_room(self, height: float) -> bool:
        """Whether so much still fits on the page."""
        return self.y - height >= self.theme.page.margin_bottom

    def has_landscape_room(self, height: float) -> bool:
        """Whether the page under way is a landscape one on which so much still fits."""
        return self._page is not None and self._page.width > self._page.height and self.has_room(height)

    def begin_page(self, *, landscape: bool) -> None:
        """Go to a new page."""
        self.end_page()
        page = self.theme.page
        width, height = (page.height, page.width) if landscape else (page.width, page.height)
        self._page = self.book.begin(width=width, height=height)
        self.y = height - page.margin_top

    def end_page(self) -> None:
        """Write the page under way, if there is one."""
        if self._page is not None:
            self.book.end(self._page)
            self._page = None

    def heading(self, title: str, note: str, *, landscape: bool, room: float, parent: Element | None) -> None:
        """Draw a section's heading with at least `room` points under it, on a new page if need be."""
        theme = self.theme.heading
        style = TextStyle(size=theme.size, leading=theme.size * 1.3, bold=True)
        note_style = TextStyle(size=theme.note_size, leading=theme.note_size * 1.3, colour="muted")
        width = (self.theme.page.height if landscape else self.theme.page.width) - 2 * self.theme.page.margin_side
        settings = [
            (self.compositor.set(text, width=width, style=each, align=self.start), each)
            for text, each in ((title, style), (note, note_style))
        ]
        self.compositor.shaped.set_wanted()
        height = sum(self.compositor.height(setting, each) for setting, each in settings) + theme.space_below
        turned = self._page is None or (self._page.width > self._page.height) != landscape
        if turned or not self.has_room(theme.space_above + height + room):
            self.begin_page(landscape=landscape)
        else:
            self.y -= theme.space_above
        self.bookmarks.append(Bookmark(title, self.page.number, len(self.book.footers), self.y + theme.size / 2))
        for kind, (setting, each) in zip(("H2", "P"), settings, strict=True):
            if setting is None:
                continue
            self.tags.begin(self.page, kind, parent)
            self.compositor.draw(
                self.page, setting, x=self.theme.page.margin_side, top=self.y, width=width, style=each, align=self.start
            )
            self.tags.end(self.page, parent)
            self.y -= self.compositor.height(setting, each)
        self.y -= theme.space_below

    def rule(self, colour: str, *, thickness: float = _RULE_POINTS) -> None:
        """Draw a line across the page."""
        self.page.box(
            self.theme.operands[colour], self.theme.page.margin_side, self.y - thickness / 2, self.width, thickness
        )
