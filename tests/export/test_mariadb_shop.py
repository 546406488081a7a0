"""The demo shop in MariaDB gives what it gives in SQLite, in every format and for every kind of customer."""

from collections.abc import Iterator

import pytest

from customer_export.demo.customers import HOSTILE, TYPICAL, WELL_KNOWN, WellKnownCustomer
from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import ExportFormat
from customer_export.source.interface import Source
from customer_export.writers.pdf import PdfWriter, RendererPool
from databases import opened, read
from readers import export_all, missing_from_pdf, read_back, told

ZONES = ("UTC", "America/New_York")


@pytest.fixture(scope="module")
def in_mariadb(mariadb_shop: str, demo_map: CustomerMap) -> Iterator[Source]:
    with opened(mariadb_shop, demo_map) as source:
        yield source


@pytest.fixture(scope="module")
def in_sqlite(demo_shop: object, demo_map: CustomerMap) -> Iterator[Source]:
    with opened(f"sqlite:///{demo_shop}", demo_map) as source:
        yield source


@pytest.fixture(scope="module")
def pdf_writer() -> Iterator[PdfWriter]:
    pool = RendererPool(children=1)
    try:
        yield PdfWriter(pool)
    finally:
        pool.close()


@pytest.mark.parametrize("known", WELL_KNOWN, ids=lambda known: known.name)
def test_every_customer_has_the_same_cells(in_mariadb: Source, in_sqlite: Source, known: WellKnownCustomer) -> None:
    # what no calendar has in another zone stays as it is stored, which is not the same in both
    for zone in ZONES[:1] if known is HOSTILE else ZONES:
        got, expected = (read(source, known.id, time_zone=zone) for source in (in_mariadb, in_sqlite))
        assert list(got) == list(expected)
        for name, rows in expected.items():
            assert got[name] == rows, (name, zone)


@pytest.mark.parametrize("form", ExportFormat)
def test_every_format_holds_them(
    in_mariadb: Source, in_sqlite: Source, pdf_writer: PdfWriter, form: ExportFormat
) -> None:
    zone = ZONES[1]
    content, streams = export_all(in_mariadb, form, pdf=pdf_writer, customer_id=TYPICAL.id, time_zone=zone)
    expected = read(in_sqlite, TYPICAL.id, time_zone=zone)
    if form is ExportFormat.PDF:
        assert missing_from_pdf(content, expected, streams) == []
        return
    got = read_back(form, content, streams, time_zone=zone)
    for stream in streams:
        assert got[stream.name] == told(form, expected[stream.name], stream.columns), stream.name


def test_the_files_are_the_same_to_the_byte(in_mariadb: Source, in_sqlite: Source, pdf_writer: PdfWriter) -> None:
    for form in (ExportFormat.CSV, ExportFormat.JSON, ExportFormat.NDJSON):
        files = [
            export_all(source, form, pdf=pdf_writer, customer_id=TYPICAL.id)[0] for source in (in_mariadb, in_sqlite)
        ]
        assert files[0] == files[1], form
