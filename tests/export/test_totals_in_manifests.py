"""What came of the map's rules stands in every manifest: in the file's own, and in the one that is kept."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from shutil import copyfile
from uuid import uuid4

import openpyxl
import pypdfium2
import pytest

from customer_export.compose import open_services
from customer_export.demo.customers import ABOVE_STREAMING, THREE_CURRENCIES, WELL_KNOWN
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import start_export
from customer_export.model.access import LocalOperator
from customer_export.services import Services
from customer_export.settings import Settings

ADDED_UP = "orders,order_items,payments"
RULES = ["items_make_the_subtotal", "payments_make_the_total"]


def export(services: Services, customer_id: str, **parameters: str) -> tuple[bytes, dict[str, object]]:
    """Export, and give the file and its manifest."""
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=list(parameters.items()),
        credentials=LocalOperator(user="tester"),
        client=None,
    )
    started = start_export(services, call, cancellation=Cancellation())
    with closing(started):
        content = b"".join(started.pieces())
        started.finish()
        return content, started.manifest.members()


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, settings: Settings, demo_shop: Path) -> Iterator[Services]:
    """The demo shop on each database."""
    url = f"sqlite:///{demo_shop}" if request.param == "sqlite" else request.getfixturevalue("postgresql_shop")
    with open_services(settings.model_copy(update={"source_url": url})) as services:
        yield services


def test_the_demo_shops_totals_add_up_for_every_well_known_customer(shop: Services) -> None:
    for customer in WELL_KNOWN:
        content, manifest = export(shop, customer.id, format="json", sections=ADDED_UP)
        items, payments = manifest["reconciled"]  # type: ignore[misc]
        assert [items["rule"], payments["rule"]] == RULES
        assert (items["mismatched"], payments["mismatched"]) == (0, 0), customer.id
        (section,) = [one for one in manifest["sections"] if one["name"] == "orders"]  # type: ignore[attr-defined]
        assert items["checked"] == section["rows"]
        assert json.loads(content)["manifest"]["reconciled"] == manifest["reconciled"]


@pytest.fixture
def tampered(settings: Settings, demo_shop: Path, tmp_path: Path) -> Iterator[Services]:
    """A demo shop in which somebody changed an order's subtotal."""
    copy = tmp_path / "tampered.db"
    copyfile(demo_shop, copy)
    with closing(sqlite3.connect(copy)) as connection, connection:
        for customer in (ABOVE_STREAMING, THREE_CURRENCIES):
            of_theirs = "id = (SELECT min(id) FROM orders WHERE customer_id = ?)"
            changed = connection.execute(f"UPDATE orders SET subtotal = subtotal + 1 WHERE {of_theirs}", [customer.id])
            assert changed.rowcount == 1
    with open_services(settings.model_copy(update={"source_url": f"sqlite:///{copy}"})) as services:
        yield services


def test_a_subtotal_that_was_changed_is_told_on_the_first_page_and_the_first_sheet(tampered: Services) -> None:
    """Euros of a customer with three currencies; the other rule adds up, and nothing is said of it."""
    asked = {"sections": ADDED_UP, "locale": "de"}
    content, manifest = export(tampered, THREE_CURRENCIES.id, format="pdf", **asked)
    items, _ = manifest["reconciled"]  # type: ignore[misc]
    (sample,) = items["samples"]
    cover = page_texts(content)[0]
    assert "Summen, die nicht aufgehen" in cover
    assert f"Items make the subtotal · {sample['key']}" in cover
    assert "Payments make the total" not in cover
    assert re.search(r"Summe: \S+ \S+ · Summe der Teile: \S+ \S+ · Differenz: 1,00 \S+", cover)

    content, _ = export(tampered, THREE_CURRENCIES.id, format="xlsx", **asked)
    sheet = openpyxl.load_workbook(BytesIO(content)).worksheets[0]
    cells = [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]
    heading = cells.index(["Summen, die nicht aufgehen"])
    assert cells[heading + 1] == ["Items make the subtotal", "Summe", "Summe der Teile", "Differenz"]
    key, *amounts = cells[heading + 2]
    assert key == sample["key"]
    assert amounts == [pytest.approx(float(sample[one])) for one in ("total", "sum", "difference")]


def test_nothing_is_said_where_totals_add_up(shop: Services) -> None:
    content, _ = export(shop, THREE_CURRENCIES.id, format="pdf", sections=ADDED_UP)
    assert "do not add up" not in " ".join(page_texts(content))
    content, _ = export(shop, THREE_CURRENCIES.id, format="xlsx", sections=ADDED_UP)
    sheet = openpyxl.load_workbook(BytesIO(content)).worksheets[0]
    assert not any("add up" in str(cell.value) for row in sheet.iter_rows() for cell in row)


def page_texts(pdf: bytes) -> list[str]:
    """Give the text of each page, a blank between words."""
    with closing(pypdfium2.PdfDocument(pdf)) as opened:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in opened]


@pytest.mark.parametrize("customer", [ABOVE_STREAMING, THREE_CURRENCIES], ids=lambda one: one.name)
@pytest.mark.parametrize("export_format", ["csv", "ndjson", "zip", "json", "xlsx"])
def test_a_subtotal_that_was_changed_is_in_the_manifest_of_every_format(
    tampered: Services, customer: object, export_format: str
) -> None:
    content, manifest = export(tampered, customer.id, format=export_format)  # type: ignore[attr-defined]
    items, payments = manifest["reconciled"]  # type: ignore[misc]
    assert (items["mismatched"], payments["mismatched"]) == (1, 0)
    (sample,) = items["samples"]
    assert sample["difference"] == "1"
    assert float(sample["total"]) == pytest.approx(float(sample["sum"]) + 1)
    if export_format == "ndjson":
        assert json.loads(content.splitlines()[-1])["manifest"]["reconciled"] == manifest["reconciled"]


def test_what_was_not_asked_for_is_not_checked(tampered: Services) -> None:
    _, manifest = export(tampered, THREE_CURRENCIES.id, format="csv", sections="orders,payments")
    items, payments = manifest["reconciled"]  # type: ignore[misc]
    assert items["notChecked"] == "the section 'order_items' was not asked for"
    assert (items["checked"], items["samples"]) == (0, [])
    assert payments["notChecked"] is None
