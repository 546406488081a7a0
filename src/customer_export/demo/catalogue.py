"""What the demo shop sells, with a price in every currency."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from customer_export.demo.currencies import CURRENCIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product; `price` is in minor units by currency code, `sku` has leading zeros."""

    id: int
    sku: str
    title: str
    category_id: int
    weight_grams: int
    price: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The titles of the categories (numbered from 1), and all products."""

    categories: tuple[str, ...]
    products: tuple[Product, ...]


@cache
def load_catalogue() -> Catalogue:
    """Read the catalogue of the package."""
    text = files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    categories = tomllib.loads(text)["category"]
    rows = [
        (category_id, title, euro_cents, grams)
        for category_id, category in enumerate(categories, start=1)
        for title, euro_cents, grams in category["products"]
    ]
    return Catalogue(
        categories=tuple(category["title"] for category in categories),
        products=tuple(
            Product(
                id=number,
                sku=f"00{category_id:02d}{number:04d}",
                title=title,
                category_id=category_id,
                weight_grams=grams,
                price={code: currency.price(euro_cents) for code, currency in CURRENCIES.items()},
            )
            for number, (category_id, title, euro_cents, grams) in enumerate(rows, start=1)
        ),
    )
