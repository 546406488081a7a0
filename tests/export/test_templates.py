"""Templates: what they make of a map, and of exports in every format, by the whole pipeline."""

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import openpyxl
import orjson
import pypdfium2
import pytest
from pipeline_starts import Start
from python_calamine import CalamineWorkbook

from customer_export.demo.shop import demo_map_path
from customer_export.errors import (
    ColumnForbiddenError,
    InsufficientScopeError,
    InvalidRequestError,
    TemplateMisfitError,
    TemplateNotFoundError,
)
from customer_export.export.admission import ExportCall, examine
from customer_export.export.templates.body import read_template
from customer_export.export.templates.edit import delete_template, save_template, show_template
from customer_export.model.access import EarlierCaller, LocalOperator, Principal, Scope
from customer_export.model.columns import Mask, PersonalDataClass
from customer_export.model.customer_map import CustomerMap
from customer_export.model.policy import Policy
from customer_export.model.request import ExportFormat
from customer_export.model.template import map_by_template, misfits
from customer_export.services import Services
from customer_export.source.map_file import parse_map
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome
from customer_export.writers.json_schema import document_schema
from xlsx_rules import check_workbook

AMELIA = "550e8400-e29b-41d4-a716-446655440000"
ADMIN = Principal(name="admin", scopes=frozenset({Scope.ADMIN}))
DESK = {
    "description": "Orders as the desk reads them",
    "parameters": {"locale": "de", "tz": "Europe/Berlin"},
    "sections": [
        {
            "name": "orders",
            "label": "Bestellungen",
            "columns": ["status", {"name": "number", "label": "Nr."}, "total", "currency"],
        },
        {"name": "profile", "columns": ["email", "id"]},
        "consents",
    ],
}


def content(start: Start, **parameters: str) -> bytes:
    started = start(AMELIA, **parameters)
    body = b"".join(started.pieces())
    started.finish()
    return body


def saved(services: Services, template: object = DESK, name: str = "desk", principal: Principal = ADMIN) -> str:
    members, _ = save_template(services, name, template, principal)
    return f"{members['name']}@{members['version']}"


def test_a_template_chooses_orders_and_names_sections_and_columns(demo_map: CustomerMap) -> None:
    template, _ = read_template(DESK, name="desk")
    assert list(misfits(template, demo_map)) == []
    view = map_by_template(demo_map, template)
    assert view is map_by_template(demo_map, template)
    assert [section.name for section in view.sections] == ["orders", "profile", "consents"]
    orders = view.sections[0]
    assert orders.label == "Bestellungen"
    assert [(one.name, one.label) for one in orders.exported_columns][:2] == [("status", "Status"), ("number", "Nr.")]
    # what is left out still sorts and filters
    assert {column.name for column in orders.columns} == {column.name for column in demo_map.section("orders").columns}  # type: ignore[union-attr]  # it is there
    assert orders.time == demo_map.section("orders").time  # type: ignore[union-attr]  # likewise
    assert view.orders is not None
    assert (view.orders.amount, view.orders.time, view.orders.status) == ("total", None, "status")
    assert view.sections[2] is demo_map.section("consents")


@pytest.mark.parametrize(
    ("sections", "mistake"),
    [
        ([], "sections: is empty"),
        (["order"], "sections: there is no section 'order'; did you mean orders?"),
        (["orders", "orders"], "sections: orders is named twice"),
        ([{"name": "orders", "columns": []}], "sections[orders].columns: is empty"),
        ([{"name": "orders", "columns": ["number", "number"]}], "sections[orders].columns: number is named twice"),
        ([{"name": "orders", "columns": ["totl"]}], "sections[orders].columns: there is no column 'totl'"),
        ([{"name": "orders", "columns": ["total"]}], "total is an amount of the currency in currency; name that one"),
        ([{"name": "profile", "columns": ["password_hash"]}], "there is no column 'password_hash'"),
    ],
)
def test_what_the_map_does_not_have_is_told(services: Services, sections: object, mistake: str) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(mistake)):
        save_template(services, "desk", {"sections": sections}, ADMIN)


