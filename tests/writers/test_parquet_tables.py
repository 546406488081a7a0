"""Parquet tables, read by DuckDB: every cell is there, as a value of its type or as text beside it."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.columns import Cell, Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.ledger import Ledger
from customer_export.writers.tables.parquet import GROUP_ROWS, ParquetTableWriter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OTHER_TEXTS = st.sampled_from(["", "NaN", "Infinity", "0000-00-00", "007", "1e3", "é", "9" * 40, "12:00", " 1"])
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=3, minutes=30))])
CELLS: dict[ColumnType, st.SearchStrategy[str]] = {
    ColumnType.TEXT: st.text(st.characters(exclude_categories=["Cs"])),
    ColumnType.INTEGER: st.integers(-(2**70), 2**70).map(str) | st.integers(-9, 9).map(str),
    ColumnType.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False, places=4).map("{:f}".format),
    ColumnType.MONEY: st.decimals(-(10**12), 10**12, places=2).map("{:f}".format),
    ColumnType.BOOLEAN: st.sampled_from(["true", "false", "t"]),
    ColumnType.DATE: st.dates().map(str),
    ColumnType.TIMESTAMP: st.datetimes(
        timezones=ZONES, min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)
    ).map(datetime.isoformat),
}
COLUMNS = [
    Column(name=kind.value, label=kind.value, type=kind, source=SourceColumn(None, kind.value),
           personal_data=PersonalDataClass.NONE, currency_code="EUR" if kind is ColumnType.MONEY else None)
    for kind in CELLS
]  # fmt: skip
KEY = Column(name="customer_key", label="Key", type=ColumnType.IDENTIFIER, source=SourceColumn(None, "id"),
             personal_data=PersonalDataClass.IDENTITY)  # fmt: skip
ROWS = st.lists(st.tuples(*(st.none() | cells | OTHER_TEXTS for cells in CELLS.values())), min_size=1, max_size=40)


def table_of(
    batches: Sequence[Sequence[tuple[Cell, ...]]], columns: Sequence[Column] = COLUMNS
) -> list[dict[str, Any]]:
    """Write rows, a batch at a time, and read them back."""
    keyed_rows = ((["k"] * len(rows), [list(cells) for cells in zip(*rows, strict=True)]) for rows in batches if rows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        ledger = Ledger()
        pieces = ParquetTableWriter().write("orders", [KEY, *columns], keyed_rows, ledger=ledger.section("orders"))
        path.write_bytes(b"".join(pieces))
        read = duckdb.sql(f"SELECT * REPLACE (epoch_us(timestamp) AS timestamp) FROM '{path}'")
        found = [dict(zip(read.columns, row, strict=True)) for row in read.fetchall()]
    kept = Counter(name for row in found for name in json.loads([*row.values()][-1] or "{}"))
    assert {one.column: one.count for one in ledger.alterations()} == kept
    return found


def expected(kind: ColumnType, cell: str) -> object:
    """Give the value that equals a cell; None where there is none."""
    try:
        match kind:
            case ColumnType.INTEGER:
                return int(cell) if str(int(cell)) == cell and abs(int(cell)) < 2**63 else None
            case ColumnType.DECIMAL | ColumnType.MONEY:
                number = Decimal(cell)
                fits = number.is_finite() and abs(number) < 10**29 and "e" not in cell and cell.strip() == cell
                return number if fits else None
            case ColumnType.BOOLEAN:
                return {"true": True, "false": False}.get(cell)
            case ColumnType.DATE:
                return date.fromisoformat(cell)
            case ColumnType.TIMESTAMP:
                moment = datetime.fromisoformat(cell)
                return None if moment.tzinfo is None else (moment - EPOCH) // timedelta(microseconds=1)
            case _:
                return cell
    except (ValueError, ArithmeticError):
        return None


@given(ROWS)
def test_every_cell_is_there(rows: list[tuple[Cell, ...]]) -> None:
    read = table_of([rows[:7], rows[7:]])
    assert len(read) == len(rows)
    for row, found in zip(rows, read, strict=True):
        kept = json.loads(found["kept_as_text"] or "{}")
        for column, cell in zip(COLUMNS, row, strict=True):
            value = None if cell is None else expected(column.type, cell)
            assert found[column.name] == value, (column.type, cell)
            assert kept.pop(column.name, None) == (cell if cell is not None and value is None else None)
        assert not kept


def test_a_table_without_rows_is_one() -> None:
    assert table_of([]) == []


def test_row_groups_are_cut_and_none_is_lost() -> None:
    rows = [("x", str(number), None, None, "true", None, None) for number in range(GROUP_ROWS // 2)]
    read = table_of([rows] * 5)
    assert [row["integer"] for row in read] == list(range(GROUP_ROWS // 2)) * 5


@pytest.mark.parametrize("name", ["kept_as_text", "kept_as_text_"])
def test_a_column_of_that_name_keeps_it(name: str) -> None:
    column = Column(name=name, label=name, type=ColumnType.INTEGER, source=SourceColumn(None, name),
                    personal_data=PersonalDataClass.NONE)  # fmt: skip
    moment = next(one for one in COLUMNS if one.type is ColumnType.TIMESTAMP)
    (row,) = table_of([[("x", None)]], [column, moment])
    other = next(key for key in row if key.startswith("kept_as_text") and key != name)
    assert row[name] is None
    assert json.loads(row[other]) == {name: "x"}
