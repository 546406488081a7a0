"""JSON is one valid document, every cell in it exact, and valid against the schema that is published for it."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sections import MemorySection, column, document, section

from customer_export.demo.customers import EMPTY, HOSTILE, TYPICAL, WELL_KNOWN, WellKnownCustomer
from customer_export.demo.hostile import CELLS, PREFERENCES, SHORT_CELLS
from customer_export.model.columns import Cell, ColumnType
from customer_export.model.customer_map import CustomerMap
from customer_export.model.document import SectionStream
from customer_export.writers.json import JsonWriter
from customer_export.writers.json_schema import document_schema, schema_id
from databases import opened, streaming

TEXT = st.sampled_from(SHORT_CELLS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LARGEST_EXACT = 2**53 - 1


class Exact(str):
    """A number as it was spelled."""

    __slots__ = ()


def write(streams: Sequence[SectionStream]) -> bytes:
    return b"".join(JsonWriter().write(document(), streams))


def parse(content: bytes | str) -> Any:
    """Read JSON strictly: numbers as they are spelled, no NaN, no member twice."""

    def object_of(members: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(members)) == len(members), "a member stands there twice"
        return dict(members)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(
        content, parse_int=Exact, parse_float=Exact, parse_constant=refuse, object_pairs_hook=object_of, strict=True
    )


def cell_of(value: Any, kind: ColumnType) -> Cell:
    """Give back the canonical text of a JSON value."""
    match value:
        case None | str():
            return value
        case bool():
            assert kind is ColumnType.BOOLEAN
            return "true" if value else "false"
        case {"amount": amount, "currency": "EUR"}:
            assert kind is ColumnType.MONEY
            assert type(amount) is str
            return amount
        case _:
            raise AssertionError(value)


@st.composite
def sections(draw: st.DrawFn) -> list[MemorySection]:
    drawn = []
    kinds = [kind for kind in ColumnType if kind is not ColumnType.JSON]
    numbers = st.integers().map(str) | st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: f"{d:f}")
    cells = (
        st.none() | TEXT | numbers | st.sampled_from(["true", "false", "NaN", "-0", "007", "1e5", "+1", "-", "²", "١"])
    )
    for number in range(draw(st.integers(0, 3))):
        columns = [
            column(name, draw(st.sampled_from(kinds)), currency_code="EUR")
            for name in draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5, unique=True))
        ]
        drawn.append(section(f"s{number}", columns, *draw(st.lists(st.tuples(*(cells for _ in columns)), max_size=8))))
    return drawn


@given(sections())
def test_every_cell_comes_back(streams: list[MemorySection]) -> None:
    read = parse(write(streams))["sections"]
    assert list(read) == [stream.name for stream in streams]
    for stream in streams:
        rows = [tuple(cell_of(record[one.name], one.type) for one in stream.columns) for record in read[stream.name]]
        assert rows == list(stream.data)
        assert all(list(record) == [one.name for one in stream.columns] for record in read[stream.name])


@given(sections(), st.integers(1, 5))
def test_the_bytes_do_not_depend_on_the_size_of_batches(streams: list[MemorySection], rows: int) -> None:
    assert write([stream.in_batches_of(rows) for stream in streams]) == write(streams)


def value(kind: ColumnType, cell: Cell) -> str:
    """Write one cell and give its JSON text."""
    content = write([section("s", [column("a", kind, currency_code="EUR")], (cell,))]).decode()
    return content.partition('"s":[\n{"a":')[2].partition("}]}")[0]


@pytest.mark.parametrize(
    ("kind", "cell", "text"),
    [
        (ColumnType.INTEGER, "0", "0"),
        (ColumnType.INTEGER, "-1", "-1"),
        (ColumnType.INTEGER, str(LARGEST_EXACT), str(LARGEST_EXACT)),
        (ColumnType.INTEGER, str(-LARGEST_EXACT), str(-LARGEST_EXACT)),
        (ColumnType.INTEGER, str(LARGEST_EXACT + 1), f'"{LARGEST_EXACT + 1}"'),
        (ColumnType.INTEGER, str(-LARGEST_EXACT - 1), f'"{-LARGEST_EXACT - 1}"'),
        (ColumnType.INTEGER, "12345678901234567890", '"12345678901234567890"'),
        (ColumnType.INTEGER, "-0", '"-0"'),
        (ColumnType.INTEGER, "007", '"007"'),
        (ColumnType.INTEGER, "1.5", '"1.5"'),
        (ColumnType.INTEGER, "²", '"²"'),
        (ColumnType.INTEGER, "", '""'),
        (ColumnType.INTEGER, None, "null"),
        (ColumnType.DECIMAL, "1.10", '"1.10"'),
        (ColumnType.DECIMAL, "NaN", '"NaN"'),
        (ColumnType.DECIMAL, None, "null"),
        (ColumnType.MONEY, "12.30", '{"amount":"12.30","currency":"EUR"}'),
        (ColumnType.MONEY, 'a"b', '{"amount":"a\\"b","currency":"EUR"}'),
        (ColumnType.MONEY, "null", '{"amount":"null","currency":"EUR"}'),
        (ColumnType.MONEY, None, "null"),
        (ColumnType.BOOLEAN, "true", "true"),
        (ColumnType.BOOLEAN, "2", '"2"'),
        (ColumnType.BOOLEAN, None, "null"),
        (ColumnType.TEXT, "null", '"null"'),
        (ColumnType.TEXT, "%s %% %(a)s", '"%s %% %(a)s"'),
        (ColumnType.TEXT, "\x00\x1f\x7f\u2028\ufeff", '"\\u0000\\u001f\x7f\u2028\ufeff"'),
        (ColumnType.IDENTIFIER, "00012345678901234567", '"00012345678901234567"'),
        (ColumnType.JSON, PREFERENCES, PREFERENCES),
        (ColumnType.JSON, '{"a": 1.10,\r\n "a": 1E-400}', '{"a": 1.10,   "a": 1E-400}'),
        (ColumnType.JSON, "[1E400]", '"[1E400]"'),  # many readers would refuse the whole document for it
        (ColumnType.JSON, " null ", "null"),
        (ColumnType.JSON, "{broken", '"{broken"'),
        (ColumnType.JSON, "NaN", '"NaN"'),
        (ColumnType.JSON, "", '""'),
        (ColumnType.JSON, "1 2", '"1 2"'),
        (ColumnType.JSON, None, "null"),
    ],
)
def test_a_cell_has_its_documented_form(kind: ColumnType, cell: Cell, text: str) -> None:
    assert value(kind, cell) == text


def test_an_integer_may_have_more_digits_than_python_reads() -> None:
    digits = "9" * 5000
    assert value(ColumnType.INTEGER, f"-{digits}") == f'"-{digits}"'


def test_money_takes_its_currency_from_the_row() -> None:
    columns = [column("total", ColumnType.MONEY, currency="currency"), column("currency")]
    rows = [("1.10", "EUR"), ("5", "JPY"), ("0.100", None), (None, "KWD"), ("2", 'E"R')]
    records = parse(write([section("s", columns, *rows)]))["sections"]["s"]
    assert [record["total"] for record in records] == [
        {"amount": "1.10", "currency": "EUR"},
        {"amount": "5", "currency": "JPY"},
        {"amount": "0.100", "currency": None},
        None,
        {"amount": "2", "currency": 'E"R'},
    ]


@given(st.lists(st.tuples(st.integers(-(10**40), 10**40), st.integers(0, 12)), min_size=1, max_size=20))
def test_no_float_touches_a_price(prices: list[tuple[int, int]]) -> None:
    texts = [f"{Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -places)):f}" for number, places in prices]
    columns = [column("price", ColumnType.MONEY, currency_code="EUR"), column("weight", ColumnType.DECIMAL)]
    records = parse(write([section("s", columns, *((text, text) for text in texts))]))["sections"]["s"]
    assert [(record["price"]["amount"], record["weight"]) for record in records] == [(text, text) for text in texts]


def test_a_cut_document_shows() -> None:
    content = write([section("s", [column("a")], ("x",), ("y",))])
    for length in range(1, len(content) - 1):
        with pytest.raises(json.JSONDecodeError):
            json.loads(content[:length])


# Every well-known customer of the demo shop.


@pytest.fixture(scope="module")
def documents(demo_shop: Path, demo_map: CustomerMap) -> dict[str, bytes]:
    return export_all(f"sqlite:///{demo_shop}", demo_map)


def export_all(url: str, demo_map: CustomerMap) -> dict[str, bytes]:
    written = {}
    names = [one.name for one in demo_map.sections]
    with opened(url, demo_map) as source:
        for known in WELL_KNOWN:
            with streaming(source, known.id) as (_, streams):
                head = document(customer_id=known.id, sections=names, map_version=demo_map.version)
                written[known.name] = b"".join(JsonWriter().write(head, streams))
    return written


@pytest.fixture(scope="module")
def validators(demo_map: CustomerMap) -> dict[bool, Draft202012Validator]:
    schema = document_schema(demo_map)
    Draft202012Validator.check_schema(schema)
    checker = Draft202012Validator.FORMAT_CHECKER
    assert {"date", "date-time"} <= set(checker.checkers), "the checker knows no dates: install rfc3339-validator"
    return {True: Draft202012Validator(schema, format_checker=checker), False: Draft202012Validator(schema)}


@pytest.mark.parametrize("known", WELL_KNOWN, ids=lambda known: known.name)
def test_the_document_of_every_customer_is_valid(
    documents: dict[str, bytes], validators: dict[bool, Draft202012Validator], known: WellKnownCustomer
) -> None:
    content = json.loads(documents[known.name])
    clean = known is not HOSTILE  # whose dates no calendar has
    assert [error.message for error in validators[clean].iter_errors(content)] == []
    assert content["customer"]["id"] == known.id
    orders = content["sections"]["orders"]
    assert len(orders) == (700 if known.name == "most-orders" else known.orders + known.guest_orders)


def test_the_schema_refuses_what_no_export_may_hold(
    documents: dict[str, bytes], validators: dict[bool, Draft202012Validator], demo_map: CustomerMap
) -> None:
    def refuses(change: Any) -> bool:
        content = json.loads(documents[TYPICAL.name])
        change(content)
        return not validators[True].is_valid(content)

    assert refuses(lambda content: content.pop("manifest"))
    assert refuses(lambda content: content["sections"].update(secrets=[]))
    assert refuses(lambda content: content["sections"]["profile"][0].update(password_hash="x"))
    assert refuses(lambda content: content["sections"]["orders"][0].pop("total"))
    assert refuses(lambda content: content["sections"]["orders"][0].update(total=1.5))
    assert refuses(lambda content: content["sections"]["orders"][0]["total"].update(amount=1.5))
    assert refuses(lambda content: content["sections"]["orders"][0].update(placed_at="yesterday"))
    assert refuses(lambda content: content.update({"$schema": schema_id("0" * 16)}))
    assert not refuses(dict)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_reads_every_document(documents: dict[str, bytes]) -> None:
    for name, content in documents.items():
        done = subprocess.run(["jq", "-e", ".manifest.sections"], input=content, capture_output=True, check=False)
        assert done.returncode == 0, (name, done.stderr)


def test_hostile_cells_and_stored_json_arrive_exactly(documents: dict[str, bytes]) -> None:
    content = json.loads(documents[HOSTILE.name])
    assert set(CELLS.values()) <= {note["body"] for note in content["sections"]["notes"]}
    assert f'"preferences":{PREFERENCES}'.encode() in documents[HOSTILE.name]
    assert b"password" not in documents[TYPICAL.name]


def test_a_customer_with_nothing_has_every_section_empty(documents: dict[str, bytes], demo_map: CustomerMap) -> None:
    sections_of = json.loads(documents[EMPTY.name])["sections"]
    assert {name: len(rows) for name, rows in sections_of.items()} == {
        one.name: int(one.name == "profile") for one in demo_map.sections
    }


def test_both_databases_give_the_same_documents(
    documents: dict[str, bytes], postgresql_shop: str, demo_map: CustomerMap
) -> None:
    for name, content in export_all(postgresql_shop, demo_map).items():
        if name == HOSTILE.name:
            continue  # an impossible date is NULL in PostgreSQL
        assert content == documents[name], name
