"""The fonts: where they lie, and the ones that the tables are set in."""

import base64
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FONT_PACKAGES = {"manimgx_fonts": "", "manimgx_fonts_cjk": "", "fontpkg_almarai": "files"}
"""Packages that hold fonts as files (all SIL Open Font License), and in which of their folders.

Almarai sets Arabic. Noto Sans Arabic draws the dots of letters as glyphs of their own, and so is read back from a PDF
with some letters twice; it only serves for what Almarai lacks.
"""

_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point (DerivedCoreProperties.txt): shown as nothing by design, so no font needs them."""


def font_folders() -> tuple[Path, ...]:
    """Find the folders of the font packages. Raises LookupError with the remedy if one isn't installed."""
    folders = []
    for package, folder in FONT_PACKAGES.items():
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            message = f"The fonts of PDF are missing: pip install {package.replace('_', '-')}"
            raise LookupError(message)
        folders.append(Path(found.origin).parent / folder)
    return tuple(folders)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FontProgram:
    """A static TrueType font, one object a process; lengths are thousandths of the font size, keys code points."""

    name: str
    file: bytes
    widths: dict[int, int]
    glyphs: dict[int, int]
    box: tuple[int, int, int, int]
    ascent: int
    descent: int
    cap_height: int

    @property
    def bold(self) -> bool:
        """Whether this is the semi-bold one."""
        return self.name.endswith("-bold")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainFonts:
    """The fonts of the tables by name, each also as `…-bold`.

    `latin` has what one byte can say (cp1252), `european` every Latin alphabet of Europe (Łukasz, Šimić), `extended`
    Greek, Cyrillic and more: 11, 17 and 65 kB of a file. `uncovered` matches a character other than a line feed
    that no font at all has a glyph for.
    """

    programs: dict[str, FontProgram]
    uncovered: re.Pattern[str]


@cache
def plain_fonts(template: Path) -> PlainFonts:
    """Cut the fonts of the tables for a template's first family: once a process, in about a second."""
    families = tomllib.loads((template / "theme.toml").read_text(encoding="utf-8"))["fonts"]["families"]
    options = {"folders": [str(folder) for folder in font_folders()], "family": families[0]}
    program = str(Path(__file__).with_name("plain_fonts.py"))
    done = subprocess.run(  # noqa: S603 - our own program, by path
        [sys.executable, "-I", program, json.dumps(options)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = f"The fonts of PDF can't be read: {done.stderr.strip().splitlines()[-1]}"
        raise LookupError(message)
    made = json.loads(done.stdout)
    return PlainFonts(
        programs={name: _program(name, fields) for name, fields in made["fonts"].items()},
        uncovered=re.compile(f"[^\n{_UNSEEN}{_character_class(made['covered'])}]"),
    )


def _program(name: str, fields: dict[str, object]) -> FontProgram:
    values: dict[str, object] = dict(fields)
    for keyed in ("widths", "glyphs"):
        mapping = fields[keyed]
        assert isinstance(mapping, dict)
        values[keyed] = {int(code): number for code, number in mapping.items()}
    values["file"] = base64.b64decode(str(fields["file"]))
    return FontProgram(name=name, **values)  # type: ignore[arg-type] # the program writes these very fields


def _character_class(ranges: list[tuple[int, int]]) -> str:
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)
