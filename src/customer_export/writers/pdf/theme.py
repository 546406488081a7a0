"""The theme of the report: `theme.toml` of a template folder, as values."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_TEMPLATE = Path(__file__).parent / "template"
"""The template folder that comes with the product; a copy of it can be changed and used instead."""

COVER_BLOCKS = ("logo", "title", "facts", "figures", "months", "statuses", "contents")
"""The parts that a cover may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTheme:
    """An upright page, in points."""

    width: float
    height: float
    margin_side: float
    margin_top: float
    margin_bottom: float
    footer_size: float
    footer_height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadingTheme:
    """The heading of a section, in points."""

    size: float
    note_size: float
    space_above: float
    space_below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTheme:
    """The rows of a table, in points."""

    size: float
    head_size: float
    leading: float
    padding_x: float
    padding_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTheme:
    """A record set as labels and values, in points."""

    size: float
    label_size: float
    leading: float
    gap: float
    space: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandTheme:
    """Whose report it is: `logo` is a file of the template folder, or empty."""

    name: str
    logo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverTheme:
    """The cover, in points; `blocks` are its parts from top to bottom."""

    blocks: list[str]
    logo_height: float
    title_size: float
    customer_size: float
    label_size: float
    fact_size: float
    figure_size: float
    contents_size: float
    heading_size: float
    heading_space: float
    gap: float
    tile_gap: float
    tile_padding_x: float
    tile_padding_y: float
    contents_padding: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartTheme:
    """The charts of the cover, in points."""

    label_size: float
    columns_height: float
    column_width: float
    row_size: float
    row_height: float
    row_space: float
    corner: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """A whole theme. `colours` are #rrggbb by name, `operands` the same as PDF says them: `0.086 0.125 0.18`."""

    brand: BrandTheme
    colours: dict[str, str]
    operands: dict[str, str]
    page: PageTheme
    cover: CoverTheme
    chart: ChartTheme
    heading: HeadingTheme
    table: TableTheme
    card: CardTheme


def read_theme(template: Path) -> Theme:
    """Read the theme of a template folder. Raises OSError, ValueError or TypeError that says what is wrong."""
    return theme_of(read_values(template))


def read_values(template: Path) -> dict[str, dict[str, Any]]:
    """Read the values of a theme, table by table. Raises OSError or ValueError."""
    return tomllib.loads((template / "theme.toml").read_text(encoding="utf-8"))


def theme_of(values: Mapping[str, Mapping[str, Any]]) -> Theme:
    """Make a theme of its values. Raises ValueError or TypeError that says what is wrong."""
    unknown = sorted(set(values["cover"]["blocks"]) - set(COVER_BLOCKS))
    if unknown:
        message = f"theme.toml: [cover] blocks has {unknown[0]!r}; there are {', '.join(COVER_BLOCKS)}"
        raise ValueError(message)
    return Theme(
        brand=BrandTheme(**values["brand"]),
        colours=dict(values["colours"]),
        operands={name: _operands(colour) for name, colour in values["colours"].items()},
        page=PageTheme(**values["page"]),
        cover=CoverTheme(**values["cover"]),
        chart=ChartTheme(**values["chart"]),
        heading=HeadingTheme(**values["heading"]),
        table=TableTheme(**values["table"]),
        card=CardTheme(**values["card"]),
    )


def _operands(colour: str) -> str:
    """Turn `#rrggbb` into the three operands of PDF's `rg`."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return " ".join(f"{part / 255:.3g}" for part in (red, green, blue))
