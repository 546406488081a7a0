"""The demo shop: the same on every machine, consistent in itself, and mapped without a gap."""

import hashlib
import json
import re
import sqlite3
import struct
import tomllib
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from customer_export.demo.clock import NOW, OPENED, offset_time, plain_time
from customer_export.demo.currencies import CURRENCIES
from customer_export.demo.customers import (
    DELETED_ADDRESSES,
    EMPTY,
    GUEST,
    HOSTILE,
    SCRIPTS,
    THREE_CURRENCIES,
    TYPICAL,
    WELL_KNOWN,
    WellKnownCustomer,
)
from customer_export.demo.hostile import CELLS, PREFERENCES
from customer_export.demo.shop import DEFAULT_SEED, demo_map_path, make_shop

# Of the small shop below: it differs where a machine or a Python makes other data of one seed. It changes
# with the data too; the new one is in the failure's message then.
SMALL_SHOP_DIGEST = "1b21d0ad5b83d75db6d1608db1a69e801a17a40ecb8e4399be1227b49698af74"

OWN_TABLES = ("addresses", "consents", "logins", "notes", "orders", "reviews", "tickets")
ORDER_TABLES = ("order_items", "payments", "refunds", "shipments")

MONEY = {
    "orders": ("subtotal", "discount", "tax", "shipping", "total"),
    "payments": ("amount",),
    "refunds": ("amount",),
}
PLAIN_TIMES = {
    "customers": ("created_at",),
    "addresses": ("created_at", "deleted_at"),
    "orders": ("placed_at",),
    "reviews": ("written_at",),
    "tickets": ("opened_at", "closed_at"),
    "notes": ("written_at",),
}
OFFSET_TIMES = {
    "customers": ("updated_at",),
    "payments": ("paid_at",),
    "refunds": ("refunded_at",),
    "shipments": ("shipped_at", "delivered_at"),
    "ticket_messages": ("sent_at",),
    "consents": ("decided_at", "withdrawn_at"),
    "logins": ("logged_in_at",),
}


def make_small_shop(path: Path, *, seed: int = DEFAULT_SEED) -> None:
    # More orders than different baskets, so that these repeat here too.
    make_shop(path, seed=seed, customers=150, most_orders=700)


def digest(path: Path) -> str:
    """Hash every row of every table; no text depends on how a version of SQLite or Python prints it."""
    sha256 = hashlib.sha256()
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"):
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
                sha256.update(json.dumps([table, *row], default=bytes.hex).encode())
    return sha256.hexdigest()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("demo") / "shop.db"
    make_shop(path)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def one(shop: sqlite3.Connection, sql: str, *values: object) -> Any:
    return shop.execute(sql, values).fetchone()[0]


def orders_of(shop: sqlite3.Connection, known: WellKnownCustomer) -> list[int]:
    """Find the ids of all orders that belong to the customer, as the map says."""
    sql = """SELECT id FROM orders WHERE customer_id = ? OR (customer_id IS NULL AND lower(email) = lower(?))"""
    return [order_id for (order_id,) in shop.execute(sql, (known.id, known.email))]


def test_the_same_seed_makes_the_same_shop_everywhere(tmp_path: Path) -> None:
    make_small_shop(tmp_path / "one.db")
    make_small_shop(tmp_path / "two.db")
    assert digest(tmp_path / "one.db") == digest(tmp_path / "two.db") == SMALL_SHOP_DIGEST


def test_another_seed_makes_another_shop_with_the_same_well_known_customers(tmp_path: Path) -> None:
    make_small_shop(tmp_path / "other.db", seed=1)
    assert digest(tmp_path / "other.db") != SMALL_SHOP_DIGEST
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        ids = {key for (key,) in other.execute("SELECT id FROM customers")}
        assert len(orders_of(other, TYPICAL)) == TYPICAL.orders
    assert {known.id for known in WELL_KNOWN} <= ids