@pytest.mark.parametrize(
    ("wanted", "mistake"),
    [
        ([], "send a JSON object"),
        ({"section": []}, "section: is nothing that a template has"),
        ({"sections": "orders"}, "sections: is no list"),
        ({"sections": [{"name": "orders", "labl": "x"}]}, "sections[0].labl: is nothing that a template has"),
        ({"sections": [{"name": "orders", "label": ""}]}, "sections[0].label: is empty"),
        ({"sections": [{"name": "orders", "label": "a\nb"}]}, "sections[0].label: has characters that cannot be"),
        ({"sections": [3]}, "sections[0]: "),
        ({"parameters": {"sections": "orders"}}, "parameters: sections: is none that a template may say"),
        ({"parameters": {"fresh": "true"}}, "parameters: fresh: is none that a template may say"),
        ({"parameters": {"tz": "Mars"}}, "tz: is not a time zone"),
        ({"parameters": {"format": "doc"}}, "format: is not known"),
        ({"parameters": {"delimiter": "x"}}, "delimiter: is not a delimiter"),
        ({"parameters": {"bom": True}}, "parameters.bom: is no text"),
        ({"xlsx": {"summary": "second"}}, "xlsx.summary: is none of 'first', 'last' or 'none'"),
        ({"xlsx": {"charts": "no"}}, "xlsx.charts: is neither true nor false"),
        ({"pdf": {"theme": {"colors": {}}}}, "pdf.theme: has no table 'colors'"),
        ({"pdf": {"theme": {"colours": {"accent": "red"}}}}, "colours.accent is no colour such as"),
        ({"pdf": {"theme": {"table": {"size": 70}}}}, "table.size is no number of points from 3.5 to 14"),
        ({"pdf": {"theme": {"table": {"size": True}}}}, "table.size is no number of points"),
        ({"pdf": {"theme": {"cover": {"blocks": ["facts", "facts"]}}}}, "cover.blocks is no list of logo, title"),
        ({"pdf": {"theme": {"brand": {"logo": "x.png"}}}}, "brand has no 'logo'"),
        ({"pdf": {"theme": {"brand": {"name": 3}}}}, "brand.name is no text of up to 60"),
        ({"pdf": {"theme": {"page": 3}}}, "pdf.theme: page is no object"),
        ({"pdf": {"logo": "?"}}, "pdf.logo: is no base64"),
        ({"pdf": {"logo": "YWJj"}}, "pdf.logo: is neither a PNG nor an SVG"),
        ({"pdf": {"pages": "#nonsense"}}, "pdf: a report of invented rows cannot be set"),
    ],
)
def test_every_mistake_of_a_template_is_told_with_its_place(services: Services, wanted: object, mistake: str) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(mistake)):
        save_template(services, "desk", wanted, ADMIN)
    with pytest.raises(TemplateNotFoundError):
        show_template(services, "desk")


@pytest.mark.parametrize("name", ["", "Desk", "a@1", "-a", "a-", "a" * 65, "a b", "ä"])
def test_a_name_is_small_letters_digits_and_hyphens(services: Services, name: str) -> None:
    with pytest.raises(InvalidRequestError, match="Invalid template: name"):
        save_template(services, name, {}, ADMIN)


def test_all_formats_have_the_same_digest_and_verify(start: Start, services: Services) -> None:
    reference = saved(services)
    digests = set()
    for file_format in ExportFormat:
        started = start(AMELIA, format=file_format.value, template="desk")
        body = b"".join(started.pieces())
        started.finish()
        members = json.loads(orjson.dumps(started.manifest.members()))
        assert f"{members['template']['name']}@{members['template']['version']}" == reference
        assert members["parameters"]["template"] == reference
        assert members["parameters"]["tz"] == "Europe/Berlin"
        # without the columns that it is ordered by, a section has no key
        assert [section["key"] for section in members["sections"]][:2] == [[], ["id"]]
        digests.add(members["canonical"]["sha256"])
        report = verify_file("file", io.BytesIO(body), manifest=members, keys=None)
        assert report.outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
    assert len(digests) == 1


