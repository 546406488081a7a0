"""The fonts of the tables as objects of the file (ISO 32000-1, 9.6.3, 9.7.4 and 9.8)."""

import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby

from customer_export.writers.pdf.fonts import FontProgram
from customer_export.writers.pdf.objects import ObjectFile
from customer_export.writers.pdf.texts import FONT_NAMES

_NONSYMBOLIC, _SYMBOLIC = 32, 4  # flags of a font descriptor (table 123)
_STEM_REGULAR, _STEM_BOLD = 80, 110  # widths of upright stems in thousandths; only substitutes look at them

_UNICODE_MAP = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
%s
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
_RANGES_A_BLOCK = 100  # the most that one bfrange operator takes (Adobe Technical Note 5411)


def embed_fonts(objects: ObjectFile, *, programs: Iterable[FontProgram], numbers: Mapping[str, int]) -> None:
    """Write the fonts that are promised: `numbers` by their names in the resources."""
    for program in programs:
        number = numbers.get(FONT_NAMES[program.name])
        if number is not None:
            embed = _embed_latin if program.name.startswith("latin") else _embed_by_code_point
            embed(objects, program, number)


def _embed_latin(objects: ObjectFile, program: FontProgram, number: int) -> None:
    """Write a font of one byte a character, in WinAnsiEncoding."""
    objects.put(
        number,
        f"<</Type/Font/Subtype/TrueType/BaseFont/{_base_name(program)}/FirstChar 32/LastChar 255"
        f"/Widths[{_widths_by_byte(program)}]"
        f"/Encoding/WinAnsiEncoding/FontDescriptor {_descriptor(objects, program, _NONSYMBOLIC)} 0 R>>",
    )


@lru_cache(maxsize=6)
def _widths_by_byte(program: FontProgram) -> str:
    characters = bytes(range(32, 256)).decode("cp1252", "replace")
    return " ".join(str(program.widths.get(ord(character), 0)) for character in characters)


def _embed_by_code_point(objects: ObjectFile, program: FontProgram, number: int) -> None:
    """Write a font of two bytes a character, which are its code point; a map leads from there to the glyph."""
    glyphs = _glyph_map(program)
    descendant = objects.add(
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{_base_name(program)}"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        f"/FontDescriptor {_descriptor(objects, program, _SYMBOLIC)} 0 R/DW 0/W[{_widths(program)}]"
        f"/CIDToGIDMap {_add(objects, glyphs)} 0 R>>"
    )
    objects.put(
        number,
        f"<</Type/Font/Subtype/Type0/BaseFont/{_base_name(program)}/Encoding/Identity-H"
        f"/DescendantFonts[{descendant} 0 R]/ToUnicode {_add(objects, _unicode_map(program))} 0 R>>",
    )


def _add(objects: ObjectFile, data: bytes, *, entries: str = "") -> int:
    """Write a stream that is the same in every file, compressed once."""
    number = objects.reserve()
    objects.put_raw_stream(number, f"{entries}/Filter/FlateDecode", _compressed(data))
    return number


@lru_cache(maxsize=16)  # six fonts with three streams at most, for one template
def _compressed(data: bytes) -> bytes:
    return zlib.compress(data, 9)


@lru_cache(maxsize=6)
def _glyph_map(program: FontProgram) -> bytes:
    glyphs = bytearray(2 * (max(program.glyphs) + 1))
    for code, glyph in program.glyphs.items():
        glyphs[2 * code : 2 * code + 2] = glyph.to_bytes(2, "big")
    return bytes(glyphs)


def _runs(program: FontProgram) -> list[list[int]]:
    """Group the code points into runs without gaps, none crossing a multiple of 256 (a rule of bfrange)."""
    codes = sorted(program.widths)
    runs = groupby(enumerate(codes), key=lambda pair: (pair[1] - pair[0], pair[1] >> 8))
    return [[code for _, code in run] for _, run in runs]


@lru_cache(maxsize=6)
def _widths(program: FontProgram) -> str:
    return "".join(f"{run[0]}[{' '.join(str(program.widths[code]) for code in run)}]" for run in _runs(program))


@lru_cache(maxsize=6)
def _unicode_map(program: FontProgram) -> bytes:
    ranges = [f"<{run[0]:04X}> <{run[-1]:04X}> <{run[0]:04X}>" for run in _runs(program)]
    blocks = [ranges[start : start + _RANGES_A_BLOCK] for start in range(0, len(ranges), _RANGES_A_BLOCK)]
    text = "\n".join(f"{len(block)} beginbfrange\n" + "\n".join(block) + "\nendbfrange" for block in blocks)
    return _UNICODE_MAP % text.encode("ascii")


def _base_name(program: FontProgram) -> str:
    """Name a font; six capitals and a plus say that it is a subset (9.6.4)."""
    prefix = program.name.removesuffix("-bold")[:5].upper() + ("B" if program.bold else "A")
    return f"{prefix}+NotoSans-{'SemiBold' if program.bold else 'Regular'}"


def _descriptor(objects: ObjectFile, program: FontProgram, flags: int) -> int:
    file = _add(objects, program.file, entries=f"/Length1 {len(program.file)}")
    box = " ".join(map(str, program.box))
    return objects.add(
        f"<</Type/FontDescriptor/FontName/{_base_name(program)}/Flags {flags}/FontBBox[{box}]/ItalicAngle 0"
        f"/Ascent {program.ascent}/Descent {program.descent}/CapHeight {program.cap_height}"
        f"/StemV {_STEM_BOLD if program.bold else _STEM_REGULAR}/FontFile2 {file} 0 R>>"
    )
