"""Every mistake in a customer map is reported with the file, the key and the remedy; all of them at once."""

# ruff: noqa: E501  # the table of mistakes has one a line

from pathlib import Path

import pytest

from customer_export.demo.shop import demo_map_path
from customer_export.errors import MapError
from customer_export.model.columns import ColumnType, PersonalDataClass, SourceColumn, StoredAs
from customer_export.model.customer_map import Exclusion, KeyType, LinkStep, RecordedTable, TableName
from customer_export.source.map_file import load_map, parse_map

GOOD = """
map = 1
name = "Shop"
time_zone = "Europe/Berlin"
[customer]
table = "customers"
key = "id"
key_type = "integer"
title = ["name"]
[orders]
section = "orders"
amount = "total"
time = "placed_at"
status = "status"
[[sections]]
name = "orders"
table = "sales.orders"
links = [[{ columns = "customer_id" }]]
time = "placed_at"
order = ["placed_at", "id"]
lookups = [{ name = "shop", columns = "shop_id", table = "shops", to = "id" }]
columns = [
  { name = "placed_at", type = "timestamp", personal_data = "behaviour" },
  { name = "status", type = "text", personal_data = "none" },
  { name = "currency", type = "text", personal_data = "none" },
  { name = "total", type = "money", currency = "currency", personal_data = "financial" },
  { name = "shop_name", source = "shop.name", type = "text", personal_data = "none" },
  { name = "secret", type = "text", personal_data = "none", hidden = true },
]
"""
ORDERS = "sections[orders]"
MISTAKES = [
    # what is replaced, by what, what is said
    ("map = 1\n", "", ["map is missing; add it"]),
    ("map = 1", "map = 2", ["map is 2; use one of 1"]),
    ('name = "Shop"\n', "", ["name is missing; add it"]),
    ('name = "Shop"', 'name = ""', ["name: string should have at least 1 character"]),
    ('name = "Shop"', "name = 5", ["name: input should be a valid string"]),
    ('name = "Shop"', 'nam = "Shop"', ["name is missing; add it", "nam is not a key of this table; did you mean 'name'?"]),
    ("Europe/Berlin", "Berlin", ["time_zone is 'Berlin'; use an IANA name such as 'Europe/Berlin'"]),
    ('key = "id"\n', "", ["customer.key is missing; add it"]),
    ('"integer"', '"int"', ["customer.key_type is 'int'; use one of 'uuid', 'integer' or 'text'"]),
    ('title = ["name"]', "title = []", ["customer.title: value should have at least 1 item after validation, not 0"]),
    ('title = ["name"]', "title = 1", ["customer.title: input should be a valid list"]),
    ('title = ["name"]', 'titel = ["name"]', ["customer.title is missing; add it", "customer.titel is not a key of this table; did you mean 'title'?"]),
    ('key = "id"\n', 'key = "id"\nzzz = 1\n', ["customer.zzz is not a key of this table; the keys are table, key, key_type, title, search, tenant, unique"]),
    ('status = "status"\n', 'status = "status"\nstate = 1\n', ["orders.state is not a key of this table; did you mean 'status'?"]),
    ('section = "orders"', 'section = "order"', ["orders.section is 'order', which is no section of this map; name one of them"]),
    ('amount = "total"', 'amount = "status"', ["orders.amount is 'status'; name a shown column of type money of the section 'orders'"]),
    ('amount = "total"', 'amount = "sum"', ["orders.amount is 'sum'; name a shown column of type money of the section 'orders'"]),
    ('\ntime = "placed_at"\nstatus', '\ntime = "status"\nstatus', ["orders.time is 'status'; name a shown column of type date or timestamp of the section 'orders'"]),
    ('status = "status"\n', 'status = "secret"\n', ["orders.status is 'secret'; name a shown column of the section 'orders'"]),
    ('name = "orders"', 'name = "Orders"', ["sections[Orders].name is 'Orders'; it must match ^[a-z][a-z0-9_]*$"]),
    ('name = "orders"', f'name = "{"o" * 64}"', [f"sections[{'o' * 64}].name: string should have at most 63 characters"]),
    ('name = "orders"\n', "", ["sections[1].name is missing; add it"]),
    ('table = "sales.orders"\n', "", [f"{ORDERS} has no rows to export; give exactly one of table, sql, plugin"]),
    ('table = "sales.orders"\n', 'tabel = "x"\n', [f"{ORDERS}.tabel is not a key of this table; did you mean 'table'?"]),
    ('links = [[{ columns = "customer_id" }]]\n', "", [f"{ORDERS}.links is missing; add it"]),
    ('links = [[{ columns = "customer_id" }]]', "links = [[]]", [f"{ORDERS}.links[1]: list should have at least 1 item after validation, not 0"]),
    ('[[{ columns = "customer_id" }]]', "[[{ }]]", [f"{ORDERS}.links[1][1].columns is missing; add it"]),
    ('[[{ columns = "customer_id" }]]', '[[{ columns = "a", ignore_cse = true }]]', [f"{ORDERS}.links[1][1].ignore_cse is not a key of this table; did you mean 'ignore_case'?"]),
    ('[[{ columns = "customer_id" }]]', '[[{ columns = "a", ignore_case = "often" }]]', [f"{ORDERS}.links[1][1].ignore_case: input should be a valid boolean, unable to interpret input"]),
    ('[[{ columns = "customer_id" }]]', '[[{ columns = "a", table = "b", to = "c" }]]', [f"{ORDERS}.links[1] ends at the table 'b'; add a last step without `table` that reaches the customer"]),
    ('[[{ columns = "customer_id" }]]', '[[{ columns = "a" }, { columns = "b" }]]', [f"{ORDERS}.links[1], step 1 reaches the customer before the end; give it a `table` or end there"]),
    ('[[{ columns = "customer_id" }]]', '[[{ columns = "a", table = "b" }, { columns = "c" }]]', [f"{ORDERS}.links[1], step 1 has no `to`; name the columns of 'b' that it equals"]),
    ('[[{ columns = "customer_id" }]]', '[[{ columns = ["a", "b"] }]]', [f"{ORDERS}.links[1], step 1 has several columns; name as many customer columns in `to`"]),
    ('[[{ columns = "customer_id" }]]', '[[{ columns = ["a", "b"], to = "c" }]]', [f"{ORDERS}.links[1], step 1 joins 2 columns to 1; give `columns` and `to` the same number"]),
    ('order = ["placed_at", "id"]\n', "", [f"{ORDERS}.order is missing; add it"]),
    ('order = ["placed_at", "id"]', 'order = ["stor.name", "id"]', [f"{ORDERS}.order or time names 'stor.name', but the section has no lookup 'stor' before it; add the lookup"]),
    ('time = "placed_at"\norder', 'time = "stor.at"\norder', [f"{ORDERS}.order or time names 'stor.at', but the section has no lookup 'stor' before it; add the lookup"]),
    ('source = "shop.name"', 'source = "store.name"', [f"{ORDERS}.columns[shop_name].source names 'store.name', but the section has no lookup 'store' before it; add the lookup"]),
    ('columns = "shop_id"', 'columns = "shop.id"', [f"{ORDERS}.lookups[shop].columns names 'shop.id', but the section has no lookup 'shop' before it; add the lookup"]),
    ('columns = "shop_id"', 'columns = ["a", "b"]', [f"{ORDERS}.lookups[shop] joins 2 columns to 1; give `columns` and `to` the same number"]),
    (', to = "id" }]', " }]", [f"{ORDERS}.lookups[shop].to is missing; add it"]),
    (', to = "id" }]', ', to = "id", uniqe = true }]', [f"{ORDERS}.lookups[shop].uniqe is not a key of this table; did you mean 'unique'?"]),
    (' }]\ncolumns', ' }, { name = "shop", columns = "a", table = "b", to = "c" }]\ncolumns', [f"{ORDERS}.lookups[shop] stands there 2 times; names must differ"]),
    ('{ name = "status", type', '{ name = "total", type', [f"{ORDERS}.columns[total] stands there 2 times; names must differ", "orders.status is 'status'; name a shown column of the section 'orders'"]),
    ('type = "timestamp"', 'type = "datetime"', [f"{ORDERS}.columns[placed_at].type is 'datetime'; use one of 'text', 'identifier', 'integer', 'decimal', 'money', 'boolean', 'date', 'timestamp', 'uuid', 'email', 'url', 'json' or 'binary'"]),
    ('"behaviour"', '"behavior"', [f"{ORDERS}.columns[placed_at].personal_data is 'behavior'; use one of 'identity', 'contact', 'financial', 'behaviour', 'communication', 'consent', 'technical', 'sensitive' or 'none'"]),
    (', personal_data = "behaviour"', "", [f"{ORDERS}.columns[placed_at].personal_data is missing; add it"]),
    (', personal_data = "behaviour"', ', personal_data = "behaviour", lable = "Placed"', [f"{ORDERS}.columns[placed_at].lable is not a key of this table; did you mean 'label'?"]),
    (', currency = "currency"', "", [f'{ORDERS}.columns[total] is money; say its currency: currency = "column" or currency_code = "EUR"']),
    (', currency = "currency"', ', currency = "currency", currency_code = "EUR"', [f'{ORDERS}.columns[total] is money; say its currency: currency = "column" or currency_code = "EUR"']),
    (', currency = "currency"', ', currency_code = "euro"', [f"{ORDERS}.columns[total].currency_code is 'euro'; it must match ^[A-Z]{{3}}$"]),
    (', currency = "currency"', ', currency = "coin"', [f"{ORDERS}.columns[total].currency is 'coin', which is no shown column of the section; add that column"]),
    (', currency = "currency"', ', currency = "secret"', [f"{ORDERS}.columns[total].currency is 'secret', which is no shown column of the section; add that column"]),
    ('{ name = "status", type = "text"', '{ name = "status", currency_code = "EUR", type = "text"', [f"{ORDERS}.columns[status] is text, not money; remove its currency"]),
    ("hidden = true", 'hidden = "perhaps"', [f"{ORDERS}.columns[secret].hidden: input should be a valid boolean, unable to interpret input"]),
]  # fmt: skip


