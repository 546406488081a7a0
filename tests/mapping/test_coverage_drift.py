"""What the database was when the map was written is compared with what it is, and renewed in the map file."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogues import catalogue_of
from customer_export.errors import MapError
from customer_export.mapping.coverage.drift import drift_of, recorded_schema
from customer_export.mapping.coverage.kinds import KindsOfTables
from customer_export.mapping.coverage.record import recorded_text, with_recorded
from customer_export.mapping.coverage.report import coverage_of
from customer_export.model.customer_map import CustomerMap, RecordedSchema, RecordedTable, TableName
from customer_export.model.drift import Change, ChangeKind
from customer_export.source.map_file import parse_map
from customer_maps import make_map, section

BEFORE = """
CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers, total NUMERIC(10,2));
CREATE TABLE carts (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers);
CREATE TABLE newsletter (id INTEGER PRIMARY KEY, email TEXT);
CREATE TABLE settings (name TEXT);
"""
MAP = make_map(section("orders", {"id": "integer"}))
PLAIN = """
map = 1
name = "Test"
[customer]
table = "customers"
key = "id"
key_type = "integer"
title = "name"
[[sections]]
name = "profile"
table = "customers"
links = [[{ columns = "id" }]]
order = "id"
columns = [{ name = "name", type = "text", personal_data = "identity" }]
"""
ORDERS, CARTS = TableName(None, "orders"), TableName(None, "carts")
NO_KINDS: KindsOfTables = {}


def recorded_of(statements: str, customer_map: CustomerMap = MAP, kinds: KindsOfTables = NO_KINDS) -> RecordedSchema:
    catalogue = catalogue_of(statements)
    return recorded_schema(coverage_of(customer_map, catalogue), catalogue, kinds)


def drift(
    before: RecordedSchema, statements: str, customer_map: CustomerMap = MAP, kinds: KindsOfTables = NO_KINDS
) -> tuple[Change, ...]:
    catalogue = catalogue_of(statements)
    return drift_of(
        before, recorded_of(statements, customer_map, kinds), coverage_of(customer_map, catalogue), catalogue
    )


def test_what_reaches_the_customer_or_may_is_recorded_and_nothing_else() -> None:
    recorded = recorded_of(BEFORE)
    assert [str(table) for table in recorded] == ["carts", "customers", "newsletter", "orders"]
    assert recorded[ORDERS].columns == {"id": "INTEGER", "customer_id": "INTEGER", "total": "NUMERIC(10,2)"}


def test_nothing_has_drifted_of_what_was_recorded_just_now() -> None:
    assert drift(recorded_of(BEFORE), BEFORE) == ()


def test_each_change_is_told_with_what_it_was_and_what_it_is() -> None:
    after = """
    CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers, total NUMERIC(12,2),
        voucher TEXT);
    CREATE TABLE newsletter (id INTEGER PRIMARY KEY);
    CREATE TABLE points (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers);
    CREATE TABLE settings (name TEXT, value TEXT); CREATE TABLE products (id INTEGER PRIMARY KEY);
    CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT);
    """
    assert drift(recorded_of(BEFORE), after) == (
        Change(kind=ChangeKind.DROPPED_TABLE, table=CARTS),
        Change(kind=ChangeKind.NEW_TABLE, table=TableName(None, "leads")),
        Change(
            kind=ChangeKind.CHANGED_TYPE, table=ORDERS, column="total", before="NUMERIC(10,2)", after="NUMERIC(12,2)"
        ),
        Change(kind=ChangeKind.NEW_COLUMN, table=ORDERS, column="voucher", after="TEXT"),
        Change(kind=ChangeKind.NEW_TABLE, table=TableName(None, "points")),
    )  # fmt: skip


def test_a_kind_that_came_since_is_told_and_one_that_went_is_not() -> None:
    before = recorded_of(BEFORE, kinds={ORDERS: {"total": ["Order", "Cart"]}})
    assert drift(before, BEFORE, kinds={ORDERS: {"total": ["Invoice", "Order"]}}) == (
        Change(kind=ChangeKind.NEW_KIND, table=ORDERS, column="total", after="Invoice"),
    )
    assert drift(recorded_of(BEFORE), BEFORE, kinds={ORDERS: {"total": ["Order"]}}) == ()  # nobody had looked


def test_columns_of_a_table_that_is_left_out_do_not_matter() -> None:
    left_out = parse_map((PLAIN + '[[exclude]]\ntable = "carts"\nreason = "technical"\n').encode(), file="test.toml")
    recorded = recorded_of(BEFORE, left_out)
    assert recorded[CARTS].columns == {}
    more = BEFORE.replace("carts (id INTEGER PRIMARY KEY,", "carts (id INTEGER PRIMARY KEY, at TEXT,")
    assert drift(recorded, more, left_out) == ()


MAP_FILE = """# The map of our shop.
map = 1   # the version

