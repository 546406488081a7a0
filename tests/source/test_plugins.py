"""Sections by plug-ins: whole, exact and masked, or an error that names the plug-in; never half of one."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.errors import ExportCancelledError, MapError, MapMismatchError, PluginFailedError
from customer_export.model.columns import Cell, ColumnType, Mask, PersonalDataClass
from customer_export.model.customer_map import CustomerMap
from customer_export.model.policy import mask_map
from customer_export.model.request import Period
from customer_export.source.interface import Source
from customer_export.source.plugins.cells import CellError, canonical
from customer_export.source.plugins.source import with_plugins
from customer_maps import column, make_map, section
from databases import Database, finding, opened, read, streaming
from installed_plugins import installed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COLUMNS = [
    column("number", "identifier"),
    column("opened_at", "timestamp", personal_data="behaviour"),
    column("subject", source="about", personal_data="contact"),
    column("secret", hidden=True),
]
PROFILE = section("customers", {"name": "text"}, links=[[{"columns": "id"}]])
HEAD = "from datetime import datetime\n\n"
TWO = (
    HEAD
    + """
def rows(request):
    yield {"number": "007", "opened_at": datetime.fromisoformat("2024-07-01T12:00:00+02:00"), "about": "é=1"}
    yield {"number": 8, "opened_at": None, "about": None, "secret": object()}
"""
)
Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    folder = tmp_path / "packages"
    folder.mkdir()
    return lambda code, function="rows": installed(folder, monkeypatch, code, function)


def tickets(plugin: str, **options: object) -> dict[str, object]:
    return {"name": "tickets", "plugin": plugin, "columns": COLUMNS, **options}


@contextmanager
def with_tickets(database: Database, *sections: dict[str, object], **customer: object) -> Iterator[Source]:
    with opening(database, make_map(*sections, **customer)) as source:
        yield source


@contextmanager
def opening(database: Database, customer_map: CustomerMap) -> Iterator[Source]:
    with opened(database.url, customer_map) as source:
        yield with_plugins(source, now=lambda: NOW)


def test_a_plugin_gives_a_section_among_the_others(database: Database, install: Install) -> None:
    last = section("last", {"email": "email"}, table="customers", links=[[{"columns": "id"}]])
    with with_tickets(database, PROFILE, tickets(install(TWO)), last) as source:
        source.check()
        assert read(source) == {
            "customers": [("Ada",)],
            "tickets": [("007", "2024-07-01T10:00:00+00:00", "é=1"), ("8", None, None)],
            "last": [("ada@example.com",)],
        }
        assert list(read(source)) == ["customers", "tickets", "last"]
        assert read(source, sections=["tickets"])["tickets"][0][0] == "007"
        with finding(source) as (_, found):
            assert found is not None
            assert found.asked_at == {"tickets": NOW}
        with finding(source, "99") as (_, nobody):
            assert nobody is None


def test_a_plugin_is_told_who_and_what(database: Database, install: Install) -> None:
    code = """
def rows(request):
    yield (request.customer_key, request.customer_title, request.given["email"], request.given["id"],
           str(request.period.start), request.time_zone, request.options["url"], request.section,
           " ".join(f"{one.name}:{one.type}:{one.mask}" for one in request.columns),
           request.remaining_seconds() > 0, not request.cancelled())
"""
    names = ["key", "title", "email", "id", "start", "zone", "url", "section", "columns", "remaining", "wanted"]
    kinds = {**dict.fromkeys(names, "text"), "remaining": "boolean", "wanted": "boolean"}
    columns = [column(name, kind, personal_data="identity") for name, kind in kinds.items()]
    columns.append(column("at", "date", hidden=True))
    asked = tickets(install(code), columns=columns, given=["email", "id"], options={"url": "http://x"})
    customer_map = make_map(asked, PROFILE)
    with opening(database, customer_map) as source:
        ((*cells, listed, remaining, wanted),) = read(source, period=Period(start=NOW), time_zone="Asia/Tokyo")[
            "tickets"
        ]
        assert cells == ["1", "Ada", "ada@example.com", "1", "None", "Asia/Tokyo", "http://x", "tickets"]
        assert str(listed).startswith("key:text:None title:text:None")
        assert (remaining, wanted) == ("true", "true")
    with opening(database, mask_map(customer_map, {PersonalDataClass.IDENTITY: Mask.PARTIAL})) as source:
        ((_, title, email, *_),) = read(source)["tickets"]
        assert (title, email) == ("A***", "a***")


def test_a_period_holds_whatever_the_plugin_gives(database: Database, install: Install) -> None:
    code = (
        HEAD
        + """
