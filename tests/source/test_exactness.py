"""Prices and text arrive as they are stored: nothing is rounded, padded away or lost."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.source.interface import Source
from customer_maps import column, make_map, section
from databases import CUSTOMERS, PostgresqlDatabase, SqliteDatabase, opened, read
from servers import PostgresqlServer

PRICES = st.lists(st.none() | st.decimals(places=2, min_value=-(10**11), max_value=10**11), min_size=1, max_size=40)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(2**53 - 2, 2**53 + 2) | st.floats(allow_nan=False)
FLOATS = st.lists(st.none() | NUMBERS, min_size=1, max_size=40)


MOST_STAMPS = 12
KINDS = ("NUMERIC(12,2)", "NUMERIC(20,6)", "NUMERIC", "REAL")


@dataclass(frozen=True)
class Stored:
    """A SQLite file with a table of prices for each kind of column and one of stamps, and an open source on it."""

    connection: sqlite3.Connection
    source: Source

    def read_prices(self, kind: str, values: Sequence[float | None]) -> list[str | None]:
        """Store values as the prices of a customer and export them."""
        table = f"prices{KINDS.index(kind)}"
        self.connection.execute(f"DELETE FROM {table}")
        self.connection.executemany(f"INSERT INTO {table} VALUES (NULL, 1, ?)", [(value,) for value in values])
        return [row[0] for row in read(self.source, sections=[table])[table]]

    def kept(self, kind: str) -> list[float | int | None]:
        """Say what SQLite made of the values: in some kinds of column integers become reals."""
        return [value for (value,) in self.connection.execute(f"SELECT value FROM prices{KINDS.index(kind)}")]

    def read_stamps(self, customer: int) -> list[str | None]:
        return [row[0] for row in read(self.source, str(customer), sections=["stamps"])["stamps"]]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    database = SqliteDatabase(Path(tmp_path_factory.mktemp("exact")) / "prices.db")
    database.execute("CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name TEXT)")
    for number, kind in (*enumerate(KINDS), ("", "TEXT")):
        name = f"prices{number}" if kind in KINDS else "stamps"
        database.execute(f"CREATE TABLE {name} (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, value {kind})")
    for number in range(MOST_STAMPS + 1):
        database.execute(f"INSERT INTO customers VALUES ({number}, NULL)")
    price = column("value", "money", currency_code="EUR")
    sections = [section(f"prices{number}", [price]) for number in range(len(KINDS))]
    with (
        closing(sqlite3.connect(database.path, isolation_level=None)) as connection,
        opened(database.url, make_map(*sections, section("stamps", {"value": "timestamp"}))) as source,
    ):
        connection.execute("PRAGMA synchronous = OFF")
        yield Stored(connection, source)


@given(prices=PRICES)
def test_prices_that_sqlite_keeps_as_reals_read_back_at_their_scale(
    stored: Stored, prices: list[Decimal | None]
) -> None:
    expected = [None if price is None else f"{price:.2f}" for price in prices]
    read_back = stored.read_prices("NUMERIC(12,2)", [None if price is None else float(price) for price in prices])
    assert [None if text is None else Decimal(text) for text in read_back] == prices
    assert [text and text.replace("-0.00", "0.00") for text in read_back] == [
        text and text.replace("-0.00", "0.00") for text in expected
    ]


@pytest.mark.parametrize(("kind", "scale"), list(zip(KINDS, (2, 6, 0, 0), strict=True)))
@given(values=FLOATS)
def test_no_number_of_sqlite_is_ever_rounded(
    stored: Stored, kind: str, scale: int, values: list[float | int | None]
) -> None:
    texts = stored.read_prices(kind, values)
    for value, text in zip(stored.kept(kind), texts, strict=True):
        if value is None:
            assert text is None
        elif value in (float("inf"), float("-inf")):
            assert text == ("Infinity" if value > 0 else "-Infinity")
        else:
            assert text is not None
            assert type(value)(text if isinstance(value, float) else text.partition(".")[0]) == value
            assert len(text.partition(".")[2]) >= scale
            assert "e" not in text.lower()
            if isinstance(value, int):
                assert set(text.partition(".")[2]) <= {"0"}


def with_point(number: int, decimals: int) -> str:
    """Write a number of hundredths, thousandths and so on without arithmetic, which would round it."""
    digits = str(abs(number)).zfill(decimals + 1)
    whole, rest = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return f"{'-' if number < 0 else ''}{whole}{'.' if rest else ''}{rest}"


PLAIN = st.builds(with_point, st.integers(-(10**40), 10**40), st.integers(0, 20))


@given(prices=st.lists(PLAIN, min_size=1, max_size=120))
def test_numerics_of_postgresql_arrive_digit_by_digit(
    numerics: tuple[PostgresqlDatabase, Source], prices: list[str]
) -> None:
    database, source = numerics
    values = ", ".join(f"(1, {price})" for price in prices)
    database.execute(f"DELETE FROM prices; INSERT INTO prices (customer_id, price) VALUES {values}")
    # a numeric has no negative zero
    expected = [price if Decimal(price) else price.removeprefix("-") for price in prices]
    assert [text for (text,) in read(source)["prices"]] == expected


@pytest.fixture(scope="module")
def numerics(postgresql: PostgresqlServer) -> Iterator[tuple[PostgresqlDatabase, Source]]:
    postgresql.create_database(
        "numerics", CUSTOMERS + "CREATE TABLE prices (id serial PRIMARY KEY, customer_id int, price numeric)"
    )
    database = PostgresqlDatabase(postgresql, "numerics")
    with opened(database.url, make_map(section("prices", [column("price", "money", currency_code="EUR")]))) as source:
        yield database, source


STAMPS = st.datetimes().map(lambda moment: moment.isoformat()) | st.sampled_from(
    ["2024-01-01", "yesterday", "", "2024-01-01T00:00:00.1234567+00:00", "2024-01-01T00:00:00\n2024-01-01T00:00:00"]
)
ZONES = st.sampled_from(["", "Z", "+00:00", "-05:00", ".5+00:00", "+05:30"])


@given(stamps=st.lists(st.none() | st.builds(str.__add__, STAMPS, ZONES), min_size=2, max_size=MOST_STAMPS))
def test_what_a_stamp_of_sqlite_becomes_does_not_depend_on_its_neighbours(
    stored: Stored, stamps: list[str | None]
) -> None:
    insert = "INSERT INTO stamps VALUES (NULL, ?, ?)"
    stored.connection.execute("DELETE FROM stamps")
    stored.connection.executemany(insert, [(0, stamp) for stamp in stamps])
    stored.connection.executemany(insert, list(enumerate(stamps, start=1)))
    assert stored.read_stamps(0) == [text for number in range(len(stamps)) for text in stored.read_stamps(number + 1)]
