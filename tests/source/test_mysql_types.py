"""Every type of MariaDB in every format: what is read back is the server's own text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from customer_export.model.columns import Cell
from customer_export.model.request import ExportFormat
from customer_export.source.interface import Source
from customer_export.writers.pdf import PdfWriter, RendererPool
from customer_maps import column, make_map, section
from databases import CUSTOMERS, opened, read
from mariadb_server import MariadbServer
from readers import Rows, export_all, missing_from_pdf, read_back, told

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")

OWN = "CAST(c AS CHAR)"
"""What the server's own client shows."""
NUMBER = "CAST(c + 0 AS CHAR)"
PLAIN = "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM REPLACE(FORMAT(c, 7), ',', '')))"
"""A DOUBLE without an exponent."""
UTF8 = "CONVERT(c USING utf8mb4)"
BITS = "LPAD(CONV(HEX(c), 16, 2), {0}, '0')"
FLAG = "ELT(c + 1, 'false', 'true')"
DASHED = r"LOWER(REGEXP_REPLACE(HEX(c), '^(.{8})(.{4})(.{4})(.{4})(.{12})$', '\1-\2-\3-\4-\5'))"
SIZED = "CONCAT('binary; ', LENGTH(c), ' bytes; sha256=', SHA2(c, 256))"
CLOCK = "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM DATE_FORMAT({0}, '%Y-%m-%dT%H:%i:%s.%f')))"
OFFSET = """CONCAT(IF({0} < 0, '-', '+'), LPAD(ABS({0}) DIV 60, 2, '0'), ':', LPAD(ABS({0}) MOD 60, 2, '0'))"""
INSTANT = f"CONCAT({CLOCK}, {OFFSET.format('TIMESTAMPDIFF(MINUTE, {1}, {0})')})"
STAMP = INSTANT.format("c", "TIMESTAMPADD(MICROSECOND, UNIX_TIMESTAMP(c) * 1000000, TIMESTAMP'1970-01-01 00:00:00')")
"""A TIMESTAMP is shown in the session's zone, and UNIX_TIMESTAMP tells which of two times alike it is."""
NAIVE = INSTANT.format("CONVERT_TZ(c, '+00:00', @@time_zone)", "c")
DAY = "DATE_FORMAT(CONVERT_TZ(c, '+00:00', @@time_zone), '%Y-%m-%d')"


@dataclass(frozen=True)
class Kept:
    """Some literals of a stored type, read as a column type; `rule` is SQL over `c` that makes their canonical text."""

    stored: str
    values: Sequence[str]
    kind: str = "text"
    rule: str = OWN


CONTROLS = "CHAR(" + ", ".join(map(str, (*range(1, 9), 11, 12, *range(14, 33)))) + " USING utf8mb4)"
HOSTILE = (
    "''", "' '", "'ab  '", "'NULL'", r"'\N'", "'=1+1'", "'-1'", "'+49 30'", "'@x'", "'''=x'", "'a\"b'", CONTROLS,
    "CHAR(9, 13, 10 USING utf8mb4)", "'👩‍👩‍👧‍👦 ﷽ \ufeff日本שלום'", "'00012'", "'1e5'", "'true'",
    "REPEAT('wörter ', 900)",
)  # fmt: skip
WIDEST = 35 * "9" + "." + 30 * "9"
MOMENTS = ("'2024-07-01 12:00'", "'2024-01-01 12:00:00.120'", "'2024-03-31 00:59:59'", "'2024-10-27 01:30'")
UUID = "X'550e8400e29b41d4a716446655440000'"

