"""Every format, from both databases, through the whole pipeline: what a caller may not see is nowhere in the bytes.

Each value is one of a kind, so that it can be looked for; that it is found where nothing is masked shows that the
looking works.
"""

import gzip
import io
import json
import re
import sqlite3
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import jsonschema
import orjson
import pikepdf
import pypdfium2
import pytest

from customer_export.auth.policy_file import parse_policy
from customer_export.cache.registry import open_cache
from customer_export.compose import open_services
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import Pending, Waiting, make_export, open_export, start_export
from customer_export.model.access import BearerToken, Principal, Scope
from customer_export.model.audit import CacheUse
from customer_export.model.columns import Mask
from customer_export.model.customer_map import CustomerMap
from customer_export.model.policy import Policy
from customer_export.model.request import ExportFormat
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.source.map_file import parse_map
from customer_export.source.postgresql import snapshot as postgresql_snapshot
from customer_export.source.registry import open_source
from customer_export.source.sqlite import snapshot as sqlite_snapshot
from customer_export.writers.json_schema import document_schema
from customer_export.writers.registry import make_writers
from mariadb_server import MariadbServer
from own_databases import new_sqlite_store
from servers import PostgresqlServer

ORDERS = max(postgresql_snapshot.SMALL_ROWS, sqlite_snapshot.SMALL_ROWS) + 50  # so many take the fast paths
CLASSES = ("identity", "contact", "financial", "behaviour", "communication", "consent", "technical", "sensitive")

PEOPLE = {
    # column: (declared type, class, stored type, value)
    "name": ("text", "identity", "text", "Zyxname Quorvel"),
    "passport": ("identifier", "identity", "text", "0099887766"),
    "mail": ("email", "contact", "text", "zyxmail@vorquel.example"),
    "site": ("url", "contact", "text", "https://zyxsite.example/vorq"),
    "balance": ("money", "financial", "numeric(12, 2)", "77123.45"),
    "score": ("decimal", "behaviour", "numeric(12, 4)", "31.4159"),
    "visits": ("integer", "behaviour", "integer", "918273"),
    "note": ("text", "communication", "text", "=zyxnote(1)"),
    "agreed": ("boolean", "consent", "boolean", "true"),
    "token": ("uuid", "technical", "uuid", "5eadbeef-0000-4000-8000-00c0ffee0001"),
    "born": ("date", "sensitive", "date", "1937-03-14"),
    "seen": ("timestamp", "technical", "timestamp", "2019-07-08 09:10:11"),
    "profile": ("json", "sensitive", "text", '{"zyxjson": "zyxillness"}'),
    "photo": ("binary", "sensitive", "text", "zyxphoto"),
}
SHORT = 3  # letters of a currency
NO_MARK = {"agreed"}  # `true` may stand anywhere
TOTALS = [f"{100 + number}.73" for number in range(ORDERS)]


def columns_of(described: Mapping[str, tuple[str, str, str, str]]) -> str:
    def currency(kind: str) -> str:
        return ', currency_code = "EUR"' if kind == "money" else ""

    return "\n".join(
        f'  {{ name = "{name}", type = "{kind}", personal_data = "{of}"{currency(kind)} }},'
        for name, (kind, of, _, _) in described.items()
    )


MAP = f"""
map = 1
name = "Leaks"

[customer]
table = "people"
key = "id"
key_type = "integer"
title = ["name"]
tenant = "shop"

[orders]
section = "orders"
amount = "total"
time = "placed_at"
status = "status"

[[sections]]
name = "profile"
table = "people"
links = [[{{ columns = "id" }}]]
order = ["id"]
columns = [
{columns_of(PEOPLE)}
]

[[sections]]
name = "orders"
table = "orders"
links = [[{{ columns = "mail", to = "mail", ignore_case = true }}]]
lookups = [{{ name = "who", columns = "mail", table = "people", to = "mail" }}]
time = "placed_at"
order = ["placed_at", "id"]
columns = [
  {{ name = "placed_at", type = "timestamp", personal_data = "behaviour" }},
  {{ name = "status", type = "text", personal_data = "communication" }},
  {{ name = "currency", type = "text", personal_data = "contact" }},
  {{ name = "total", type = "money", currency = "currency", personal_data = "financial" }},
  {{ name = "ordered_by", source = "who.name", type = "text", personal_data = "identity" }},
  {{ name = "remark", type = "text", personal_data = "communication" }},
  {{ name = "lines", type = "integer", personal_data = "none" }},
]
"""


