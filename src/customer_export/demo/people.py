"""The demo shop's people: the customer's row, addresses, consents and logins."""

import json
import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

from customer_export.demo.clock import DAY, NOW, OPENED, day_text, offset_time, plain_time
from customer_export.demo.currencies import CURRENCIES
from customer_export.demo.dice import Dice
from customer_export.demo.hostile import (
    FIRST_MOMENT,
    IMPOSSIBLE_BIRTH_DATE,
    LAST_MOMENT,
    PREFERENCES,
    SHORT_CELLS,
)
from customer_export.demo.regions import Region
from customer_export.demo.rows import Rows

TIERS = (None, "bronze", "silver", "gold", "platinum")
TOPICS = ("tea", "coffee", "stationery", "sale", "new arrivals")
USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "DemoShopApp/4.12 (Android 15; Pixel 9)",
)
PURPOSES = ("newsletter", "profiling", "third_party_offers", "cookies_statistics")

# Networks that RFC 5737 and RFC 3849 reserve for documentation: no login points at a real machine.
NETWORKS = ("192.0.2.{:d}", "198.51.100.{:d}", "203.0.113.{:d}", "2001:db8::{:x}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer as far as the other tables need to know. `since` is the time of signing up, epoch seconds.

    `busy` people have at least one record of every kind; `hostile` ones mean harm.
    """

    id: str
    first_name: str | None
    last_name: str | None
    email: str
    region: Region
    currencies: tuple[str, ...]
    since: int
    busy: bool = False
    hostile: bool = False

    @property
    def full_name(self) -> str:
        """Both names, joined by a blank."""
        return " ".join(name for name in (self.first_name, self.last_name) if name)


def add_customer(rows: Rows, dice: Dice, person: Person) -> None:
    """Add the customer's own row, with everything that can be filled in."""
    currency = CURRENCIES[person.region.currency]
    opt_in = dice.chance(40)
    rows.add(
        "customers",
        person.id,
        person.email,
        person.first_name,
        person.last_name,
        # No subscriber's number begins with 000, anywhere.
        f"+{person.region.calling_code} 000 {dice.digits(3)} {dice.digits(4)}",
        IMPOSSIBLE_BIRTH_DATE if person.hostile else _birth_date(dice),
        person.region.locale,
        person.region.time_zone,
        currency.code,
        dice.pick(TIERS[1:] if person.busy else TIERS),
        currency.text(currency.price(dice.below(5000)) if person.busy or dice.chance(20) else 0),
        int(opt_in),
        dice.digits(20),
        "00" + dice.digits(9),
        PREFERENCES if person.hostile else _preferences(dice, opt_in=opt_in),
        avatar(person.id) if person.busy or dice.chance(60) else None,
        _password_hash(person.id),
        plain_time(person.since, dice.below(1_000_000)),
        offset_time(_later(dice, person.since)),
    )


def add_bare_customer(rows: Rows, person: Person) -> None:
    """Add a customer's row with nothing in it but what the shop insists on."""
    moment = plain_time(person.since)
    required = (person.region.locale, person.region.time_zone, person.region.currency)
    unknown = (None,) * 5
    rows.add(
        "customers",
        *(person.id, person.email, None, None, None, None),
        *(*required, None, None, 0),
        *(*unknown, moment, offset_time(person.since)),
    )


def add_addresses(rows: Rows, dice: Dice, person: Person, *, deleted: int) -> None:
    """Add up to three living addresses, and so many that were deleted softly (or a few by chance)."""
    living = 2 if person.busy else 1 + dice.below(3)
    deleted = deleted or int(dice.chance(10))
    for number in range(deleted + living):
        city, postcode = dice.pick(person.region.cities)
        created = _later(dice, person.since)
        gone = number < deleted
        rows.add(
            "addresses",
            None,
            person.id,
            ("billing", "delivery", "work")[number % 3],
            person.full_name,
            dice.pick(person.region.streets).replace("{n}", str(1 + dice.below(180))),
            dice.pick(SHORT_CELLS) if person.hostile else None,
            postcode,
            city,
            person.region.country,
            int(number == deleted),
            plain_time(created),
            plain_time(_later(dice, created)) if gone else None,
        )


def add_consents(rows: Rows, dice: Dice, person: Person) -> None:
    """Add what the customer agreed to or refused, and withdrew."""
    for purpose in PURPOSES if person.busy else PURPOSES[: 1 + dice.below(4)]:
        granted = dice.chance(60)
        decided = _later(dice, person.since)
        withdrawn = granted and dice.chance(25)
        rows.add(
            "consents",
            None,
            person.id,
            purpose,
            int(granted),
            f"2024-{1 + dice.below(12):02d}",
            dice.pick(("web", "app", "phone", "shop")),
            FIRST_MOMENT if person.hostile else offset_time(decided),
            LAST_MOMENT if person.hostile else offset_time(_later(dice, decided)) if withdrawn else None,
        )


def add_logins(rows: Rows, dice: Dice, person: Person) -> None:
    """Add some logins, a few of them failed, in order of time."""
    moments = sorted(_later(dice, person.since) for _ in range(dice.below(8) + person.busy))
    for moment in moments:
        rows.add(
            "logins",
            None,
            person.id,
            offset_time(moment, dice.below(1_000_000)),
            dice.pick(NETWORKS).format(1 + dice.below(254)),
            dice.pick(SHORT_CELLS) if person.hostile else dice.pick(USER_AGENTS),
            int(not dice.chance(6)),
        )


def avatar(key: str) -> bytes:
    """Draw an 8 × 8 picture of one bit a pixel, mirrored, as a PNG of about 100 bytes.

    The deflate block is stored, not compressed: compressors differ between machines, and data must not.
    """
    digest = sha256(key.encode()).digest()
    lines = b"".join(bytes((0, half << 4 | int(f"{half:04b}"[::-1], 2))) for half in (b & 15 for b in digest[:8]))
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(lines), len(lines) ^ 0xFFFF) + lines
    compressed = stored + struct.pack(">I", zlib.adler32(lines))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 8, 8, 1, 3, 0, 0, 0)),
        (b"PLTE", b"\xff\xff\xff" + digest[8:11]),
        (b"IDAT", compressed),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def _later(dice: Dice, moment: int) -> int:
    """Draw a time between `moment` and now."""
    return moment + dice.below(max(1, NOW - moment))


def _birth_date(dice: Dice) -> str | None:
    if dice.chance(12):
        return None
    return day_text(OPENED // DAY - 18 * 365 - dice.below(60 * 365))


def _preferences(dice: Dice, *, opt_in: bool) -> str:
    return json.dumps(
        {
            "newsletter": {"topics": [dice.pick(TOPICS)] if opt_in else [], "weekly": opt_in},
            "theme": dice.pick(("light", "dark")),
            "page_length": dice.pick((12, 24, 48)),
        },
        separators=(",", ":"),
    )


def _password_hash(key: str) -> str:
    """Make something that looks like an Argon2 hash and is none: no password opens a demo account."""
    digest = b64encode(sha256(b"password:" + key.encode()).digest()).decode().rstrip("=")
    return f"$argon2id$v=19$m=65536,t=3,p=4${digest[:22]}${digest}"
