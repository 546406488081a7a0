"""Names of sheets that Excel accepts, and how formulas and links write them."""

import re
from functools import cache

from customer_export.writers.xlsx.limits import SHEET_NAME_UNITS
from customer_export.writers.xlsx.text import split_units, utf16_units

_FORBIDDEN = re.compile(r"[\[\]:*?/\\]|[^\S ]|[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

# Excel keeps this name for the log of shared workbooks.
_RESERVED = "history"


class SheetNames:
    """The names of one workbook's sheets, each unique without regard to case."""

    def __init__(self) -> None:
        self._taken = {_RESERVED}

    def claim(self, label: str, *, number: int = 1) -> str:
        """Return the nearest legal name that is free; a `number` above 1 asks for `Orders (2)` and on."""
        clean = " ".join(_FORBIDDEN.sub(" ", label).split()).strip("' ") or "-"
        while True:
            suffix = f" ({number})" if number > 1 else ""
            name = _clip(clean, SHEET_NAME_UNITS - len(suffix)) + suffix
            if name.casefold() not in self._taken:
                self._taken.add(name.casefold())
                return name
            number += 1


def quote_sheet(name: str) -> str:
    """Write a sheet's name as it stands in a reference."""
    return "'" + name.replace("'", "''") + "'"


@cache
def column_letters(index: int) -> str:
    """Return the letters of a column counted from 0: A to Z, AA and on; a sheet has at most 16,384."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _clip(name: str, units: int) -> str:
    """Cut a name; it may not end in an apostrophe either."""
    if utf16_units(name) <= units:
        return name
    return split_units(name, first_units=units, next_units=units)[0].rstrip("' ") or "-"