def test_documents_say_which_schema_they_are_valid_by(start: Start, services: Services, demo_map: CustomerMap) -> None:
    saved(services)
    document = orjson.loads(content(start, format="json", template="desk"))
    assert [*document["sections"]] == ["orders", "profile", "consents"]
    assert [*document["sections"]["orders"][0]] == ["status", "number", "total", "currency"]
    template, _ = read_template(DESK, name="desk", version=1)
    schema = dict(document_schema(map_by_template(demo_map, template), template))
    jsonschema.validate(document, schema)
    assert document["$schema"] == schema["$id"] != document_schema(demo_map)["$id"]
    with zipfile.ZipFile(io.BytesIO(content(start, format="zip", template="desk"))) as archive:
        assert orjson.loads(archive.read("customer.schema.json")) == orjson.loads(orjson.dumps(schema))
        jsonschema.validate(orjson.loads(archive.read("customer.json")), schema)


def test_labels_are_those_of_sheets_headers_and_pages(start: Start, services: Services) -> None:
    saved(services)
    book = openpyxl.load_workbook(io.BytesIO(content(start, format="xlsx", template="desk")))
    assert "Bestellungen" in book.sheetnames
    assert [cell.value for cell in book["Bestellungen"][1]][:2] == ["Status", "Nr."]
    pages = pypdfium2.PdfDocument(content(start, format="pdf", template="desk"))
    text = "".join(page.get_textpage().get_text_range() for page in pages)
    pages.close()
    assert "Bestellungen" in text
    assert "Kundendatenexport" in text
    header = content(start, format="csv", template="desk", sections="orders").split(b"\r\n", 1)[0]
    assert header == b"status,number,total,currency"  # of programs, so they stay


@pytest.mark.parametrize(
    ("xlsx", "sheets", "charts", "last_row"),
    [
        ({}, ["Summary", "Orders", "Consents"], 2, "Total"),
        ({"summary": "last"}, ["Orders", "Consents", "Summary"], 2, "Total"),
        ({"summary": "last", "charts": False}, ["Orders", "Consents", "Summary"], 0, "Total"),
        ({"charts": False, "totals": False}, ["Summary", "Orders", "Consents"], 0, None),
        ({"summary": "none"}, ["Orders", "Consents"], 0, "Total"),
        ({"summary": "none", "totals": False}, ["Orders", "Consents"], 0, None),
    ],
)
def test_a_workbook_has_the_sheets_that_a_template_wants(
    start: Start, services: Services, xlsx: object, sheets: list[str], charts: int, last_row: str | None
) -> None:
    saved(services, {"sections": ["orders", "consents"], "xlsx": xlsx})
    started = start(AMELIA, format="xlsx", template="desk")
    body = b"".join(started.pieces())
    started.finish()
    check_workbook(body)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert sum(name.startswith("xl/charts/chart") for name in archive.namelist()) == charts
    book = openpyxl.load_workbook(io.BytesIO(body))
    assert book.sheetnames == sheets
    assert book.active is not None
    assert book.active.title == sheets[0]
    orders = [row[0] for row in book["Orders"].iter_rows(values_only=True)]
    assert (orders[-1] == "Total") is (last_row == "Total")
    assert CalamineWorkbook.from_filelike(io.BytesIO(body)).sheet_names == sheets
    report = verify_file("file", io.BytesIO(body), manifest=started.manifest.members(), keys=None)
    assert report.outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST


