"""The archive holds what the other formats give, member by member, through the real pipeline."""

import csv
import io
import json
from html.parser import HTMLParser
from zipfile import ZipFile

import pytest
from jsonschema import Draft202012Validator
from pipeline_starts import Start

from customer_export.demo.customers import EMPTY, HOSTILE, TYPICAL, WellKnownCustomer
from customer_export.model.customer_map import CustomerMap

CUSTOMERS = pytest.mark.parametrize("known", [TYPICAL, HOSTILE, EMPTY], ids=lambda known: known.name)


def archive_of(start: Start, known: WellKnownCustomer, **parameters: str) -> ZipFile:
    archive = ZipFile(io.BytesIO(b"".join(start(known.id, format="zip", **parameters).pieces())))
    assert archive.testzip() is None
    return archive


@CUSTOMERS
def test_each_csv_is_the_raw_csv_of_its_section(start: Start, demo_map: CustomerMap, known: WellKnownCustomer) -> None:
    archive = archive_of(start, known)
    for section in demo_map.sections:
        alone = start(known.id, format="csv", profile="raw", sections=section.name)
        assert archive.read(f"csv/{section.name}.csv") == b"".join(alone.pieces()), section.name


@CUSTOMERS
def test_the_json_is_the_json_format_and_valid_against_its_schema(start: Start, known: WellKnownCustomer) -> None:
    archive = archive_of(start, known)
    document, schema = (json.loads(archive.read(name)) for name in ("customer.json", "customer.schema.json"))
    Draft202012Validator(schema).validate(document)
    alone = json.loads(b"".join(start(known.id, format="json").pieces()))
    assert document["sections"] == alone["sections"]
    assert document["$schema"] == schema["$id"]


def test_the_metadata_describes_the_columns_that_are_there(start: Start, demo_map: CustomerMap) -> None:
    archive = archive_of(start, TYPICAL)
    for section in demo_map.sections:
        described = json.loads(archive.read(f"csv/{section.name}.csv-metadata.json"))
        header = next(csv.reader(io.StringIO(archive.read(f"csv/{section.name}.csv").decode())))
        assert described["url"] == f"{section.name}.csv"
        assert [column["name"] for column in described["tableSchema"]["columns"]] == header


def test_the_manifest_counts_the_rows_of_each_table(start: Start) -> None:
    archive = archive_of(start, TYPICAL)
    for section in json.loads(archive.read("manifest.json"))["sections"]:
        rows = list(csv.reader(io.StringIO(archive.read(f"csv/{section['name']}.csv").decode(), newline="")))
        assert len(rows) - 1 == section["rows"], section["name"]


def test_the_readme_links_to_every_other_member_and_runs_nothing(start: Start) -> None:
    class Page(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.links: list[str | None] = []
            self.tags: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.add(tag)
            self.links += [value for name, value in attrs if name == "href"]

    archive = archive_of(start, HOSTILE, locale="ar")
    page = Page()
    page.feed(archive.read("README.html").decode())
    assert page.links == [name for name in archive.namelist() if name != "README.html"]
    assert not page.tags & {"script", "img", "iframe", "link"}
    assert HOSTILE.first_name is not None
    assert "<script" in HOSTILE.first_name + str(HOSTILE.last_name)
    assert "dir='rtl'" in archive.read("README.html").decode()
