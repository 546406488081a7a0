"""Text as the XML of a cell, in the escapes of ST_Xstring (ECMA-376 part 1, 22.9.2.19)."""

import re
from collections.abc import Sequence
from typing import cast

from customer_export.model.columns import Cell
from customer_export.writers.xlsx.limits import CELL_UNITS

# Below this number of characters no text is too long, whatever they are: each is at most two UTF-16 code units.
NEVER_TOO_LONG = CELL_UNITS // 2

# What XML 1.0 cannot hold, and the carriage return, which every XML parser turns into a line feed.
_FORBIDDEN = r"\x00-\x08\x0b-\x1f\ufffe\uffff"
_ESCAPED = re.compile(rf"[{_FORBIDDEN}\ud800-\udfff]")

# An underscore that a reader would take for the beginning of an escape. What is escaped begins with one itself.
_AMBIGUOUS = re.compile(rf"_(?=x[0-9A-Fa-f]{{4}}[_{_FORBIDDEN}])")

_PRESERVE = ' xml:space="preserve"'

# Stands between the cells of a column that is looked at as one text. XML cannot hold it, and so no text that is plain.
_BOUND = "\0"

# The bound among them: it is counted. A tab is rare enough to be none of the plain characters.
_CONTROLS = bytes({*range(0x20)} - {ord("\n")})


def escape_xml(text: str) -> str:
    """Escape what has a meaning in XML content and in attribute values between double quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def inline_string(text: str) -> str:
    """Return the `<is>` element of a text. A lone surrogate, which is no character, becomes U+FFFD."""
    return string_element(text, escape_characters(text))


def escape_characters(text: str) -> str:
    """Write a text in the escapes of ST_Xstring."""
    if "_x" in text:
        text = _AMBIGUOUS.sub("_x005F_", text)
    return text if text.isprintable() else _ESCAPED.sub(_escape_character, text)


def string_element(original: str, text: str) -> str:
    """Return the `<is>` element of a text whose characters have been escaped."""
    space = _PRESERVE if original[:1].isspace() or original[-1:].isspace() else ""
    if "&" in text or "<" in text or ">" in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<is><t{space}>{text}</t></is>"


def plain_contents(cells: Sequence[Cell]) -> Sequence[str] | None:
    """Return what stands between `<is><t>` and `</t></is>` for each cell, as octets, or None if one is not plain.

    Plain is a text of any usual length and script, also of several lines. It is not NULL, and neither needs the
    escapes of ST_Xstring nor `xml:space`. So this says nothing that `inline_string` does not say, in a few passes
    in C over the column as a whole.
    """
    try:
        column = f"{_BOUND}{_BOUND.join(cast('Sequence[str]', cells))}{_BOUND}"
        octets = column.encode()
    # There is a NULL or a lone surrogate.
    except (TypeError, UnicodeEncodeError):
        return None
    bounds = len(cells) + 1
    is_ascii = len(octets) == len(column)
    if (
        len(octets.translate(None, _CONTROLS)) + bounds != len(octets)
        or _has_blank_end(octets)
        or _has_long(column)
        # To look for one character costs a tenth of looking for two.
        or (b"_" in octets and b"_x" in octets)
        or not (is_ascii or column.replace(_BOUND, "").replace("\n", "").isprintable())
    ):
        return None
    if b"&" in octets or b"<" in octets or b">" in octets:
        octets = octets.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    elif is_ascii:
        return cast("Sequence[str]", cells)
    return octets.decode("latin-1").split(_BOUND)[1:-1]


def as_octets(texts: Sequence[str]) -> Sequence[str]:
    """Return texts of XML with each byte of their UTF-8 as a character of its own.

    Joined to a block of rows they take one byte a character: one Japanese note as it is would make a text of the
    whole block twice as wide, and its UTF-8 a matter of milliseconds.
    """
    column = _BOUND.join(texts)
    return texts if column.isascii() else column.encode().decode("latin-1").split(_BOUND)


def _has_blank_end(octets: bytes) -> bool:
    """Whether a cell of a column begins or ends with a blank or a line feed."""
    return (b" " in octets and (b"\0 " in octets or b" \0" in octets)) or (
        b"\n" in octets and (b"\0\n" in octets or b"\n\0" in octets)
    )


def _has_long(column: str) -> bool:
    """Whether a cell of a column may be too long for a workbook: a few steps of the longest length each."""
    start = 0
    while len(column) - start > NEVER_TOO_LONG:
        bound = column.rfind(_BOUND, start + 1, start + 1 + NEVER_TOO_LONG)
        if bound < 0:
            return True
        start = bound
    return False


def utf16_units(text: str) -> int:
    """Count UTF-16 code units, in which Excel measures text."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def split_units(text: str, *, first_units: int, next_units: int) -> list[str]:
    """Cut a text into parts of at most so many UTF-16 code units, never within a character."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    parts = []
    start, size = 0, first_units * 2
    while start < len(encoded):
        end = start + size
        # A unit from DC00 to DFFF is the second half of a character.
        if end < len(encoded) and 0xDC <= encoded[end + 1] <= 0xDF:  # noqa: PLR2004
            end -= 2
        parts.append(encoded[start:end].decode("utf-16-le", "surrogatepass"))
        start, size = end, next_units * 2
    return parts


def without_control_characters(text: str) -> str:
    """Leave out what XML cannot hold, for places that know no escape: document properties."""
    return _ESCAPED.sub("", text)


def _escape_character(match: re.Match[str]) -> str:
    if "\ud800" <= match[0] <= "\udfff":
        return "\ufffd"
    return f"_x{ord(match[0]):04X}_"
