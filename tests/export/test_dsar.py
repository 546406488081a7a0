"""Answers to data subjects: what each profile shows, masks and tells, in every format, by the whole pipeline."""

import io
import json
import re
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import orjson
import pikepdf
import pypdfium2
import pytest
from pipeline_starts import Start

from customer_export.demo.shop import demo_map_path
from customer_export.errors import DsarIncompleteError, InvalidRequestError
from customer_export.export.parameters import Asked, resolve_request
from customer_export.model.cached_export import cache_key
from customer_export.model.columns import Mask, PersonalDataClass
from customer_export.model.customer_map import CustomerMap, Exclusion, TableName
from customer_export.model.disclosure import DsarProfile, Origin
from customer_export.model.dsar import covering_of, map_for_answer, missing_for_offered, missing_information
from customer_export.model.policy import mask_map
from customer_export.model.request import ExportFormat, ExportRequest
from customer_export.services import Services
from customer_export.source.map_file import parse_map
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome
from customer_export.writers.json_schema import document_schema
from databases import opened, read

AMELIA = "550e8400-e29b-41d4-a716-446655440000"
ALL = list(ExportFormat)
PORTABLE = [ExportFormat.CSV, ExportFormat.JSON, ExportFormat.NDJSON, ExportFormat.ZIP]


def content(start: Start, **parameters: str) -> bytes:
    started = start(AMELIA, **parameters)
    body = b"".join(started.pieces())
    started.finish()
    return body