def rows(request):
    start = request.period.start
    moments = ["2024-01-01T00:00:00+01:00", "2024-01-01T00:00:00+00:00", None, "2024-02-01T00:00:00Z"]
    for number, at in enumerate(moments):
        yield {"number": number, "opened_at": at, "about": str(start and start.isoformat())}
"""
    )
    period = Period(start=datetime(2024, 1, 1, tzinfo=UTC), end=datetime(2024, 2, 1, tzinfo=UTC))
    plugin = install(code)
    with with_tickets(database, tickets(plugin, time="opened_at")) as source:
        assert [row[0] for row in read(source, period=period)["tickets"]] == ["1"]
        assert [row[0] for row in read(source)["tickets"]] == ["0", "1", "2", "3"]
        assert read(source, period=period)["tickets"][0][2] == "2024-01-01T00:00:00+00:00"
    with with_tickets(database, tickets(plugin)) as source:
        assert [row[2] for row in read(source, period=period)["tickets"]] == ["None"] * 4
    masked = mask_map(make_map(tickets(plugin, time="opened_at")), {PersonalDataClass.BEHAVIOUR: Mask.WITHHOLD})
    with opening(database, masked) as source:  # the number of rows would tell the time
        assert [row[1:] for row in read(source, period=period)["tickets"]] == [(None, "None")] * 4


def test_a_period_of_days_holds_too(database: Database, install: Install) -> None:
    code = "def rows(request):\n    for day in (29, 30, 31):\n        yield [f'2024-01-{day}']\n"
    asked = tickets(install(code), columns=[column("day", "date")], time="day")
    period = Period(start=datetime(2024, 1, 29, 23, tzinfo=UTC), end=datetime(2024, 1, 30, 23, tzinfo=UTC))
    with with_tickets(database, asked) as source:
        assert read(source, period=period, time_zone="Europe/Berlin")["tickets"] == [("2024-01-30",)]
        assert read(source, period=period)["tickets"] == [("2024-01-29",), ("2024-01-30",)]


INTERFACE = "customer_export.source.plugins.interface"
ROW = '{"number": "1", "opened_at": None, "about": "x"}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (f"yield {ROW}; raise OSError('personal')", "it raised OSError; mend the plug-in"),
        ("return 1 / 0", "it raised ZeroDivisionError; mend the plug-in"),
        ("return None", "it raised TypeError; mend the plug-in"),
        (
            f"from {INTERFACE} import PluginError; yield {ROW}; raise PluginError('closed')",
            "closed",
        ),
        (
            f'yield {ROW}; yield {{"number": 1, "about": "x"}}',
            "its row 2 lacks the column 'opened_at'; give it, as None if there is no value",
        ),
        (
            f"yield {ROW}; yield {{**{ROW}, 'subject': 1}}",
            "its row 2 has the column 'subject', which the map does not; add it to the map, hidden = true if it is not "
            "to be exported",
        ),
        (
            "yield [1, None]",
            "its row 1 has 2 values for 3 columns; give number, opened_at, about, in this order",
        ),
        ("yield 'abc'", "its row 1 is of type str; give mappings or tuples"),
        ("yield 5", "its row 1 is of type int; give mappings or tuples"),
        (
            "yield [1, '2024-01-01 10:00', None]",
            "the column 'opened_at' of its row 1 is no timestamp, but of type str; mend the plug-in or the map",
        ),
        (
            "yield [1.5, None, None]",
            "the column 'number' of its row 1 is a float, which is not exact; give a Decimal or text; mend the plug-in "
            "or the map",
        ),
        (
            "yield [1, None, '\\ud800']",
            "the column 'about' of its row 1 is text with half of a surrogate pair; mend the plug-in or the map",
        ),
    ],
)
def test_a_plugin_that_fails_fails_the_export(database: Database, install: Install, body: str, reason: str) -> None:
    plugin = install(f"def rows(request):\n    {body}\n")
    with with_tickets(database, PROFILE, tickets(plugin)) as source:
        with pytest.raises(PluginFailedError) as failure, finding(source):
            pass
        assert failure.value.message == f"The plug-in {plugin!r} failed to give the section 'tickets': {reason}"
        assert "personal" not in failure.value.message
        assert read(source, sections=["customers"]) == {"customers": [("Ada",)]}


HANGING = """
import threading

asked, left, release = threading.Event(), threading.Event(), threading.Event()

def rows(request):
    try:
        yield ["1", None, None]
        asked.set()
        release.wait()
        while True:
            yield ["2", None, None]
    finally:
        left.set()
