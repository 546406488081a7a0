"""Where the columns of a section stand: on which paper, how large, how wide, or as cards instead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from customer_export.model.columns import Column, ColumnType
from customer_export.writers.pdf.composition import Align, TextStyle
from customer_export.writers.pdf.texts import Typesetter, longest_word
from customer_export.writers.pdf.theme import Theme

NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY})
"""Set flush right in every language: their digits run from left to right."""

_LONG_TYPES = frozenset({ColumnType.TEXT, ColumnType.JSON, ColumnType.URL, ColumnType.BINARY})

SAMPLE_ROWS = 100
"""Rows that the widths are taken from; later ones break into more lines where they are wider."""

_SAMPLED_CHARACTERS = 400
"""More than any line holds."""

_LONG_TEXT_EM = 22
"""A column of prose asks for no more than about 40 characters, and breaks its lines beyond."""

_TABLE_SCALES = (1.0, 0.9, 0.82)
"""A wide table may be set smaller, down to 5.7 points: what print keeps readable."""

_CARD_ROWS = 3
"""So few rows that don't fit side by side on upright paper are read more easily as cards."""

_CARD_COLUMNS = 5
"""A single row of so many columns is a card whether they would fit or not."""

_BREATHING_POINTS = 0.6
"""Room beside a text, for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a table: `x` is its left edge, `width` what its text has, in points."""

    column: Column
    x: float
    width: float
    align: Align


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """A section as a table."""

    landscape: bool
    style: TextStyle
    head_style: TextStyle
    padding_x: float
    padding_y: float
    columns: tuple[TableColumn, ...]


def plan_table(
    *,
    columns: Sequence[Column],
    sample: Sequence[Sequence[str | None]],
    rows: int,
    theme: Theme,
    typesetter: Typesetter,
    right_to_left: bool,
    on_landscape: bool,
) -> TablePlan | None:
    """Plan a table from the first rows, column by column; None if the section is better set as cards.

    `on_landscape` says that there is room on a landscape page, which is better used than an upright one begun.
    """
    if rows == 1 and len(columns) >= _CARD_COLUMNS:
        return None
    texts = [{cell[:_SAMPLED_CHARACTERS] for cell in cells if cell} for cells in sample]
    labels = [_label_width(column, theme, typesetter) for column in columns]
    asked = [
        max(label, _natural_width(column, cells, theme, typesetter))
        for column, cells, label in zip(columns, texts, labels, strict=True)
    ]
    narrow = theme.page.width - 2 * theme.page.margin_side
    wide = theme.page.height - 2 * theme.page.margin_side
    landscape = on_landscape
    chosen = _fit(asked, wide if on_landscape else narrow, _TABLE_SCALES[:1], theme)
    if chosen is None:
        if rows <= _CARD_ROWS:
            return None
        landscape = True
        chosen = _fit(asked, wide, _TABLE_SCALES, theme)
    if chosen is None:
        least = [
            max(label, min(natural, _least_width(column, cells, theme, typesetter)))
            for column, cells, label, natural in zip(columns, texts, labels, asked, strict=True)
        ]
        chosen = _squeeze(asked, least, wide, _TABLE_SCALES[1:], theme)
    if chosen is None:
        return None
    return _plan(columns, *chosen, landscape=landscape, theme=theme, right_to_left=right_to_left)


def align_of(column: Column, *, right_to_left: bool) -> Align:
    """Choose the side that a column's cells stand on."""
    return "right" if column.type in NUMBERS or right_to_left else "left"


def _label_width(column: Column, theme: Theme, typesetter: Typesetter) -> float:
    """Measure what a column's label needs: its longest word, and no more than about two lines."""
    word = longest_word(column.label, typesetter.faces[True][-1].advances) * theme.table.head_size / 1000
    return max(word, typesetter.estimate(column.label, size=theme.table.head_size) * 0.6) + _BREATHING_POINTS


def _natural_width(column: Column, texts: Iterable[str], theme: Theme, typesetter: Typesetter) -> float:
    """Measure how wide a column's cells are in one line each, at full size; prose asks for less."""
    size = theme.table.size
    widest = max((typesetter.estimate(line, size=size) for text in texts for line in text.split("\n")), default=0.0)
    return (min(widest, _LONG_TEXT_EM * size) if column.type in _LONG_TYPES else widest) + _BREATHING_POINTS


def _least_width(column: Column, texts: Iterable[str], theme: Theme, typesetter: Typesetter) -> float:
    """Measure how wide a column must be to break no word; in prose a very long one may break."""
    size = theme.table.size
    advances = typesetter.faces[False][-1].advances
    word = max((longest_word(text, advances) for text in texts), default=0) * size / 1000
    return (min(word, _LONG_TEXT_EM * size / 2) if column.type in _LONG_TYPES else word) + _BREATHING_POINTS


def _room(columns: int, paper: float, scale: float, theme: Theme) -> float:
    return paper - columns * 2 * theme.table.padding_x * scale


def _fit(
    asked: Sequence[float], paper: float, scales: Sequence[float], theme: Theme
) -> tuple[float, list[float]] | None:
    """Give each column all that it asks for, and what is left over in proportion; None if there isn't enough."""
    for scale in scales:
        room = _room(len(asked), paper, scale, theme)
        if sum(asked) * scale <= room:
            return scale, [width * room / sum(asked) for width in asked]
    return None


def _squeeze(
    asked: Sequence[float], least: Sequence[float], paper: float, scales: Sequence[float], theme: Theme
) -> tuple[float, list[float]] | None:
    """Take what is missing from the columns that can break their lines; None if words would break."""
    for scale in scales:
        room = _room(len(asked), paper, scale, theme) / scale
        if sum(least) <= room:
            share = (room - sum(least)) / (sum(asked) - sum(least))
            widths = [small + (natural - small) * share for small, natural in zip(least, asked, strict=True)]
            return scale, [width * scale for width in widths]
    return None


def _plan(
    columns: Sequence[Column],
    scale: float,
    widths: Sequence[float],
    *,
    landscape: bool,
    theme: Theme,
    right_to_left: bool,
) -> TablePlan:
    table = theme.table
    padding = table.padding_x * scale
    paper = theme.page.height if landscape else theme.page.width
    left = theme.page.margin_side
    placed = []
    for column, width in zip(columns, widths, strict=True):
        x = paper - left - 2 * padding - width if right_to_left else left
        placed.append(
            TableColumn(column=column, x=x + padding, width=width, align=align_of(column, right_to_left=right_to_left))
        )
        left += width + 2 * padding
    style = TextStyle(size=table.size * scale, leading=table.leading * scale)
    return TablePlan(
        landscape=landscape,
        style=style,
        head_style=replace(style, size=table.head_size * scale, bold=True, colour="muted"),
        padding_x=padding,
        padding_y=table.padding_y * scale,
        columns=tuple(placed),
    )
