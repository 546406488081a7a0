"""The maps that ship with the program fit the real schemas, and what they export is all that there is on a customer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from foreign_database import ForeignDatabase
from foreign_exports import Exporter, exporting

from customer_export.errors import MapError
from customer_export.mapping.coverage.report import coverage_of
from customer_export.source.map_file import load_map
from customer_export.source.ready_maps import find_map, ready_map_names
from customer_export.source.registry import open_survey
from databases import LONG, opened

ROOT = Path(__file__).parents[2]
# Which ready map is for which database: one with both a fixture and a map each time.
READY = {
    "oscar_sqlite": "django-oscar",
    "oscar_postgresql": "django-oscar",
    "chinook_sqlite": "chinook",
    "chinook_postgresql": "chinook",
    "vendure_postgresql": "vendure",
    "wordpress_mariadb": "wordpress",
}


@pytest.fixture(scope="module", params=READY)
def product(request: pytest.FixtureRequest) -> tuple[ForeignDatabase, Path]:
    return request.getfixturevalue(request.param), Path(f"ready:{READY[request.param]}")


@pytest.fixture(scope="module")
def exporter(product: tuple[ForeignDatabase, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    with exporting(*product, folder=tmp_path_factory.mktemp("own")) as exporter:
        yield exporter


def test_every_ready_map_is_tested_on_a_real_schema() -> None:
    assert set(READY.values()) == set(ready_map_names())


@pytest.mark.parametrize("name", ready_map_names())
def test_documentation_lists_each_with_its_sections(name: str) -> None:
    rows = (ROOT / "docs" / "ready-maps.md").read_text(encoding="utf-8").splitlines()

    (row,) = (row for row in rows if row.startswith(f"| `ready:{name}`"))
    assert row.endswith(f"| {len(load_map(Path(f'ready:{name}')).sections)} |")


def test_map_fits_the_real_schema(product: tuple[ForeignDatabase, Path]) -> None:
    database, path = product

    with opened(database.url, load_map(path)) as source:
        source.check()


def test_everything_that_reaches_the_customer_is_mapped_or_left_out_with_a_reason(
    product: tuple[ForeignDatabase, Path],
) -> None:
    database, path = product

    with open_survey(database.url, statement_limit=LONG) as survey:
        coverage = coverage_of(load_map(path), survey.catalogue())

    assert coverage.whole
    assert (coverage.perhaps, coverage.unfollowed) == ((), ())


def test_json_has_every_row_of_ten_customers(product: tuple[ForeignDatabase, Path], exporter: Exporter) -> None:
    database, _ = product

    for customer in database.customers:
        assert exporter.json_rows(customer) == database.rows_of(customer), customer


def test_csv_has_every_row_of_ten_customers(product: tuple[ForeignDatabase, Path], exporter: Exporter) -> None:
    database, _ = product

    for customer in database.customers:
        assert exporter.csv_rows(customer) == database.rows_of(customer), customer


def test_unknown_name_lists_the_ready_maps() -> None:
    with pytest.raises(MapError) as raised:
        load_map(Path("ready:djangooscar"))

    assert "did you mean 'ready:django-oscar'?" in str(raised.value)
    assert all(name in str(raised.value) for name in ready_map_names())


def test_other_paths_are_left_alone() -> None:
    assert find_map(Path("maps/ready.toml")) == Path("maps/ready.toml")
