"""Makes the demo shop: one SQLite file, the same data on every machine."""

import os
import sqlite3
import tempfile
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from uuid import UUID

from customer_export.demo.catalogue import Catalogue, load_catalogue
from customer_export.demo.clock import DAY, NOW, OPENED
from customer_export.demo.contact import add_notes, add_reviews, add_tickets
from customer_export.demo.customers import GUEST, HOSTILE, MOST_ORDERS, TYPICAL, WELL_KNOWN, WellKnownCustomer
from customer_export.demo.dice import Dice
from customer_export.demo.hostile import SHORT_CELLS
from customer_export.demo.people import (
    Person,
    add_addresses,
    add_bare_customer,
    add_consents,
    add_customer,
    add_logins,
)
from customer_export.demo.regions import Region, load_regions
from customer_export.demo.rows import Rows
from customer_export.demo.trade import add_orders

DEFAULT_SEED = 20251231
"""The seed of the shop that the documentation speaks of; the well-known ids do not depend on it."""

RECENTLY = NOW - 800 * DAY
"""When the well-known customers signed up: twenty orders in some two years are typical."""

MANY_ORDERS = 100
"""So many orders and more take the whole life of the shop."""

STRANGERS = 40
"""Guests with one order each, whose e-mail address belongs to no customer."""


def demo_map_path() -> Path:
    """Return the demo shop's customer map, `shop.toml` of this package."""
    return Path(__file__).with_name("shop.toml")


def make_shop(
    path: Path, *, seed: int = DEFAULT_SEED, customers: int = 2_000, most_orders: int = MOST_ORDERS.orders
) -> None:
    """Create the SQLite file at `path`, or replace the one that is there.

    `customers` counts all of them; the well-known ones are always there. `most_orders` is how many orders the
    customer with the most orders has; tests make do with fewer. The file is written beside `path` and renamed
    when it is whole. Raises OSError or sqlite3.Error, and leaves nothing behind, where it can't be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            _fill(connection, seed=seed, customers=customers, most_orders=most_orders)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, *, seed: int, customers: int, most_orders: int) -> None:
    # No journal and no fsync: a crash leaves a draft that nobody will open.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(_statements("schema.sql"))
    connection.execute("BEGIN")
    rows = Rows(connection)
    catalogue = load_catalogue()
    _add_catalogue(rows, catalogue)
    for number, known in enumerate(WELL_KNOWN):
        count = most_orders if known is MOST_ORDERS else known.orders
        _add_well_known(rows, Dice(seed, number), catalogue, known, orders=count)
    regions = tuple(load_regions().values())
    for number in range(len(WELL_KNOWN), customers - 1):
        _add_ordinary(rows, Dice(seed, number), catalogue, regions[number % len(regions)], number=number)
    _add_strangers(rows, Dice(seed, customers), catalogue)
    rows.flush()
    connection.execute("COMMIT")
    connection.executescript(_statements("indexes.sql"))


def _statements(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _add_catalogue(rows: Rows, catalogue: Catalogue) -> None:
    for number, title in enumerate(catalogue.categories, start=1):
        rows.add("categories", number, title)
    for product in catalogue.products:
        kilograms = f"{product.weight_grams // 1000}.{product.weight_grams % 1000:03d}"
        rows.add("products", product.id, product.sku, product.title, product.category_id, kilograms)


def _add_well_known(rows: Rows, dice: Dice, catalogue: Catalogue, known: WellKnownCustomer, *, orders: int) -> None:
    region = load_regions()[known.locale]
    hostile = known is HOSTILE
    person = Person(
        id=known.id,
        first_name=known.first_name,
        last_name=known.last_name,
        email=known.email,
        region=region.saying(SHORT_CELLS) if hostile else region,
        currencies=known.currencies or (region.currency,),
        since=RECENTLY if orders < MANY_ORDERS else OPENED,
        busy=True,
        hostile=hostile,
    )
    if not known.has_records:
        add_bare_customer(rows, person)
        return
    _add_records(rows, dice, catalogue, person, deleted_addresses=known.deleted_addresses)
    add_orders(rows, dice, catalogue, person, count=orders)
    add_orders(rows, dice, catalogue, person, count=known.guest_orders, guest=True)


def _add_ordinary(rows: Rows, dice: Dice, catalogue: Catalogue, region: Region, *, number: int) -> None:
    """Add a customer who is like most: a handful of orders, sometimes one more as a guest."""
    given, family = dice.pick(region.given), dice.pick(region.family)
    host = dice.pick(("example.com", "example.org", "example.net", "mail.example"))
    person = Person(
        id=_customer_id(dice),
        first_name=given.written,
        last_name=family.written,
        email=f"{given.ascii}.{family.ascii}{number}@{host}",
        region=region,
        currencies=(region.currency,),
        since=OPENED + dice.below(NOW - OPENED - 30 * DAY),
    )
    _add_records(rows, dice, catalogue, person, deleted_addresses=0)
    # A product of draws makes many small customers and a few large ones; the mean is 7.
    count = int(dice.fraction() * dice.fraction() * 30)
    add_orders(rows, dice, catalogue, person, count=count)
    if dice.chance(3):
        add_orders(rows, dice, catalogue, person, count=1 + dice.below(2), guest=True)


def _add_records(rows: Rows, dice: Dice, catalogue: Catalogue, person: Person, *, deleted_addresses: int) -> None:
    add_customer(rows, dice, person)
    add_addresses(rows, dice, person, deleted=deleted_addresses)
    add_consents(rows, dice, person)
    add_logins(rows, dice, person)
    add_tickets(rows, dice, person)
    add_reviews(rows, dice, catalogue, person)
    add_notes(rows, dice, person)


def _add_strangers(rows: Rows, dice: Dice, catalogue: Catalogue) -> None:
    """Add orders that an export must not mix up: of guests whom nobody knows, and of a friend of the guest.

    The friend ordered with an account of his own and the guest's e-mail address, so the order is his alone.
    """
    regions = tuple(load_regions().values())
    for number in range(STRANGERS):
        region = regions[number % len(regions)]
        stranger = _orders_only(TYPICAL.id, email=f"stranger{number}@example.org", region=region)
        add_orders(rows, dice, catalogue, stranger, count=1, guest=True)
    friend = _customer_id(dice)
    region = load_regions()[GUEST.locale]
    add_bare_customer(rows, _orders_only(friend, email="friend-of-guest@example.com", region=region))
    add_orders(rows, dice, catalogue, _orders_only(friend, email=GUEST.email, region=region), count=1)


def _orders_only(customer_id: str, *, email: str, region: Region) -> Person:
    return Person(
        id=customer_id,
        first_name=None,
        last_name=None,
        email=email,
        region=region,
        currencies=(region.currency,),
        since=NOW - 300 * DAY,
    )


def _customer_id(dice: Dice) -> str:
    """Draw a UUID of version 4."""
    number = dice.below(2**52) << 76 | dice.below(2**52) << 24 | dice.below(2**24)
    return str(UUID(int=number, version=4))