def statements(*, typed: bool) -> list[str]:
    def stored(kind: str) -> str:
        return kind if typed else {"uuid": "text"}.get(kind, kind)

    people = ", ".join(f"{name} {stored(kind)} NOT NULL" for name, (_, _, kind, _) in PEOPLE.items())
    values = ", ".join("true" if name == "agreed" else f"'{value}'" for name, (*_, value) in PEOPLE.items())
    orders = ", ".join(
        f"({number}, 'ZYXMAIL@vorquel.example', '20{10 + number % 9}-0{1 + number % 9}-02 03:04:05',"
        f" 'zyxstatus{number % 3}', '{('XTS', 'XAU')[number % 2]}', {total}, '=zyxremark{number}', {number})"
        for number, total in enumerate(TOTALS)
    )
    return [
        f"CREATE TABLE people (id integer NOT NULL PRIMARY KEY, shop text, {people}, UNIQUE (mail))",
        f"INSERT INTO people VALUES (1, 'acme', {values})",
        "CREATE TABLE orders (id integer NOT NULL PRIMARY KEY, mail text, placed_at timestamp, status text,"
        ' currency text, total numeric(12, 2), remark text, "lines" integer)',
        f"INSERT INTO orders VALUES {orders}",
    ]


@pytest.fixture(scope="module")
def customer_map() -> CustomerMap:
    return parse_map(MAP.encode(), file="leaks.toml")


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def services(
    request: pytest.FixtureRequest, customer_map: CustomerMap, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """The services on the people and their orders, in each database."""
    folder = tmp_path_factory.mktemp("leaks")
    if request.param == "sqlite":
        with closing(sqlite3.connect(folder / "shop.db")) as connection:
            connection.executescript(";".join(statements(typed=False)))
        url = f"sqlite:///{folder / 'shop.db'}"
    else:
        server: PostgresqlServer | MariadbServer = request.getfixturevalue(request.param)
        url = server.create_database("leaks", ";".join(statements(typed=True)))
    changes = {
        "database_url": new_sqlite_store(folder / "own.db"),
        "source_map": None,
        "redis_url": None,
        "export_rate_limit_max": 10_000,
    }
    settings = Settings().model_copy(update=changes)
    source = open_source(url, customer_map, connections=2)
    try:
        with open_services(settings) as services:
            pdf = services.writers[ExportFormat.PDF]
            writers = make_writers(customer_map, pdf)  # type: ignore[arg-type]
            yield replace(services, source=source, writers=writers, authenticator=Anybody())
    finally:
        source.close()


class Anybody:
    """Takes a bearer's secret for their scopes."""

    def authenticate(self, credentials: object, *, now: object) -> Principal:  # noqa: ARG002
        assert isinstance(credentials, BearerToken)
        scopes = frozenset(str(credentials.secret).split())
        return Principal(name="tester", scopes=scopes, tenant="acme" if "acme" in scopes else None)


def export(services: Services, policy: Policy | None, scopes: str, **parameters: str) -> bytes:
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id="1",
        parameters=list(parameters.items()),
        credentials=BearerToken(secret=scopes),
        client=None,
    )
    started = start_export(replace(services, policy=policy), call, cancellation=Cancellation())
    try:
        content = b"".join(started.pieces())
        started.finish()
    finally:
        started.close()
    kept = orjson.dumps([started.file_name, started.manifest.members(), services.store.manifest(call.export_id)])
    return content + b"\n" + kept + repr(services.store.audit_of(call.export_id)).encode()


def texts_of(content: bytes, file_format: str) -> str:
    """Give all that can be read out of a file: its bytes, whatever is packed in it, and the text of its pages."""
    found = [content.decode("utf-8", "replace")]
    if file_format in {"zip", "xlsx"}:
        found += [part.decode("utf-8", "replace") for part in unpacked(content)]
    if file_format == "pdf":
        with pikepdf.open(io.BytesIO(content)) as pdf:
            streams = [item for item in pdf.objects if isinstance(item, pikepdf.Stream)]
            found += [item.read_bytes().decode("latin-1") for item in streams if readable(item)]
            found += [str(pdf.docinfo), str(pdf.Root.get("/Lang"))]
        document = pypdfium2.PdfDocument(content)
        found += [page.get_textpage().get_text_range() for page in document]
        document.close()
    return "\n".join(found)


def readable(stream: pikepdf.Stream) -> bool:
    try:
        stream.read_bytes()
    except pikepdf.PdfError:
        return False
    return True