def test_what_a_caller_says_goes_first(start: Start, services: Services) -> None:
    saved(
        services,
        {
            "parameters": {"format": "csv", "delimiter": "semicolon", "tz": "Asia/Tokyo"},
            "sections": [{"name": "orders", "columns": ["number", "status"]}],
        },
    )
    assert content(start, template="desk").startswith(b"number;status\r\n")
    assert content(start, template="desk", delimiter="tab").startswith(b"number\tstatus\r\n")
    document = orjson.loads(content(start, template="desk", format="json", tz="UTC"))  # of which a delimiter is none
    assert document["export"]["timeZone"] == "UTC"
    assert [*document["sections"]] == ["orders"]
    with pytest.raises(InvalidRequestError, match="there is no section 'logins'; the sections are orders"):
        start(AMELIA, template="desk", sections="logins")


def test_a_version_stays_what_it_was_and_the_newest_is_meant_otherwise(start: Start, services: Services) -> None:
    assert saved(services, {"sections": ["orders"]}) == "desk@1"
    assert saved(services, {"sections": ["orders"]}) == "desk@1"
    assert saved(services, {"sections": ["consents"]}) == "desk@2"
    sections = {
        reference: [*orjson.loads(content(start, format="json", template=reference))["sections"]]
        for reference in ("desk", "desk@1", "desk@2")
    }
    assert sections == {"desk": ["consents"], "desk@1": ["orders"], "desk@2": ["consents"]}
    delete_template(services, "desk", ADMIN)
    for reference in ("desk", "desk@1", "desk@3", "Desk", "", "desk@0", "nobody's"):
        with pytest.raises(InvalidRequestError, match="template: there is no template"):
            start(AMELIA, format="json", template=reference)
    assert saved(services, {"sections": ["orders"]}) == "desk@3"


def test_versions_are_kept_apart_in_the_cache(services: Services) -> None:
    saved(services, {"sections": ["orders"]})
    saved(services, {"sections": ["orders"], "description": "the same, told otherwise"})

    def key(**parameters: str) -> str:
        call = ExportCall(
            export_id="0" * 32, customer_id=AMELIA, parameters=[("format", "csv"), *parameters.items()],
            credentials=LocalOperator(user="tester"), client=None,
        )  # fmt: skip
        return examine(services, call).key.digest

    assert key(template="desk") == key(template="desk@2")
    assert len({key(), key(template="desk@1"), key(template="desk@2"), key(sections="orders")}) == 4


def test_a_template_that_no_longer_fits_says_what_is_missing(start: Start, services: Services) -> None:
    saved(services)
    text = demo_map_path().read_text(encoding="utf-8")
    changed = parse_map(text.replace('{ name = "email", type', '{ name = "mail", type').encode(), file="map")
    other = replace(services, source=_With(services.source, changed))
    with pytest.raises(TemplateMisfitError, match=r"desk@1 does not fit.*\n- sections\[profile\].columns: there is no"):
        start(AMELIA, format="csv", template="desk", changes=other)


class _With:
    """A source by another map."""

    def __init__(self, source: object, customer_map: CustomerMap) -> None:
        self._source = source
        self.map = customer_map

    def __getattr__(self, name: str) -> object:
        return getattr(self._source, name)


def test_an_answer_to_a_data_subject_is_by_no_template(start: Start, services: Services) -> None:
    saved(services)
    with pytest.raises(InvalidRequestError, match="template: is not for answers to data subjects"):
        start(AMELIA, format="json", template="desk", dsar="gdpr-access")


POLICY = Policy(
    version="0" * 16,
    seen={"customers:export": frozenset({PersonalDataClass.FINANCIAL})},
    masks={PersonalDataClass.CONTACT: Mask.PARTIAL},
)


def test_masks_stay_whatever_a_template_says(start: Start, services: Services) -> None:
    saved(services)
    agent = EarlierCaller(
        principal=Principal(name="agent", scopes=frozenset({Scope.EXPORT})),
        until=datetime.now(UTC) + timedelta(hours=1),
    )
    guarded = replace(services, policy=POLICY)
    plain = orjson.loads(content(start, format="json", template="desk"))["sections"]["profile"][0]
    masked = orjson.loads(content(start, format="json", template="desk", credentials=agent, changes=guarded))  # type: ignore[arg-type]  # of `start`
    email = plain["email"]
    assert masked["sections"]["profile"][0] == {"email": f"{email[0]}***@{email.partition('@')[2]}", "id": None}