def test_a_shop_replaces_the_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.write_text("not a shop")
    make_small_shop(path)
    assert digest(path) == SMALL_SHOP_DIGEST
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_behind_where_a_shop_cannot_be_written(tmp_path: Path) -> None:
    taken = tmp_path / "shop.db"
    taken.mkdir()
    with pytest.raises(IsADirectoryError):
        make_small_shop(taken)
    assert list(tmp_path.iterdir()) == [taken]
    with pytest.raises(FileNotFoundError):
        make_small_shop(tmp_path / "missing" / "shop.db")


def test_the_shop_is_whole(shop: sqlite3.Connection) -> None:
    assert one(shop, "PRAGMA quick_check") == "ok"
    assert shop.execute("PRAGMA foreign_key_check").fetchall() == []
    assert one(shop, "SELECT count(*) FROM customers") == 2000


@pytest.mark.parametrize("known", WELL_KNOWN, ids=lambda known: known.name)
def test_well_known_customers_have_the_orders_they_are_known_for(
    shop: sqlite3.Connection, known: WellKnownCustomer
) -> None:
    assert one(shop, "SELECT count(*) FROM orders WHERE customer_id = ?", known.id) == known.orders
    assert len(orders_of(shop, known)) == known.orders + known.guest_orders
    row = shop.execute("SELECT first_name, last_name, email, locale FROM customers WHERE id = ?", (known.id,))
    assert row.fetchone() == (known.first_name, known.last_name, known.email, known.locale)


def test_the_typical_customer_has_something_everywhere(shop: sqlite3.Connection) -> None:
    for table in OWN_TABLES:
        assert one(shop, f"SELECT count(*) FROM {table} WHERE customer_id = ?", TYPICAL.id) > 0, table
    marks = ", ".join(map(str, orders_of(shop, TYPICAL)))
    for table in ORDER_TABLES:
        assert one(shop, f"SELECT count(*) FROM {table} WHERE order_id IN ({marks})") > 0, table
    messages = "SELECT count(*) FROM ticket_messages JOIN tickets t ON t.id = ticket_id WHERE t.customer_id = ?"
    assert one(shop, messages, TYPICAL.id) > 0
    assert None not in shop.execute("SELECT * FROM customers WHERE id = ?", (TYPICAL.id,)).fetchone()


def test_the_empty_customer_has_a_row_and_nothing_else(shop: sqlite3.Connection) -> None:
    for table in OWN_TABLES:
        assert one(shop, f"SELECT count(*) FROM {table} WHERE customer_id = ?", EMPTY.id) == 0, table
    optional = "first_name, last_name, phone, birth_date, tax_id, preferences, avatar, password_hash"
    row = shop.execute(f"SELECT {optional} FROM customers WHERE id = ?", (EMPTY.id,)).fetchone()
    assert set(row) == {None}


def test_guest_orders_spell_the_address_differently_and_a_friends_order_is_not_among_them(
    shop: sqlite3.Connection,
) -> None:
    guest = shop.execute("SELECT email FROM orders WHERE customer_id IS NULL AND lower(email) = ?", (GUEST.email,))
    assert len({email for (email,) in guest}) == 3
    same_address = one(shop, "SELECT count(*) FROM orders WHERE lower(email) = ?", GUEST.email)
    assert same_address == GUEST.orders + GUEST.guest_orders + 1


def test_the_customer_of_three_currencies_paid_in_all_of_them(shop: sqlite3.Connection) -> None:
    paid = shop.execute("SELECT DISTINCT currency FROM orders WHERE customer_id = ?", (THREE_CURRENCIES.id,))
    assert {CURRENCIES[code].exponent for (code,) in paid} == {0, 2, 3}


@pytest.mark.parametrize("known", [DELETED_ADDRESSES, HOSTILE], ids=lambda known: known.name)
def test_deleted_addresses_are_still_held(shop: sqlite3.Connection, known: WellKnownCustomer) -> None:
    deleted = "SELECT count(*) FROM addresses WHERE customer_id = ? AND deleted_at IS NOT NULL"
    assert one(shop, deleted, known.id) == known.deleted_addresses > 0