"""


def test_a_plugin_that_hangs_is_left_behind_when_the_time_is_up(database: Database, install: Install) -> None:
    plugin = install(HANGING)
    module = __import__(f"plugin_{plugin}")
    with with_tickets(database, tickets(plugin)) as source:
        began = time.monotonic()
        with pytest.raises(PluginFailedError) as failure, finding(source, time_limit=timedelta(seconds=0.3)):
            pass
        assert time.monotonic() - began < 5
        assert failure.value.message == (
            f"The plug-in {plugin!r} failed to give the section 'tickets': it was not done within 0.3 seconds; ask for "
            "fewer sections, or raise EXPORT_TIMEOUT_MS"
        )
        module.release.set()
        assert module.left.wait(10)  # its thread ends when it next gives rows


def test_a_plugin_ends_with_a_cancelled_export(database: Database, install: Install) -> None:
    plugin = install(HANGING)
    module = __import__(f"plugin_{plugin}")
    with (
        with_tickets(database, tickets(plugin)) as source,
        source.snapshot(time_zone="UTC", time_limit=timedelta(seconds=60)) as snapshot,
    ):
        canceller = threading.Thread(target=lambda: module.asked.wait(10) and snapshot.cancel())
        canceller.start()
        with pytest.raises(ExportCancelledError):
            snapshot.find("1", source.map.sections, Period())
        canceller.join()
        module.release.set()
        assert module.left.wait(10)


def test_many_rows_are_kept_in_a_file_and_come_back_in_order(database: Database, install: Install) -> None:
    code = "def rows(request):\n    for number in range(30_000):\n        yield [number, None, 'x' * (number % 200)]\n"
    with with_tickets(database, tickets(install(code))) as source, streaming(source) as (_, (stream,)):
        assert stream.rows == 30_000
        batches = list(stream.batches())
        assert max(len(batch[0]) for batch in batches) <= 1024
        rows = [row for batch in batches for row in zip(*batch, strict=True)]
    assert rows == [(str(number), None, "x" * (number % 200)) for number in range(30_000)]


def test_a_section_without_rows_is_empty(database: Database, install: Install) -> None:
    with with_tickets(database, tickets(install("def rows(request):\n    return []\n"))) as source:
        assert read(source) == {"tickets": []}


def test_a_plugin_that_is_not_there_is_told_with_those_that_are(install: Install) -> None:
    there = install(TWO)
    with pytest.raises(MapError) as failure:
        make_map(tickets("helpdesk"))
    (problem,) = failure.value.problems
    assert re.fullmatch(
        rf"sections\[tickets\]\.plugin is 'helpdesk', which is not installed \(installed are .*\b{there}\b.*\); "
        "install the package that has it",
        problem,
    )


@pytest.mark.parametrize(
    ("code", "function", "problem"),
    [
        (
            "import nothing_like_this",
            "rows",
            "ModuleNotFoundError: No module named 'nothing_like_this'); mend its package",
        ),
        ("", "rows", "AttributeError"),
        ("rows = 5", "rows", "cannot be called; name a function as its entry point"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_told(install: Install, code: str, function: str, problem: str) -> None:
    plugin = install(code, function)
    with pytest.raises(MapError) as failure:
        make_map(tickets(plugin))
    assert f"sections[tickets].plugin is '{plugin}', but 'plugin_{plugin}:rows' cannot be" in failure.value.message
    assert problem in failure.value.message


@pytest.mark.parametrize(
    ("more", "problems"),
    [
        (
            {"order": ["number"], "links": [[{"columns": "id"}]]},
            [
                "sections[tickets].links is of a table; remove it: the plug-in knows by the customer's key which rows "
                "are theirs",
                "sections[tickets].order is of a table; remove it: the plug-in's rows stay as they come",
            ],
        ),
        ({"time": "about"}, ["sections[tickets].time is 'about'; name a shown column of type date or timestamp"]),
        ({"table": "tickets"}, ["sections[tickets] has table and plugin; give exactly one of table, sql, plugin"]),
    ],
)
def test_what_a_plugins_section_cannot_have_is_told(
    install: Install, more: dict[str, object], problems: list[str]
) -> None:
    plugin = install(TWO)
    with pytest.raises(MapError) as failure:
        make_map(tickets(plugin, **more))
    assert failure.value.problems == problems


def test_a_table_has_nothing_of_a_plugins() -> None:
    with pytest.raises(MapError) as failure:
        make_map(section("orders", {"id": "integer"}, options={"a": 1}, given="email"))
    assert failure.value.problems == [
        "sections[orders].options is of a plug-in; remove it",
        "sections[orders].given is of a plug-in; remove it",
    ]


def test_given_columns_are_held_against_the_database(database: Database, install: Install) -> None:
    with (
        with_tickets(database, tickets(install(TWO), given=["mail"])) as source,
        pytest.raises(MapMismatchError) as failure,
    ):
        source.check()
    assert failure.value.problems == [
        "sections.given: the table 'customers' has no column 'mail'; did you mean 'email'?"
    ]


PLUS_TWO = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (ColumnType.TEXT, "x", "x"),
        (ColumnType.TEXT, 5, "5"),
        (ColumnType.TEXT, Decimal("1E+2"), "100"),
        (ColumnType.IDENTIFIER, "007", "007"),
        (ColumnType.IDENTIFIER, UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (ColumnType.INTEGER, 10**40, "1" + "0" * 40),
        (ColumnType.INTEGER, Decimal(7), "7"),
        (ColumnType.INTEGER, "-7", "-7"),
        (ColumnType.DECIMAL, Decimal("-0.00"), "0.00"),
        (ColumnType.DECIMAL, Decimal("1.50"), "1.50"),
        (ColumnType.DECIMAL, Decimal("1E-7"), "0.0000001"),
        (ColumnType.DECIMAL, Decimal("Infinity"), "Infinity"),
        (ColumnType.DECIMAL, Decimal("-Infinity"), "-Infinity"),
        (ColumnType.DECIMAL, Decimal("NaN"), "NaN"),
        (ColumnType.MONEY, 12, "12"),
        (ColumnType.MONEY, "12.50", "12.50"),
        (ColumnType.BOOLEAN, True, "true"),
        (ColumnType.BOOLEAN, "false", "false"),
        (ColumnType.DATE, date(2024, 2, 29), "2024-02-29"),
        (ColumnType.DATE, "2024-02-29", "2024-02-29"),
        (ColumnType.TIMESTAMP, datetime(2024, 7, 1, 12, 0, 0, 120000, tzinfo=PLUS_TWO), "2024-07-01T12:00:00.12+02:00"),
        (ColumnType.TIMESTAMP, "2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"),
        (ColumnType.UUID, UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (ColumnType.UUID, "0000000A-0000-0000-0000-000000000000", "0000000a-0000-0000-0000-000000000000"),
        (ColumnType.EMAIL, "a@b", "a@b"),
        (ColumnType.URL, "http://x", "http://x"),
        (ColumnType.JSON, '{"a": 1.50}', '{"a": 1.50}'),
        (
            ColumnType.BINARY,
            b"",
            "binary; 0 bytes; sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
    ],
)
def test_a_value_becomes_its_canonical_text(kind: ColumnType, value: object, text: str) -> None:
    assert canonical(value, kind, ZoneInfo("Europe/Berlin")) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((kind, 1.0) for kind in ColumnType),
        *((kind, [1]) for kind in ColumnType),
        *((kind, True) for kind in ColumnType if kind is not ColumnType.BOOLEAN),
        *((kind, b"x") for kind in ColumnType if kind is not ColumnType.BINARY),
        (ColumnType.INTEGER, "1.0"),
        (ColumnType.INTEGER, Decimal("1.5")),
        (ColumnType.MONEY, "1,50"),
        (ColumnType.MONEY, "1e5"),
        (ColumnType.DECIMAL, "٣"),
        (ColumnType.DECIMAL, Decimal("1E+999999999")),
        (ColumnType.BOOLEAN, 1),
        (ColumnType.BOOLEAN, "yes"),
        (ColumnType.DATE, datetime(2024, 1, 1, tzinfo=UTC)),
        (ColumnType.DATE, "2024-02-30"),
        (ColumnType.TIMESTAMP, date(2024, 1, 1)),
        (ColumnType.TIMESTAMP, datetime(2024, 1, 1)),
        (ColumnType.TIMESTAMP, datetime.max.replace(tzinfo=timezone(timedelta(hours=-2)))),
        (ColumnType.UUID, "x"),
        (ColumnType.JSON, "{"),
        (ColumnType.BINARY, "x"),
    ],
)
def test_what_is_none_of_the_type_is_refused(kind: ColumnType, value: object) -> None:
    with pytest.raises(CellError):
        canonical(value, kind, ZoneInfo("Europe/Berlin"))


@given(st.decimals(-(10**40), 10**40, allow_nan=False))
def test_a_decimal_is_the_same_number_as_its_text(value: Decimal) -> None:
    text: Cell = canonical(value, ColumnType.MONEY, ZoneInfo("UTC"))
    assert text is not None
    assert Decimal(text) == value
    assert canonical(text, ColumnType.MONEY, ZoneInfo("UTC")) == text


@given(st.datetimes(timezones=st.timezones()))
def test_a_moment_is_the_same_as_its_text(value: datetime) -> None:
    try:
        text = canonical(value, ColumnType.TIMESTAMP, ZoneInfo("UTC"))
    except CellError:  # the first and the last day there are
        return
    assert text is not None
    assert datetime.fromisoformat(text) == value.astimezone(UTC)
