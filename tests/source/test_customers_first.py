"""SQLite reads chosen customers first, and then their rows: never all rows, to look whose each is."""

import re
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite

from customer_export.model.bulk import Comparison
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.source.many.interface import CustomerChoice, RowCondition
from customer_export.source.many.statements import ManyStatements
from customer_export.source.schema import inspect_tables
from customer_export.source.select import Bounds
from customer_export.source.sqlite.many import SqliteKeys
from customer_export.source.sqlite.sql import SqliteTexts, text_of


def choices(profile: Section) -> list[CustomerChoice]:
    columns = {column.name: column for column in profile.exported_columns}
    german = RowCondition(column=columns["locale"], comparison=Comparison.EQUALS, values=("de-DE",))
    gold = RowCondition(column=columns["loyalty_tier"], comparison=Comparison.EQUALS, values=("gold", "silver"))
    return [
        CustomerChoice(),
        CustomerChoice(conditions=(german,)),
        CustomerChoice(after="5", through="6", conditions=(german, gold)),
        CustomerChoice(ids=("1", "2")),
    ]


@pytest.mark.parametrize("number", range(4), ids=["all", "filter", "range of a filter", "ids"])
def test_rows_are_read_for_each_chosen_customer(demo_shop: Path, demo_map: CustomerMap, number: int) -> None:
    profile = demo_map.section("profile")
    assert profile is not None
    choice = choices(profile)[number]
    engine = sa.create_engine(f"sqlite:///{demo_shop}")
    with engine.connect() as connection:
        texts = SqliteTexts(demo_map, inspect_tables(connection, demo_map))
    engine.dispose()
    keys = SqliteKeys(demo_map.customer.key_type)
    preparer = pysqlite.dialect(paramstyle="named").identifier_preparer
    statements = ManyStatements(demo_map, texts.tables, texts.cells, keys, preparer)
    with closing(engine.raw_connection()) as connection:
        for section in demo_map.sections:
            text = text_of(statements.keyed_rows(section, Bounds(start=False, end=False), choice))
            plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {text}", defaultdict(str)).fetchall()
            read = [found[1] for _, _, _, step in plan if (found := re.match(r"(?:SCAN|SEARCH) (\w+)", step))]
            assert read[0] == "ce_customer", f"{section.name}: {plan}"
    engine.dispose()
