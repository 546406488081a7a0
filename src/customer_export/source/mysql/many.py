"""Many customers out of MySQL or MariaDB: one statement for all of them, and one a section, in one transaction.

A section's own SQL is run per customer: MariaDB has no LATERAL.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.mysql import pymysql
from sqlalchemy.types import TypeEngine

from customer_export.model.bulk import KeyBound
from customer_export.model.columns import Batch, Cell
from customer_export.model.customer_map import CustomerMap, Query, Section
from customer_export.model.request import Period
from customer_export.model.totals import TotalsCheck
from customer_export.source.comparing import Compared, Expression, constant, family_of, parameter
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.many.interface import CountedCustomer, CustomerChoice, KeyedBatch
from customer_export.source.many.reading import BatchNotes, choice_values, counted_customer, grouped_totals
from customer_export.source.many.reconcile import rules_statement
from customer_export.source.many.statements import ManyStatements
from customer_export.source.mysql.comparing import is_uuid_bytes, uuid_text
from customer_export.source.mysql.connection import MysqlConnection, Values
from customer_export.source.mysql.dialect import text_of
from customer_export.source.mysql.moments import ToText
from customer_export.source.mysql.noted import read_column
from customer_export.source.mysql.reconcile import MysqlSums
from customer_export.source.mysql.rows import Raw, texts_of
from customer_export.source.mysql.sql import MysqlTexts
from customer_export.source.mysql.types import MysqlBytes
from customer_export.source.reading import bounds_of
from customer_export.source.reconcile import checks_of, plan_rules, totals_check

_PREPARER = pymysql.dialect(paramstyle="pyformat").identifier_preparer
_INTEGER = constant("'^-?(0|[1-9][0-9]*)$'")
_ALL_ROWS = constant("18446744073709551615")
_NUMBERS = frozenset({"integer", "numeric"})


class MysqlKeys:
    """How the customer's key is written and compared."""

    is_lateral = False
    leads = False  # it is the planner's to say

    def text(self, key: Expression, stored: TypeEngine[object]) -> Expression:
        """Write sixteen bytes as a UUID, and anything else as the server does."""
        return uuid_text(key) if is_uuid_bytes(stored) else key

    def given(self, key: Expression, stored: TypeEngine[object], compared: TypeEngine[object]) -> Compared:
        """Give what the parameter would be for a column of that family: a number with numbers, else a text."""
        ours, theirs = family_of(stored), family_of(compared)
        if ours == theirs == "text" or {ours, theirs} <= _NUMBERS:
            return Compared(key, None)
        if is_uuid_bytes(stored) and is_uuid_bytes(compared):
            return Compared(key, stored)
        text = uuid_text(key) if is_uuid_bytes(stored) else key if ours == "text" else sa.cast(key, sa.Text)
        if theirs in _NUMBERS:
            number = sa.cast(text, mysql.DECIMAL(65, 0))
            return Compared(sa.case((text.regexp_match(_INTEGER), number)), None)
        return Compared(text, None)

    def query_key(self, key: str, stored: TypeEngine[object]) -> str:  # noqa: ARG002
        """Give the column; nothing asks for it, since such a section is run per customer."""
        return key

    def bound(self, name: str, stored: TypeEngine[object]) -> Expression:
        """Read the text as the key is stored."""
        if is_uuid_bytes(stored):
            return sa.func.unhex(sa.func.replace(parameter(name), constant("'-'"), constant("''")))
        if family_of(stored) in _NUMBERS:
            return sa.cast(parameter(name), mysql.DECIMAL(65, 30 if family_of(stored) == "numeric" else 0))
        return sa.cast(parameter(name), mysql.BINARY()) if isinstance(stored, MysqlBytes) else parameter(name)

    def number(self, name: str) -> Expression:
        """Read the text as a number."""
        return sa.cast(parameter(name), mysql.DECIMAL(65, 30))

    def boolean(self, cell: Expression) -> Expression:
        """Give it as it is."""
        return cell

    def worked_out(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        """Say that all of them are wanted: MariaDB would else look through a table anew for each customer."""
        return rows.limit(_ALL_ROWS)


class MysqlCustomers:
    """Chosen customers in the transaction of a connection. `key_values` gives the parameters of one customer."""

    def __init__(
        self,
        connection: MysqlConnection,
        texts: MysqlTexts,
        customer_map: CustomerMap,
        *,
        sections: Sequence[Section],
        period: Period,
        choice: CustomerChoice,
        titled: bool,
        time_zone: str,
        info: SnapshotInfo,
        values: Values,
        key_values: Callable[[str], Values],
        own_key: Callable[[str], str | int | None],
        check: Callable[[], None],
        translating: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._texts = texts
        self._statements = ManyStatements(customer_map, texts.schema.tables, texts.cells, MysqlKeys(), _PREPARER)
        self._map = customer_map
        self._sections = tuple(sections)
        self._bounds = bounds_of(period)
        self._choice = choice
        self._titled = titled
        self._time_zone = time_zone
        self._key_values = key_values
        self._check = check
        self._translating = translating
        self._planned = plan_rules(customer_map, sections)
        self._keys: list[str] = []
        self.snapshot = info
        ids = [own_key(one) for one in choice.ids or ()]
        self._period = values
        self._values: Values = {**choice_values(choice, ids=ids, time_zone=time_zone), **values}

    def counted(self) -> Sequence[CountedCustomer]:
        """Find the customers and count the rows of each section; what their own SQL counts, per customer."""
        asked = [section for section in self._sections if not isinstance(section.table, Query)]
        text = text_of(self._statements.counted(asked, self._bounds, self._choice, titled=self._titled))
        with self._translating():
            # the stored key may be bytes: a customer without a name is called by its text
            heads = [
                counted_customer(self._map, [key, key, *cells])
                for key, _, *cells in self._connection.ask(text, self._values)
            ]
            self._keys = [head.key for head in heads]
            return heads if len(asked) == len(self._sections) else [self._with_queries(head, asked) for head in heads]

    def _with_queries(self, head: CountedCustomer, asked: Sequence[Section]) -> CountedCustomer:
        counts = dict(zip((section.name for section in asked), head.counts, strict=True))
        for section in self._sections:
            if section.name not in counts:
                text = self._texts.count(section, self._bounds)
                ((count,),) = self._connection.ask(text, self._values_of(head.key))
                counts[section.name] = int(str(count))
        return CountedCustomer(
            key=head.key,
            title=head.title,
            given=head.given,
            counts=tuple(counts[section.name] for section in self._sections),
        )

    def rows(self, section: Section) -> Iterator[KeyedBatch]:
        """Read the rows."""
        texts = self._texts.to_texts(section, time_zone=self._time_zone)
        if isinstance(section.table, Query):
            text = self._texts.rows(section, self._bounds)
            for key in self._keys:
                for batch in self._batches(text, self._values_of(key)):
                    yield _keyed(section, texts, [key] * len(batch[0]), batch)
            return
        keyed = text_of(self._statements.keyed_rows(section, self._bounds, self._choice))
        for keys, *batch in self._batches(keyed, self._values):
            yield _keyed(section, texts, texts_of(keys, errors="replace"), batch)

    def _batches(self, text: str, values: Values) -> Iterator[Batch]:
        with self._translating():
            self._connection.send(text, values)
            for batch in self._connection.batches():
                self._check()
                yield batch

    def _values_of(self, key: str) -> Values:
        return {**self._key_values(key), **self._period}

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
                for key in self._keys:
                    with self._translating():
                        answer = self._connection.ask(text, self._values_of(key))
                    yield key, number, totals_check(planned.rule, answer)
                continue
            statement = rules_statement(
                self._statements, MysqlSums(), planned.rule, self._sections, self._bounds, self._choice
            )
            rows = self._rows_of(text_of(statement))
            yield from grouped_totals(number, planned, rows)

    def _rows_of(self, text: str) -> Iterator[tuple[Cell, ...]]:
        for batch in self._batches(text, self._values):
            yield from zip(*(texts_of(cells, errors="replace") for cells in batch), strict=True)

    def complete(self, found: FoundCustomer, customer_id: str, held: ExitStack) -> FoundCustomer:  # noqa: ARG002
        """Give it back: a database knows no plug-ins."""
        return found

    def split(self, *, each: int) -> Iterator[tuple[KeyBound | None, int]]:
        """Give every `each`-th key and the last one."""
        with self._translating():
            answer = self._connection.ask(text_of(self._statements.splitting(self._choice, each=each)), self._values)
        yield from ((str(key), int(str(number))) for key, number in answer)


def _keyed(
    section: Section, texts: Sequence[ToText], keys: Sequence[Cell], batch: Sequence[Sequence[Raw]]
) -> KeyedBatch:
    notes = BatchNotes()
    cells = [
        read_column(to_text, raw, column, notes)
        for to_text, raw, column in zip(texts, batch, section.exported_columns, strict=True)
    ]
    return KeyedBatch(keys, cells, notes.taken)  # type: ignore[arg-type]  # keys are never NULL
