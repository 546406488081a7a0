"""The footers: which export a page belongs to, and which page of how many it is."""

from collections.abc import Iterable, Iterator

from customer_export.writers.locale import Locale, Word
from customer_export.writers.pdf.composition import Align, Compositor, Setting, TextStyle
from customer_export.writers.pdf.pages import Page

_LINE_HEIGHT = 1.3  # of the font size
_NUMBER_POINTS = 160.0
"""Room for the page's number; the rest of the line is the export's."""


class Footers:
    """The footers of a document. `about` is the text that all share."""

    def __init__(self, *, compositor: Compositor, locale: Locale, about: str, pages: int, narrowest: float) -> None:
        theme = compositor.theme.page
        self._compositor = compositor
        self._locale = locale
        self._pages = pages
        self._style = TextStyle(size=theme.footer_size, leading=theme.footer_size * _LINE_HEIGHT, colour="muted")
        right_to_left = locale.direction == "rtl"
        self._sides: tuple[Align, Align] = ("right", "left") if right_to_left else ("left", "right")
        self._about_width = narrowest - 2 * theme.margin_side - _NUMBER_POINTS
        self._about = compositor.set(about, width=self._about_width, style=self._style, align=self._sides[0])
        self._numbers: dict[int, Setting] = {}
        compositor.shaped.set_wanted()

    def prepare(self, indexes: Iterable[int]) -> None:
        """Set the numbers of some pages, which count from 0, before they are drawn."""
        self._numbers = {index: self._set_number(index) for index in indexes}
        self._compositor.shaped.set_wanted()

    def draw(self, page: Page, index: int) -> None:
        """Draw the footer of a page that has been prepared."""
        theme = self._compositor.theme.page
        top = theme.footer_height + self._style.rise
        page.begin_artifact("Pagination")
        for setting, width, side in zip(
            (self._about, self._numbers[index]), (self._about_width, _NUMBER_POINTS), self._sides, strict=True
        ):
            x = theme.margin_side if side == "left" else page.width - theme.margin_side - width
            self._compositor.draw(page, setting, x=x, top=top, width=width, style=self._style, align=side)
        page.end()

    def _set_number(self, index: int) -> Setting:
        text = self._locale.word(Word.PAGE_OF, page=index + 1, pages=self._pages)
        return self._compositor.set(text, width=_NUMBER_POINTS, style=self._style, align=self._sides[1])


def portions(count: int, *, at_once: int) -> Iterator[range]:
    """Split the numbers from 0 into portions."""
    for start in range(0, count, at_once):
        yield range(start, min(start + at_once, count))
