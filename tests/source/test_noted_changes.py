"""What had to be changed to read a value is in the ledger, by whatever way it is read."""

import pytest
from test_postgresql_encodings import NOTES, store

from customer_export.model.document import CsvLayout
from customer_export.model.ledger import Ledger
from customer_export.model.request import CsvProfile
from customer_export.source.interface import FoundCustomer, Source
from customer_export.source.sqlite.snapshot import SMALL_ROWS
from customer_maps import make_map, section
from databases import MariadbDatabase, SqliteDatabase, finding, opened
from servers import PostgresqlServer

LAYOUT = CsvLayout(delimiter=",", profile=CsvProfile.SPREADSHEET, section=None, places=(0, 1))
Kept = tuple[str, str, str]


def read(source: Source, customer_id: str = "1", *, records: bool = False) -> tuple[FoundCustomer, list[Kept]]:
    """Read all sections; give what each altered cell had been, too."""
    kept: list[Kept] = []
    with finding(source, customer_id) as (_, found):
        assert found is not None
        found.ledger.keep_whole(lambda _, column, kind, __, cells: kept.extend((column, kind, one) for one in cells))
        for stream in found.sections:
            for _ in (records and stream.csv_records(LAYOUT)) or stream.batches():
                pass
    return found, kept


def members(ledger: Ledger) -> list[tuple[str, str, int, list[int]]]:
    return [(one.column, one.kind.value, one.count, one.rows) for one in ledger.alterations()]


def test_bytes_that_are_no_text_of_postgresql(postgresql: PostgresqlServer) -> None:
    with opened(store(postgresql, "SQL_ASCII", "Zoë".encode("latin-1")), NOTES) as source:
        found, kept = read(source)
        assert members(found.ledger) == [("text", "invalid_text_replaced", 1, [1])]
        assert kept == [("text", "invalid_text_replaced", "Zoë".encode("latin-1").hex())]
        found, kept = read(source, "2")
        assert members(found.ledger) == [("text", "invalid_text_replaced", 101, list(range(1, 11)))]


@pytest.mark.parametrize("records", [False, True])
@pytest.mark.parametrize("rows", [5, 3 * SMALL_ROWS])
def test_bytes_that_are_no_text_of_sqlite(sqlite_database: SqliteDatabase, rows: int, records: bool) -> None:
    sqlite_database.execute(f"""
        UPDATE customers SET name = CAST(x'5a6fe9' AS TEXT);
        CREATE TABLE notes (id int PRIMARY KEY, customer_id int, text text);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
        INSERT INTO notes SELECT i, 1, CASE WHEN i % 4 = 0 THEN CAST(x'e9' AS TEXT) ELSE '�' END FROM n;
    """)
    with opened(sqlite_database.url, NOTES) as source:
        found, kept = read(source, records=records)
    count = rows // 4
    first = list(range(4, rows + 1, 4))[:10]
    assert members(found.ledger) == [("text", "invalid_text_replaced", count, first)]
    assert kept == [("text", "invalid_text_replaced", "e9")] * count
    assert found.title == "Zo\ufffd"


def test_zero_dates_of_mysql(mariadb_database: MariadbDatabase) -> None:
    times = make_map(section("times", {"id": "integer", "day": "date", "at": "timestamp", "text": "text"}))
    mariadb_database.execute(
        "SET sql_mode = '';"
        "CREATE TABLE times (id int PRIMARY KEY, customer_id int, day date, at datetime(3), text text);"
        "INSERT INTO times VALUES (1, 1, '2024-01-15', '2024-01-15 00:00:00', '0000-00-00'),"
        "(2, 1, '0000-00-00', '0000-00-00 00:00:00', 'a'), (3, 1, '2024-00-15', NULL, 'b'), (4, 1, NULL, NULL, NULL)"
    )
    with opened(mariadb_database.url, times) as source:
        found, kept = read(source)
    assert members(found.ledger) == [("at", "zero_date", 1, [2]), ("day", "zero_date", 2, [2, 3])]
    assert kept == [
        ("day", "zero_date", "0000-00-00"),
        ("day", "zero_date", "2024-00-15"),
        ("at", "zero_date", "0000-00-00 00:00:00.000"),
    ]


def test_half_a_surrogate_pair_of_mysql(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(
        "CREATE TABLE notes (id int PRIMARY KEY, customer_id int, text text CHARACTER SET utf8mb4);"
        "INSERT INTO notes VALUES (1, 1, 'é'), (2, 1, convert(x'd800' using ucs2))"
    )
    with opened(mariadb_database.url, NOTES) as source:
        found, kept = read(source)
    assert members(found.ledger) == [("text", "invalid_text_replaced", 1, [2])]
    assert kept == [("text", "invalid_text_replaced", "eda080")]
