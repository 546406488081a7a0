"""Texts as the tables set them: which need no shaping, how wide they are, where their lines break."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple

from customer_export.writers.pdf.fonts import FontProgram, PlainFonts

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NEWLINES = re.compile("\r\n|[\n\x0b\x0c\r\x85\u2028\u2029]")
_TAB = "    "
_BREAKS = re.compile(r"(?<= )(?=[^ ])|(?<=\w-)(?=\w)|(?<=[@/,;])(?=\w)")
"""Where a line may end: after blanks, and inside what people write without them (addresses, identifiers)."""

_ESCAPES = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})

FONT_NAMES = {
    "latin": "F1", "latin-bold": "F2", "european": "F3", "european-bold": "F4", "extended": "F5", "extended-bold": "F6",
}  # fmt: skip
"""The names of the fonts in a page's resources, from the smallest to the largest."""


class Line(NamedTuple):
    """One line of plain text: the operand of Tj, the name of its font in the resources, its width in points."""

    operand: str
    font: str
    width: float


@dataclass(frozen=True, slots=True)
class Face:
    """One of the plain fonts, ready to measure with: advances by character, in thousandths of the size."""

    name: str
    advances: dict[str, int]
    single_byte: bool

    def operand(self, text: str) -> str:
        """Write a text as the operand of Tj; the page's content is encoded as cp1252 later."""
        if not self.single_byte:
            return f"<{text.encode('utf-16-be').hex()}>"
        if "(" in text or ")" in text or "\\" in text:
            text = text.translate(_ESCAPES)
        return f"({text})"


@dataclass(frozen=True)
class Typesetter:
    """Measures and breaks texts that need no shaping; the others are typst's (see shaped_texts.py)."""

    fonts: PlainFonts

    @cached_property
    def faces(self) -> dict[bool, tuple[Face, ...]]:
        """The faces from the smallest to the one that has all characters, by whether they are semi-bold."""
        made = [_face(self.fonts.programs[name]) for name in FONT_NAMES]
        return {False: tuple(made[::2]), True: tuple(made[1::2])}

    @cached_property
    def _patterns(self) -> tuple[Callable[[str], object], ...]:
        return tuple(_only(face.advances).fullmatch for face in self.faces[False])

    @cached_property
    def is_latin(self) -> Callable[[str], object]:
        """Whether a text is one line that the first font can set as it is."""
        return self._patterns[0]

    def face_of(self, text: str, *, bold: bool = False) -> Face | None:
        """Choose the font of a text without line breaks; None if the text must be shaped."""
        for fits, face in zip(self._patterns, self.faces[bold], strict=True):
            if fits(text):
                return face
        return None

    def visible(self, text: str) -> str:
        r"""Make every line break `\n`, and everything that no font can show `[U+0007]`."""
        if _CONTROLS.search(text):
            text = _NEWLINES.sub("\n", text).replace("\t", _TAB)
            text = "\n".join(_CONTROLS.sub(_code_point, line) for line in text.split("\n"))
        return self.fonts.uncovered.sub(_code_point, text) if not text.isascii() else text

    def line(self, text: str, *, size: float, bold: bool = False) -> Line | None:
        """Set a text in one line; None if it must be shaped."""
        face = self.face_of(text, bold=bold)
        return None if face is None else self._line(text, face, size)

    def lines(self, text: str, *, width: float | None, size: float, bold: bool = False) -> list[Line] | None:
        """Set a text in lines no wider than `width` points, if given; None if any of it must be shaped."""
        limit = inf if width is None else width * 1000 / size
        lines: list[Line] = []
        for paragraph in text.split("\n"):
            face = self.face_of(paragraph, bold=bold)
            if face is None:
                return None
            lines += [self._line(part, face, size) for part in _wrap(paragraph, limit, face.advances)]
        return lines

    def estimate(self, text: str, *, size: float) -> float:
        """Guess how wide any text is in one line, in points: shaped characters count as an em each."""
        advances = self.faces[False][-1].advances
        try:
            return sum(map(advances.__getitem__, text)) * size / 1000
        except KeyError:
            return sum(advances.get(character, 1000) for character in text) * size / 1000

    @staticmethod
    def _line(text: str, face: Face, size: float) -> Line:
        return Line(face.operand(text), face.name, sum(map(face.advances.__getitem__, text.rstrip(" "))) * size / 1000)


def longest_word(text: str, advances: dict[str, int]) -> int:
    """Measure the longest part of a text that no line may break, in thousandths; shaped characters count as an em."""
    return max(sum(advances.get(character, 1000) for character in word.rstrip(" ")) for word in _BREAKS.split(text))


def _wrap(text: str, limit: float, advances: dict[str, int]) -> Sequence[str]:
    """Break a paragraph into lines; blanks at the end of a line stay in it, so that no character is lost."""
    advance = advances.__getitem__
    if sum(map(advance, text)) <= limit:
        return [text]
    lines: list[str] = []
    current, used = "", 0
    for word in _BREAKS.split(text):
        bare = word.rstrip(" ")
        width = sum(map(advance, bare))
        if current and used + width > limit:
            lines.append(current)
            current, used = "", 0
        if width > limit:
            *whole, bare = _chop(bare, limit, advances)
            lines += whole
            word = bare + word[len(word.rstrip(" ")) :]  # noqa: PLW2901 - what is left of it
        current += word
        used += sum(map(advance, word))
    return [*lines, current]


def _chop(word: str, limit: float, advances: dict[str, int]) -> list[str]:
    """Cut a word that is wider than a line; at least one character goes into each."""
    parts = [""]
    used = 0
    for character in word:
        width = advances[character]
        if parts[-1] and used + width > limit:
            parts.append("")
            used = 0
        parts[-1] += character
        used += width
    return parts


def _face(program: FontProgram) -> Face:
    return Face(
        name=FONT_NAMES[program.name],
        advances={chr(code): width for code, width in program.widths.items()},
        single_byte=program.name.startswith("latin"),
    )


def _only(characters: dict[str, int]) -> re.Pattern[str]:
    return re.compile(f"[{''.join(map(re.escape, characters))}]*")


def _code_point(match: re.Match[str]) -> str:
    return f"[U+{ord(match[0]):04X}]"