def test_the_hostile_customer_has_a_note_for_every_hostile_cell(shop: sqlite3.Connection) -> None:
    notes = dict(shop.execute("SELECT subject, body FROM notes WHERE customer_id = ?", (HOSTILE.id,)))
    assert notes == CELLS
    assert max(map(len, notes.values())) == 1024 * 1024
    assert 32_767 < len(notes["40,000 characters"]) == 40_000
    assert {text[0] for text in notes.values() if text} >= set("=+-@\t\r\n\"'")
    assert one(shop, "SELECT preferences FROM customers WHERE id = ?", HOSTILE.id) == PREFERENCES
    assert json.dumps(json.loads(PREFERENCES)) != PREFERENCES


def scripts_of(text: str) -> set[str]:
    """Name the scripts of a text as Unicode names letters; an emoji is told by its plane."""
    scripts = {unicodedata.name(letter, "?").split(" ")[0] for letter in text if not letter.isascii()}
    return scripts | {"EMOJI" for letter in text if 0x1F300 <= ord(letter) <= 0x1FAFF}


@pytest.mark.parametrize(
    "script",
    [
        "LATIN",
        "CYRILLIC",
        "GREEK",
        "ARABIC",
        "HEBREW",
        "CJK",
        "HIRAGANA",
        "HANGUL",
        "DEVANAGARI",
        "THAI",
        "EMOJI",
    ],
)
def test_every_script_is_in_names_and_addresses(shop: sqlite3.Connection, script: str) -> None:
    names = shop.execute("SELECT first_name || ' ' || last_name FROM customers WHERE last_name IS NOT NULL")
    assert sum(script in scripts_of(name) for (name,) in names) >= 10
    lines = shop.execute("SELECT line1 || ' ' || city FROM addresses")
    assert sum(script in scripts_of(line) for (line,) in lines) >= 10


@pytest.mark.parametrize("known", SCRIPTS, ids=lambda known: known.name)
def test_the_customer_of_a_script_writes_in_it(shop: sqlite3.Connection, known: WellKnownCustomer) -> None:
    expected = {"chinese": "CJK", "japanese": "CJK", "korean": "HANGUL"}.get(known.name, known.name.upper())
    subjects = shop.execute("SELECT subject FROM tickets WHERE customer_id = ?", (known.id,)).fetchall()
    assert expected in scripts_of(f"{known.first_name} {known.last_name}")
    assert expected in scripts_of("".join(subject for (subject,) in subjects))


def minor_units(amount: str, currency: str) -> int:
    """Read an amount in minor units, and insist on exactly the currency's decimals."""
    whole, _, decimals = amount.partition(".")
    assert len(decimals) == CURRENCIES[currency].exponent, (amount, currency)
    assert re.fullmatch("0|[1-9][0-9]*", whole), amount
    return int(whole + decimals)


def test_every_order_adds_up(shop: sqlite3.Connection) -> None:
    lines: dict[int, int] = {}
    items = """SELECT order_id, quantity, unit_price, line_total, o.currency
               FROM order_items JOIN orders o ON o.id = order_id"""
    for order_id, quantity, unit_price, line_total, currency in shop.execute(items):
        total = minor_units(line_total, currency)
        assert quantity * minor_units(unit_price, currency) == total
        lines[order_id] = lines.get(order_id, 0) + total
    orders = shop.execute("SELECT id, currency, subtotal, discount, tax, shipping, total FROM orders").fetchall()
    for order_id, currency, *amounts in orders:
        subtotal, discount, tax, shipping, total = (minor_units(amount, currency) for amount in amounts)
        assert (lines[order_id], subtotal - discount + tax + shipping) == (subtotal, total)
    assert len(orders) == len(lines) > 100_000


def test_payments_and_refunds_fit_their_orders(shop: sqlite3.Connection) -> None:
    joined = "SELECT amount, total, x.currency, o.currency, o.status FROM {} x JOIN orders o ON o.id = order_id"
    for amount, total, *currencies, _ in shop.execute(joined.format("payments")):
        assert (amount, *currencies[:1]) == (total, *currencies[1:])
    for amount, total, currency, order_currency, status in shop.execute(joined.format("refunds")):
        assert currency == order_currency
        assert 0 < minor_units(amount, currency) <= minor_units(total, currency)
        assert (status == "refunded") == (Decimal(amount) == Decimal(total))


