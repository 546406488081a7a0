"""Many customers out of PostgreSQL: one COPY for all of them, and one a section, in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as dialects
from sqlalchemy.types import TypeEngine

from customer_export.model.bulk import KeyBound
from customer_export.model.columns import Batch, Cell
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.request import Period
from customer_export.model.totals import TotalsCheck
from customer_export.source.comparing import Compared, Expression, parameter
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.invalid_text import mend_texts, valid_text
from customer_export.source.many.interface import CountedCustomer, CustomerChoice, KeyedBatch
from customer_export.source.many.reading import (
    BatchNotes,
    Values,
    choice_values,
    counted_customer,
    grouped_totals,
    text_columns,
)
from customer_export.source.many.reconcile import rules_statement
from customer_export.source.many.statements import ManyStatements
from customer_export.source.postgresql.comparing import kind_of
from customer_export.source.postgresql.copy import copied_rows
from customer_export.source.postgresql.encoding import knows_encoding
from customer_export.source.postgresql.json import JSON_COPY_OPTIONS, json_batch
from customer_export.source.postgresql.reconcile import PostgresqlSums
from customer_export.source.postgresql.sql import PostgresqlTexts, text_of
from customer_export.source.postgresql.types import LooseChar, LooseText, NamedType
from customer_export.source.reading import bounds_of, period_parameters
from customer_export.source.reconcile import checks_of, plan_rules

LARGEST_INTEGER = 2**63 - 1

_PREPARER = dialects.dialect(paramstyle="pyformat").identifier_preparer  # type: ignore[no-untyped-call]
_LOOSE = (LooseText, LooseChar)


class PostgresqlKeys:
    """How the customer's key is written and compared."""

    is_lateral = True
    leads = False  # LATERAL says it

    def text(self, key: Expression, stored: TypeEngine[object]) -> Expression:  # noqa: ARG002
        """Cast it, which takes the padding of a `char(n)` away."""
        return sa.cast(key, sa.Text)

    def given(self, key: Expression, stored: TypeEngine[object], compared: TypeEngine[object]) -> Compared:
        """Give the column itself where it equals what its text equals, else its text as the parameter was one."""
        kind = kind_of(stored)
        loose = [isinstance(one, _LOOSE) for one in (stored, compared)]
        padded = [isinstance(one, sa.CHAR) for one in (stored, compared)]
        if kind == kind_of(compared) and loose[0] == loose[1] and padded[0] == padded[1]:
            return Compared(key, stored)
        text = sa.cast(key, sa.Text)
        foreign = getattr(stored, "collation", None) not in (None, "default")
        return Compared(sa.collate(text, "default") if foreign else text, None)

    def query_key(self, key: str, stored: TypeEngine[object]) -> str:  # noqa: ARG002
        """Give the column, which is of its own type."""
        return key

    def bound(self, name: str, stored: TypeEngine[object]) -> Expression:
        """Read the text as the key's type."""
        text = sa.cast(parameter(name), sa.Text)
        if isinstance(stored, LooseText) and stored.citext is not None:
            return sa.cast(text, NamedType(stored.citext))
        if isinstance(stored, sa.CHAR):
            return sa.cast(text, NamedType("bpchar"))
        return text if isinstance(stored, sa.String) else sa.cast(text, stored)

    def number(self, name: str) -> Expression:
        """Read the text as a number."""
        return sa.cast(sa.cast(parameter(name), sa.Text), sa.Numeric)

    def boolean(self, cell: Expression) -> Expression:
        """Give it as it is."""
        return cell

    def worked_out(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        """Leave it to the planner."""
        return rows


class PostgresqlCustomers:
    """Chosen customers in the transaction of a connection, which `begin` begins."""

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Cell, ...]],
        texts: PostgresqlTexts,
        customer_map: CustomerMap,
        *,
        sections: Sequence[Section],
        period: Period,
        choice: CustomerChoice,
        titled: bool,
        time_zone: str,
        info: SnapshotInfo,
        translating: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._statements = ManyStatements(customer_map, texts.tables, texts.cells, PostgresqlKeys(), _PREPARER)
        self._map = customer_map
        self._sections = tuple(sections)
        self._bounds = bounds_of(period)
        self._choice = choice
        self._titled = titled
        self._translating = translating
        self._planned = plan_rules(customer_map, sections)
        self.snapshot = info
        key = texts.tables[customer_map.customer.table].types[customer_map.customer.key]
        self._values: Values = {
            **choice_values(choice, ids=[_key_value(one, key) for one in choice.ids or ()], time_zone=time_zone),
            **period_parameters(period, time_zone=time_zone),
        }

    def counted(self) -> Sequence[CountedCustomer]:
        """Find the customers and count the rows of each section."""
        heads = self._statements.counted(self._sections, self._bounds, self._choice, titled=self._titled)
        return [counted_customer(self._map, row) for row in self._read(heads)]

    def rows(self, section: Section) -> Iterator[KeyedBatch]:
        """Let COPY write the rows."""
        with self._translating():
            keyed = self._statements.keyed_rows(section, self._bounds, self._choice)
            for keys, *batch in self._columns(keyed):
                yield self._keyed(section, keys, batch)

    def _keyed(self, section: Section, keys: Sequence[Cell], batch: Batch) -> KeyedBatch:
        if knows_encoding(self._connection):
            return KeyedBatch(keys, batch)  # type: ignore[arg-type]  # keys are never NULL
        notes = BatchNotes()
        mended = [
            mend_texts(cells, column.name, notes) for cells, column in zip(batch, section.exported_columns, strict=True)
        ]
        return KeyedBatch([str(valid_text(key)) for key in keys], mended, notes.taken)

    def without_totals(self) -> Sequence[TotalsCheck]:
        """Say that nothing was checked."""
        return checks_of(self._planned, [[(0, 0)] for one in self._planned if not one.not_checked])

    def totals(self) -> Iterator[tuple[str, int, TotalsCheck]]:
        """Check the rules."""
        for number, planned in enumerate(self._planned):
            if planned.not_checked is None:
                statement = rules_statement(
                    self._statements, PostgresqlSums(), planned.rule, self._sections, self._bounds, self._choice
                )
                yield from grouped_totals(number, planned, self._read(statement))

    def complete(self, found: FoundCustomer, customer_id: str, held: ExitStack) -> FoundCustomer:  # noqa: ARG002
        """Give it back: a database knows no plug-ins."""
        return found

    def split(self, *, each: int) -> Iterator[tuple[KeyBound | None, int]]:
        """Give every `each`-th key and the last one."""
        rows = self._read(self._statements.splitting(self._choice, each=each))
        yield from ((str(key), int(str(number))) for key, number in rows)

    def _read(self, statement: sa.Select[Any]) -> Iterator[tuple[Cell, ...]]:
        with self._translating():
            for columns in self._columns(statement):
                yield from zip(*(map(valid_text, cells) for cells in columns), strict=True)

    def _columns(self, statement: sa.Select[Any]) -> Iterator[Sequence[Sequence[Cell]]]:
        width = len(statement.selected_columns)
        if not knows_encoding(self._connection):
            yield from self._fetched(statement)
            return
        copy = f"COPY ({text_of(statement)}) TO STDOUT ({JSON_COPY_OPTIONS})"
        for piece in copied_rows(self._connection, copy, self._values):
            yield text_columns(json_batch(piece, columns=width))

    def _fetched(self, statement: sa.Select[Any]) -> Iterator[Sequence[Sequence[Cell]]]:
        """Read cells of any encoding."""
        cursor = self._connection.cursor("customer_export_many")
        with cursor:
            cursor.execute(text_of(statement), self._values)
            while rows := cursor.fetchmany(1024):
                yield list(zip(*rows, strict=True))


def _key_value(customer_id: str, key: TypeEngine[object]) -> str | None:
    """Give an id as a parameter: NULL where the key's type cannot hold it, which would be an error."""
    too_large = kind_of(key) == "integer" and abs(int(customer_id)) > LARGEST_INTEGER
    return None if too_large else customer_id