def text_of(body: bytes, file_format: str) -> str:
    """Give all that can be read out of a file: its bytes, whatever is packed in it, and the text of its pages."""
    found = [body.decode("utf-8", "replace")]
    if file_format in {"zip", "xlsx"}:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            found += [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
    if file_format == "pdf":
        found += [stream.decode("latin-1") for stream in streams_of(body)]
        pages = pypdfium2.PdfDocument(body)
        found += [page.get_textpage().get_text_range() for page in pages]
        pages.close()
    return "\n".join(found)


def streams_of(body: bytes) -> Iterator[bytes]:
    with pikepdf.open(io.BytesIO(body)) as pdf:
        for item in pdf.objects:
            if isinstance(item, pikepdf.Stream):
                try:
                    yield item.read_bytes()
                except pikepdf.PdfError:
                    continue


def secrets_of(start: Start) -> dict[str, set[str]]:
    """Read out of an ordinary export what profiles must hide."""
    document = orjson.loads(content(start, format="json"))
    sections = document["sections"]
    own = f"{sections['profile'][0]['first_name']} {sections['profile'][0]['last_name']}"
    return {
        "tax number": {sections["profile"][0]["tax_id"]} - {None},
        "recipients": {row["recipient"] for row in sections["addresses"]} - {None, own},
        "authors": {row["author"] for row in sections["notes"]} - {None},
    }


@pytest.mark.parametrize("file_format", ALL)
def test_nothing_that_california_forbids_to_send_is_in_any_byte(start: Start, file_format: str) -> None:
    secrets = secrets_of(start)
    assert secrets["tax number"]
    assert secrets["authors"]
    before = text_of(content(start, format=file_format), file_format)
    assert all(value in before for value in secrets["tax number"])
    after = text_of(content(start, format=file_format, dsar="ccpa-know"), file_format)
    assert {kind: [one for one in values if one in after] for kind, values in secrets.items()} == {
        kind: [] for kind in secrets
    }


@pytest.mark.parametrize("file_format", [one for one in ALL if one is not ExportFormat.CSV])
def test_the_answer_says_that_what_is_forbidden_is_held(start: Start, file_format: str) -> None:
    shown = text_of(content(start, format=file_format, dsar="ccpa-know"), file_format)
    if file_format in {"json", "ndjson"}:
        assert '"protected":"government_id"' in shown
        assert '"protected":"password"' in shown
    else:
        folded = re.sub(r"\s+", " ", shown.replace("&#x27;", "'"))
        assert "driver's licence or other government number" in folded
        assert "account password" in folded


@pytest.mark.parametrize("file_format", ALL)
def test_an_answer_about_other_people_has_none_of_their_data(start: Start, file_format: str) -> None:
    secrets = secrets_of(start)
    after = text_of(content(start, format=file_format, dsar="gdpr-access"), file_format)
    assert [one for kind in ("recipients", "authors") for one in secrets[kind] if one in after] == []
    assert all(value in after for value in secrets["tax number"])  # access has what is theirs


@pytest.mark.parametrize("file_format", PORTABLE)
def test_a_portable_answer_has_what_was_provided_and_observed_alone(start: Start, file_format: str) -> None:
    started = start(AMELIA, format=file_format, dsar="gdpr-portability")
    body = b"".join(started.pieces())
    started.finish()
    names = [section["name"] for section in orjson.loads(orjson.dumps(started.manifest.members()))["sections"]]
    assert {"shipments", "notes"}.isdisjoint(names)
    assert "orders" in names
    if file_format == "zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            assert [name for name in archive.namelist() if "shipments" in name or "notes" in name] == []
            head = archive.read("csv/profile.csv").splitlines()[0].decode()
    else:
        head = body.partition(b"\n")[0].decode() if file_format == "csv" else body.partition(b'"manifest"')[0].decode()
    assert "loyalty_tier" not in head
    assert "first_name" in head


@pytest.mark.parametrize("file_format", [ExportFormat.PDF, ExportFormat.XLSX])
def test_a_portable_answer_is_machine_readable(start: Start, file_format: str) -> None:
    with pytest.raises(InvalidRequestError, match="format: gdpr-portability is machine-readable; use csv, json"):
        start(AMELIA, format=file_format, dsar="gdpr-portability")


@pytest.mark.parametrize("profile", DsarProfile)
def test_an_answer_is_valid_by_the_schema_of_all_documents(
    start: Start, demo_map: CustomerMap, profile: DsarProfile
) -> None:
    document = orjson.loads(content(start, format="json", dsar=profile))
    jsonschema.validate(document, dict(document_schema(demo_map)))
    assert document["dsar"]["profile"] == profile
    assert "dsar" not in orjson.loads(content(start, format="json", sections="profile"))
    header = orjson.loads(content(start, format="ndjson", dsar=profile).splitlines()[0])["header"]
    assert header["dsar"] == document["dsar"]


def test_the_covering_document_is_the_first_of_a_pdf_and_tells_what_article_15_asks_for(start: Start) -> None:
    pages = pypdfium2.PdfDocument(content(start, format="pdf", dsar="gdpr-access", locale="de"))
    first = re.sub(r"\s+", " ", " ".join(pages[number].get_textpage().get_text_range() for number in range(3)))
    pages.close()
    for told in (
        "Artikel 15", "Auskunft über Ihre Daten", "privacy@demo-shop.example", "Zweck", "Empfänger", "Aufbewahrung",
        "Herkunft", "Ten years after the order", "Berliner Beauftragte", "No decision about you", "Ihre Rechte",
        "Was zurückgehalten wurde",
    ):  # fmt: skip
        assert told in first


def test_what_was_not_asked_for_is_told(start: Start) -> None:
    document = orjson.loads(content(start, format="json", dsar="gdpr-access", sections="profile,addresses"))
    assert [section["name"] for section in document["dsar"]["sections"]] == ["profile", "addresses"]
    assert "Orders" in document["dsar"]["notRequested"]


def test_the_archive_has_the_covering_document_as_a_page(start: Start) -> None:
    with zipfile.ZipFile(io.BytesIO(content(start, format="zip", dsar="gdpr-access"))) as archive:
        page = archive.read("cover.html").decode()
        readme = archive.read("README.html").decode()
    assert "Answer to your request for access" in page
    assert "cover.html" in readme


def without(text: str, line: str) -> CustomerMap:
    changed = "".join(one for one in text.splitlines(keepends=True) if not one.startswith(line))
    assert changed != text
    return parse_map(changed.encode(), file="shop.toml")


def test_what_a_map_lacks_is_an_error_of_the_request_and_of_the_check(
    start: Start, services: Services, demo_map: CustomerMap
) -> None:
    text = demo_map_path().read_text(encoding="utf-8")
    assert missing_for_offered(demo_map) == ()
    lacking = without(text, "retention = ")
    found = missing_information(lacking, DsarProfile.GDPR_ACCESS)
    assert "sections[orders].retention is missing; add it, since gdpr-access has to tell it" in found
    assert missing_for_offered(lacking) == found
    assert missing_information(lacking, DsarProfile.CCPA_KNOW) == ()  # California does not ask for it
    with pytest.raises(DsarIncompleteError, match=r"sections\[orders\].retention is missing"):
        map_for_answer(lacking, DsarProfile.GDPR_ACCESS)


def test_a_map_without_side_information_is_whole_and_offers_no_answers(demo_map: CustomerMap) -> None:
    bare = replace(demo_map, dsar=None)
    assert missing_for_offered(bare) == ()
    with pytest.raises(DsarIncompleteError, match=r"\[dsar\] is missing"):
        map_for_answer(bare, DsarProfile.GDPR_ACCESS)


def test_a_sensitive_column_must_be_classed_before_california_is_answered() -> None:
    text = demo_map_path().read_text(encoding="utf-8").replace(', protected = "government_id"', "")
    found = missing_for_offered(parse_map(text.encode(), file="shop.toml"))
    assert found == ('sections[profile].columns[tax_id].protected is missing; name its class, or say "none"',)


@pytest.mark.parametrize("profile", DsarProfile)
def test_a_profile_never_shows_what_the_policy_masks(demo_map: CustomerMap, profile: DsarProfile) -> None:
    masked = mask_map(demo_map, {PersonalDataClass.IDENTITY: Mask.WITHHOLD, PersonalDataClass.CONTACT: Mask.PARTIAL})
    answer = map_for_answer(masked, profile)
    for section in answer.sections:
        before = {column.name: column.mask for column in masked.section(section.name).columns}  # type: ignore[union-attr]  # the answer has no other sections
        for column in section.columns:
            assert column.mask in {before[column.name], Mask.WITHHOLD}
            assert column.mask is not None or before[column.name] is None
    assert answer.customer.title == ()


def test_an_answer_is_kept_apart_from_other_exports(demo_map: CustomerMap) -> None:
    keys = {
        cache_key(
            resolve_request(AMELIA, Asked(parameters=given, customer_map=demo_map)),
            tenant=None, policy="", source="s", map_version="v", software="1",
        ).digest
        for given in ([("format", "json")], *([("format", "json"), ("dsar", one.value)] for one in DsarProfile))
    }  # fmt: skip
    assert len(keys) == 1 + len(DsarProfile)


def test_every_language_has_every_word_of_the_letter() -> None:
    folder = Path(str(files("customer_export.writers.locale") / "letters"))
    words = {path.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.toml")}
    assert {name: sorted(of) for name, of in words.items()} == {name: sorted(words["en.toml"]) for name in words}
    for of in words.values():
        for key, text in of.items():
            assert text
            assert re.findall(r"\{(\w+)\}", text) == re.findall(r"\{(\w+)\}", words["en.toml"][key])
    assert json.dumps(sorted(words)) == '["de.toml", "en.toml"]'


def test_what_the_map_leaves_out_and_what_comes_from_elsewhere_is_told(
    start: Start, services: Services, demo_map: CustomerMap
) -> None:
    excluded = Exclusion(table=TableName("sales", "scores"), columns=("risk",), reason="secret of business")
    covering = covering_of(
        answer_to([("format", "json"), ("dsar", "gdpr-access")], demo_map),
        replace(map_for_answer(demo_map, DsarProfile.GDPR_ACCESS), excluded=(excluded,)),
    )
    assert covering is not None
    assert covering.members()["excluded"] == [
        {"table": "sales.scores", "columns": ["risk"], "reason": "secret of business"}
    ]
    assert covering.sections[0].other_origins == {Origin.DERIVED: ("Loyalty tier",)}
    with zipfile.ZipFile(io.BytesIO(content(start, format="zip", dsar="gdpr-access"))) as archive:
        assert "Provided by you; Derived by us from other data: Loyalty tier" in archive.read("cover.html").decode()


def answer_to(given: list[tuple[str, str]], demo_map: CustomerMap) -> ExportRequest:
    profile = dict(given).get("dsar")
    customer_map = demo_map if profile is None else map_for_answer(demo_map, DsarProfile(profile))
    return resolve_request(AMELIA, Asked(parameters=given, customer_map=customer_map))


def test_a_file_never_says_that_it_withholds_what_it_shows(demo_map: CustomerMap) -> None:
    request = answer_to([("format", "json"), ("dsar", "gdpr-access")], demo_map)
    for other in (demo_map, map_for_answer(demo_map, DsarProfile.CCPA_KNOW)):
        with pytest.raises(ValueError, match="gdpr-access was asked for"):
            covering_of(request, other)
    assert covering_of(answer_to([("format", "json")], demo_map), demo_map) is None


@pytest.mark.parametrize("shop", ["postgresql_shop", "mariadb_shop"])
@pytest.mark.parametrize("profile", DsarProfile)
def test_every_database_withholds_the_same(
    request: pytest.FixtureRequest, demo_shop: Path, demo_map: CustomerMap, shop: str, profile: DsarProfile
) -> None:
    answer = map_for_answer(demo_map, profile)
    with opened(f"sqlite:///{demo_shop}", answer) as sqlite, opened(request.getfixturevalue(shop), answer) as other:
        assert read(other, AMELIA) == read(sqlite, AMELIA)


@pytest.mark.parametrize("file_format", ALL)
def test_an_answer_verifies_like_every_other_file(start: Start, file_format: str) -> None:
    started = start(AMELIA, format=file_format, dsar="ccpa-know")
    body = b"".join(started.pieces())
    started.finish()
    report = verify_file("answer", io.BytesIO(body), manifest=started.manifest.members(), keys=None)
    assert report.outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
    assert report.findings == []
