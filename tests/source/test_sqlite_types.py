"""Every type of SQLite in every format: what is read back is SQLite's own text, by whatever way it was read."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlite_values import OWN, PACKED, TABLES, Kept, Table

from customer_export.model.columns import Cell
from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import ExportFormat
from customer_export.source.interface import Source
from customer_export.source.sqlite.snapshot import SMALL_ROWS
from customer_export.writers.pdf import PdfWriter, RendererPool
from customer_maps import column, make_map, section
from databases import CUSTOMERS, SqliteDatabase, opened, read
from readers import Rows, canonical_instant, export_all, missing_from_pdf, read_back, told

ZONES = ("UTC", "Asia/Kolkata")
FEW, MANY = "1", "2"
"""Customer 1 has each value once, by the plain path; customer 2 so often that SQLite writes the CSV."""
SECTIONS = {name: f"s{place}" for place, name in enumerate(TABLES)}
"""The section of each table."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def store(database: SqliteDatabase, name: str, table: Table) -> None:
    """Make a table with a row for each value; columns with fewer have NULL, and the last row has nothing else."""
    if table.view_of is not None:
        database.execute(f"CREATE VIEW {quoted(name)} AS SELECT * FROM {quoted(table.view_of)}")
        return
    kept = table.named()
    declared = ", ".join(f"{quoted(one)} {column.stored}" for one, column in kept)
    stored = [(one, column) for one, column in kept if column.values]
    names = ", ".join(quoted(one) for one, _ in stored)
    rows = max(len(column.values) for _, column in stored) + 1
    inserts = [
        f"INSERT INTO {quoted(name)} (id, customer_id, {names}) VALUES ({row}, 1, {cells});"
        for row, cells in enumerate(
            ", ".join(one.values[row] if row < len(one.values) else "NULL" for _, one in stored) for row in range(rows)
        )
    ]
    copies = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= {SMALL_ROWS // rows})"
    database.execute(
        f"CREATE TABLE {quoted(name)} ({table.key}, customer_id INTEGER, {declared}) {table.suffix};{''.join(inserts)}"
        f"INSERT INTO {quoted(name)} (id, customer_id, {names}) {copies}"
        f"SELECT i * {rows} + id, 2, {names} FROM {quoted(name)}, n"
    )


def section_of(name: str, table: Table) -> dict[str, object]:
    columns = [
        column(
            f"c{place}",
            one.kind,
            source=source,
            **({"currency_code": "EUR"} if one.kind == "money" else {}),
            **one.options,
        )
        for place, (source, one) in enumerate(table.named())
    ]
    order = ["id", *(source for source, _ in table.named())] if "PRIMARY KEY" not in table.key else ["id"]
    unique = {"unique": ["id"]} if table.view_of is not None else {}
    return section(SECTIONS[name], [column("id", "integer"), *columns], table=name, order=order, **unique)


class Everything:
    """A database with a value of everything, the map of it, and what SQLite says that is in it."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.map: CustomerMap = make_map(*(section_of(name, table) for name, table in TABLES.items()))

    def expected(self, customer_id: str, *, time_zone: str) -> dict[str, Rows]:
        """Give the cells that the rules make."""
        with closing(sqlite3.connect(self.database.path)) as connection:
            connection.text_factory = lambda content: content.decode(errors="replace")
            connection.create_function("plain", 1, lambda real: scaled(real, 0))
            connection.create_function("scaled", 2, scaled)
            connection.create_function("described", 1, described)
            connection.create_function("unpacked", 1, lambda blob: PACKED[blob.hex()])
            connection.create_function("hyphenated", 1, lambda blob: str(UUID(blob.hex())))
            return {
                SECTIONS[name]: self._rows(connection, name, table, customer_id, ZoneInfo(time_zone))
                for name, table in TABLES.items()
            }

    def _rows(self, connection: sqlite3.Connection, name: str, table: Table, customer_id: str, zone: ZoneInfo) -> Rows:
        kept = table.named()
        rules = [rule for source, one in kept for rule in (self._cell(source, one.rule), self._cell(source, OWN))]
        rows = connection.execute(
            f"SELECT CAST(id AS TEXT), {', '.join(rules)} FROM {quoted(name)} t WHERE customer_id = ? ORDER BY id",
            (customer_id,),
        ).fetchall()
        return [
            (
                row[0],
                *(
                    in_zone(written, own, zone) if one.kind == "timestamp" else written
                    for (_, one), written, own in zip(kept, row[1::2], row[2::2], strict=True)
                ),
            )
            for row in rows
        ]

    @staticmethod
    def _cell(source: str, rule: str) -> str:
        cell = f"t.{quoted(source)}"
        return f"CASE WHEN {cell} IS NOT NULL THEN (SELECT {rule} FROM (SELECT {cell} AS c)) END"


def scaled(real: float, decimals: int) -> str:
    """Write the shortest decimal that is a number, with so many decimals at least."""
    if real in (float("inf"), float("-inf")):
        return "Infinity" if real > 0 else "-Infinity"
    text = f"{Decimal(repr(real)):f}"
    whole, _, rest = text.partition(".")
    rest = rest.rstrip("0").ljust(decimals, "0")
    whole = "0" if whole == "-0" and not rest.strip("0") else whole
    return f"{whole}.{rest}" if rest else whole


def described(value: str | bytes | float) -> str:
    content = value if isinstance(value, bytes) else (value if isinstance(value, str) else scaled(value, 0)).encode()
    return f"binary; {len(content)} bytes; sha256={hashlib.sha256(content).hexdigest()}"


def in_zone(written: Cell, own: Cell, zone: ZoneInfo) -> Cell:
    """Put a moment of UTC into a zone; where there is no such year, the value stays as it is."""
    if written is None or not written.endswith("+00:00"):
        return written
    try:
        return canonical_instant(datetime.fromisoformat(written).astimezone(zone))
    except OverflowError:
        return own


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    database = SqliteDatabase(Path(tmp_path_factory.mktemp("types")) / "everything.db")
    database.execute(CUSTOMERS)
    for name, table in TABLES.items():
        store(database, name, table)
    return Everything(database)


@pytest.fixture(scope="module")
def source(everything: Everything) -> Iterator[Source]:
    with opened(everything.database.url, everything.map) as source:
        yield source


@pytest.fixture(scope="module")
def pdf_writer() -> Iterator[PdfWriter]:
    pool = RendererPool(children=1)
    try:
        yield PdfWriter(pool)
    finally:
        pool.close()


def kept_in(name: str) -> list[tuple[str, Kept]]:
    table = next(table for table in TABLES if SECTIONS[table] == name)
    return TABLES[table].named()


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("customer_id", [FEW, MANY])
def test_cells_are_what_sqlite_makes_of_them(
    everything: Everything, source: Source, customer_id: str, time_zone: str
) -> None:
    expected = everything.expected(customer_id, time_zone=time_zone)
    got = read(source, customer_id, time_zone=time_zone)
    for name, rows in expected.items():
        for place, one in enumerate(kept_in(name), 1):
            assert [row[place] for row in got[name]] == [row[place] for row in rows], (name, one)


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("customer_id", [FEW, MANY])
@pytest.mark.parametrize("form", [form for form in ExportFormat if form is not ExportFormat.PDF])
def test_files_hold_what_sqlite_makes_of_them(
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
def test_a_pdf_shows_what_sqlite_makes_of_them(
    everything: Everything, source: Source, pdf_writer: PdfWriter, time_zone: str
) -> None:
    content, streams = export_all(source, ExportFormat.PDF, pdf=pdf_writer, time_zone=time_zone)
    assert missing_from_pdf(content, everything.expected(FEW, time_zone=time_zone), streams) == []
