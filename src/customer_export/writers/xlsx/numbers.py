"""Which texts can be a number in a workbook without losing a digit, and with how many decimals it is shown."""

import re
from dataclasses import dataclass
from functools import lru_cache

from customer_export.writers.xlsx.limits import SIGNIFICANT_DIGITS

# As a database writes it: no leading zeros, no plus sign, no exponent.
_CANONICAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?").fullmatch

# A negative zero would lose its sign.
_SIGN = "(?:-(?=[0-9.]*[1-9]))?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A text that can be a number: its stored scale, and the decimals that are not trailing zeros."""

    scale: int
    decimals: int


@lru_cache(maxsize=4096)
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


def scale_of(text: str) -> int:
    """Return the number of characters after the point."""
    return len(text) - text.index(".") - 1 if "." in text else 0


@lru_cache(maxsize=256)
def uniform_numbers(*, scale: int, decimals: int) -> re.Pattern[str]:
    """Match a column of numbers, each ended by a line feed, of one scale and at most so many true decimals.

    Matches no number that `read_number` refuses; it may refuse some that have few digits.
    """
    whole = f"[1-9][0-9]{{0,{max(SIGNIFICANT_DIGITS - scale - 1, 0)}}}+"
    fraction = rf"\.[0-9]{{{decimals}}}0{{{scale - decimals}}}" if scale else ""
    # The first half alone would do for most columns, and is tried first since it costs half as much.
    return re.compile(f"(?:{whole}{fraction}\n|{_SIGN}(?:0|{whole}){fraction}\n)*+")
