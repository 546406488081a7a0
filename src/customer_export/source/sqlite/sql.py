"""The SQL texts that a SQLite source runs, made once for each shape of request and kept."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import Column, ColumnType
from customer_export.model.customer_map import CustomerMap, ReconcileRule, Section
from customer_export.model.document import CsvLayout
from customer_export.source.comparing import Comparing, Expression, PlainComparing, constant, parameter
from customer_export.source.reconcile import rule_statement
from customer_export.source.schema import Tables
from customer_export.source.select import Bounds, Reach, Statements
from customer_export.source.sqlite.cells import UTC_ZONE
from customer_export.source.sqlite.comparing import SqliteComparing
from customer_export.source.sqlite.csv import RECORD_END, record_sql
from customer_export.source.sqlite.pages import AFTER, PAGE_ROWS, SKIPPED_ROWS, PageTexts
from customer_export.source.sqlite.reconcile import SqliteSums

KEPT_TEXTS = 512  # as for PostgreSQL

_WHITE_SPACE: Expression = sa.literal_column("char(9, 10, 11, 12, 13, 32, 160)")
_INFO: Sequence[Expression] = [
    sa.literal_column(sql) for sql in ("strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')", "sqlite_version()")
]
_DIALECT = pysqlite.dialect(paramstyle="named")


class SqliteTexts:
    """The texts for one map. Shared by threads. `collates`: columns of the database may have collations."""

    def __init__(self, customer_map: CustomerMap, tables: Tables, *, collates: bool = False) -> None:
        self.tables = tables
        self.cells = _SqliteCells(SqliteComparing() if collates else PlainComparing())
        self.statements = Statements(customer_map, tables, self.cells)
        self._stamps_are_utc = customer_map.time_zone == UTC_ZONE
        self.opening = lru_cache(KEPT_TEXTS)(self._opening)
        self.rows = lru_cache(KEPT_TEXTS)(self._rows)
        self.records = lru_cache(KEPT_TEXTS)(self._records)
        self.totals = lru_cache(KEPT_TEXTS)(self._totals)
        self.pages = lru_cache(KEPT_TEXTS)(self._pages)

    def info(self) -> str:
        """Select what is said of a snapshot."""
        return text_of(sa.select(*_INFO))

    def _opening(self, sections: Sequence[Section], bounds: Bounds, reach: Reach) -> str:
        return text_of(self.statements.opening(sections, bounds, _INFO, reach))

    def _rows(self, section: Section, bounds: Bounds) -> str:
        return text_of(self.statements.rows(section, bounds))

    def _totals(self, rule: ReconcileRule, sections: Sequence[Section], bounds: Bounds) -> str:
        return text_of(rule_statement(self.statements, SqliteSums(), rule, sections, bounds))

    def _records(self, section: Section, bounds: Bounds, layout: CsvLayout) -> str:
        return text_of(self.statements.select(section, [self._record(section, layout)], bounds))

    def _pages(self, section: Section, bounds: Bounds, layout: CsvLayout) -> PageTexts:
        key = self.statements.sort_key(section)
        last = [parameter(f"{AFTER}{number}") for number in range(len(key))]
        after = key[0] > last[0] if len(key) == 1 else sa.tuple_(*key) > sa.tuple_(*last)
        keys = (
            self.statements.select(section, key, bounds).limit(sa.literal_column("2")).offset(parameter(SKIPPED_ROWS))
        )
        records = self.statements.select(section, [self._record(section, layout)], bounds)
        page = records.where(after).limit(parameter(PAGE_ROWS)).offset(sa.literal_column("0")).subquery()
        # SQLite joins in the order in which it reads, and reads what has a limit in the order that is asked for
        joined = sa.func.group_concat(page.c[0], sa.literal_column(f"'{RECORD_END}'"))
        return PageTexts(
            first_key=text_of(keys),
            next_key=text_of(keys.where(after)),
            page=text_of(sa.select(joined, sa.func.count()).select_from(page)),
        )

    def _record(self, section: Section, layout: CsvLayout) -> Expression:
        record = record_sql(
            [str(cell.compile(dialect=_DIALECT)) for cell in self.statements.cells(section)],
            section.exported_columns,
            self.statements.stored_types(section),
            layout,
            stamps_are_utc=self._stamps_are_utc,
        )
        return sa.literal_column(record)


class _SqliteCells:
    """Values leave SQLite as they are stored and become text in `cells`."""

    def __init__(self, comparing: Comparing) -> None:
        self.comparing = comparing

    def cell(self, column: Column, value: Expression, stored: TypeEngine[object]) -> Expression:  # noqa: ARG002
        return value

    def bound(
        self,
        value: Expression,
        stored: TypeEngine[object],
        bounds: Bounds,
        column: Column | None,
    ) -> list[Expression]:
        day = _is_day(stored, column)
        counted = [] if column is None or column.stored_as is None else [constant(f"'{column.stored_as}'")]
        if day:
            compared = sa.func.ce_day(value, *counted) if counted else value
        else:
            compared = sa.func.ce_instant(value, *counted)
        conditions: list[Expression] = []
        if bounds.start:
            conditions.append(compared >= parameter("start_date" if day else "start"))
        if bounds.end:
            conditions.append(compared < parameter("end_date" if day else "end"))
        return conditions

    def is_blank(self, value: Expression) -> Expression:
        return sa.func.trim(value, _WHITE_SPACE) == sa.literal_column("''")

    def order(self, value: Expression, stored: TypeEngine[object], *, tied: bool) -> list[Expression]:  # noqa: ARG002
        # a collation may take different texts for equal, and 1 and 1.0 are
        return [value, sa.collate(value, "BINARY"), sa.func.typeof(value)] if tied else [value]

    def shifted(self, value: Expression, stored: TypeEngine[object], decimals: int) -> Expression:  # noqa: ARG002
        """Put the point into the digits, since SQLite's own product would be a REAL; what is no whole number stays."""
        whole, zero = sa.cast(value, sa.Integer), constant("0")
        if decimals == 0:
            return sa.case((whole == value, sa.cast(whole, sa.Text)), else_=value)
        sign = sa.case((whole < zero, constant("'-'")), else_=constant("''"))
        unit = constant(str(10**decimals))
        digits = (sa.func.abs(_quotient(whole, unit)), sa.func.abs(whole % unit))
        text = sa.func.printf(constant(f"'%s%d.%0{decimals}d'"), sign, *digits)
        return sa.case((whole == value, text), else_=value)


def _is_day(stored: TypeEngine[object], column: Column | None) -> bool:
    """Whether a time is compared by its day, as the map says or else the declared type."""
    if column is not None and (column.type is ColumnType.DATE or column.stored_as is not None):
        return column.type is ColumnType.DATE
    return isinstance(stored, sa.Date)


def _quotient(whole: Expression, unit: Expression) -> Expression:
    """Divide whole numbers towards zero, as SQLite does; SQLAlchemy's own division would make a REAL."""
    return whole.op("/")(unit)


def text_of(statement: sa.Select[Any]) -> str:
    """Compile a statement."""
    return str(statement.compile(dialect=_DIALECT))
