"""Totals that are the sums of their parts, and those that are not: told exactly, on every database."""

# ruff: noqa: E501  # the table of mistakes has one a line

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.errors import MapError
from customer_export.model.columns import Mask, PersonalDataClass
from customer_export.model.customer_map import CustomerMap
from customer_export.model.policy import mask_map
from customer_export.model.request import Period
from customer_export.model.totals import TotalMismatch, TotalsCheck
from customer_export.source.many.interface import CustomerChoice
from customer_export.source.map_file import parse_map
from customer_maps import column, section, toml
from databases import LONG, Database, PostgresqlDatabase, finding, opened, rows_of
from installed_plugins import installed

TABLES = """
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, number VARCHAR(20), currency VARCHAR(3),
    subtotal NUMERIC(12, 2), total NUMERIC(12, 2), placed_on DATE
);
CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER, price NUMERIC(12, 2), currency VARCHAR(3));
CREATE TABLE discounts (id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER, amount NUMERIC(12, 2));
"""
ROWS = """
INSERT INTO orders VALUES
    (1, 1, 'A', 'EUR', 0.30, 0.30, '2024-01-01'), (2, 1, 'B', 'EUR', 10.01, 9.01, '2024-02-01'),
    (3, 1, 'C', 'EUR', 5, 5, '2024-03-01'), (4, 1, 'D', 'JPY', 1200, 1200, '2024-04-01'),
    (5, 1, 'E', 'EUR', NULL, NULL, '2024-05-01'), (6, 1, 'a', 'EUR', 0, 0, '2024-06-01'),
    (7, 2, 'X', 'EUR', 99, 99, '2024-06-01');
INSERT INTO items VALUES
    (1, 1, 0.10, 'EUR'), (2, 1, 0.20, 'EUR'), (3, 2, 10, 'EUR'), (4, 2, NULL, 'EUR'), (5, 4, 1200, 'EUR'),
    (6, 5, 3, 'EUR');
INSERT INTO discounts VALUES (1, 2, 1);
"""
LINKED = [[{"columns": "order_id", "table": "orders", "to": "id"}, {"columns": "customer_id"}]]
ORDER = [{"name": "order", "columns": "order_id", "table": "orders", "to": "id"}]
MONEY = {"currency": "currency", "personal_data": "financial"}
ORDERS = section(
    "orders",
    [
        column("number", "identifier", personal_data="behaviour"),
        column("currency"),
        column("subtotal", "money", **MONEY),
        column("total", "money", **MONEY),
        column("placed_on", "date"),
    ],
    time="placed_on",
)
ITEMS = section(
    "items",
    [column("order", "identifier", source="order.number"), column("price", "money", **MONEY), column("currency")],
    links=LINKED,
    lookups=ORDER,
)
DISCOUNTS = section(
    "discounts",
    [column("order", source="order.number"), column("amount", "money", currency_code="EUR")],
    links=LINKED,
    lookups=ORDER,
)
TOTAL = {"section": "orders", "column": "subtotal", "key": "number"}
PART = {"section": "items", "column": "price", "key": "order"}
RULE = {"name": "items", "total": TOTAL, "parts": [PART]}


def with_rules(*rules: Mapping[str, object], sections: Sequence[object] = (ORDERS, ITEMS, DISCOUNTS)) -> CustomerMap:
    parts = {
        "map": 1,
        "name": "Test",
        "customer": {"table": "customers", "key": "id", "key_type": "integer", "title": ["name"]},
        "sections": list(sections),
        "reconcile": list(rules),
    }
    return parse_map("".join(f"{key} = {toml(value)}\n" for key, value in parts.items()).encode(), file="test.toml")


def checks(
    database: Database,
    customer_map: CustomerMap,
    *,
    asked: CustomerMap | None = None,
    sections: Sequence[str] | None = None,
    period: Period | None = None,
    customer_id: str = "1",
) -> Sequence[TotalsCheck]:
    """Read the sections to their end, as `asked` masks them, and give what came of the rules."""
    with opened(database.url, customer_map) as source, source.snapshot(time_zone="UTC", time_limit=LONG) as snapshot:
        wanted = [one for one in (asked or customer_map).sections if sections is None or one.name in sections]
        found = snapshot.find(customer_id, wanted, period or Period())
        assert found is not None
        for stream in found.sections:
            rows_of(stream)
        assert found.totals() == found.totals()
        return found.totals()


