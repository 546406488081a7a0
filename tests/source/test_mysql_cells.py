"""Every cell of MariaDB becomes the canonical text of its column's type, whatever it is stored as."""

import struct
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.source.interface import Source
from customer_maps import column, make_map, section
from databases import CUSTOMERS, MariadbDatabase, opened, read
from mariadb_server import MariadbServer
from stored_cells import Stored, Texts, described, read_all

WIDEST = 35 * "9" + "." + 30 * "9"
SMALLEST = "0." + 29 * "0" + "1"
UUID = "00112233-4455-6677-8899-aabbccddeeff"
UUID_BYTES = "X'00112233445566778899AABBCCDDEEFF'"
JAPANESE = "'表示ソ能'"  # in Shift JIS some of these have a backslash for their second byte

IN_MARIADB = [
    Stored("text", "text", "'a'", "a"),
    Stored("text", "text", "NULL", None),
    Stored("text", "text", "''", ""),
    Stored("text", "longtext", r"CONCAT(' ', CHAR(9, 13, 10, 92, 1 USING utf8mb4), ' ')", " \t\r\n\\\x01 "),
    Stored("text", "text", "CONCAT('a', CHAR(0 USING utf8mb4), 'b')", "a\0b"),
    Stored("text", "text", "'👩‍👩‍👧‍👦 ﷽ \ufeff'", "👩‍👩‍👧‍👦 ﷽ \ufeff"),
    Stored("text", "text", "REPEAT('é', 300)", 300 * "é"),
    Stored("text", "longtext", "REPEAT('x', 70000)", 70_000 * "x"),
    Stored("text", "varchar(10)", "'ab  '", "ab  "),
    Stored("text", "char(5)", "'ab'", "ab"),
    Stored("text", "char(5)", "' ab'", " ab"),
    Stored("text", "char(5)", "''", ""),
    Stored("text", "varchar(20) character set latin1", "'Müller € “x”'", "Müller € “x”"),
    Stored("text", "varchar(20) character set utf8mb3", "'Ωmega'", "Ωmega"),
    Stored("text", "varchar(20) character set sjis", JAPANESE, "表示ソ能"),
    Stored("text", "varchar(20) character set cp932", "'①～'", "①～"),
    Stored("text", "varchar(20) character set big5", "'功許'", "功許"),
    Stored("text", "varchar(20) character set koi8r", "'Привет'", "Привет"),
    Stored("text", "varchar(20) character set utf16", "'𝄞'", "𝄞"),
    Stored("text", "varchar(20) character set ascii", "'plain'", "plain"),
    Stored("text", "varchar(20) character set binary", "'ä'", "ä"),
    Stored("text", "varbinary(20)", "X'61ff62'", described(b"a\xffb")),
    Stored("text", "blob", "'text in a blob'", "text in a blob"),
    Stored("text", "blob", "''", ""),
    Stored("text", "enum('fine', 'nicht so schön')", "'nicht so schön'", "nicht so schön"),
    Stored("text", "enum('a', 'b')", "'c'", ""),
    Stored("text", "set('a', 'b', 'c')", "'a,c'", "a,c"),
    Stored("text", "integer", "-5", "-5"),
    Stored("text", "int(5) zerofill", "42", "00042"),
    Stored("text", "bit(10)", "b'1000000011'", "1000000011"),
    Stored("text", "bit(10)", "b'11'", "0000000011"),
    Stored("text", "bit(64)", "b'1'", 63 * "0" + "1"),
    Stored("text", "double", "1e22", "1" + 22 * "0"),
    Stored("text", "time", "'-838:59:59'", "-838:59:59"),
    Stored("text", "time(6)", "'838:59:58.999999'", "838:59:58.999999"),
    Stored("text", "time", "'12:34:56'", "12:34:56"),
    Stored("text", "year", "2155", "2155"),
    Stored("text", "year", "0", "0000"),
    Stored("text", "uuid", f"'{UUID.upper()}'", UUID),
    Stored("text", "inet6", "'::ffff:192.0.2.1'", "::ffff:192.0.2.1"),
    Stored("text", "inet6", "'2001:0db8::0001'", "2001:db8::1"),
    Stored("text", "datetime", "'2024-07-01 12:00:00'", "2024-07-01 12:00:00"),
    Stored("text", "point", "ST_GeomFromText('POINT(0.1 0.30000000000000004)')", "POINT(0.1 0.30000000000000004)"),
    Stored("text", "geometry", "ST_GeomFromText('LINESTRING(0 0,1 1)', 4326)", "SRID=4326;LINESTRING(0 0,1 1)"),
    Stored("text", "point", "NULL", None),
    Stored("text", "varchar(9) default 'seen' invisible", "'seen'", "seen"),
    Stored("identifier", "varchar(20)", "'00012345678901234567'", "00012345678901234567"),
    Stored("identifier", "char(8)", "'007'", "007"),
    Stored("identifier", "bigint unsigned", "18446744073709551615", "18446744073709551615"),
    Stored("integer", "tinyint", "-128", "-128"),
    Stored("integer", "tinyint unsigned", "255", "255"),
    Stored("integer", "smallint", "-32768", "-32768"),
    Stored("integer", "smallint unsigned", "65535", "65535"),
    Stored("integer", "mediumint", "-8388608", "-8388608"),
    Stored("integer", "mediumint unsigned", "16777215", "16777215"),
    Stored("integer", "int", "-2147483648", "-2147483648"),
    Stored("integer", "int unsigned", "4294967295", "4294967295"),
    Stored("integer", "bigint", "-9223372036854775808", "-9223372036854775808"),
    Stored("integer", "bigint unsigned", "18446744073709551615", "18446744073709551615"),
    Stored("integer", "bigint(25) unsigned zerofill", "18446744073709551615", "18446744073709551615"),
    Stored("integer", "int(5) zerofill", "42", "42"),
    Stored("integer", "bit(64)", "18446744073709551615", "18446744073709551615"),
    Stored("integer", "double", "1e15", "1" + 15 * "0"),
    Stored("integer", "integer", "NULL", None),
    Stored("integer", "varchar(9)", "'0012'", "0012"),
    Stored("decimal", "decimal(12,2)", "1.1", "1.10"),
    Stored("decimal", "decimal(12,2)", "-0.05", "-0.05"),
    Stored("decimal", "decimal(12,2)", "-0.001", "0.00"),
    Stored("decimal", "decimal(65,30)", WIDEST, WIDEST),
    Stored("decimal", "decimal(65,30)", f"-{WIDEST}", f"-{WIDEST}"),
    Stored("decimal", "decimal(65,30)", SMALLEST, SMALLEST),
    Stored("decimal", "decimal(65,0)", 65 * "9", 65 * "9"),
    Stored("decimal", "decimal(9,2) zerofill", "12.5", "12.50"),
    Stored("decimal", "decimal(12,2)", "NULL", None),
    Stored("decimal", "float", "0.1", "0.1"),
    Stored("decimal", "float", "16777216", "16777216"),
    Stored("decimal", "float", "3.4028234663852886e38", "340282350000000000000000000000000000000"),
    Stored("decimal", "float", "1.1754943508222875e-38", "0." + 37 * "0" + "11754944"),
    Stored("decimal", "float", "-1.5", "-1.5"),
    Stored("decimal", "float", "0", "0"),
    Stored("decimal", "float", "-1e-60", "0"),
    Stored("decimal", "float(10,2)", "1.5", "1.50"),
    Stored("decimal", "float(10,2)", "-0.001", "0.00"),
    Stored("decimal", "double", "0.30000000000000004", "0.30000000000000004"),
    Stored("decimal", "double", "1e300", "1" + 300 * "0"),
    Stored("decimal", "double", "1.7976931348623157e308", "17976931348623157" + 292 * "0"),
    Stored("decimal", "double", "5e-324", "0." + 323 * "0" + "5"),
    Stored("decimal", "double", "123456789.12345679", "123456789.12345679"),
    Stored("decimal", "double", "1e-7", "0.0000001"),
    Stored("decimal", "double(20,4)", "1234.5", "1234.5000"),
    Stored("decimal", "bigint", "5", "5"),
    Stored("decimal", "varchar(9)", "'1.10'", "1.10"),
    Stored("money", "decimal(12,2)", "99999999.99", "99999999.99"),
    Stored("money", "decimal(12,3) unsigned", "0.5", "0.500"),
    Stored("money", "double", "19.99", "19.99"),
    Stored("boolean", "boolean", "true", "true"),
    Stored("boolean", "tinyint(1)", "0", "false"),
    Stored("boolean", "tinyint(1)", "2", "2"),
    Stored("boolean", "tinyint(1)", "NULL", None),
    Stored("boolean", "bit", "b'1'", "true"),
    Stored("boolean", "bit(1)", "b'0'", "false"),
    Stored("boolean", "bigint unsigned", "18446744073709551615", "18446744073709551615"),
    Stored("boolean", "enum('N', 'Y')", "'Y'", "Y"),
    Stored("date", "date", "'2024-02-29'", "2024-02-29"),
    Stored("date", "date", "'0000-00-00'", "0000-00-00"),
    Stored("date", "date", "'2024-00-15'", "2024-00-15"),
    Stored("date", "date", "'9999-12-31'", "9999-12-31"),
    Stored("date", "date", "'0001-01-01'", "0001-01-01"),
    Stored("date", "date", "NULL", None),
    Stored("date", "varchar(20)", "'2024-02-29'", "2024-02-29"),
    Stored("date", "datetime", "'2024-06-30 23:30:00'", "2024-06-30", zone="Europe/Berlin"),
    Stored("date", "datetime", "'2024-06-30 23:30:00'", "2024-07-01", zone="Asia/Tokyo"),
    Stored("date", "datetime", "'2024-00-15 10:00:00'", "2024-00-15 10:00:00"),
    Stored("date", "timestamp NULL", "'2024-06-30 23:30:00'", "2024-07-01", zone="Europe/Berlin"),
    Stored("timestamp", "timestamp NULL", "'2024-07-01 12:00:00'", "2024-07-01T12:00:00+00:00"),
    Stored("timestamp", "timestamp(3) NULL", "'2024-07-01 12:00:00.120'", "2024-07-01T12:00:00.12+00:00"),
    Stored("timestamp", "timestamp(6) NULL", "'2024-07-01 12:00:00.123456'", "2024-07-01T12:00:00.123456+00:00"),
    Stored("timestamp", "timestamp NULL", "NULL", None),
    Stored("timestamp", "timestamp NULL", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
    Stored("timestamp", "timestamp NULL", "'1970-01-01 00:00:01'", "1970-01-01T00:00:01+00:00"),
    Stored("timestamp", "timestamp NULL", "'2038-01-19 03:14:07'", "2038-01-19T03:14:07+00:00"),
    Stored("timestamp", "timestamp NULL", "'2024-01-01 12:00'", "2024-01-01T07:00:00-05:00", zone="America/New_York"),
    Stored("timestamp", "timestamp NULL", "'2024-07-01 12:00'", "2024-07-01T17:30:00+05:30", zone="Asia/Kolkata"),
    # the hour that comes twice: a TIMESTAMP knows which, and a DATETIME is taken for the first
    Stored("timestamp", "timestamp NULL", "'2024-10-27 00:30'", "2024-10-27T02:30:00+02:00", zone="Europe/Berlin"),
    Stored("timestamp", "timestamp NULL", "'2024-10-27 01:30'", "2024-10-27T02:30:00+01:00", zone="Europe/Berlin"),
    Stored("timestamp", "datetime", "'2024-10-27 02:30'", "2024-10-27T02:30:00+02:00", zone="Europe/Berlin"),
    Stored("timestamp", "datetime", "'2024-10-27 02:30'", "2024-10-27T00:30:00+00:00"),
    # the hour that is left out
    Stored("timestamp", "datetime", "'2024-03-31 02:30'", "2024-03-31T01:30:00+00:00"),
    Stored("timestamp", "datetime", "'2024-03-31 02:30'", "2024-03-31T03:30:00+02:00", zone="Europe/Berlin"),
    Stored("timestamp", "datetime", "'2024-07-01 12:00:00'", "2024-07-01T10:00:00+00:00"),
    Stored("timestamp", "datetime(1)", "'2024-01-01 12:00:00.5'", "2024-01-01T11:00:00.5+00:00"),
    Stored("timestamp", "datetime", "'2024-01-01 12:00:00'", "2024-01-01T20:00:00+09:00", zone="Asia/Tokyo"),
    Stored("timestamp", "datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
    Stored("timestamp", "datetime", "'2024-00-15 10:00:00'", "2024-00-15 10:00:00"),
    Stored("timestamp", "datetime", "'0001-01-01 00:00:00'", "0001-01-01 00:00:00"),
    Stored("timestamp", "datetime", "'0001-01-01 00:00:00'", "0001-01-01 00:00:00", zone="Europe/Berlin"),
    Stored("timestamp", "datetime(6)", "'9999-12-31 23:59:59.999999'", "9999-12-31T22:59:59.999999+00:00"),
    Stored("timestamp", "datetime", "'9999-12-31 23:00'", "9999-12-31 23:00:00", zone="Asia/Tokyo"),
    Stored("timestamp", "datetime", "'1850-01-01 12:00'", "1850-01-01T17:00:00+05:53:28", zone="Asia/Kolkata"),
    Stored("timestamp", "date", "'2024-07-01'", "2024-07-01"),
    Stored("timestamp", "varchar(20)", "'yesterday'", "yesterday"),
    Stored("timestamp", "bigint", "1719835200", "1719835200"),
    Stored("uuid", "uuid", f"'{UUID.upper()}'", UUID),
    Stored("uuid", "binary(16)", UUID_BYTES, UUID),
    Stored("uuid", "varbinary(16)", UUID_BYTES, UUID),
    Stored("uuid", "varbinary(16)", "X'0011'", described(b"\x00\x11")),
    Stored("uuid", "binary(16)", "NULL", None),
    Stored("uuid", "char(36)", f"'{UUID.upper()}'", UUID.upper()),
    Stored("uuid", "binary(20)", UUID_BYTES, described(bytes.fromhex(UUID.replace("-", "")) + 4 * b"\0")),
    Stored("email", "varchar(50)", "'Ada@Example.com'", "Ada@Example.com"),
    Stored("url", "text", "'https://example.com/?a=b&c'", "https://example.com/?a=b&c"),
    Stored("json", "json", """'{"a": 1.10,  "a": [1E400]}'""", '{"a": 1.10,  "a": [1E400]}'),
    Stored("json", "json", "'null'", "null"),
    Stored("json", "json", "NULL", None),
    Stored("json", "text", "'{broken'", "{broken"),
    Stored("binary", "blob", "X'00ff10'", described(b"\x00\xff\x10")),
    Stored("binary", "blob", "''", described(b"")),
    Stored("binary", "longblob", "REPEAT(X'00ff', 40000)", described(40_000 * b"\x00\xff")),
    Stored("binary", "blob", "NULL", None),
    Stored("binary", "binary(3)", "X'00'", described(b"\0\0\0")),
    Stored("binary", "varchar(9) character set latin1", "'é'", described("é".encode())),
    Stored("binary", "integer", "5", described(b"5")),
    Stored("binary", "bit(10)", "b'1000000011'", described(b"\x02\x03")),
    Stored("binary", "point", "ST_GeomFromText('POINT(1 2)')", described(struct.pack("<IBIdd", 0, 1, 1, 1, 2))),
]


@pytest.fixture(scope="module")
def mariadb_texts(mariadb: MariadbServer) -> Texts:
    mariadb.create_database("source_cells", CUSTOMERS)
    return read_all(MariadbDatabase(mariadb, "source_cells"), IN_MARIADB)


@pytest.mark.parametrize("cell", IN_MARIADB, ids=str)
def test_a_cell_of_mariadb_has_its_canonical_text(mariadb_texts: Texts, cell: Stored) -> None:
    assert mariadb_texts[cell] == cell.text


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def floats(mariadb: MariadbServer) -> Iterator[tuple[MariadbDatabase, Source]]:
    table = "CREATE TABLE numbers (id INTEGER PRIMARY KEY, customer_id INTEGER, single FLOAT, twice DOUBLE)"
    url = mariadb.create_database("floats", f"{CUSTOMERS} {table}")
    numbers = section("numbers", [column("single", "decimal"), column("twice", "decimal")])
    with opened(url, make_map(numbers)) as source:
        yield MariadbDatabase(mariadb, "floats"), source


@given(singles=st.lists(FLOATS, min_size=1, max_size=40), doubles=st.lists(DOUBLES, min_size=40, max_size=40))
def test_floats_are_written_exactly_and_as_shortly_as_can_be(
    floats: tuple[MariadbDatabase, Source], singles: list[float], doubles: list[float]
) -> None:
    database, source = floats
    pairs = list(zip(singles, doubles, strict=False))
    values = ", ".join(f"({number}, 1, {single!r}, {double!r})" for number, (single, double) in enumerate(pairs))
    database.execute(f"TRUNCATE numbers; INSERT INTO numbers VALUES {values}")
    for (single, double), (text, other) in zip(pairs, read(source)["numbers"], strict=True):
        assert text is not None
        assert other is not None
        assert is_single(text, single)
        assert float(other) == double
        digits = len(Decimal(text).normalize().as_tuple().digits)
        assert all(
            struct.pack("f", float(f"{single:.{fewer}g}")) != struct.pack("f", single) for fewer in range(6, digits)
        )
        assert not set(text + other) & set("eE")
        assert not (text.startswith("-") and not float(text))


def is_single(text: str, single: float) -> bool:
    """Whether a decimal stands for that FLOAT."""
    try:
        return struct.pack("f", float(text) + 0.0) == struct.pack("f", single + 0.0)
    except OverflowError:
        return False


ROWS = """
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, net DECIMAL(9,2), gross DECIMAL(9,2) AS (net * 1.19) STORED,
    shown VARCHAR(20) AS (concat(net, ' EUR')) VIRTUAL, hidden INTEGER DEFAULT 7 INVISIBLE
);
INSERT INTO orders (id, customer_id, net) VALUES (1, 1, 10), (2, 2, 20);
CREATE VIEW sales AS SELECT id, customer_id, gross * 2 AS twice, concat('#', id) AS name, 0.1e0 AS rate FROM orders;
CREATE TABLE details (id INTEGER NOT NULL PRIMARY KEY, sale INTEGER);
INSERT INTO details VALUES (1, 1), (2, 2);
"""


def test_generated_and_invisible_columns_and_views_are_read_like_any_other(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(ROWS)
    orders = section("orders", {"gross": "decimal", "shown": "text", "hidden": "integer"})
    sales = section("sales", {"twice": "decimal", "name": "text", "rate": "decimal"}, unique="id")
    through = [[{"columns": "sale", "table": "sales", "to": "id"}, {"columns": "customer_id"}]]
    details = section("details", {"id": "integer"}, links=through)
    with opened(mariadb_database.url, make_map(orders, sales, details)) as source:
        assert read(source) == {
            "orders": [("11.90", "10.00 EUR", "7")],
            "sales": [("23.80", "#1", "0.1")],
            "details": [("1",)],
        }
