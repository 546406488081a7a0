"""Every type of PostgreSQL in every format: what is read back is the server's own text, by whatever way it was read."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import psycopg
import pytest
from postgresql_values import SECTIONS, TYPES, Kept

from customer_export.model.columns import Cell
from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import ExportFormat
from customer_export.source.interface import Source
from customer_export.source.postgresql.snapshot import SMALL_ROWS
from customer_export.writers.pdf import PdfWriter, RendererPool
from customer_maps import column, make_map, section
from databases import CUSTOMERS, opened, read
from readers import Rows, export_all, missing_from_pdf, read_back, told
from servers import PostgresqlServer

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")
FEW, MANY = "1", "2"
"""Customer 1 has each value once, by the plain path; customer 2 so often that COPY reads them."""
SESSION = (
    "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex'; SET extra_float_digits = 1"
)


@dataclass(frozen=True)
class Everything:
    """A database with a value of everything, and the map of it."""

    url: str
    sections: dict[str, Sequence[Kept]]

    @property
    def map(self) -> CustomerMap:
        sections = [
            section(name, [column("id", "integer"), *(self._column(place, one) for place, one in enumerate(columns))])
            for name, columns in self.sections.items()
        ]
        return make_map(*sections)

    @staticmethod
    def _column(place: int, kept: Kept) -> dict[str, object]:
        return column(f"c{place}", kept.kind, **({"currency_code": "EUR"} if kept.kind == "money" else {}))

    def expected(self, customer_id: str, *, time_zone: str) -> dict[str, Rows]:
        """Give the cells that the rules make, as the server shows them to a client of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"{SESSION}; SET TimeZone = '{time_zone}'")
            return {name: self._rows(connection, name, customer_id) for name in self.sections}

    def _rows(self, connection: psycopg.Connection[tuple[Cell, ...]], name: str, customer_id: str) -> Rows:
        cells = ", ".join(
            f"(SELECT {kept.rule} FROM (SELECT t.c{place}) x(c))" for place, kept in enumerate(self.sections[name])
        )
        query = f"SELECT id::text, {cells} FROM {name} t WHERE customer_id = {customer_id} ORDER BY t.id"
        return list(connection.execute(query.encode()).fetchall())


@pytest.fixture(scope="module")
def everything(postgresql: PostgresqlServer) -> Everything:
    return store_everything(postgresql, {None, "vector", "17"})


def store_everything(server: PostgresqlServer, features: Container[str | None]) -> Everything:
    sections = {name: [one for one in columns if one.needs in features] for name, columns in SECTIONS.items()}
    vector = "CREATE EXTENSION vector" if "vector" in features else ""
    url = server.create_database("everything", CUSTOMERS + TYPES + vector)
    for name, columns in sections.items():
        server.execute("everything", table_of(name, columns))
    return Everything(url, sections)


def table_of(name: str, columns: Sequence[Kept]) -> str:
    """Write a table with a row for each value; columns with fewer have NULL, and the last row has nothing else."""
    declared = ", ".join(f"c{place} {kept.stored}" for place, kept in enumerate(columns))
    rows = max(len(kept.values) for kept in columns) + 1
    literals = [
        ", ".join(kept.values[row] if row < len(kept.values) else "NULL" for kept in columns) for row in range(rows)
    ]
    copies = SMALL_ROWS // rows + 1
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    inserts = [f"INSERT INTO {name} (customer_id, {names}) VALUES (1, {cells});" for cells in literals]
    many = f"INSERT INTO {name} (customer_id, {names}) SELECT 2, {names} FROM {name}, generate_series(1, {copies});"
    return f"CREATE TABLE {name} (id serial PRIMARY KEY, customer_id int, {declared}); {''.join(inserts)} {many}"


@pytest.fixture(scope="module")
def source(everything: Everything) -> Iterator[Source]:
    with opened(everything.url, everything.map) as source:
        yield source


@pytest.fixture(scope="module")
def pdf_writer() -> Iterator[PdfWriter]:
    pool = RendererPool(children=1)
    try:
        yield PdfWriter(pool)
    finally:
        pool.close()


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("customer_id", [FEW, MANY])
def test_cells_are_what_the_server_shows(
    everything: Everything, source: Source, customer_id: str, time_zone: str
) -> None:
    expected = everything.expected(customer_id, time_zone=time_zone)
    got = read(source, customer_id, time_zone=time_zone)
    for name, kept in everything.sections.items():
        for place, one in enumerate(kept, 1):
            assert [row[place] for row in got[name]] == [row[place] for row in expected[name]], (name, one)


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("customer_id", [FEW, MANY])
@pytest.mark.parametrize("form", [form for form in ExportFormat if form is not ExportFormat.PDF])
def test_files_hold_what_the_server_shows(
    everything: Everything,
    source: Source,
    pdf_writer: PdfWriter,
    *,
    form: ExportFormat,
    customer_id: str,
    time_zone: str,
) -> None:
    content, streams = export_all(source, form, pdf=pdf_writer, customer_id=customer_id, time_zone=time_zone)
    expected = everything.expected(customer_id, time_zone=time_zone)
    got = read_back(form, content, streams, time_zone=time_zone)
    for stream in streams:
        wanted = told(form, expected[stream.name], stream.columns)
        for place, one in enumerate(stream.columns):
            assert [row[place] for row in got[stream.name]] == [row[place] for row in wanted], (stream.name, one)


@pytest.mark.parametrize("time_zone", ZONES)
def test_a_pdf_shows_what_the_server_shows(
    everything: Everything, source: Source, pdf_writer: PdfWriter, time_zone: str
) -> None:
    content, streams = export_all(source, ExportFormat.PDF, pdf=pdf_writer, time_zone=time_zone)
    assert missing_from_pdf(content, everything.expected(FEW, time_zone=time_zone), streams) == []


def test_a_server_with_everything_built_in_shows_the_same(full_postgresql: PostgresqlServer) -> None:
    everything = store_everything(full_postgresql, {None, "libxml"})
    with opened(everything.url, everything.map) as source:
        for time_zone in ZONES:
            for customer_id in (FEW, MANY):
                expected = everything.expected(customer_id, time_zone=time_zone)
                assert read(source, customer_id, time_zone=time_zone) == expected