def test_a_total_that_is_not_the_sum_of_its_parts_is_listed(database: Database) -> None:
    database.execute(TABLES + ROWS)
    assert checks(database, with_rules(RULE)) == (
        TotalsCheck(
            rule="items",
            checked=5,
            mismatched=3,
            samples=(
                TotalMismatch("B", "EUR", "10.01", "10", "0.01"),
                TotalMismatch("C", "EUR", "5", "0", "5"),
                TotalMismatch("D", "JPY", "1200", "0", "1200"),
            ),
        ),
    )
    (other,) = checks(database, with_rules(RULE), customer_id="2")
    assert (other.checked, other.mismatched) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "checked", "mismatched"),
    [
        ({"tolerance": "0.01"}, 5, ["C", "D"]),
        ({"tolerance": "0.009"}, 5, ["B", "C", "D"]),
        ({"tolerance": "5"}, 5, ["D"]),
        ({"tolerance": "9999"}, 5, ["D"]),  # of another currency no amount is near
        ({"without_parts": "ignore"}, 3, ["B", "D"]),
        (
            {
                "total": {**TOTAL, "column": "total"},
                "parts": [PART, {"section": "discounts", "column": "amount", "key": "order", "subtract": True}],
                "tolerance": "0.01",
            },
            5,
            ["C", "D"],
        ),
    ],
)
def test_a_rule_says_what_is_near_enough(
    database: Database, changes: Mapping[str, object], checked: int, mismatched: list[str]
) -> None:
    database.execute(TABLES + ROWS)
    (check,) = checks(database, with_rules({**RULE, **changes}))
    assert (check.checked, [sample.key for sample in check.samples]) == (checked, mismatched)
    assert check.mismatched == len(mismatched)


def test_a_period_chooses_totals_and_not_their_parts(database: Database) -> None:
    database.execute(TABLES + ROWS)
    timed = {**ITEMS, "time": "order.placed_on"}
    period = Period(start=datetime(2024, 1, 15, tzinfo=UTC), end=datetime(2024, 3, 1, tzinfo=UTC))
    (check,) = checks(database, with_rules(RULE, sections=[ORDERS, timed]), period=period)
    assert (check.checked, [sample.key for sample in check.samples]) == (1, ["B"])


def test_what_was_not_asked_for_or_is_masked_is_not_checked(database: Database) -> None:
    database.execute(TABLES + ROWS)
    customer_map = with_rules(RULE)
    assert checks(database, customer_map, sections=["orders"]) == (
        TotalsCheck(rule="items", not_checked="the section 'items' was not asked for"),
    )
    for masked in (PersonalDataClass.FINANCIAL, PersonalDataClass.BEHAVIOUR):
        asked = mask_map(customer_map, {masked: Mask.PARTIAL})
        assert checks(database, customer_map, asked=asked) == (
            TotalsCheck(rule="items", not_checked="orders.subtotal, its key or its currency is masked"),
        )


def test_many_rows_are_checked_after_the_last_section_and_the_first_mismatches_listed(database: Database) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) SELECT"
    database.execute(
        TABLES
        + f"INSERT INTO orders {numbers} i, 1, 1000 + i, 'EUR', i, i, '2024-01-01' FROM n;"
        + f"INSERT INTO items {numbers} i, i, i + i % 2, 'EUR' FROM n;"
    )
    customer_map = with_rules(RULE, {**RULE, "name": "again"}, sections=[ORDERS, ITEMS])
    with opened(database.url, customer_map, connections=1) as source:
        for _ in range(3):  # the statements are prepared by the second time
            with finding(source) as (_snapshot, found):
                assert found is not None
                for stream in found.sections:
                    rows_of(stream)
                for check in found.totals():
                    assert (check.checked, check.mismatched, len(check.samples)) == (450, 225, 100)
                    assert check.samples[1] == TotalMismatch("1003", "EUR", "3", "4", "-1")


