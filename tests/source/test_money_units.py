"""An amount that is stored as a whole number of a smaller unit arrives in its currency, exactly, on every database."""

from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision

from customer_export.errors import MapError, MapMismatchError
from customer_export.model.document import CsvLayout
from customer_export.model.request import CsvProfile
from customer_maps import column, make_map, section
from databases import Database, opened, read_once, streaming

NUMBERS = (0, 1, -1, 9, -9, 10, 99, -99, 100, -101, 1998, -1999, 2**31, -(2**53) - 1, 2**63 - 1, -(2**63))
DECIMALS = {"EUR": 2, "usd": 2, "JPY": 0, "jpy": 0, "KWD": 3, "CLF": 4, "XYZ": 2, None: 2}
CURRENCY = column("currency")


def payments(unit: str, **currency: str) -> dict[str, object]:
    amount = column("amount", "money", counted_in=unit, **currency)
    return section("payments", [CURRENCY, amount])


def fill(database: Database) -> list[tuple[int, str | None]]:
    """Make a payment of each number in each currency, and one of nothing at the end."""
    made = [(number, code) for code in DECIMALS for number in NUMBERS]
    rows = ", ".join(
        f"({place}, 1, {number}, {'NULL' if code is None else repr(code)})" for place, (number, code) in enumerate(made)
    )
    database.execute(
        "CREATE TABLE payments"
        " (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, amount BIGINT, currency VARCHAR(3));"
        f"INSERT INTO payments VALUES {rows}, ({len(made)}, 1, NULL, 'EUR');"
    )
    return made


def amount(number: int, decimals: int) -> str:
    return f"{Decimal(number).scaleb(-decimals):.{decimals}f}"


def test_minor_units_are_those_of_the_rows_currency(database: Database) -> None:
    made = fill(database)

    rows = read_once(database.url, make_map(payments("minor_units", currency="currency")))["payments"]

    assert [row[1] for row in rows] == [*(amount(number, DECIMALS[code]) for number, code in made), None]


def test_hundredths_are_hundredths_of_any_currency(database: Database) -> None:
    made = fill(database)

    rows = read_once(database.url, make_map(payments("hundredths", currency="currency")))["payments"]

    assert [row[1] for row in rows] == [*(amount(number, 2) for number, _ in made), None]


def test_one_currency_of_all_rows_has_its_minor_units(database: Database) -> None:
    made = fill(database)

    rows = read_once(database.url, make_map(payments("minor_units", currency_code="KWD")))["payments"]

    assert [row[1] for row in rows] == [*(amount(number, 3) for number, _ in made), None]


def test_records_that_the_database_writes_have_the_same_amounts(database: Database) -> None:
    made = [(number, code) for number, code in fill(database) if number > 0]
    layout = CsvLayout(places=(1,), section=None, delimiter=",", profile=CsvProfile.SPREADSHEET)
    database.execute("DELETE FROM payments WHERE amount <= 0 OR amount IS NULL")

    with (
        opened(database.url, make_map(payments("minor_units", currency="currency"))) as source,
        streaming(source) as (_, (stream,)),
    ):
        records = stream.csv_records(layout)
        written = None if records is None else b"".join(one.text for one in records).decode().split()

    assert written in (None, [amount(number, DECIMALS[code]) for number, code in made])


@pytest.mark.parametrize("code", [code for code in DECIMALS if code not in (None, "XYZ")])
def test_decimals_are_those_that_others_know(code: str) -> None:
    assert DECIMALS[code] == get_currency_precision(code.upper())


def test_only_money_counts_units() -> None:
    with pytest.raises(MapError) as raised:
        make_map(section("payments", [column("amount", "integer", counted_in="hundredths")]))

    assert "is integer; remove its counted_in, or make it money" in str(raised.value)


def test_plug_ins_give_amounts_themselves() -> None:
    amount = column("amount", "money", counted_in="hundredths", currency_code="EUR")

    with pytest.raises(MapError) as raised:
        make_map({"name": "payments", "plugin": "payments", "columns": [amount]})

    assert "counted_in is of a table; remove it: a plug-in gives the amount itself" in str(raised.value)


def test_text_counts_nothing(database: Database) -> None:
    database.execute("CREATE TABLE payments (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, amount VARCHAR(9));")
    customer_map = make_map(
        section("payments", [column("amount", "money", counted_in="hundredths", currency_code="EUR")])
    )

    with opened(database.url, customer_map) as source, pytest.raises(MapMismatchError) as raised:
        source.check()

    assert "is stored as text, which counts nothing; remove counted_in" in str(raised.value)