def unpacked(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name.encode()
            part = archive.read(name)
            yield gzip.decompress(part) if part[:2] == b"\x1f\x8b" else part


OTHERWISE = {
    "1937-03-14": ["13588", "Mar 14, 1937", "3/14/37", "14.03.1937"],
    "2019-07-08 09:10:11": ["2019-07-08", "43654.", "Jul 8, 2019"],
    "2015-06-02 03:04:05": ["2015-06-02", "42157.", "Jun 2, 2015"],
}
"""Moments as some format writes them, a workbook by its serial number."""


def spellings(text: str) -> list[str]:
    """Spell a value as some format might: a number with groups, quotes doubled, a moment otherwise."""
    is_number = re.fullmatch(r"\d{4,}(\.\d+)?", text)
    groups = re.sub(r"(?<=\d)(?=(\d{3})+(\.|$))", ",", text) if is_number else text
    return [text, groups, text.replace('"', '""'), *OTHERWISE.get(text, [])]


def stands_in(mark: str, text: str) -> bool:
    """Whether a mark stands in a text: one of three letters as a word, since signatures have any three by chance."""
    if len(mark) > SHORT:
        return mark in text
    return re.search(rf"(?<![A-Za-z_-]){re.escape(mark)}(?![A-Za-z_-])", text) is not None


def marks_of(classes: set[str]) -> dict[str, list[str]]:
    """Give what may not be found of the classes, by what it is called."""
    marks = {
        name: spellings(value) for name, (_, of, _, value) in PEOPLE.items() if of in classes and name not in NO_MARK
    }
    if "contact" in classes:
        marks |= {"mail's user": ["zyxmail"], "currencies": ["XTS", "XAU", "XTS".lower()]}
    if {"financial", "contact"} & classes:  # an amount goes with its currency
        sums = {sum(int(total.replace(".", "")) for total in TOTALS[start::2]) / 100 for start in (0, 1)}
        marks |= {"totals": TOTALS[:3], "sums": [one for value in sums for one in spellings(f"{value:.2f}")]}
    if "behaviour" in classes:
        marks |= {"moments": ["03:04:05", *spellings("2015-06-02 03:04:05")]}
    if "communication" in classes:
        marks |= {"remarks": ["zyxremark"], "statuses": ["zyxstatus"]}
    if "sensitive" in classes:
        marks |= {"illness": ["zyxillness"], "json": ["zyxjson"], "photo's digest": ["binary; 8 bytes"]}
    if "identity" in classes:
        marks |= {"names": ["Zyxname", "Quorvel"]}
    return marks


def policy_for(*, masked: set[str], mask: Mask) -> Policy:
    seen = [one for one in CLASSES if one not in masked]
    text = f'policy = 1\n[scopes]\n"customers:export" = {json.dumps(seen)}\n[masks]\n'
    return parse_policy((text + "".join(f'{one} = "{mask}"\n' for one in CLASSES)).encode(), file="policy.toml")


FORMATS = [
    *({"format": one} for one in ("pdf", "xlsx", "json", "ndjson", "zip", "csv")),
    {"format": "csv", "profile": "raw", "sections": "orders"},
    {"format": "csv", "sections": "profile"},
    {"format": "xlsx", "locale": "de", "tz": "Europe/Berlin"},
    {"format": "pdf", "locale": "ar", "tz": "Asia/Tokyo"},
]


@pytest.mark.parametrize("parameters", FORMATS, ids=lambda one: "-".join(one.values()))
def test_nothing_of_a_masked_class_is_in_any_byte(services: Services, parameters: dict[str, str]) -> None:
    for masked in ({"identity", "contact", "sensitive"}, set(CLASSES)):
        content = export(services, policy_for(masked=masked, mask=Mask.WITHHOLD), Scope.EXPORT, **parameters)
        text = texts_of(content, parameters["format"])
        found = {name: mark for name, marks in marks_of(masked).items() for mark in marks if stands_in(mark, text)}
        assert found == {}


@pytest.mark.parametrize("file_format", ["pdf", "xlsx", "json", "ndjson", "zip", "csv"])
def test_of_a_masked_part_no_more_than_the_part_is_in_any_byte(services: Services, file_format: str) -> None:
    masked = set(CLASSES)
    content = export(services, policy_for(masked=masked, mask=Mask.PARTIAL), Scope.EXPORT, format=file_format)
    text = texts_of(content, file_format)
    found = {name: mark for name, marks in marks_of(masked).items() for mark in marks if stands_in(mark, text)}
    assert found == {}
    for part in ("Z***", "0***", "z***@vorquel.example"):
        assert part in text
    assert "=***" in text
    assert file_format != "csv" or text.count("'=***") == text.count("=***") == ORDERS + 1


@pytest.mark.parametrize("file_format", ["pdf", "xlsx", "json", "ndjson", "zip", "csv"])
@pytest.mark.parametrize(
    ("masked", "scopes"), [(None, Scope.EXPORT), (set(CLASSES), "customers:export customers:export:unmasked")]
)
def test_all_of_it_is_there_where_nothing_is_masked(
    services: Services, file_format: str, masked: set[str] | None, scopes: str
) -> None:
    policy = None if masked is None else policy_for(masked=masked, mask=Mask.WITHHOLD)
    text = texts_of(export(services, policy, scopes, format=file_format), file_format)
    marks = marks_of(set(CLASSES))
    missing = {name for name, spelled in marks.items() if not any(stands_in(mark, text) for mark in spelled)}
    # sums are in what people look at; of a photo there is only a digest
    expected = {"photo"} if file_format in {"pdf", "xlsx"} else {"photo", "sums"}
    assert missing == expected


def test_what_one_caller_sees_comes_to_no_other_out_of_the_cache(services: Services) -> None:
    cache = open_cache(
        None,
        ttl=timedelta(minutes=5),
        largest_bytes=1 << 20,
        memory_bytes=1 << 24,
        keys="",
        monotonic=time.monotonic,
    )
    policy = policy_for(masked={"identity", "contact"}, mask=Mask.WITHHOLD)
    served = replace(services, policy=policy, cache=cache)
    everything, less, least = f"{Scope.EXPORT} {Scope.UNMASKED}", f"{Scope.EXPORT}", "customers:export acme"
    assert [serve(served, scopes) for scopes in (everything, less, least)] == [CacheUse.MISS] * 3
    assert [serve(served, scopes) for scopes in (everything, less, least)] == [CacheUse.HIT] * 3
    assert serve(replace(served, policy=None), less) is CacheUse.HIT  # who sees everything, by whatever right
    other_masks = policy_for(masked={"identity", "contact"}, mask=Mask.PARTIAL)
    assert serve(replace(served, policy=other_masks), less) is CacheUse.MISS
    assert serve(replace(served, policy=policy_for(masked={"contact"}, mask=Mask.WITHHOLD)), less) is CacheUse.MISS


def serve(services: Services, scopes: str) -> CacheUse:
    """Serve a file as the API does, and say where it came from."""
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id="1",
        parameters=[("format", "json")],
        credentials=BearerToken(secret=scopes),
        client=None,
    )
    opened = open_export(services, call, told=lambda _: None)
    assert not isinstance(opened, Waiting)
    use = CacheUse.MISS if isinstance(opened, Pending) else CacheUse.HIT
    started = make_export(services, opened, cancellation=Cancellation()) if isinstance(opened, Pending) else opened
    try:
        content = b"".join(started.pieces())
        started.finish()
    finally:
        started.close()
    masked = services.policy is not None and Scope.UNMASKED not in scopes
    assert (b"zyxmail" in content) is not masked
    return use