[[recorded]]   # by the program
table = "orders"
columns = { id = "integer" }
# inside

[[recorded]]
table = "carts"
[recorded.columns]
id = "integer"

# What follows is ours.
[customer]
title = [
  "name",
  "email"
]
"""
NEW = {
    ORDERS: RecordedTable(columns={"id": "bigint", "größe": 'odd "type"'}, kinds={"about": ["Order", 'a"b']}),
    TableName("odd.schema", "t"): RecordedTable(columns={}),
}


def test_the_recorded_part_is_renewed_where_it_stands_and_nothing_else_is_touched() -> None:
    renewed = with_recorded(MAP_FILE, NEW, file="map.toml")
    head, _, rest = MAP_FILE.partition("[[recorded]]")
    tail = rest[rest.index("\n# What follows") :]
    assert renewed == head + recorded_text(NEW) + tail


def test_where_nothing_was_recorded_it_comes_last() -> None:
    assert with_recorded("map = 1\n", NEW, file="map.toml") == f"map = 1\n\n{recorded_text(NEW)}"
    assert with_recorded("map = 1", NEW, file="map.toml") == f"map = 1\n\n{recorded_text(NEW)}"


def test_line_ends_stay_what_they_are() -> None:
    renewed = with_recorded(MAP_FILE.replace("\n", "\r\n"), NEW, file="map.toml")
    assert renewed.count("\n") == renewed.count("\r\n")


@pytest.mark.parametrize("text", ["recorded = [{ table = 'orders', columns = {} }]\n", "recorded = []\nmap = 1\n"])
def test_a_recorded_part_that_is_written_otherwise_is_left_alone(text: str) -> None:
    with pytest.raises(MapError, match=r"map.toml: its recorded part cannot be found.*\[\[recorded\]\]"):
        with_recorded(text, NEW, file="map.toml")


def test_what_only_looks_like_a_recorded_part_is_left_alone() -> None:
    text = 'map = 1\nname = """\n[[recorded]]\ntable = 1\n"""\n'
    with pytest.raises(MapError):
        with_recorded(text, NEW, file="map.toml")


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
texts = st.text(max_size=20)
schemas = st.dictionaries(
    st.builds(TableName, st.none() | names, names),
    st.builds(
        RecordedTable,
        columns=st.dictionaries(names, texts),
        kinds=st.dictionaries(names, st.lists(texts, max_size=3), max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@given(recorded=schemas)
def test_whatever_a_database_calls_its_parts_the_map_file_gives_it_back(recorded: RecordedSchema) -> None:
    text = with_recorded(PLAIN, recorded, file="map.toml")
    assert parse_map(text.encode(), file="map.toml").recorded == recorded
    assert with_recorded(text, recorded, file="map.toml") == text
    assert tomllib.loads(PLAIN) == {key: value for key, value in tomllib.loads(text).items() if key != "recorded"}
