"""Every cell becomes the canonical text of its column's type, whatever the database stores it as."""

from pathlib import Path

import pytest

from databases import CUSTOMERS, PostgresqlDatabase, SqliteDatabase
from servers import PostgresqlServer
from stored_cells import Stored, Texts, described, read_all

FORTY_DIGITS = "1234567890123456789012345678.123456789012"
REAL_300 = "1" + 300 * "0"
HOSTILE_SETTINGS = """
ALTER DATABASE {name} SET DateStyle = 'German, DMY';
ALTER DATABASE {name} SET TimeZone = 'Asia/Kathmandu';
ALTER DATABASE {name} SET IntervalStyle = 'sql_standard';
ALTER DATABASE {name} SET bytea_output = 'escape';
ALTER DATABASE {name} SET extra_float_digits = -10;
ALTER DATABASE {name} SET default_transaction_isolation = 'serializable';
"""


IN_POSTGRESQL = [
    Stored("text", "text", "'a'", "a"),
    Stored("text", "text", "NULL", None),
    Stored("text", "text", "''", ""),
    Stored("text", "text", r"E' \t\r\n\\ \x01 '", " \t\r\n\\ \x01 "),
    Stored("text", "text", "'👩‍👩‍👧‍👦 ﷽ \ufeff'", "👩‍👩‍👧‍👦 ﷽ \ufeff"),
    Stored("text", "varchar(10)", "'ab  '", "ab  "),
    Stored("text", "char(5)", "'ab'", "ab"),
    Stored("text", "char(5)", "' ab'", " ab"),
    Stored("text", "char(5)", "''", ""),
    Stored("text", "mood", "'fine'", "fine"),
    Stored("text", "integer", "-5", "-5"),
    Stored("text", "boolean", "true", "true"),
    Stored("text", "integer[]", "'{1,NULL,3}'", "{1,NULL,3}"),
    Stored("text", "text[]", """'{"a \\" b",NULL}'""", '{"a \\" b",NULL}'),
    Stored("text", "int4range", "'[1,5)'", "[1,5)"),
    Stored("text", "point", "'(1,2)'", "(1,2)"),
    Stored("text", "pair", "'(1,x)'", "(1,x)"),
    Stored("text", "bit(3)", "'101'", "101"),
    Stored("text", "interval", "'1 day 2 hours'", "P1DT2H"),
    Stored("text", "inet", "'192.0.2.1'", "192.0.2.1"),
    Stored("text", "time", "'12:34:56.5'", "12:34:56.5"),
    Stored("identifier", "text", "'00012345678901234567'", "00012345678901234567"),
    Stored("identifier", "char(8)", "'007'", "007"),
    Stored("identifier", "bigint", "9223372036854775807", "9223372036854775807"),
    Stored("integer", "smallint", "-32768", "-32768"),
    Stored("integer", "bigint", "-9223372036854775808", "-9223372036854775808"),
    Stored("integer", "numeric(20,0)", "12345678901234567890", "12345678901234567890"),
    Stored("integer", "double precision", "1e15", "1" + 15 * "0"),
    Stored("integer", "integer", "NULL", None),
    Stored("integer", "text", "'0012'", "0012"),
    Stored("decimal", "numeric(12,2)", "1.1", "1.10"),
    Stored("decimal", "numeric(12,2)", "-0.05", "-0.05"),
    Stored("decimal", "numeric", "1.100", "1.100"),
    Stored("decimal", "numeric", "1e-20", "0.00000000000000000001"),
    Stored("decimal", "numeric", FORTY_DIGITS, FORTY_DIGITS),
    Stored("decimal", "numeric", "'NaN'", "NaN"),
    Stored("decimal", "numeric", "'Infinity'", "Infinity"),
    Stored("decimal", "numeric", "'-Infinity'", "-Infinity"),
    Stored("decimal", "numeric", "NULL", None),
    Stored("decimal", "real", "0.1", "0.1"),
    Stored("decimal", "real", "16777216", "16777216"),
    Stored("decimal", "double precision", "'0.30000000000000004'", "0.30000000000000004"),
    Stored("decimal", "double precision", "1e300", REAL_300),
    Stored("decimal", "double precision", "1e-7", "0.0000001"),
    Stored("decimal", "double precision", "123456789.12345679", "123456789.12345679"),
    Stored("decimal", "double precision", "'NaN'", "NaN"),
    Stored("decimal", "double precision", "'-Infinity'", "-Infinity"),
    Stored("decimal", "bigint", "5", "5"),
    Stored("decimal", "text", "'1.10'", "1.10"),
    Stored("decimal", "price", "1.5", "1.50"),
    Stored("money", "numeric(12,2)", "99999999.99", "99999999.99"),
    Stored("money", "numeric(12,3)", "0.5", "0.500"),
    Stored("money", "money", "1234.5", "1234.50"),
    Stored("money", "double precision", "19.99", "19.99"),
    Stored("money", "ratio", "1e-7", "0.0000001"),
    Stored("boolean", "boolean", "true", "true"),
    Stored("boolean", "boolean", "false", "false"),
    Stored("boolean", "boolean", "NULL", None),
    Stored("boolean", "smallint", "1", "true"),
    Stored("boolean", "integer", "0", "false"),
    Stored("boolean", "integer", "2", "2"),
    Stored("boolean", "integer", "NULL", None),
    Stored("boolean", "flag", "true", "true"),
    Stored("date", "date", "'2024-02-29'", "2024-02-29"),
    Stored("date", "date", "'infinity'", "infinity"),
    Stored("date", "date", "'0044-03-15 BC'", "0044-03-15 BC"),
    Stored("date", "date", "NULL", None),
    Stored("date", "text", "'2024-02-29'", "2024-02-29"),
    Stored("date", "timestamp", "'2024-06-30 23:30:00'", "2024-06-30"),
    Stored("date", "timestamp", "'2024-06-30 23:30:00'", "2024-07-01", zone="Asia/Tokyo"),
    Stored("date", "timestamptz", "'2024-06-30 23:30:00Z'", "2024-07-01", zone="Europe/Berlin"),
    Stored("timestamp", "timestamptz", "'2024-07-01 12:00:00Z'", "2024-07-01T12:00:00+00:00"),
    Stored("timestamp", "timestamptz", "'2024-07-01 12:00:00.120Z'", "2024-07-01T12:00:00.12+00:00"),
    Stored("timestamp", "timestamptz", "'2024-07-01 12:00:00.123456Z'", "2024-07-01T12:00:00.123456+00:00"),
    Stored("timestamp", "timestamptz(0)", "'2024-07-01 12:00:00Z'", "2024-07-01T12:00:00+00:00"),
    Stored("timestamp", "timestamptz", "NULL", None),
    Stored("timestamp", "timestamptz", "'2024-01-01 12:00Z'", "2024-01-01T07:00:00-05:00", zone="America/New_York"),
    Stored("timestamp", "timestamptz", "'2024-07-01 12:00Z'", "2024-07-01T08:00:00-04:00", zone="America/New_York"),
    Stored("timestamp", "timestamptz", "'2024-07-01 12:00Z'", "2024-07-01T17:30:00+05:30", zone="Asia/Kolkata"),
    Stored("timestamp", "timestamptz", "'1850-01-01 12:00Z'", "1850-01-01T17:53:28+05:53:28", zone="Asia/Kolkata"),
    Stored("timestamp", "timestamptz", "'1880-01-01 12:00Z'", "1880-01-01T07:03:58-04:56:02", zone="America/New_York"),
    Stored("timestamp", "timestamptz", "'0001-01-01 00:00Z'", "0001-01-01T00:00:00+00:00"),
    Stored("timestamp", "timestamptz", "'9999-12-31 23:59:59.999999Z'", "9999-12-31T23:59:59.999999+00:00"),
    Stored("timestamp", "timestamptz", "'9999-12-31 23:00Z'", "9999-12-31T18:00:00-05:00", zone="America/New_York"),
    Stored("timestamp", "timestamptz", "'9999-12-31 23:00Z'", "10000-01-01 08:00:00+09", zone="Asia/Tokyo"),
    Stored("timestamp", "timestamptz", "'infinity'", "infinity"),
    Stored("timestamp", "timestamptz", "'-infinity'", "-infinity", zone="Asia/Tokyo"),
    Stored("timestamp", "timestamptz", "'0044-03-15 12:00:00+00 BC'", "0044-03-15 12:00:00+00 BC"),
    Stored("timestamp", "timestamptz", "'12024-01-01 00:00Z'", "12024-01-01 00:00:00+00"),
    Stored("timestamp", "timestamp", "'2024-07-01 12:00:00'", "2024-07-01T10:00:00+00:00"),
    Stored("timestamp", "timestamp", "'2024-01-01 12:00:00.5'", "2024-01-01T11:00:00.5+00:00"),
    Stored("timestamp", "timestamp", "'2024-01-01 12:00:00'", "2024-01-01T20:00:00+09:00", zone="Asia/Tokyo"),
    Stored("timestamp", "timestamp", "'infinity'", "infinity"),
    Stored("timestamp", "moment", "'2024-07-01 12:00:00Z'", "2024-07-01T12:00:00+00:00"),
    Stored("timestamp", "date", "'2024-07-01'", "2024-07-01"),
    Stored("timestamp", "text", "'yesterday'", "yesterday"),
    Stored("uuid", "uuid", "'AAAAAAAA-0000-4000-8000-00000000000F'", "aaaaaaaa-0000-4000-8000-00000000000f"),
    Stored("uuid", "text", "'AAAA'", "AAAA"),
    Stored("email", "text", "'Ada@Example.com'", "Ada@Example.com"),
    Stored("url", "text", "'https://example.com/?a=b&c'", "https://example.com/?a=b&c"),
    Stored("json", "json", """'{"a": 1.10,  "a": [1E400]}'""", '{"a": 1.10,  "a": [1E400]}'),
    Stored("json", "jsonb", """'{"a":1.10}'""", '{"a": 1.10}'),
    Stored("json", "json", "'null'", "null"),
    Stored("json", "json", "NULL", None),
    Stored("json", "text", "'{broken'", "{broken"),
    Stored("binary", "bytea", r"'\x00ff10'", described(b"\x00\xff\x10")),
    Stored("binary", "bytea", r"'\x'", described(b"")),
    Stored("binary", "bytea", "NULL", None),
    Stored("binary", "text", "'é'", described("é".encode())),
    Stored("binary", "blob", r"'\x00ff'", described(b"\x00\xff")),
]

