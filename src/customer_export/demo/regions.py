"""Where the demo shop's customers live: their names, streets and phrases, by locale."""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

Ticket: TypeAlias = tuple[str, str, str]
"""A ticket's subject, the customer's question, and the shop's answer."""

# Letters that no Unicode decomposition turns into ASCII.
UNDECOMPOSED = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "Oe"})


@dataclass(frozen=True, slots=True)
class Name:
    """A given or family name as it is written, and in lower-case ASCII for an e-mail address."""

    written: str
    ascii: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A locale with what its customers are called, where they live and what they say.

    In `streets`, `{n}` stands for a house number. `cities` are pairs of a city and its postcode.
    """

    locale: str
    script: str
    country: str
    currency: str
    time_zone: str
    calling_code: str
    tax_percent: int
    given: tuple[Name, ...]
    family: tuple[Name, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    order_notes: tuple[str, ...]
    tickets: tuple[Ticket, ...]
    reviews: tuple[str, ...]

    def saying(self, cells: tuple[str, ...]) -> "Region":
        """Return this region with every free text replaced by one of `cells`."""
        return replace(
            self,
            streets=cells,
            cities=tuple((cell, "00042") for cell in cells),
            order_notes=cells,
            tickets=tuple((cell, cell, cell) for cell in cells),
            reviews=cells,
        )


@cache
def load_regions() -> Mapping[str, Region]:
    """Read the regions of the package, by locale and in the file's order."""
    text = files(__package__).joinpath("regions.toml").read_text(encoding="utf-8")
    return {entry["locale"]: _region(entry) for entry in tomllib.loads(text)["region"]}


def _region(entry: dict[str, Any]) -> Region:
    return Region(
        locale=entry["locale"],
        script=entry["script"],
        country=entry["country"],
        currency=entry["currency"],
        time_zone=entry["time_zone"],
        calling_code=entry["calling_code"],
        tax_percent=entry["tax_percent"],
        given=_names(entry["given"], entry.get("given_latin")),
        family=_names(entry["family"], entry.get("family_latin")),
        streets=tuple(entry["streets"]),
        cities=tuple((city, postcode) for city, postcode in entry["cities"]),
        order_notes=tuple(entry["order_notes"]),
        tickets=tuple((subject, question, answer) for subject, question, answer in entry["tickets"]),
        reviews=tuple(entry["reviews"]),
    )


def _names(written: list[str], latin: list[str] | None) -> tuple[Name, ...]:
    return tuple(Name(name, _ascii(other)) for name, other in zip(written, latin or written, strict=True))


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.translate(UNDECOMPOSED)).lower()
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalpha())
