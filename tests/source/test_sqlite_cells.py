"""What a value of SQLite becomes depends neither on its neighbours nor on the way that a batch of them is written."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.columns import ColumnType
from customer_export.source.sqlite.cells import Value, to_text
from customer_export.source.stored_moments import iso_text

CENTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)
NUMBERS = CENTS | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.sampled_from([0.0, -0.0, 0, 1e16, 1e-7, 5e-324])
MOMENTS = st.builds(
    lambda moment, sep, unit, zone: moment.isoformat(sep=sep, timespec=unit) + zone,
    st.datetimes(),
    st.sampled_from(["T", " "]),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.sampled_from(["", "Z", "+00:00", "+05:30"]),
)
ALIKE = MOMENTS.map(lambda text: text[:19].replace(" ", "T") + "+00:00") | MOMENTS.map(lambda text: text[:19])
TEXTS = st.sampled_from(["", "yes", "1", "0", "1.10", "2024-02-30 10:00:00", "٢٠٢٤-01-01T00:00:00+00:00"])
VALUES: st.SearchStrategy[Value] = st.none() | NUMBERS | MOMENTS | ALIKE | TEXTS | st.binary(max_size=3)
COLUMNS = st.one_of(
    *(st.lists(st.none() | values, min_size=1, max_size=8) for values in (VALUES, NUMBERS, CENTS, ALIKE))
)


@given(
    values=COLUMNS,
    kind=st.sampled_from(ColumnType),
    scale=st.integers(0, 4),
    time_zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    naive_zone=st.sampled_from(["UTC", "America/New_York"]),
)
def test_a_batch_is_written_like_each_of_its_values(
    values: Sequence[Value], kind: ColumnType, scale: int, time_zone: str, naive_zone: str
) -> None:
    texts_of = to_text(kind, scale=scale, time_zone=time_zone, naive_zone=naive_zone)
    assert list(texts_of(list(values))) == [texts_of([value])[0] for value in values]


@given(prices=st.lists(CENTS, min_size=1, max_size=8), scale=st.integers(0, 4))
def test_a_price_has_the_decimals_that_it_needs_and_its_column_declares(prices: list[float], scale: int) -> None:
    texts = to_text(ColumnType.MONEY, scale=scale, time_zone="UTC", naive_zone="UTC")(prices)
    for price, text in zip(prices, texts, strict=True):
        assert text is not None
        decimals = len(text.partition(".")[2])
        assert Decimal(text) == Decimal(repr(price))
        assert decimals >= scale
        assert decimals == scale or not text.endswith("0")


@pytest.mark.parametrize(("scale", "text"), [(0, "0"), (2, "0.00")])
def test_zero_has_no_sign(scale: int, text: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        ((stored,),) = connection.execute("SELECT -0.0")
    texts_of = to_text(ColumnType.DECIMAL, scale=scale, time_zone="UTC", naive_zone="UTC")
    assert list(texts_of([stored, -0.0, 0.0, 0])) == [text] * 4


@given(moment=st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-3, minutes=-30, seconds=-52)))))
def test_a_moment_is_written_without_trailing_zeros_and_read_back(moment: datetime) -> None:
    text = iso_text(moment)
    assert datetime.fromisoformat(text) == moment
    fraction = text[19:].partition("+")[0].partition("-")[0]
    assert fraction == "" or (fraction[0] == "." and fraction[-1] != "0")