def test_nobody_saves_a_template_of_what_they_may_not_see(services: Services) -> None:
    guarded = replace(services, policy=POLICY)
    author = Principal(name="author", scopes=frozenset({Scope.EXPORT, Scope.TEMPLATES}))
    with pytest.raises(ColumnForbiddenError, match=r"see orders\.number, orders\.status, profile\.id, profile\.email;"):
        save_template(guarded, "desk", DESK, author)
    save_template(guarded, "desk", {"sections": ["profile"]}, author)  # each sees their own of it
    with pytest.raises(InsufficientScopeError):
        save_template(services, "desk", DESK, Principal(name="agent", scopes=frozenset({Scope.EXPORT})))
    with pytest.raises(InsufficientScopeError):
        delete_template(services, "desk", Principal(name="agent", scopes=frozenset({Scope.EXPORT})))
    with pytest.raises(TemplateNotFoundError):
        delete_template(services, "nobody", ADMIN)


def test_what_has_to_add_up_is_not_checked_without_its_columns(start: Start, services: Services) -> None:
    saved(services, {"sections": [{"name": "orders", "columns": ["number", "status"]}, "order_items", "payments"]})
    started = start(AMELIA, format="json", template="desk")
    for _ in started.pieces():
        continue
    started.finish()
    totals = json.loads(orjson.dumps(started.manifest.members()))["reconciled"]
    assert totals
    assert all(one["notChecked"] is not None for one in totals if "order" in one["notChecked"])
    assert any("left out" in (one["notChecked"] or "") for one in totals)


LOGO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
"""A PNG of one dot."""

OWN_PAGES = """
#set page(paper: "a5", margin: (bottom: 2cm))
= Konto von #data.customer.title
#for section in data.sections [
  == #section.label
  #table(columns: section.columns.len(), ..section.columns.map(one => one.label),
    ..section.rows.flatten().map(cell => if cell == none [–] else [#cell]))
]
#data.export.sha256
"""


@pytest.mark.parametrize("attach", [{}, {"attach": "json"}])
def test_pages_of_a_templates_own_are_tied_to_their_manifest(
    start: Start, services: Services, attach: dict[str, str]
) -> None:
    saved(services, {**DESK, "pdf": {"pages": OWN_PAGES}})
    started = start(AMELIA, format="pdf", template="desk", **attach)
    body = b"".join(started.pieces())
    started.finish()
    members = json.loads(orjson.dumps(started.manifest.members()))
    report = verify_file("file", io.BytesIO(body), manifest=members, keys=None)
    assert report.outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
    pages = pypdfium2.PdfDocument(body)
    text = "".join(page.get_textpage().get_text_range() for page in pages)
    pages.close()
    shown = re.sub(r"\s", "", text)
    assert "KontovonAmeliaFairweather" in shown
    assert "Bestellungen" in shown
    assert "2025-0000020" in shown
    assert members["canonical"]["sha256"] in shown
    assert members["exportId"] in shown  # in the footer, which stays ours


def test_a_logo_and_a_theme_are_drawn(start: Start, services: Services) -> None:
    saved(
        services, {"pdf": {"logo": LOGO, "theme": {"cover": {"blocks": ["logo", "title"]}}}, "sections": ["consents"]}
    )
    plain = content(start, format="pdf", sections="consents")
    designed = content(start, format="pdf", template="desk")
    texts = []
    for body in (plain, designed):
        pages = pypdfium2.PdfDocument(body)
        texts.append(pages[0].get_textpage().get_text_range())
        objects = {item.type for item in pages[0].get_objects(max_depth=5)}
        pages.close()
    assert "Contents" in texts[0]
    assert "Contents" not in texts[1]
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE in objects
    with pytest.raises(InvalidRequestError, match="a report of invented rows cannot be set"):
        saved(services, {"pdf": {"logo": "iVBORw0KGgo="}})
