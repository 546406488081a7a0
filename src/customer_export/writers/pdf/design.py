"""How a template changes the look of a report: values of the theme, and the logo."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from customer_export.writers.pdf.theme import COVER_BLOCKS, DEFAULT_TEMPLATE, Theme, read_values, theme_of

LEAST, MOST = 0.5, 2.0
"""How small or large a length may become, by the theme's own: beyond that there is no room for a page's contents."""

KEPT_THEMES = 64

_COLOUR = re.compile("#[0-9a-fA-F]{6}")
_LONGEST_NAME = 60  # characters of the brand, which stand in one line
_PNG = b"\x89PNG\r\n\x1a\n"
_TABLES = ("brand", "colours", "page", "cover", "chart", "heading", "table", "card")
_ASIDE = ("logo",)  # of the brand: a template brings the image itself


def check_theme(changes: Mapping[str, Any]) -> None:
    """Raise ValueError, the end of a sentence, unless these are values of the theme that comes with the product."""
    own = read_values(DEFAULT_TEMPLATE)
    for table, values in changes.items():
        if table not in _TABLES:
            raise ValueError(f"has no table {table[:64]!r}; use {', '.join(_TABLES)}")
        if not isinstance(values, dict):
            raise ValueError(f"{table} is no object")  # noqa: TRY004  (of what a caller sent)
        known = [name for name in own[table] if name not in _ASIDE]
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"{table} has no {name[:64]!r}; use {', '.join(known)}")
            problem = _problem(own[table][name], value, is_colour=table == "colours")
            if problem is not None:
                raise ValueError(f"{table}.{name} {problem}")


def _problem(own: object, value: object, *, is_colour: bool) -> str | None:
    """Say what is wrong with a value in place of the theme's own: it has to be of the same kind."""
    match own, value:
        case str(), str(text) if is_colour:
            return None if _COLOUR.fullmatch(text) else "is no colour such as #1f5f8b"
        case str(), str(text) if text.isprintable() and len(text) <= _LONGEST_NAME:
            return None
        case str(), _:
            return f"is no text of up to {_LONGEST_NAME} printable characters"
        case list(), list(blocks) if blocks and all(blocks.count(one) == 1 and one in COVER_BLOCKS for one in blocks):
            return None
        case list(), _:
            return f"is no list of {', '.join(COVER_BLOCKS)}, each once"
        case float(length), int(points) | float(points) if length * LEAST <= points <= length * MOST:
            return None
        case float(length), _:
            return f"is no number of points from {length * LEAST:g} to {length * MOST:g}"
        case _:
            return "cannot be changed by a template"


def check_logo(logo: bytes) -> None:
    """Raise ValueError, the end of a sentence, unless an image is a PNG or an SVG."""
    if logo_format(logo) is None:
        raise ValueError("is neither a PNG nor an SVG")


def logo_format(logo: bytes) -> str | None:
    """Tell a PNG from an SVG; None: it is neither."""
    if logo.startswith(_PNG):
        return "png"
    return "svg" if b"<svg" in logo[:1_000] else None


@lru_cache(KEPT_THEMES)
def designed_theme(template: Path, changes: str | None) -> Theme:
    """Make the theme of a template folder, with values (JSON) that `check_theme` took in place of its own."""
    values = read_values(template)
    for table, changed in orjson.loads(changes or "{}").items():
        values[table] |= changed
    return theme_of(values)


def logo_data(logo: bytes, *, height: float) -> dict[str, object]:
    """Say to `logo.typ` what to set, at a height in points."""
    return {"height": height, "format": logo_format(logo), "image": list(logo)}