IN_SQLITE = [
    Stored("text", "TEXT", "'a'", "a"),
    Stored("text", "TEXT", "NULL", None),
    Stored("text", "TEXT", "''", ""),
    Stored("text", "TEXT", "' ' || char(9, 13, 10, 92, 1) || ' '", " \t\r\n\\\x01 "),
    Stored("text", "TEXT", "'👩‍👩‍👧‍👦 ﷽ \ufeff'", "👩‍👩‍👧‍👦 ﷽ \ufeff"),
    Stored("text", "CHAR(5)", "'ab '", "ab "),
    Stored("text", "INTEGER", "-5", "-5"),
    Stored("text", "", "1.5", "1.5"),
    Stored("text", "", "1e22", "1" + 22 * "0"),
    Stored("text", "", "x'00ff'", described(b"\x00\xff")),
    Stored("text", "", "CAST(x'61ff62' AS TEXT)", "a\ufffdb"),
    Stored("identifier", "TEXT", "'00012345678901234567'", "00012345678901234567"),
    Stored("identifier", "INTEGER", "9223372036854775807", "9223372036854775807"),
    Stored("integer", "INTEGER", "-9223372036854775808", "-9223372036854775808"),
    Stored("integer", "INTEGER", "NULL", None),
    Stored("integer", "REAL", "5", "5"),
    Stored("integer", "", "'0012'", "0012"),
    Stored("decimal", "NUMERIC(12,2)", "1.1", "1.10"),
    Stored("decimal", "NUMERIC(12,2)", "5", "5.00"),
    Stored("decimal", "NUMERIC(12,2)", "-0.05", "-0.05"),
    Stored("decimal", "NUMERIC(12,2)", "1.005", "1.005"),
    Stored("decimal", "NUMERIC(12,2)", "NULL", None),
    Stored("decimal", "NUMERIC(12,3)", "5", "5.000"),
    Stored("decimal", "NUMERIC(12,3)", "0.5", "0.500"),
    Stored("decimal", "DECIMAL(20,6)", "1", "1.000000"),
    Stored("decimal", "DECIMAL(20,6)", "-2.25", "-2.250000"),
    Stored("decimal", "NUMERIC(12,0)", "7", "7"),
    Stored("decimal", "NUMERIC", "1.10", "1.1"),
    Stored("decimal", "REAL", "0.1 + 0.2", "0.30000000000000004"),
    Stored("decimal", "REAL", "100", "100"),
    Stored("decimal", "REAL", "1e300", REAL_300),
    Stored("decimal", "REAL", "1e-7", "0.0000001"),
    Stored("decimal", "NUMERIC(12,2)", "1e-7", "0.0000001"),
    Stored("decimal", "REAL", "9e999", "Infinity"),
    Stored("decimal", "REAL", "-9e999", "-Infinity"),
    Stored("decimal", "INTEGER", "9007199254740993", "9007199254740993"),
    Stored("decimal", "NUMERIC(20,2)", "9007199254740993", "9007199254740993.00"),
    Stored("decimal", "TEXT", "'1.10'", "1.10"),
    Stored("decimal", "TEXT", f"'{FORTY_DIGITS}'", FORTY_DIGITS),
    Stored("money", "NUMERIC(12,2)", "19.99", "19.99"),
    Stored("money", "TEXT", "'1.500'", "1.500"),
    Stored("boolean", "BOOLEAN", "1", "true"),
    Stored("boolean", "BOOLEAN", "0", "false"),
    Stored("boolean", "BOOLEAN", "NULL", None),
    Stored("boolean", "BOOLEAN", "2", "2"),
    Stored("boolean", "TEXT", "'1'", "true"),
    Stored("boolean", "TEXT", "'TRUE'", "true"),
    Stored("boolean", "REAL", "0.0", "false"),
    Stored("date", "DATE", "'2024-02-29'", "2024-02-29"),
    Stored("date", "DATE", "'0000-00-00'", "0000-00-00"),
    Stored("date", "DATE", "NULL", None),
    Stored("timestamp", "TEXT", "'2024-07-01 12:00:00'", "2024-07-01T10:00:00+00:00"),
    Stored("timestamp", "DATETIME", "'2024-01-01 12:00:00.500'", "2024-01-01T11:00:00.5+00:00"),
    Stored("timestamp", "TEXT", "'2024-01-01 12:00:00'", "2024-01-01T20:00:00+09:00", zone="Asia/Tokyo"),
    Stored("timestamp", "TEXT", "'2024-03-31 02:30:00'", "2024-03-31T03:30:00+02:00", zone="Europe/Berlin"),
    Stored("timestamp", "TEXT", "'2024-07-01T12:00:00Z'", "2024-07-01T12:00:00+00:00"),
    Stored("timestamp", "TEXT", "'2024-07-01T12:00:00.120+02:00'", "2024-07-01T10:00:00.12+00:00"),
    Stored("timestamp", "TEXT", "'2024-07-01T12:00:00.123456+00:00'", "2024-07-01T12:00:00.123456+00:00"),
    Stored("timestamp", "TEXT", "'2024-07-01T12:00:00+00:00'", "2024-07-01T12:00:00+00:00"),
    Stored("timestamp", "TEXT", "'2024-07-01T12:00:00.1234567+00:00'", "2024-07-01T12:00:00.123456+00:00"),
    Stored("timestamp", "TEXT", "'2024-07-01T12:00Z'", "2024-07-01T08:00:00-04:00", zone="America/New_York"),
    Stored("timestamp", "TEXT", "'1850-01-01T12:00Z'", "1850-01-01T17:53:28+05:53:28", zone="Asia/Kolkata"),
    Stored("timestamp", "TEXT", "'1880-01-01T12:00Z'", "1880-01-01T07:03:58-04:56:02", zone="America/New_York"),
    Stored("timestamp", "TEXT", "'0001-01-01T00:00:00+00:00'", "0001-01-01T00:00:00+00:00"),
    Stored("timestamp", "TEXT", "'0001-01-01T00:00Z'", "0001-01-01T00:00Z", zone="America/New_York"),
    Stored("timestamp", "TEXT", "'9999-12-31T23:59:59.999999+00:00'", "9999-12-31T23:59:59.999999+00:00"),
    Stored("timestamp", "TEXT", "'9999-12-31T23:00Z'", "9999-12-31T23:00Z", zone="Asia/Tokyo"),
    Stored("timestamp", "TEXT", "'2024-07-01'", "2024-07-01"),
    Stored("timestamp", "TEXT", "'yesterday'", "yesterday"),
    Stored("timestamp", "INTEGER", "1719835200", "1719835200"),
    Stored("timestamp", "TEXT", "NULL", None),
    Stored("uuid", "TEXT", "'AAAA'", "AAAA"),
    Stored("email", "TEXT", "'Ada@Example.com'", "Ada@Example.com"),
    Stored("url", "TEXT", "'https://example.com/?a=b&c'", "https://example.com/?a=b&c"),
    Stored("json", "JSON", """'{"a": 1.10,  "a": [1E400]}'""", '{"a": 1.10,  "a": [1E400]}'),
    Stored("json", "TEXT", "NULL", None),
    Stored("binary", "BLOB", "x'00ff10'", described(b"\x00\xff\x10")),
    Stored("binary", "BLOB", "x''", described(b"")),
    Stored("binary", "BLOB", "NULL", None),
    Stored("binary", "BLOB", "'é'", described("é".encode())),
]