@pytest.mark.parametrize("without_parts", ["mismatch", "ignore"])
def test_a_customer_with_very_many_totals_is_checked_in_time(database: Database, without_parts: str) -> None:
    """Were each sum looked for among all totals of the customer, this would take minutes."""
    digits = "WITH RECURSIVE d(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM d WHERE i < 199), "
    numbers = digits + "n(i) AS (SELECT 200 * a.i + b.i FROM d a CROSS JOIN d b) SELECT"
    database.execute(
        TABLES
        + "CREATE INDEX orders_customer ON orders (customer_id); CREATE INDEX items_order ON items (order_id);"
        + f"INSERT INTO orders {numbers} i, CASE WHEN i < 39990 THEN 1 ELSE 2 END, 100000 + i, 'EUR', i, i, '2024-01-01' FROM n;"
        + f"INSERT INTO items {numbers} i, i, i, 'EUR' FROM n WHERE i <> 7;"
    )
    customer_map = with_rules({**RULE, "without_parts": without_parts}, sections=[ORDERS, ITEMS])
    in_time = timedelta(seconds=30)
    with opened(database.url, customer_map) as source:
        with source.snapshot(time_zone="UTC", time_limit=in_time) as snapshot:
            found = snapshot.find("1", customer_map.sections, Period())
            assert found is not None
            for stream in found.sections:
                rows_of(stream)
            (one,) = found.totals()
        with source.snapshot(time_zone="UTC", time_limit=in_time) as snapshot:
            customers = snapshot.choose(CustomerChoice(), customer_map.sections, Period(), titled=False)
            assert len(customers.counted()) == 2
            many = {key: check for key, _, check in customers.totals()}
    assert many["1"] == one
    assert (one.checked, one.mismatched) == ((39_989, 0) if without_parts == "ignore" else (39_990, 1))
    assert (many["2"].checked, many["2"].mismatched) == (10, 0)


def test_more_totals_than_statistics_let_postgresql_expect_are_checked_in_time(
    postgresql_database: PostgresqlDatabase,
) -> None:
    """Where it expects a handful, each total of a whale would be looked for among all its sums."""
    whale, others = 40_000, 10_000
    postgresql_database.execute(
        TABLES
        + "CREATE INDEX orders_customer ON orders (customer_id); CREATE INDEX items_order ON items (order_id);"
        + f"INSERT INTO customers SELECT i, 'C', i || '@example.com' FROM generate_series(3, {others}) i;"
        + f"INSERT INTO orders SELECT i, CASE WHEN i < {whale} THEN 1 ELSE i - {whale} + 2 END, 100000 + i, 'EUR', i, i, '2024-01-01' FROM generate_series(1, {whale + others - 2}) i;"
        + "INSERT INTO items SELECT id, id, subtotal, 'EUR' FROM orders WHERE id <> 7;"
        + "ANALYZE;"
    )
    customer_map = with_rules(RULE, sections=[ORDERS, ITEMS])
    choice = CustomerChoice(ids=("1", "3", "4"))
    with (
        opened(postgresql_database.url, customer_map) as source,
        source.snapshot(time_zone="UTC", time_limit=timedelta(seconds=30)) as snapshot,
    ):
        customers = snapshot.choose(choice, customer_map.sections, Period(), titled=False)
        assert len(customers.counted()) == 3
        found = {key: (check.checked, check.mismatched) for key, _, check in customers.totals()}
    assert found == {"1": (whale - 1, 1), "3": (1, 0), "4": (1, 0)}


def test_amounts_of_any_stored_type_are_added_exactly(database: Database) -> None:
    tables = TABLES.replace("subtotal NUMERIC(12, 2)", "subtotal DOUBLE PRECISION")
    database.execute(
        tables.replace("price NUMERIC(12, 2)", "price VARCHAR(40)")
        + "INSERT INTO orders VALUES (1, 1, 'A', 'EUR', 0.3, 0, '2024-01-01'),"
        " (2, 1, 'B', 'EUR', 1e15, 0, '2024-01-01');"
        "INSERT INTO items VALUES (1, 1, '0.1', 'EUR'), (2, 1, '0.2', 'EUR'), (3, 1, 'none', 'EUR'),"
        " (4, 2, '1e15', 'EUR'), (5, 2, '0.0001', 'EUR');"
    )
    (check,) = checks(database, with_rules(RULE))
    assert check.checked == 2
    assert check.samples == (TotalMismatch("B", "EUR", "1000000000000000", "1000000000000000.0001", "-0.0001"),)


