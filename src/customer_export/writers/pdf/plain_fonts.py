"""The program that cuts the fonts of the tables out of a variable font, once for each process that makes PDFs.

It is run by path in a process of its own, because fontTools needs 60 MB for it. Its argument is JSON: `folders` and
`family`. It writes JSON: `fonts` (a name, and the fields of `fonts.FontProgram`) and `covered`, the ranges
of code points that some font of the folders has a glyph for.
"""

import base64
import io
import json
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped] # has no types
from fontTools.ttLib import TTFont  # type: ignore[import-untyped] # has no types
from fontTools.varLib import instancer  # type: ignore[import-untyped] # has no types

REGULAR, SEMIBOLD = 400, 600
_DROPPED_TABLES = ["GSUB", "GPOS", "GDEF", "STAT", "MVAR", "DSIG"]
_SINGLE_BYTE = "cp1252"  # what PDF calls WinAnsiEncoding
_LATIN = [character for byte in range(32, 256) if (character := bytes([byte]).decode(_SINGLE_BYTE, "ignore"))]
_EUROPEAN = range(0x100, 0x180)  # Latin Extended-A: the letters of Europe's other Latin alphabets
_EXTENDED = [  # scripts whose characters stand side by side, left to right, unshaped
    *range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x370, 0x530), *range(0x1E00, 0x1F00), *range(0x2010, 0x2028),
    *range(0x202F, 0x205F), *range(0x20A0, 0x20C1), *range(0x2100, 0x2150), *range(0x2190, 0x2194), 0x2212,
]  # fmt: skip
_SHAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Me", "Mn", "Mc"})


def font_files(folders: Iterable[str]) -> list[Path]:
    """List the fonts of some folders, in a fixed order."""
    return sorted(path for folder in folders for path in Path(folder).glob("*.[to]t[cf]"))


def find_family(paths: Iterable[Path], family: str) -> Path:
    """Find the upright font of a family. Raises LookupError."""
    for path in paths:
        names = TTFont(path, lazy=True, fontNumber=0)["name"]
        style = names.getBestSubFamilyName() or ""
        if names.getBestFamilyName() == family and "Italic" not in style and "Italic" not in path.name:
            return path
    message = f"No font of the family {family!r} in the font packages; name another one in theme.toml"
    raise LookupError(message)


def cut(path: Path, characters: Iterable[int], *, weight: int) -> TTFont:
    """Make a static font of some characters, without hints, layout and names."""
    font = TTFont(path, lazy=True, recalcTimestamp=False)
    options = subset.Options(hinting=False, notdef_outline=True, layout_features=[], name_IDs=[], glyph_names=False)
    options.drop_tables += _DROPPED_TABLES
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=list(characters))
    subsetter.subset(font)
    if "fvar" in font:
        instancer.instantiateVariableFont(font, {"wght": weight}, inplace=True)
    return font


def describe(font: TTFont) -> dict[str, object]:
    """Give the fields of a `FontProgram`."""
    file = io.BytesIO()
    font.save(file)
    scale = 1000 / font["head"].unitsPerEm
    glyphs = font.getGlyphOrder()
    number = {name: index for index, name in enumerate(glyphs)}
    head, lines, style = font["head"], font["hhea"], font["OS/2"]
    return {
        "file": base64.b64encode(file.getvalue()).decode(),
        "widths": {code: round(font["hmtx"][name][0] * scale) for code, name in sorted(font.getBestCmap().items())},
        "glyphs": {code: number[name] for code, name in sorted(font.getBestCmap().items())},
        "box": [round(side * scale) for side in (head.xMin, head.yMin, head.xMax, head.yMax)],
        "ascent": round(lines.ascent * scale),
        "descent": round(lines.descent * scale),
        "cap_height": round(style.sCapHeight * scale),
    }


def covered_ranges(paths: Iterable[Path]) -> list[tuple[int, int]]:
    """List what the fonts have glyphs for, as closed ranges."""
    codes: set[int] = set()
    for path in paths:
        codes.update(TTFont(path, lazy=True, fontNumber=0).getBestCmap())
    ranges: list[tuple[int, int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return ranges


def main() -> None:
    """Write everything to the standard output."""
    options = json.loads(sys.argv[1])
    paths = font_files(options["folders"])
    source = find_family(paths, options["family"])
    latin = [ord(character) for character in _LATIN if character != "\N{SOFT HYPHEN}"]
    extended = [code for code in _EXTENDED if unicodedata.category(chr(code)) not in _SHAPED_CATEGORIES]
    fonts = {
        f"{name}{suffix}": describe(cut(source, characters, weight=weight))
        for name, characters in (("latin", latin), ("european", [*latin, *_EUROPEAN]), ("extended", extended))
        for suffix, weight in (("", REGULAR), ("-bold", SEMIBOLD))
    }
    json.dump({"fonts": fonts, "covered": covered_ranges(paths)}, sys.stdout)


if __name__ == "__main__":
    main()
