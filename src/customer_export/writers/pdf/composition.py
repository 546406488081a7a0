"""A text that has been set, plain or shaped, and drawing it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from customer_export.writers.pdf.pages import Page
from customer_export.writers.pdf.shaped_texts import ShapedText, ShapedTexts
from customer_export.writers.pdf.texts import Line, Typesetter
from customer_export.writers.pdf.theme import Theme

Align: TypeAlias = Literal["left", "right"]
Setting: TypeAlias = Line | list[Line] | ShapedText | None
"""One line, several lines, a text that typst sets, or nothing."""

CAPITALS = 0.714
"""How high Noto Sans's capital letters are, in em; they stand in the middle of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStyle:
    """How a text looks; lengths in points, `colour` a name of the theme."""

    size: float
    leading: float
    bold: bool = False
    colour: str = "ink"

    @property
    def rise(self) -> float:
        """From the upper edge of a line to its base line."""
        return (self.leading + CAPITALS * self.size) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Compositor:
    """Sets texts and draws them. What needs shaping is only asked for here: set it before measuring or drawing."""

    theme: Theme
    typesetter: Typesetter
    shaped: ShapedTexts

    def set(self, text: str | None, *, width: float | None, style: TextStyle, align: Align) -> Setting:
        """Set a text in lines of a width, or unbroken."""
        if not text:
            return None
        lines = self.typesetter.lines(text, width=width, size=style.size, bold=style.bold)
        if lines is not None:
            return lines[0] if len(lines) == 1 else lines
        return self._want(text, width, style, align)

    def set_column(
        self,
        texts: Sequence[str | None],
        *,
        width: float,
        style: TextStyle,
        align: Align,
        shorten: Callable[[str, int], str],
    ) -> list[Setting]:
        """Set the cells of a column: what is one line of plain Latin text (nearly everything) goes the short way.

        What isn't is given to `shorten` first, with its index, to take out what is too long or can't be shown.
        """
        face = self.typesetter.faces[style.bold][0]
        fits, advance, operand = self.typesetter.is_latin, face.advances.__getitem__, face.operand
        scale = style.size / 1000
        short: dict[str, Line] = {}  # a column of statuses or currencies has few texts many times
        settings: list[Setting] = []
        for index, text in enumerate(texts):
            if not text:
                settings.append(None)
                continue
            line = short.get(text)
            if line is None and fits(text):
                length = sum(map(advance, text)) * scale
                if length <= width:
                    line = short[text] = Line(operand(text), face.name, length)
            settings.append(line or self.set(shorten(text, index), width=width, style=style, align=align))
        return settings

    def height(self, setting: Setting, style: TextStyle) -> float:
        """Measure how high a text is."""
        if setting is None:
            return 0.0
        if type(setting) is Line:
            return style.leading
        if isinstance(setting, ShapedText):
            return self.shaped.form(setting).height
        return style.leading * len(setting)

    def width(self, setting: Setting) -> float:
        """Measure how wide a text is; one that typst sets in a width has all of it."""
        if setting is None:
            return 0.0
        if isinstance(setting, ShapedText):
            return self.shaped.form(setting).width
        return setting.width if isinstance(setting, Line) else max(line.width for line in setting)

    def draw(
        self, page: Page, setting: Setting, *, x: float, top: float, width: float, style: TextStyle, align: Align
    ) -> None:
        """Draw a text in a box of a width, from its upper edge down."""
        if setting is None:
            return
        if isinstance(setting, ShapedText):
            form = self.shaped.form(setting)
            left = x if align == "left" else x + width - form.width
            page.form(form, left, top - form.height)
            return
        page.colour(self.theme.operands[style.colour])
        base = top - style.rise
        for line in [setting] if isinstance(setting, Line) else setting:
            page.text(line, x if align == "left" else x + width - line.width, base, style.size)
            base -= style.leading

    def _want(self, text: str, width: float | None, style: TextStyle, align: Align) -> ShapedText:
        shaped = ShapedText(text, width, style.size, style.leading, style.bold, self.theme.colours[style.colour], align)
        self.shaped.want(shaped)
        return shaped