@pytest.mark.parametrize(
    ("columns", "pattern", "text_of"),
    [
        (PLAIN_TIMES, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?", plain_time),
        (OFFSET_TIMES, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", offset_time),
    ],
    ids=["plain", "with offset"],
)
def test_times_lie_in_the_life_of_the_shop(shop: sqlite3.Connection, columns: Any, pattern: str, text_of: Any) -> None:
    for table, names in columns.items():
        for name in names:
            # The hostile customer's consents are from before and after all time.
            sane = f"{name} NOT LIKE '0001-%' AND {name} NOT LIKE '9999-%'"
            times = [text for (text,) in shop.execute(f"SELECT {name} FROM {table} WHERE {sane}")]
            assert all(re.fullmatch(pattern, text) for text in times), (table, name)
            assert text_of(OPENED) <= min(times) < max(times) <= text_of(NOW), (table, name)


def test_what_follows_comes_later(shop: sqlite3.Connection) -> None:
    early = """SELECT count(*) FROM orders o JOIN {} x ON order_id = o.id
               WHERE replace(substr({}, 1, 19), 'T', ' ') <= placed_at"""
    assert one(shop, early.format("payments", "paid_at")) == 0
    assert one(shop, early.format("shipments", "shipped_at")) == 0
    assert one(shop, early.format("refunds", "refunded_at")) == 0
    assert one(shop, "SELECT count(*) FROM shipments WHERE delivered_at <= shipped_at") == 0
    taken_along = "SELECT count(*) FROM shipments JOIN orders o ON o.id = order_id WHERE channel = 'shop'"
    assert one(shop, taken_along) == 0
    assert one(shop, "SELECT count(*) FROM tickets WHERE closed_at <= opened_at") == 0


def test_identifiers_keep_their_zeros_and_their_twenty_digits(shop: sqlite3.Connection) -> None:
    for table, name, pattern in (
        ("customers", "external_reference", r"\d{20}"),
        ("customers", "tax_id", r"00\d{9}"),
        ("products", "sku", r"00\d{6}"),
        ("payments", "provider_reference", r"\d{20}"),
        ("shipments", "tracking_number", r"\d{20}"),
    ):
        texts = [text for (text,) in shop.execute(f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL")]
        assert all(re.fullmatch(pattern, text) for text in texts)
        assert any(text.startswith("0") for text in texts)


def test_avatars_are_pictures(shop: sqlite3.Connection) -> None:
    pictures = shop.execute("SELECT avatar FROM customers WHERE avatar IS NOT NULL LIMIT 50").fetchall()
    for (picture,) in pictures:
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        chunks, place = {}, 8
        while place < len(picture):
            (length,) = struct.unpack_from(">I", picture, place)
            kind, data = picture[place + 4 : place + 8], picture[place + 8 : place + 8 + length]
            assert struct.unpack_from(">I", picture, place + 8 + length) == (zlib.crc32(kind + data),)
            chunks[kind], place = data, place + 12 + length
        assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
        assert len(zlib.decompress(chunks[b"IDAT"])) == 8 * 2


@pytest.fixture(scope="module")
def demo_map() -> dict[str, Any]:
    return tomllib.loads(demo_map_path().read_text(encoding="utf-8"))


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def columns_of(shop: sqlite3.Connection, table: str) -> set[str]:
    return {name for (name,) in shop.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def unique_keys(shop: sqlite3.Connection, table: str) -> list[set[str]]:
    primary = shop.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0", (table,))
    keys = [{name for (name,) in primary}]
    indexes = shop.execute("SELECT name FROM pragma_index_list(?) WHERE [unique]", (table,)).fetchall()
    for (index,) in indexes:
        keys.append({name for (name,) in shop.execute("SELECT name FROM pragma_index_info(?)", (index,))})
    return keys


def mapped_columns(demo_map: dict[str, Any]) -> set[tuple[str, str]]:
    """Name every (table, column) of the database that the map speaks of."""
    customer = demo_map["customer"]
    named = {(customer["table"], name) for name in (customer["key"], *customer["title"], *customer["search"])}
    for section in demo_map["sections"]:
        tables = {lookup["name"]: lookup["table"] for lookup in section.get("lookups", [])}

        def source(name: str, section: Any = section, tables: Any = tables) -> tuple[str, str]:
            lookup, dot, column = name.rpartition(".")
            return (tables[lookup], column) if dot else (section["table"], name)

        named |= {source(column.get("source", column["name"])) for column in section["columns"]}
        named |= {source(name) for name in section["order"]}
        named |= {source(section["time"])} if "time" in section else set()
        for lookup in section.get("lookups", []):
            named |= {source(name) for name in listed(lookup["columns"])}
            named |= {(lookup["table"], name) for name in listed(lookup["to"])}
        for link in section["links"]:
            table = section["table"]
            for step in link:
                named |= {(table, name) for name in listed(step["columns"]) + listed(step.get("only_if_null", []))}
                table = step.get("table", customer["table"])
                named |= {(table, name) for name in listed(step.get("to", customer["key"]))}
    return named


def test_the_map_names_what_there_is_and_forgets_nothing(shop: sqlite3.Connection, demo_map: dict[str, Any]) -> None:
    tables = [name for (name,) in shop.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    there = {(table, column) for table in tables for column in columns_of(shop, table)}
    # Keys that an export names otherwise: an order by its number, and no product by its weight.
    left_out = {("products", "weight_kg")}
    assert mapped_columns(demo_map) == there - left_out


def test_every_section_ends_its_order_in_a_unique_key(shop: sqlite3.Connection, demo_map: dict[str, Any]) -> None:
    for section in demo_map["sections"]:
        order = set(section["order"])
        assert any(key <= order for key in unique_keys(shop, section["table"]) if key), section["name"]
        for lookup in section.get("lookups", []):
            assert set(listed(lookup["to"])) in unique_keys(shop, lookup["table"]), lookup["name"]


def test_money_has_its_currency_and_passwords_stay_hidden(demo_map: dict[str, Any]) -> None:
    for section in demo_map["sections"]:
        shown = {column["name"] for column in section["columns"] if not column.get("hidden")}
        for column in section["columns"]:
            assert (column["type"] == "money") == ("currency" in column)
            assert column.get("currency", column["name"]) in shown or column.get("hidden")
            assert ("password" in column["name"]) == column.get("hidden", False)


def test_every_column_type_and_class_of_data_occurs(demo_map: dict[str, Any]) -> None:
    columns = [column for section in demo_map["sections"] for column in section["columns"]]
    types = "text identifier integer decimal money boolean date timestamp uuid email url json binary"
    classes = "identity contact financial behaviour communication consent technical sensitive none"
    assert {column["type"] for column in columns} == set(types.split())
    assert {column["personal_data"] for column in columns} == set(classes.split())


@pytest.mark.parametrize("table", ["orders", *ORDER_TABLES])
def test_orders_of_customers_and_guests_are_found_by_indexes(shop: sqlite3.Connection, table: str) -> None:
    mine = "{0}.customer_id = ?1 OR ({0}.customer_id IS NULL AND lower({0}.email) = lower(?2))"
    sql = f"SELECT * FROM orders t WHERE {mine.format('t')} ORDER BY placed_at, id"
    if table != "orders":
        sql = f"SELECT * FROM {table} t WHERE order_id IN (SELECT id FROM orders o WHERE {mine.format('o')})"
    plan = [step for *_, step in shop.execute(f"EXPLAIN QUERY PLAN {sql}", (GUEST.id, GUEST.email))]
    assert not [step for step in plan if step.startswith("SCAN")]
    assert any("orders_guest_email" in step for step in plan)


def test_the_documentation_lists_the_well_known_customers() -> None:
    text = (Path(__file__).parents[1] / "docs" / "demo.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z-]+) \| `([0-9a-f-]{36})` \| ([0-9,]+) \| (.+) \|$", text, flags=re.MULTILINE)
    assert rows == [
        (known.name, known.id, f"{known.orders + known.guest_orders:,}", known.shows) for known in WELL_KNOWN
    ]