def test_amounts_in_smaller_units_are_added_in_their_currency(database: Database) -> None:
    database.execute(
        TABLES.replace("price NUMERIC(12, 2)", "price BIGINT")
        + "INSERT INTO orders VALUES (1, 1, 'A', 'EUR', 12.5, 0, '2024-01-01'), (2, 1, 'B', 'JPY', 12, 0, '2024-01-01');"
        "INSERT INTO items VALUES (1, 1, 1000, 'EUR'), (2, 1, 250, 'EUR'), (3, 2, 13, 'JPY');"
    )
    price = column("price", "money", counted_in="minor_units", **MONEY)
    items = {**ITEMS, "columns": [column("order", source="order.number"), price, column("currency")]}
    (check,) = checks(database, with_rules(RULE, sections=[ORDERS, items]))
    assert (check.checked, check.samples) == (2, (TotalMismatch("B", "JPY", "12", "13", "-1"),))


AMOUNTS = st.decimals(-(10**9), 10**9, places=2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(AMOUNTS, st.lists(AMOUNTS, max_size=4)), min_size=1, max_size=6))
def test_sums_are_what_decimals_say(database: Database, orders: list[tuple[Decimal, list[Decimal]]]) -> None:
    drops = "".join(f"DROP TABLE IF EXISTS {table};" for table in ("orders", "items", "discounts"))
    database.execute(drops + TABLES)
    statements = []
    for number, (total, parts) in enumerate(orders):
        statements.append(f"INSERT INTO orders VALUES ({number}, 1, 'N{number}', 'EUR', {total:f}, 0, '2024-01-01');")
        for part in parts:
            statements.append(f"INSERT INTO items VALUES ({len(statements)}, {number}, {part:f}, 'EUR');")
    database.execute("".join(statements))
    (check,) = checks(database, with_rules(RULE))
    off = {f"N{number}": total - sum(parts, Decimal(0)) for number, (total, parts) in enumerate(orders)}
    assert {sample.key: Decimal(sample.difference) for sample in check.samples} == {k: v for k, v in off.items() if v}


def test_without_rules_nothing_is_asked(postgresql_database: PostgresqlDatabase) -> None:
    postgresql_database.execute(TABLES + ROWS)
    with opened(postgresql_database.url, with_rules()) as source, finding(source) as (_, found):
        assert found is not None
        assert found.totals() == ()


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"total": {**TOTAL, "section": "order"}}, ["reconcile[items].total.section is 'order', which is no section of this map; name one of them"]),
        ({"total": {**TOTAL, "column": "number"}}, ["reconcile[items].total.column is 'number'; name a shown column of type money or decimal or integer of 'orders'"]),
        ({"parts": [{**PART, "key": "id"}]}, ["reconcile[items].parts[1].key is 'id'; name a shown column of 'items'"]),
        ({"parts": []}, ["reconcile[items].parts: list should have at least 1 item after validation, not 0"]),
        ({"parts": [{**PART, "subtrakt": True}]}, ["reconcile[items].parts[1].subtrakt is not a key of this table; did you mean 'subtract'?"]),
        ({"tolerance": "-1"}, [r"reconcile[items].tolerance is '-1'; it must match ^[0-9]+(\.[0-9]+)?$"]),
        ({"without_parts": "zero"}, ["reconcile[items].without_parts is 'zero'; use one of 'mismatch' or 'ignore'"]),
    ],
)  # fmt: skip
def test_a_mistake_in_a_rule_is_told(changes: Mapping[str, object], problems: list[str]) -> None:
    with pytest.raises(MapError) as failure:
        with_rules({**RULE, **changes})
    assert failure.value.problems == problems


def test_a_plugins_amounts_are_not_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = installed(tmp_path, monkeypatch, "def rows(request):\n    return []\n")
    items = {"name": "items", "plugin": plugin, "columns": [column("order"), column("price", "decimal")]}
    with pytest.raises(MapError) as failure:
        with_rules(RULE, sections=[ORDERS, items])
    assert failure.value.problems == [
        "reconcile[items].parts[1].section is 'items', which a plug-in gives; only what the database holds is added up"
    ]