def problems_of(text: str) -> list[str]:
    with pytest.raises(MapError) as failure:
        parse_map(text.encode(), file="shop.toml")
    assert failure.value.message == "\n".join(f"shop.toml: {problem}" for problem in failure.value.problems)
    return failure.value.problems


@pytest.mark.parametrize(("there", "instead", "problems"), MISTAKES)
def test_a_mistake_is_named_with_its_remedy(there: str, instead: str, problems: list[str]) -> None:
    assert there in GOOD
    assert problems_of(GOOD.replace(there, instead, 1)) == problems


def test_every_mistake_is_reported_at_once() -> None:
    wrong = GOOD
    for there, instead in (('key = "id"\n', ""), ("timestamp", "datetime"), ("hidden = true", "hiden = true")):
        wrong = wrong.replace(there, instead, 1)
    assert [problem.partition(" ")[0] for problem in problems_of(wrong)] == [
        "customer.key",
        f"{ORDERS}.columns[placed_at].type",
        f"{ORDERS}.columns[secret].hiden",
    ]
    contradictory = GOOD.replace("Europe/Berlin", "Berlin").replace(', currency = "currency"', "")
    assert len(problems_of(contradictory)) == 2


def test_sections_must_differ_in_name_and_show_something() -> None:
    section = GOOD[GOOD.index("[[sections]]") :]
    assert problems_of(GOOD + section) == [f"{ORDERS} stands there 2 times; names must differ"]
    hidden = section.replace('name = "orders"', 'name = "dark"').partition("columns = [\n")[0]
    hidden += 'columns = [{ name = "a", type = "text", personal_data = "none", hidden = true }]\n'
    assert problems_of(GOOD + hidden) == ["sections[dark].columns are all hidden; show one or leave the section out"]
    assert problems_of(GOOD.partition("[[sections]]")[0]) == ["sections is missing; add it"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"map = ", "is not TOML: "),
        (b"map = 1\nmap = 1\n", "is not TOML: "),
        (b"PK\x03\x04", "is not TOML: "),
        (b'name = "caf\xe9"', "is not UTF-8 (byte 11); save it as UTF-8"),
        ("map = 1".encode("utf-16"), "is not UTF-8 (byte 0); save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(MapError) as failure:
        parse_map(content, file="shop.toml")
    assert failure.value.message.startswith(f"shop.toml: {problem}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.toml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(MapError) as failure:
            load_map(path)
        assert failure.value.message == f"{path}: cannot be read ({reason}); set SOURCE_MAP to a map"


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_map(b"\xef\xbb\xbf" + GOOD.encode(), file="shop.toml").name == "Shop"


def test_a_map_holds_what_its_file_says() -> None:
    read = parse_map(GOOD.encode(), file="shop.toml")
    assert (read.name, read.time_zone, len(read.version)) == ("Shop", "Europe/Berlin", 16)
    assert read.customer.key_type is KeyType.INTEGER
    (orders,) = read.sections
    assert orders.table == TableName("sales", "orders")
    assert orders.links == ((LinkStep(columns=("customer_id",), table=None, to=("id",)),),)
    assert orders.label == "Orders"
    assert orders.columns[0].label == "Placed at"
    assert [column.name for column in orders.exported_columns] == [
        "placed_at",
        "status",
        "currency",
        "total",
        "shop_name",
    ]
    assert read.section("orders") is orders
    assert read.section("nothing") is None


def test_the_version_is_of_the_text() -> None:
    versions = {parse_map(text.encode(), file="x").version for text in (GOOD, GOOD, GOOD + "\n", GOOD + "# why\n")}
    assert len(versions) == 3


@pytest.mark.parametrize("path", [demo_map_path(), Path(__file__).parents[2] / "benchmarks" / "shop.toml"], ids=str)
def test_the_maps_that_come_along_are_right(path: Path) -> None:
    read = load_map(path)
    assert read.orders is not None
    assert read.section(read.orders.section) is not None


def test_the_demo_map_shows_everything_that_a_map_can_hold() -> None:
    read = load_map(demo_map_path())
    columns = [column for section in read.sections for column in section.columns]
    assert {column.type for column in columns} == set(ColumnType)
    assert {column.personal_data for column in columns} == set(PersonalDataClass)
    steps = [step for section in read.sections for link in section.links for step in link]
    assert any(step.ignore_case and step.only_if_null for step in steps)
    assert any(step.table is not None for step in steps)
    assert any(column.lookup for section in read.sections for one in section.lookups for column in one.columns)


def test_a_name_that_has_a_dot_is_written_as_a_list() -> None:
    odd = GOOD.replace('table = "sales.orders"', 'table = ["sales", "or.ders"]')
    odd = odd.replace('source = "shop.name"', 'source = ["shop", "na.me"]').replace(
        '"placed_at", "id"]', '["pla.ced"], "id"]'
    )
    (section,) = parse_map(odd.encode(), file="map.toml").sections
    assert section.table == TableName("sales", "or.ders")
    assert section.columns[4].source == SourceColumn("shop", "na.me")
    assert section.order == (SourceColumn(None, "pla.ced"), SourceColumn(None, "id"))


@pytest.mark.parametrize("wrong", ["[]", '["a", "b", "c"]', '["a", 1]', '""', "5"])
def test_a_name_of_another_form_is_told(wrong: str) -> None:
    told = f"{ORDERS}.table: is no table; write 'table', 'schema.table' or ['schema', 'table']"
    assert problems_of(GOOD.replace('"sales.orders"', wrong)) == [told]


def test_what_is_left_out_and_what_was_recorded_is_read() -> None:
    more = '[[exclude]]\ntable = "sessions"\nreason = "technical"\n[[recorded]]\ntable = "sales.orders"\ncolumns = { id = "bigint" }\nkinds = { about = ["Order"] }\n'
    read = parse_map((GOOD + more).encode(), file="map.toml")
    assert read.excluded == (Exclusion(table=TableName(None, "sessions"), columns=(), reason="technical"),)
    assert read.recorded == {
        TableName("sales", "orders"): RecordedTable(columns={"id": "bigint"}, kinds={"about": ["Order"]})
    }


def test_numbers_are_moments_only_where_a_date_or_timestamp_is_wanted() -> None:
    stored = GOOD.replace(
        '"placed_at", type = "timestamp"', '"placed_at", type = "timestamp", stored_as = "epoch_seconds"'
    )
    (section,) = parse_map(stored.encode(), file="map.toml").sections
    assert section.time_stored_as is StoredAs.EPOCH_SECONDS
    wrong = stored.replace('"timestamp", stored', '"integer", stored').replace(
        '\ntime = "placed_at"\nstatus', "\nstatus"
    )
    told = f"{ORDERS}.columns[placed_at] is integer; remove its stored_as, or make it a date or a timestamp"
    assert problems_of(wrong) == [told]