def test_the_customer_is_called_by_their_key_where_the_name_is_masked(services: Services) -> None:
    policy = policy_for(masked={"identity"}, mask=Mask.PARTIAL)
    document = orjson.loads(export(services, policy, Scope.EXPORT, format="json").splitlines()[0] + b"}}")
    assert document["customer"] == {"id": "1", "title": "1"}
    shown = orjson.loads(export(services, None, Scope.EXPORT, format="json").splitlines()[0] + b"}}")
    assert shown["customer"] == {"id": "1", "title": "Zyxname Quorvel"}


@pytest.mark.parametrize("mask", Mask)
def test_a_masked_document_is_valid_and_has_all_rows(services: Services, customer_map: CustomerMap, mask: Mask) -> None:
    content = export(services, policy_for(masked=set(CLASSES), mask=mask), Scope.EXPORT, format="json")
    document, _, _ = content.rpartition(b"\n[")
    parsed = orjson.loads(document.rpartition(b"}\n")[0] + b"}")
    jsonschema.validate(parsed, dict(document_schema(customer_map)))
    assert [len(rows) for rows in parsed["sections"].values()] == [1, ORDERS]
    assert [row["lines"] for row in parsed["sections"]["orders"]] == sorted(
        range(ORDERS), key=lambda number: (f"20{10 + number % 9}-0{1 + number % 9}", number)
    )


def test_a_masked_time_cannot_be_found_out_by_asking_for_periods(services: Services) -> None:
    period = {"from": "2015-01-01", "to": "2015-12-31"}
    for masked, rows in (({"behaviour"}, ORDERS), ({"identity"}, ORDERS // 9)):
        policy = policy_for(masked=masked, mask=Mask.WITHHOLD)
        content = export(services, policy, Scope.EXPORT, format="csv", profile="raw", sections="orders", **period)
        body = content.partition(b"\n[")[0].decode().splitlines()
        assert abs(len(body) - 1 - rows) <= 1
