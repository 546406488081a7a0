"""Which texts can be a number in a workbook without losing a digit, and with how many decimals it is shown."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, cast

from customer_export.model.columns import Cell
from customer_export.writers.xlsx.limits import SIGNIFICANT_DIGITS

# As a database writes it: no leading zeros, no plus sign, no exponent.
_CANONICAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?").fullmatch

# A negative zero would lose its sign.
_SIGN = "(?:-(?=[0-9.]*[1-9]))?"


class Number(NamedTuple):
    """A text that can be a number: its stored scale, and the decimals that are not trailing zeros."""

    scale: int
    decimals: int


def read_number(text: str) -> Number | None:
    """Return what is to be known of a number, or None if a workbook can't hold the text as one."""
    match = _CANONICAL(text)
    if match is None:
        return None
    sign, whole, fraction = match.groups(default="")
    decimals = fraction.rstrip("0")
    digits = (whole + decimals).lstrip("0")
    if len(digits) > SIGNIFICANT_DIGITS or (sign and not digits):
        return None
    return Number(scale=len(fraction), decimals=len(decimals))


@dataclass(frozen=True, slots=True)
class UniformNumbers:
    """A column of numbers that a workbook can hold, all of one scale."""

    texts: Sequence[str]
    scale: int


def uniform_numbers(cells: Sequence[Cell], *, decimals: int | None = None) -> UniformNumbers | None:
    """Return a column as numbers of one scale, or None if it is none, or has more than so many true decimals.

    Refuses whatever `read_number` refuses, and NULL; it may refuse some that have few digits.
    """
    texts = cast("Sequence[str]", cells)
    if not texts:
        return None
    try:
        column = "\n".join(texts)
    except TypeError:
        return None
    _, _, fraction = texts[0].partition(".")
    scale = len(fraction)
    # A cell with a line feed of its own would look like two.
    if scale >= SIGNIFICANT_DIGITS or column.count("\n") != len(cells) - 1:
        return None
    fits = _uniform(scale=scale, decimals=scale if decimals is None else min(scale, decimals))
    return UniformNumbers(texts, scale) if fits(column + "\n") else None


@lru_cache(maxsize=256)
def _uniform(*, scale: int, decimals: int) -> Callable[[str], re.Match[str] | None]:
    """Match a column of numbers, each ended by a line feed, of one scale and at most so many true decimals."""
    whole = f"[1-9][0-9]{{0,{max(SIGNIFICANT_DIGITS - scale - 1, 0)}}}+"
    fraction = rf"\.[0-9]{{{decimals}}}0{{{scale - decimals}}}" if scale else ""
    # The first half alone would do for most columns, and is tried first since it costs half as much.
    return re.compile(f"(?:{whole}{fraction}\n|{_SIGN}(?:0|{whole}){fraction}\n)*+").fullmatch
