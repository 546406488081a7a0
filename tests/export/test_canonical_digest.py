"""One digest of what an export holds, in every format and by every path, from both databases."""

import csv
import hashlib
import io
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipeline_starts import Start, with_limits

from customer_export.compose import open_services
from customer_export.demo.customers import ABOVE_STREAMING, HOSTILE, TYPICAL
from customer_export.model.request import ExportFormat
from customer_export.services import Services
from customer_export.settings import Settings


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Services]:
    """Services on the demo shop in either database."""
    if request.param == "postgresql":
        settings = settings.model_copy(update={"source_url": request.getfixturevalue("postgresql_shop")})
    with open_services(settings) as services:
        yield services


def proven(start: Start, services: Services, customer_id: str, **parameters: str) -> tuple[dict[str, object], bytes]:
    """Make an export; give its manifest and its file."""
    started = start(customer_id, changes=services, **parameters)
    content = b"".join(started.pieces())
    started.finish()
    return started.manifest.members(), content


@pytest.mark.parametrize("customer", [TYPICAL, HOSTILE, ABOVE_STREAMING], ids=lambda customer: customer.shows[:20])
def test_every_format_and_path_has_the_same_digests(start: Start, shop: Services, customer: object) -> None:
    customer_id = customer.id  # type: ignore[attr-defined]
    digests = set()
    for changes in (shop, with_limits(shop, stream_above_rows=0)):
        for file_format in ExportFormat:
            manifest, _ = proven(start, changes, customer_id, format=file_format)
            sections = manifest["sections"]
            assert isinstance(sections, list)
            digests.add((str(manifest["canonical"]), *((one["sha256"], one["keySha256"]) for one in sections)))
    for options in ({"profile": "raw"}, {"delimiter": "semicolon"}, {"bom": "true", "delimiter": "tab"}):
        manifest, _ = proven(start, shop, customer_id, format="csv", **options)
        sections = manifest["sections"]
        assert isinstance(sections, list)
        digests.add((str(manifest["canonical"]), *((one["sha256"], one["keySha256"]) for one in sections)))
    assert len(digests) == 1


def test_a_sections_digest_is_that_of_its_records_in_the_default_csv(start: Start, shop: Services) -> None:
    manifest, content = proven(start, shop, ABOVE_STREAMING.id, format="csv", sections="orders")
    (orders,) = manifest["sections"]  # type: ignore[misc]  # a list of one
    _, records = content.split(b"\r\n", 1)
    assert orders["sha256"] == hashlib.sha256(records).hexdigest()
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert [column["name"] for column in orders["columns"]] == list(rows[0])
    keys = "".join(",".join(row[name] for name in orders["key"]) + "\n" for row in rows)
    assert orders["keySha256"] == hashlib.sha256(keys.encode()).hexdigest()
    line = f"orders {len(rows)} {orders['sha256']}\n"
    assert manifest["canonical"] == {"form": "csv", "sha256": hashlib.sha256(line.encode()).hexdigest()}


def test_a_changed_cell_changes_the_digests_of_its_section_alone(
    start: Start, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "changed.db"
    shutil.copy(settings.source_url.removeprefix("sqlite:///"), path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE orders SET status = 'lost' WHERE id = (SELECT max(id) FROM orders)")
        (owner,) = connection.execute("SELECT customer_id FROM orders WHERE status = 'lost'").fetchone()
    digests = []
    for url in (settings.source_url, f"sqlite:///{path}"):
        with open_services(settings.model_copy(update={"source_url": url})) as services:
            sections = proven(start, services, str(owner), format="json")[0]["sections"]
            digests.append({one["name"]: one["sha256"] for one in sections})  # type: ignore[attr-defined]
    assert {name for name in digests[0] if digests[0][name] != digests[1][name]} == {"orders"}
