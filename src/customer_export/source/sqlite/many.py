"""Many customers out of SQLite: one statement for all of them, and one a section, in one transaction.

A section's own SQL is run per customer, since SQLite has no LATERAL: in the same process, that is no round trip.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.types import TypeEngine

from customer_export.model.bulk import KeyBound
from customer_export.model.customer_map import CustomerMap, KeyType, Query, Section
from customer_export.model.request import Period
from customer_export.model.totals import TotalsCheck
from customer_export.source.comparing import Compared, Expression, constant, parameter
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.invalid_text import mend_texts, valid_text
from customer_export.source.many.interface import CountedCustomer, CustomerChoice, KeyedBatch
from customer_export.source.many.reading import BatchNotes, Values, choice_values, counted_customer, grouped_totals
from customer_export.source.many.reconcile import rules_statement
from customer_export.source.many.statements import ManyStatements
from customer_export.source.reading import bounds_of, period_parameters
from customer_export.source.reconcile import checks_of, plan_rules, totals_check
from customer_export.source.select import key_parameters
from customer_export.source.sqlite.cells import BOOLEANS, ToText, Value, columns_of
from customer_export.source.sqlite.reconcile import SqliteSums
from customer_export.source.sqlite.sql import SqliteTexts, text_of

_PREPARER = pysqlite.dialect(paramstyle="named").identifier_preparer
_LARGEST_INTEGER = 2**63 - 1

TextFactory: TypeAlias = Callable[[bytes], object]


class Fetched(Protocol):
    """Runs a statement and gives its rows, some at a time."""

    def __call__(
        self, text: str, parameters: Values, text_factory: TextFactory, *, skipped_rows: int = 0
    ) -> Iterator[list[Any]]:
        """Give all rows but the first ones."""


class SqliteKeys:
    """How the customer's key is written and compared. `+` takes away what a column converts others by."""

    is_lateral = False
    leads = True  # or SQLite would look for the owner of every row where it expects few customers

    def __init__(self, key_type: KeyType) -> None:
        self._is_integer = key_type is KeyType.INTEGER
        self._type = sa.Integer() if self._is_integer else sa.Text()

    def text(self, key: Expression, stored: TypeEngine[object]) -> Expression:  # noqa: ARG002
        """Give it as it is stored; Python makes its text."""
        return key

    def given(self, key: Expression, stored: TypeEngine[object], compared: TypeEngine[object]) -> Compared:  # noqa: ARG002
        """Give what the parameter would be: a number or a text, which takes on the type of what it is compared with."""
        return Compared(_plain(sa.cast(key, self._type)), None)

    def query_key(self, key: str, stored: TypeEngine[object]) -> str:  # noqa: ARG002
        """Give what the parameter would be."""
        return f"+CAST({key} AS {'INTEGER' if self._is_integer else 'TEXT'})"

    def bound(self, name: str, stored: TypeEngine[object]) -> Expression:  # noqa: ARG002
        """Give the parameter, which is a number or a text as the key is."""
        return parameter(name)

    def number(self, name: str) -> Expression:
        """Give the parameter as a number."""
        return sa.cast(parameter(name), sa.Numeric)

    def boolean(self, cell: Expression) -> Expression:
        """Read whatever `cells` reads as a boolean."""
        return sa.case(*((cell.in_(_spelled(text)), constant(f"'{text}'")) for text in ("true", "false")))

    def worked_out(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        """Leave it to the planner."""
        return rows


def _spelled(text: str) -> list[Expression]:
    return [constant(f"'{spelled}'") for spelled, one in BOOLEANS.items() if one == text]


def _plain(value: Expression) -> Expression:
    return sa.sql.expression.UnaryExpression(value, operator=sa.sql.operators.custom_op("+"))


class SqliteCustomers:
    """Chosen customers in an open transaction. `fetched` runs a statement and gives its rows, some at a time."""

    def __init__(
        self,
        texts: SqliteTexts,
        customer_map: CustomerMap,
        *,
        sections: Sequence[Section],
        period: Period,
        choice: CustomerChoice,
        titled: bool,
        time_zone: str,
        info: SnapshotInfo,
        fetched: "Fetched",
        column_texts: Callable[[Section], Sequence[ToText]],
        lenient: TextFactory,
        escaped: TextFactory,
        translating: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._texts = texts
        key_type = customer_map.customer.key_type
        self._statements = ManyStatements(customer_map, texts.tables, texts.cells, SqliteKeys(key_type), _PREPARER)
        self._map = customer_map
        self._sections = tuple(sections)
        self._bounds = bounds_of(period)
        self._choice = choice
        self._titled = titled
        self._fetched = fetched
        self._column_texts = column_texts
        self._lenient = lenient
        self._escaped = escaped
        self._translating = translating
        self._planned = plan_rules(customer_map, sections)
        self._keys: list[Value] = []
        self._period = period_parameters(period, time_zone=time_zone)
        self._values: Values = {
            **choice_values(choice, ids=[_key_value(one, key_type) for one in choice.ids or ()], time_zone=time_zone),
            **self._period,
        }
        self.snapshot = info

    def counted(self) -> Sequence[CountedCustomer]:
        """Find the customers and count the rows of each section."""
        text = text_of(self._statements.counted(self._sections, self._bounds, self._choice, titled=self._titled))
        heads: list[CountedCustomer] = []
        with self._translating():
            for rows in self._fetched(text, self._values, self._lenient):
                self._keys += [row[0] for row in rows]
                heads += [counted_customer(self._map, row) for row in rows]
        return heads

    def rows(self, section: Section) -> Iterator[KeyedBatch]:
        """Read the rows."""
        if isinstance(section.table, Query):
            for key in self._keys:
                text, values = self._texts.rows(section, self._bounds), self._values_of(key)
                for rows, valid in self._read(text, values):
                    yield self._keyed(section, [key] * len(rows), rows, valid=valid)
            return
        text = text_of(self._statements.keyed_rows(section, self._bounds, self._choice))
        for rows, valid in self._read(text, self._values):
            yield self._keyed(section, [row[0] for row in rows], [row[1:] for row in rows], valid=valid)

    def _read(self, text: str, values: Values) -> Iterator[tuple[list[tuple[Value, ...]], bool]]:
        """Read rows, and whether their texts are UTF-8: from the first that is not, they are to be mended."""
        read_rows = 0
        with self._translating():
            try:
                for rows in self._fetched(text, values, str):
                    yield rows, True
                    read_rows += len(rows)
            except sqlite3.OperationalError as failure:
                if "decode" not in str(failure):
                    raise
            else:
                return
            for rows in self._fetched(text, values, self._escaped, skipped_rows=read_rows):
                yield rows, False

    def _keyed(
        self, section: Section, keys: Sequence[Value], rows: list[tuple[Value, ...]], *, valid: bool
    ) -> KeyedBatch:
        notes = BatchNotes()
        columns: Sequence[Sequence[Value]] = columns_of(rows)
        if not valid:
            pairs = zip(columns, section.exported_columns, strict=True)
            columns = [mend_texts(values, column.name, notes) for values, column in pairs]
        texts = zip(self._column_texts(section), columns, strict=True)
        named = [str(valid_text(key) if isinstance(key, str) else key) for key in keys]
        return KeyedBatch(named, [to_text(values) for to_text, values in texts], notes.taken)

    def _values_of(self, key: Value) -> Values:
        assert isinstance(key, str | int)  # others are found by no export
        return {**key_parameters(key, tenant=None), **self._period}

    def without_totals(self) -> Sequence[TotalsCheck]:
        """Say that nothing was checked."""
        return checks_of(self._planned, [[(0, 0)] for one in self._planned if not one.not_checked])

    def totals(self) -> Iterator[tuple[str, int, TotalsCheck]]:
        """Check the rules; those of a section's own SQL per customer."""
        queried = {section.name for section in self._sections if isinstance(section.table, Query)}
        for number, planned in enumerate(self._planned):
            if planned.not_checked is not None:
                continue
            if queried & {one.section for one in planned.rule.amounts}:
                text = self._texts.totals(planned.rule, self._sections, self._bounds)
                with self._translating():
                    for key in self._keys:
                        answer = [
                            row for rows in self._fetched(text, self._values_of(key), self._lenient) for row in rows
                        ]
                        yield str(key), number, totals_check(planned.rule, answer)
                continue
            statement = rules_statement(
                self._statements, SqliteSums(), planned.rule, self._sections, self._bounds, self._choice
            )
            with self._translating():
                batches = self._fetched(text_of(statement), self._values, self._lenient)
                rows = (row for batch in batches for row in batch)
                yield from grouped_totals(number, planned, rows)

    def complete(self, found: FoundCustomer, customer_id: str, held: ExitStack) -> FoundCustomer:  # noqa: ARG002
        """Give it back: a database knows no plug-ins."""
        return found

    def split(self, *, each: int) -> Iterator[tuple[KeyBound | None, int]]:
        """Give every `each`-th key and the last one. One that is neither text nor a whole number bounds nothing."""
        text = text_of(self._statements.splitting(self._choice, each=each))
        with self._translating():
            for rows in self._fetched(text, self._values, self._lenient):
                yield from ((key if isinstance(key, str | int) else None, int(number)) for key, number in rows)


def _key_value(customer_id: str, key_type: KeyType) -> str | int | None:
    """Give an id as the key is compared: NULL where no key can be that."""
    if key_type is not KeyType.INTEGER:
        return customer_id
    number = int(customer_id)
    return number if abs(number) <= _LARGEST_INTEGER else None
