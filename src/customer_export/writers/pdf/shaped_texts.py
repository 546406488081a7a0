"""Texts that need shaping, set by typst: each becomes a form that a table draws where it would draw its own text.

Arabic, Hebrew, Chinese, Japanese, Korean, Hindi, Thai, emoji and the like: typst shapes them, orders them from right
to left, breaks their lines and finds a font for each character. A document of many tiny pages comes back, one a text,
and the size of a page is the size of the text.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, NamedTuple

from customer_export.writers.pdf.adopt import adopt_pages_as_forms
from customer_export.writers.pdf.objects import ObjectFile
from customer_export.writers.pdf.pool import Compilation, RendererPool

TEXTS_PER_COMPILATION = 250
"""About 20 ms and 10 MB of a child for short texts: small enough that others get their turn in between."""

CHARACTERS_PER_COMPILATION = 60_000
"""The same for long ones: typst holds about 1 kB for each character that it sets."""

REMEMBERED_TEXTS = 20_000
"""About 4 MB; beyond it a text that comes again is set again."""

_LETTERS = re.compile(r"[^\W\d_]")
_SCRIPTS = {
    "cjk": re.compile("[\u1100-\u11ff\u2e80-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"),
    "arabic": re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]"),
    "hebrew": re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]"),
    "devanagari": re.compile("[\u0900-\u097f]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
}
"""The scripts that have a font of their own in theme.toml; the rest is left to typst's search for a font."""

_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_HAN_OF_LANGUAGE = {"ja": "JP", "ko": "KR", "zh-TW": "TC", "zh-Hant": "TC", "zh-HK": "HK"}


class ShapedText(NamedTuple):
    """A text to be set by typst: `width` in points, None for one line as long as it gets; `align` is physical."""

    text: str
    width: float | None
    size: float
    leading: float
    bold: bool
    colour: str
    align: Literal["left", "right"]


class Form(NamedTuple):
    """A text set by typst: an XObject, whose origin is its lower left corner; its size in points."""

    number: int
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapingContext:
    """What holds for all texts of one document; `colours` are #rrggbb by the theme's names."""

    language: str
    direction: Literal["ltr", "rtl"]
    timestamp_seconds: int


class ShapedTexts:
    """The shaped texts of one document: asked for first, then set all together, then looked up."""

    def __init__(self, *, pool: RendererPool, objects: ObjectFile, context: ShapingContext) -> None:
        self._pool = pool
        self._objects = objects
        self._context = context
        self._forms: dict[ShapedText, Form] = {}
        self._wanted: dict[ShapedText, None] = {}
        self._under_way: deque[tuple[list[ShapedText], Future[bytes]]] = deque()

    def want(self, text: ShapedText) -> None:
        """Have a text set by the next `set_wanted`, if it isn't already."""
        if text not in self._forms:
            self._wanted[text] = None

    def set_wanted(self) -> None:
        """Begin to set what is wanted: the children work while something else is drawn. Raises what a renderer does."""
        if len(self._forms) > REMEMBERED_TEXTS:
            self._forms.clear()
        wanted, self._wanted = self._wanted, {}
        for texts in _portions(wanted):
            self._under_way.append((texts, self._pool.submit(self._compilation(texts))))
            if len(self._under_way) > 2:  # both children stay busy, and no more than two answers wait  # noqa: PLR2004
                self._adopt_oldest()

    def form(self, text: ShapedText) -> Form:
        """Look up a text, and wait until it has been set; one that was forgotten is set again.

        Raises what a renderer raises.
        """
        while text not in self._forms:
            if not self._under_way:
                self.want(text)
                self.set_wanted()
            self._adopt_oldest()
        return self._forms[text]

    def _adopt_oldest(self) -> None:
        texts, future = self._under_way.popleft()
        made = adopt_pages_as_forms(future.result(), objects=self._objects)
        for text, (number, width, height) in zip(texts, made, strict=True):
            self._forms[text] = Form(number, width, height)

    def _compilation(self, texts: Iterable[ShapedText]) -> Compilation:
        return Compilation(
            main="shaped.typ",
            data={"texts": [self._describe(text) for text in texts]},
            timestamp_seconds=self._context.timestamp_seconds,
        )

    def _describe(self, text: ShapedText) -> dict[str, object]:
        """Write a text as the template reads it."""
        return {
            "lines": [_pieces(line, text) for line in text.text.split("\n")],
            "width": text.width,
            "size": text.size,
            "leading": text.leading,
            "weight": "semibold" if text.bold else "regular",
            "colour": text.colour,
            "align": text.align,
            "rtl": _is_right_to_left(text.text, default=self._context.direction == "rtl"),
            "script": choose_script(text.text),
            "han": choose_han(text.text, self._context.language),
        }


def _portions(wanted: Iterable[ShapedText]) -> Iterator[list[ShapedText]]:
    portion: list[ShapedText] = []
    characters = 0
    for text in wanted:
        portion.append(text)
        characters += len(text.text)
        if len(portion) == TEXTS_PER_COMPILATION or characters > CHARACTERS_PER_COMPILATION:
            yield portion
            portion, characters = [], 0
    if portion:
        yield portion


def _pieces(line: str, text: ShapedText) -> list[str]:
    """Cut a line where it may break though no rule of a language says so: inside words longer than the width."""
    if text.width is None:
        return [line]
    longest = max(4, int(text.width / text.size))  # characters that fit, an em each
    pieces: list[str] = []
    for word in re.findall(r"\S+\s*|\s+", line):
        pieces += [word] if len(word) <= longest else _clusters(word, longest)
    return _joined(pieces, longest)


def _joined(pieces: list[str], longest: int) -> list[str]:
    """Join neighbours again that need no break between them, so that typst sees whole phrases."""
    joined: list[str] = []
    for piece in pieces:
        if joined and (joined[-1][-1:].isspace() or piece[:1].isspace()) and len(piece) <= longest:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _clusters(word: str, length: int) -> list[str]:
    """Cut a word into parts of about `length` characters, never between a character and its marks or joiners."""
    parts = [""]
    for character in word:
        mark = unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf", "Sk"} or parts[-1][-1:] == "\u200d"
        if len(parts[-1]) >= length and not mark:
            parts.append("")
        parts[-1] += character
    return parts


def _is_right_to_left(text: str, *, default: bool) -> bool:
    """Take a text's direction from its first strong character (UAX #9, P2 and P3)."""
    for character in text[:1000]:
        direction = unicodedata.bidirectional(character)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return default


def choose_script(text: str) -> str | None:
    """Find the script of a text's first letter, whose font then sets its blanks too.

    Readers lose a blank whose font is not its neighbours' (pdfium does, in Hindi).
    """
    letter = _LETTERS.search(text)
    if letter is None:
        return None
    return next((name for name, pattern in _SCRIPTS.items() if pattern.match(letter[0])), None)


def choose_han(text: str, language: str) -> str:
    """Choose whose shapes of Chinese characters a text wants."""
    if _KANA.search(text):
        return "JP"
    if _HANGUL.search(text):
        return "KR"
    return _HAN_OF_LANGUAGE.get(language, _HAN_OF_LANGUAGE.get(language[:2], "SC"))
