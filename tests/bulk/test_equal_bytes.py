"""A customer's file out of a bulk export is, byte for byte, that of the synchronous export on the same snapshot."""

import io
import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from bulk_jobs import Bulk, Over, order_of, run_bulk, snapshot_of, synchronous

from customer_export.demo.customers import EMPTY, HOSTILE, NO_ORDERS, ONE_ORDER, TYPICAL
from customer_export.errors import InvalidRequestError
from customer_export.model.bulk import Chosen, Layout
from customer_export.model.request import ExportFormat

KNOWN = tuple(one.id for one in (TYPICAL, NO_ORDERS, ONE_ORDER, HOSTILE, EMPTY))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def shop_url(request: pytest.FixtureRequest, demo_shop: Path) -> str:
    """The demo shop in each database."""
    if request.param == "sqlite":
        return f"sqlite:///{demo_shop}"
    url: str = request.getfixturevalue(f"{request.param}_shop")
    return url


def files_of(bulk: Bulk) -> dict[str, bytes]:
    """Give the files of all customers of a job in ZIPs, by the names in its indexes."""
    return {
        info.filename: archive.read(info)
        for name, content in bulk.files.items()
        if name.endswith(".zip")
        for archive in [ZipFile(io.BytesIO(content))]
        for info in archive.infolist()
    }


@pytest.mark.parametrize("file_format", list(ExportFormat))
def test_files_of_the_demo_shop(shop_url: str, over: Over, file_format: ExportFormat) -> None:
    services = over(shop_url)
    bulk = run_bulk(services, order_of(Layout.FILES, file_format, Chosen(ids=KNOWN)))
    files = files_of(bulk)
    lines = bulk.index()
    assert {line["customer"] for line in lines} == set(KNOWN)
    for line in lines:
        name = line["file"]["name"]
        alone = synchronous(services, bulk.order, line["customer"], snapshot_of(bulk.results[0]))
        assert files[name] == alone, name
        manifest = json.loads(files[f"{name}.manifest.json"])
        assert manifest["file"]["sha256"] == line["file"]["sha256"]
        assert manifest["canonical"]["sha256"] == line["sha256"]
        assert "signature" in manifest


def test_lines_of_everybody_in_the_demo_shop(shop_url: str, over: Over) -> None:
    services = over(shop_url)
    bulk = run_bulk(services, order_of(Layout.LINES, "ndjson", part_customers=70))
    assert len(bulk.results) > 1
    seen = 0
    for result in bulk.results:
        rest = bulk.files[result.files[0].name]
        for line in map(json.loads, bulk.files[result.index.name].splitlines()):
            ours, rest = rest[: line["file"]["bytes"]], rest[line["file"]["bytes"] :]
            if seen % 5 == 0 or line["customer"] in KNOWN:  # each takes a tenth of a second
                assert ours == synchronous(services, bulk.order, line["customer"], snapshot_of(result))
            seen += 1
        assert not rest
        assert not result.failed
    assert seen == 150


@pytest.mark.parametrize("profile", ["gdpr-access", "gdpr-portability", "ccpa-know"])
def test_answers_to_data_subjects(over: Over, demo_shop: Path, profile: str) -> None:
    services = over(f"sqlite:///{demo_shop}")
    bulk = run_bulk(services, order_of(Layout.FILES, "json", Chosen(ids=KNOWN), parameters=(("dsar", profile),)))
    files = files_of(bulk)
    for line in bulk.index():
        made = files[line["file"]["name"]]
        assert made == synchronous(services, bulk.order, line["customer"], snapshot_of(bulk.results[0]))
        assert json.loads(made)["dsar"]["profile"] == profile
    with pytest.raises(InvalidRequestError, match="dsar: an answer is a file of its own"):
        run_bulk(services, order_of(Layout.LINES, "ndjson", parameters=(("dsar", profile),)))