@pytest.fixture(scope="module")
def postgresql_texts(postgresql: PostgresqlServer) -> Texts:
    types = """
    CREATE TYPE mood AS ENUM ('fine', 'not so fine');
    CREATE TYPE pair AS (one integer, other text);
    CREATE DOMAIN price AS numeric(12,2); CREATE DOMAIN ratio AS double precision; CREATE DOMAIN flag AS boolean;
    CREATE DOMAIN moment AS timestamptz; CREATE DOMAIN blob AS bytea;
    """
    name = "source_cells"
    postgresql.create_database(name, CUSTOMERS + types + HOSTILE_SETTINGS.format(name=name))
    return read_all(PostgresqlDatabase(postgresql, name), IN_POSTGRESQL)


@pytest.fixture(scope="module")
def sqlite_texts(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    database = SqliteDatabase(Path(tmp_path_factory.mktemp("cells")) / "cells.db")
    database.execute(CUSTOMERS)
    return read_all(database, IN_SQLITE)


@pytest.mark.parametrize("cell", IN_POSTGRESQL, ids=str)
def test_a_cell_of_postgresql_has_its_canonical_text(postgresql_texts: Texts, cell: Stored) -> None:
    assert postgresql_texts[cell] == cell.text


@pytest.mark.parametrize("cell", IN_SQLITE, ids=str)
def test_a_cell_of_sqlite_has_its_canonical_text(sqlite_texts: Texts, cell: Stored) -> None:
    assert sqlite_texts[cell] == cell.text