SECTIONS: dict[str, Sequence[Kept]] = {
    "texts": [
        Kept("longtext", HOSTILE),
        Kept("varchar(20) character set latin1", ("'Müller € “x”'", "''")),
        Kept("varchar(20) character set sjis", ("'表示ソ能'",)),
        Kept("varchar(20) character set utf8mb3", ("'Ωmega'",)),
        Kept("char(5)", ("'ab'", "' ab'", "''")),
        Kept("varbinary(20)", ("'ä'",), rule=UTF8),
        Kept("enum('fine', 'nicht so schön')", ("'nicht so schön'",)),
        Kept("set('a', 'b', 'c')", ("'a,c'", "''")),
        Kept("time(6)", ("'838:59:59'", "'-838:59:59'", "'12:34:56.5'")),
        Kept("year", ("2155", "0")),
        Kept("inet6", ("'::ffff:192.0.2.1'", "'2001:db8::1'")),
        Kept("bit(10)", ("b'1000000011'", "0"), rule=BITS.format(10)),
        Kept("point", ("ST_GeomFromText('POINT(0.1 -2)')",), rule="ST_AsText(c)"),
        Kept("int(5) zerofill", ("42",)),
        Kept("varchar(30)", ("'00012345678901234567'",), "identifier"),
        Kept("bigint unsigned", ("18446744073709551615",), "identifier"),
        Kept("varchar(50)", ("'Ada@Example.com'",), "email"),
        Kept("text", ("'https://example.com/?a=b&c'",), "url"),
        Kept("json", ("""'{"b": 1.10,  "a": [1E400]}'""", "'null'", "'[]'"), "json"),
    ],
    "numbers": [
        Kept("tinyint", ("-128", "127"), "integer"),
        Kept("tinyint unsigned", ("255",), "integer"),
        Kept("smallint unsigned", ("65535",), "integer"),
        Kept("mediumint", ("-8388608",), "integer"),
        Kept("int unsigned", ("4294967295",), "integer"),
        Kept("bigint", ("-9223372036854775808", "9223372036854775807"), "integer"),
        Kept("bigint unsigned", ("18446744073709551615", "0"), "integer"),
        Kept("int(5) zerofill", ("42",), "integer", NUMBER),
        Kept("bit(64)", ("18446744073709551615",), "integer", NUMBER),
        Kept("decimal(65,30)", (WIDEST, f"-{WIDEST}", "0", "1e-30"), "decimal"),
        Kept("decimal(12,2)", ("-0.05", "1.1"), "decimal"),
        Kept("double", ("0.30000000000000004", "123456789.12345679", "-1.5", "0"), "decimal"),
        Kept("double", ("1e-7", "123e12"), "decimal", PLAIN),
        Kept("float", ("0.1", "-1.5", "123456"), "decimal"),  # six digits, which the server shows
        Kept("float(10,2)", ("1.5",), "decimal"),
        Kept("decimal(12,2)", ("99999999.99", "-1", "0"), "money"),
        Kept("decimal(9,3) unsigned", ("0.5",), "money"),
        Kept("tinyint(1)", ("0", "1"), "boolean", FLAG),
        Kept("bit(1)", ("b'0'", "b'1'"), "boolean", FLAG),
    ],
    "moments": [
        Kept("timestamp(6) null", (*MOMENTS, "'2024-10-27 00:30'", "'2038-01-19 03:14:07.999999'"), "timestamp", STAMP),
        Kept("timestamp null", ("'2024-07-01 12:00'",), "timestamp", STAMP),
        Kept("datetime(6)", (*MOMENTS, "'1999-12-31 23:59:59.999999'"), "timestamp", NAIVE),
        Kept("datetime", ("'0000-00-00 00:00:00'", "'2024-00-15 10:00:00'"), "timestamp"),
        Kept("timestamp null", ("'0000-00-00 00:00:00'",), "timestamp"),
        Kept("datetime", ("'2024-06-30 23:30'", "'2024-06-30 10:00'"), "date", DAY),
        Kept("date", ("'2024-02-29'", "'9999-12-31'", "'1899-12-31'", "'0000-00-00'", "'2024-00-15'"), "date"),
    ],
    "bytes": [
        Kept("binary(16)", (UUID,), "uuid", DASHED),
        Kept("uuid", ("'550e8400-e29b-41d4-a716-446655440000'",), "uuid"),
        Kept("char(36)", ("'550E8400-E29B-41D4-A716-446655440000'",), "uuid"),
        Kept("longblob", ("X'00ff10'", "''", "REPEAT(X'00ff', 40000)"), "binary", SIZED),
        Kept("varchar(9)", ("'é'",), "binary", SIZED),
        Kept("blob", ("X'61ff62'",), "text", SIZED),
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Everything:
    """A database with a value of everything; the server knows the zones that it shows times in."""

    server: MariadbServer
    name: str

    def expected(self, time_zone: str) -> dict[str, Rows]:
        """Give the cells that the rules make, as the server shows them to a client of its own."""
        shown: dict[str, Rows] = {}
        with self.server.connect(self.name) as connection, connection.cursor() as cursor:
            cursor.execute(f"SET time_zone = '{time_zone}', sql_mode = 'NO_BACKSLASH_ESCAPES'")
            for name, columns in SECTIONS.items():
                cells = ", ".join(re.sub(r"\bc\b", f"c{place}", kept.rule) for place, kept in enumerate(columns))
                cursor.execute(f"SELECT {cells} FROM {name} ORDER BY id")
                shown[name] = [tuple(map(_text, row)) for row in cursor.fetchall()]
        return shown


def _text(value: object) -> Cell:
    return value.decode() if isinstance(value, bytes) else None if value is None else str(value)


def table_of(name: str, columns: Sequence[Kept]) -> str:
    """Write a table with a row for each value; columns with fewer have NULL, and the last row has nothing else."""
    declared = ", ".join(f"c{place} {kept.stored}" for place, kept in enumerate(columns))
    rows = max(len(kept.values) for kept in columns) + 1
    inserts = [
        f"INSERT INTO {name} VALUES ({row}, 1, "
        + ", ".join(kept.values[row] if row < len(kept.values) else "NULL" for kept in columns)
        + ");"
        for row in range(rows)
    ]
    return f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, customer_id INTEGER, {declared}); {''.join(inserts)}"


def zone_statements(zone: str, number: int) -> Iterator[str]:
    """Write the statements that tell a server about a zone, from 1970 to 2037; it has none by itself."""
    yield f"REPLACE INTO time_zone VALUES ({number}, 'N'); REPLACE INTO time_zone_name VALUES ('{zone}', {number})"
    changes = list(_offset_changes(ZoneInfo(zone)))
    offsets = sorted({offset for _, offset in changes})
    for place, offset in enumerate(offsets):
        yield f"REPLACE INTO time_zone_transition_type VALUES ({number}, {place}, {offset}, 0, 'Z')"
    for instant, offset in changes:
        yield f"REPLACE INTO time_zone_transition VALUES ({number}, {instant}, {offsets.index(offset)})"


def _offset_changes(zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Give each second since 1970 from which on another offset holds, and that offset in seconds."""
    before = None
    for hour in range(24 * 365 * 68):
        now = _offset(zone, hour * 3600)
        if now != before:
            yield hour * 3600, now
        before = now


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


@pytest.fixture(scope="module")
def everything(mariadb: MariadbServer) -> Everything:
    zones = [statement for number, zone in enumerate(ZONES, 1) for statement in zone_statements(zone, number)]
    mariadb.execute("mysql", ";".join(zones))
    name = "everything"
    mariadb.create_database(name, CUSTOMERS + "".join(table_of(*one) for one in SECTIONS.items()))
    return Everything(mariadb, name)


@pytest.fixture(scope="module")
def source(everything: Everything) -> Iterator[Source]:
    sections = [
        section(
            name,
            [
                column(f"c{place}", kept.kind, **({"currency_code": "EUR"} if kept.kind == "money" else {}))
                for place, kept in enumerate(columns)
            ],
        )
        for name, columns in SECTIONS.items()
    ]
    with opened(everything.server.url(everything.name), make_map(*sections)) as source:
        yield source


@pytest.fixture(scope="module")
def pdf_writer() -> Iterator[PdfWriter]:
    pool = RendererPool(children=1)
    try:
        yield PdfWriter(pool)
    finally:
        pool.close()


@pytest.mark.parametrize("time_zone", ZONES)
def test_cells_are_what_the_server_shows(everything: Everything, source: Source, time_zone: str) -> None:
    expected = everything.expected(time_zone)
    got = read(source, time_zone=time_zone)
    for name, columns in SECTIONS.items():
        for place, kept in enumerate(columns):
            assert [row[place] for row in got[name]] == [row[place] for row in expected[name]], (name, kept)


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("form", [form for form in ExportFormat if form is not ExportFormat.PDF])
def test_files_hold_what_the_server_shows(
    everything: Everything, source: Source, pdf_writer: PdfWriter, *, form: ExportFormat, time_zone: str
) -> None:
    content, streams = export_all(source, form, pdf=pdf_writer, time_zone=time_zone)
    expected = everything.expected(time_zone)
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
    assert missing_from_pdf(content, everything.expected(time_zone), streams) == []
