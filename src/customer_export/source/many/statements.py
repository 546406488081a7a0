"""The SELECTs over many customers: what is a parameter for one of them is a column of their row here.

Links, look-ups, masks, periods and order are those of `Statements`, so that a row belongs to a customer here if and
only if it does there. PostgreSQL joins a section LATERAL, so that each keeps its plan; the other databases join it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from customer_export.model.bulk import Comparison
from customer_export.model.columns import ColumnType
from customer_export.model.customer_map import CustomerMap, Query, Section
from customer_export.source.comparing import TEXT, Compared, Expression, constant, family_of, parameter
from customer_export.source.many.interface import CustomerChoice, RowCondition
from customer_export.source.query_columns import QUERY_KEY
from customer_export.source.schema import DatabaseTable, Tables
from customer_export.source.select import CUSTOMER_TENANT, Bounds, CellDialect, Statements

AFTER, THROUGH, ID, VALUE = "after_key", "through_key", "id_", "value_"
"""The parameters of a choice; ids and values have their number behind."""

_OUTER = "ce_customer"
_PARAMETER = re.compile(rf"(?<!\\):{QUERY_KEY}\b")


class KeyDialect(Protocol):
    """How a database writes and compares the customer's key, whose stored type is `stored`."""

    @property
    def is_lateral(self) -> bool:
        """Whether what is joined may name columns of what stands before it."""

    @property
    def leads(self) -> bool:
        """Whether it has to be said that the customers are read first, and their rows for each."""

    def text(self, key: Expression, stored: TypeEngine[object]) -> Expression:
        """Give the key as the canonical text, or what `CountedCustomer.key` is made of."""

    def given(self, key: Expression, stored: TypeEngine[object], compared: TypeEngine[object]) -> Compared:
        """Give what a column of type `compared` equals if it equals the key as a parameter."""

    def query_key(self, key: str, stored: TypeEngine[object]) -> str:
        """Write the key, a column's SQL, as it stands in a section's own SQL."""

    def bound(self, name: str, stored: TypeEngine[object]) -> Expression:
        """Give the parameter of that name as what the key is less or greater than."""

    def number(self, name: str) -> Expression:
        """Give the parameter of that name as a number."""

    def boolean(self, cell: Expression) -> Expression:
        """Give a cell of that type as what equals `true` or `false`."""

    def worked_out(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        """Have the rows of a subquery worked out for themselves, where that has to be said."""


class _CrossJoin(sa.Join):
    """What SQLite does not turn around: the left side is read first."""

    inherit_cache = True

    def __init__(self, left: sa.FromClause, right: sa.FromClause) -> None:
        super().__init__(left, right, onclause=sa.true())


@compiles(_CrossJoin)
def _cross_join(join: _CrossJoin, compiler: SQLCompiler, **options: Any) -> str:
    options |= {"asfrom": True}
    return " CROSS JOIN ".join(compiler.process(side, **options) for side in (join.left, join.right))


class ManyStatements(Statements):
    """The SELECTs for one map on one database."""

    def __init__(
        self, customer_map: CustomerMap, tables: Tables, dialect: CellDialect, keys: KeyDialect, preparer: Any
    ) -> None:
        super().__init__(customer_map, tables, dialect)
        self._keys = keys
        self._preparer = preparer
        customer = customer_map.customer
        self._outer_name = _free_name(customer_map)
        self._outer = self._alias(customer.table, self._outer_name)
        self._types = tables[customer.table].types
        self._key = self._outer.c[customer.key]
        self._key_type = self._types[customer.key]
        # keys that are unique by the map's word alone may be equal to the database
        self._ties = frozenset([customer.key]) not in tables[customer.table].unique_keys
        self._key_order = self.key_order(self._key)

    def counted(
        self, sections: Sequence[Section], bounds: Bounds, choice: CustomerChoice, *, titled: bool
    ) -> sa.Select[Any]:
        """Select key, stored key, title and given columns of the customers, and how many rows each section has."""
        customer = self._map.customer
        titles = [self._outer.c[name] if titled else sa.cast(sa.null(), sa.Text) for name in customer.title]
        given = [self._outer.c[name] for name in customer.given]
        counts = [self.count(section, bounds) for section in sections]
        cells = [self._keys.text(self._key, self._key_type), self._key, *titles, *given, *counts]
        labelled = [cell.label(f"v{number}") for number, cell in enumerate(cells)]
        return sa.select(*labelled).select_from(self._outer).where(*self.chosen(choice)).order_by(*self._key_order)

    def info(self, info: Iterable[Expression]) -> sa.Select[Any]:
        """Select what is said of a snapshot."""
        return sa.select(*(cell.label(f"v{number}") for number, cell in enumerate(info)))

    def keyed_rows(self, section: Section, bounds: Bounds, choice: CustomerChoice) -> sa.Select[Any]:
        """Select the key and the exported columns of a section's rows of all customers, by key and section's order."""
        return self.keyed(section, self.cells(section), bounds, choice, key=self._keys.text(self._key, self._key_type))

    def keyed(
        self, section: Section, cells: Sequence[Expression], bounds: Bounds, choice: CustomerChoice, *, key: Expression
    ) -> sa.Select[Any]:
        """Select a key, called `k`, and expressions over a section's rows, by key and section's order."""
        order = self.sort_key(section)
        if not self._keys.is_lateral:
            rows = self.select(section, cells, bounds).order_by(None).select_from(self._outer)
            return (
                rows.with_only_columns(key.label("k"), *rows.selected_columns)
                .where(*self.chosen(choice))
                .order_by(*self._key_order, *order)
            )
        rows_of_one = self.select(section, [*cells, *order], bounds).order_by(None).lateral("s")
        columns = list(rows_of_one.c)
        return (
            sa.select(key.label("k"), *columns[: len(cells)])
            .select_from(self._outer.join(rows_of_one, sa.true()))
            .where(*self.chosen(choice))
            .order_by(*self._key_order, *columns[len(cells) :])
        )

    @property
    def key(self) -> Expression:
        """The key as it is stored."""
        return self._key

    def key_order(self, key: Expression) -> list[Expression]:
        """Give what sorts by a key as it is stored."""
        return self._dialect.order(key, self._key_type, tied=self._ties)

    def key_text(self, key: Expression) -> Expression:
        """Give the text of a key as it is stored."""
        return self._keys.text(key, self._key_type)

    def worked_out(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        """Have the rows of a subquery worked out for themselves, whatever is done with them."""
        return self._keys.worked_out(rows)

    def splitting(self, choice: CustomerChoice, *, each: int) -> sa.Select[Any]:
        """Select every `each`-th key of the customers and the last one, in their order, each with its number from 1."""
        number = sa.func.row_number().over(order_by=self._key_order).label("n")
        following = sa.func.lead(constant("1")).over(order_by=self._key_order).label("f")  # a count would keep all keys
        keys = sa.select(self._key.label("k"), number, following)
        numbered = keys.select_from(self._outer).where(*self.chosen(choice)).subquery("s")
        kept = sa.or_(numbered.c.n % constant(str(each)) == constant("0"), numbered.c.f.is_(None))
        texts = [self.key_text(numbered.c.k).label("v0"), sa.cast(numbered.c.n, sa.Text).label("v1")]
        return sa.select(*texts).where(kept).order_by(numbered.c.n)

    def chosen(self, choice: CustomerChoice) -> list[Expression]:
        """Give the conditions that hold of chosen customers."""
        equal = self._dialect.comparing.equal
        conditions: list[Expression] = [self._key.is_not(None)]
        if choice.after is not None:
            conditions.append(self._key > self._keys.bound(AFTER, self._key_type))
        if choice.through is not None:
            conditions.append(self._key <= self._keys.bound(THROUGH, self._key_type))
        if choice.ids is not None:
            ids = [
                equal(Compared(self._key, self._key_type), Compared(parameter(f"{ID}{number}"), None))
                for number in range(len(choice.ids))
            ]
            conditions.append(sa.or_(sa.false(), *ids))
        for number, condition in enumerate(choice.conditions):
            conditions.append(self._condition(condition, f"{VALUE}{number}_"))
        if choice.tenant is not None:
            assert self._map.customer.tenant is not None  # as for one customer
            tenant = Compared(sa.cast(self._outer.c[self._map.customer.tenant], sa.Text), TEXT)
            conditions.append(equal(tenant, Compared(parameter(CUSTOMER_TENANT), None)))
        return conditions

    def _condition(self, condition: RowCondition, prefix: str) -> Expression:
        column = condition.column
        value, stored = self._outer.c[column.source.name], self._types[column.source.name]
        if condition.comparison is Comparison.IS_NULL:
            return value.is_(None)
        names = [f"{prefix}{number}" for number in range(len(condition.values))]
        return sa.or_(*(self._compared_with(condition, value, stored, name) for name in names))

    def _compared_with(
        self, condition: RowCondition, value: Expression, stored: TypeEngine[object], name: str
    ) -> Expression:
        is_number = condition.column.type in (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY)
        other = self._keys.number(name) if is_number else parameter(name)
        match condition.comparison:
            case Comparison.FROM if is_number:
                return value >= other
            case Comparison.BEFORE if is_number:
                return value < other
            case Comparison.FROM | Comparison.BEFORE:
                starts = condition.comparison is Comparison.FROM
                bounds = Bounds(start=starts, end=not starts)
                return _renamed(self._dialect.bound(value, stored, bounds, condition.column), name)
            case _ if is_number:
                return value == other
            case _ if condition.column.type is ColumnType.BOOLEAN:
                return self._keys.boolean(self._dialect.cell(condition.column, value, stored)) == other
            case _:
                text = (
                    Compared(sa.cast(value, sa.Text), TEXT) if family_of(stored) == "other" else Compared(value, stored)
                )
                return self._dialect.comparing.equal(text, Compared(other, None))

    def _read_from(self, base: sa.FromClause) -> sa.FromClause:
        return _CrossJoin(self._outer, base) if self._keys.leads else base

    def _customers(self, column: str, compared: TypeEngine[object] | None) -> Compared:
        customer = self._map.customer
        if column == customer.key:
            assert compared is not None  # it is a column
            return self._keys.given(self._outer_column(column), self._key_type, compared)
        stored = self._types[column]
        value = self._outer_column(column)
        if family_of(stored) in {"text", "other"}:
            value = sa.case((self._dialect.is_blank(value), sa.null()), else_=value)
        return Compared(value, stored)

    def _outer_column(self, name: str) -> Expression:
        """Name a column of the customer's row from inside of a subquery, in whose FROM the row must not stand."""
        return sa.literal_column(self._outer_sql(name))

    def _outer_sql(self, name: str) -> str:
        return f"{self._outer_name}.{self._preparer.quote_identifier(name)}"

    def _query_text(self, described: DatabaseTable) -> str:
        sql = super()._query_text(described)
        column = self._outer_sql(self._map.customer.key).replace(":", r"\:")
        return _PARAMETER.sub(lambda _found: self._keys.query_key(column, self._key_type), sql)


def _renamed(conditions: Sequence[Expression], name: str) -> Expression:
    """Let conditions on a period have parameters of their own: `start` becomes `NAME_start`."""
    from sqlalchemy.sql import visitors  # noqa: PLC0415

    def renamed(element: Any, **_options: object) -> Any:
        if isinstance(element, sa.BindParameter):
            return parameter(f"{name}_{element.key}")
        return None

    return sa.and_(*(visitors.replacement_traverse(one, {}, renamed) for one in conditions))


def _free_name(customer_map: CustomerMap) -> str:
    """Find an alias for the customers that no section's own SQL uses."""
    texts = " ".join(section.table.sql.lower() for section in customer_map.sections if isinstance(section.table, Query))
    name = _OUTER
    while name in texts:
        name += "_"
    return name
