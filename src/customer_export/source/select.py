"""Build the SELECTs of an export from the map. SQLAlchemy quotes names; data only ever comes in as parameters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType, TypeEngine

from customer_export.model.columns import Column
from customer_export.model.customer_map import CustomerMap, Link, Section, TableName
from customer_export.source.schema import Tables

Expression: TypeAlias = sa.ColumnElement[Any]

CUSTOMER_KEY = "customer_key"
"""The parameter that holds the customer's key when the customer is looked up."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which ends of the period a statement filters by; the values are the parameters `start` and `end`."""

    start: bool
    end: bool


class CellDialect(Protocol):
    """What differs between databases: how a cell becomes canonical text, and how a time is compared."""

    def cell(self, column: Column, value: Expression, stored: TypeEngine[object]) -> Expression:
        """Give the expression whose output is the cell's canonical text."""

    def bound(self, value: Expression, stored: TypeEngine[object], bounds: Bounds) -> list[Expression]:
        """Give the conditions that hold a time column within the period."""


def parameter(name: str) -> sa.BindParameter[object]:
    """Make a parameter without a type, so that the database takes the type of what it is compared with."""
    return sa.bindparam(name, type_=NullType())


def link_columns(customer_map: CustomerMap) -> tuple[str, ...]:
    """Name the columns of the customer's row that links end in, the key first."""
    ends = [link[-1].to for section in customer_map.sections for link in section.links]
    return tuple(dict.fromkeys([customer_map.customer.key, *(column for end in ends for column in end)]))


class Statements:
    """The SELECTs for one map on one database, as SQLAlchemy constructs."""

    def __init__(self, customer_map: CustomerMap, tables: Tables, dialect: CellDialect) -> None:
        self._map = customer_map
        self._tables = tables
        self._dialect = dialect
        self._link_parameters = {
            column: f"customer_{number}" for number, column in enumerate(link_columns(customer_map))
        }
        self._aliases: dict[tuple[TableName, str], FromClause] = {}

    def link_parameters(self, values: dict[str, str | int | None]) -> dict[str, str | int | None]:
        """Turn the customer's link values into the parameters of every other statement."""
        return {self._link_parameters[column]: value for column, value in values.items()}

    def customer(self) -> sa.Select[Any]:
        """Select the link columns, then the title columns, of the customer with the key `customer_key`."""
        customer = self._map.customer
        table = self._alias(customer.table, "c")
        names = [*self._link_parameters, *customer.title]
        columns = [table.c[name].label(f"v{number}") for number, name in enumerate(names)]
        return sa.select(*columns).where(table.c[customer.key] == parameter(CUSTOMER_KEY))

    def count(self, sections: Sequence[Section], bounds: Bounds) -> sa.Select[Any]:
        """Select the number of rows of each section, all in one statement."""
        counts: list[Expression] = [self._count(section, bounds) for section in sections]
        return sa.select(*(count.label(f"n{number}") for number, count in enumerate(counts)))

    def rows(self, section: Section, bounds: Bounds) -> sa.Select[Any]:
        """Select the exported columns of a section's rows, in the section's order, as canonical text."""
        return self.select(section, self.cells(section), bounds)

    def cells(self, section: Section) -> list[Expression]:
        """Give the canonical text of each exported column."""
        return [
            self._dialect.cell(column, *self._source(section, column.source)) for column in section.exported_columns
        ]

    def stored_types(self, section: Section) -> list[TypeEngine[object]]:
        """Give the database's type of each exported column."""
        return [self._source(section, column.source)[1] for column in section.exported_columns]

    def select(self, section: Section, cells: Iterable[Expression], bounds: Bounds) -> sa.Select[Any]:
        """Select expressions over a section's rows, in the section's order."""
        base = self._base(section)
        joined: FromClause = base
        for lookup in section.lookups:
            other = self._alias(lookup.table, f"l_{lookup.name}")
            on = (
                other.c[to] == self._source(section, source)[0]
                for to, source in zip(lookup.to, lookup.columns, strict=True)
            )
            joined = joined.outerjoin(other, sa.and_(*on))
        labelled = [cell.label(f"v{number}") for number, cell in enumerate(cells)]
        return (
            sa.select(*labelled)
            .select_from(joined)
            .where(*self._conditions(section, bounds))
            .order_by(*(self._source(section, source)[0] for source in section.order))
        )

    def _count(self, section: Section, bounds: Bounds) -> sa.ScalarSelect[int]:
        if section.time is not None and "." in section.time and (bounds.start or bounds.end):
            counted = self.select(section, [sa.literal_column("1")], bounds).order_by(None).subquery()
            return sa.select(sa.func.count()).select_from(counted).scalar_subquery()
        rows = sa.select(sa.func.count()).select_from(self._base(section))
        return rows.where(*self._conditions(section, bounds)).scalar_subquery()

    def _conditions(self, section: Section, bounds: Bounds) -> list[Expression]:
        conditions: list[Expression] = [self._belongs(self._base(section), section.links, depth=1)]
        if section.time is not None:
            conditions += self._dialect.bound(*self._source(section, section.time), bounds)
        return conditions

    def _belongs(self, table: FromClause, links: Sequence[Link], *, depth: int) -> Expression:
        """Whether a row of `table` reaches the customer by one of `links`; links that begin alike are followed once."""
        onward: dict[Link, list[Link]] = {}
        for link in links:
            onward.setdefault(link[:1], []).append(link[1:])
        ways: list[Expression] = []
        for (step,), rests in onward.items():
            here = [table.c[column] for column in step.columns]
            conditions: list[Expression] = [table.c[column].is_(None) for column in step.only_if_null]
            if step.table is None:
                there = [parameter(self._link_parameters[column]) for column in step.to]
                pairs = zip(here, there, strict=True)
                conditions += [_equal(one, other, ignore_case=step.ignore_case) for one, other in pairs]
            else:
                parent = self._alias(step.table, f"p{depth}")
                ids = sa.select(*(parent.c[column] for column in step.to))
                ids = ids.where(self._belongs(parent, rests, depth=depth + 1))
                conditions.append((here[0] if len(here) == 1 else sa.tuple_(*here)).in_(ids))
            ways.append(sa.and_(*conditions))
        return sa.or_(*ways)

    def _source(self, section: Section, source: str) -> tuple[Expression, TypeEngine[object]]:
        lookup, dot, column = source.partition(".")
        if not dot:
            return self._base(section).c[source], self._tables[section.table].types[source]
        table = next(one.table for one in section.lookups if one.name == lookup)
        return self._alias(table, f"l_{lookup}").c[column], self._tables[table].types[column]

    def _base(self, section: Section) -> FromClause:
        return self._alias(section.table, "t")

    def _alias(self, name: TableName, alias: str) -> FromClause:
        """Give the one alias of that name: to SQLAlchemy another object would be another table to join."""
        if (name, alias) not in self._aliases:
            columns = [sa.column(column, type_=NullType()) for column in self._tables[name].types]
            table = sa.table(name.name, *columns, schema=name.schema).alias(alias)
            self._aliases.setdefault((name, alias), table)
        return self._aliases[name, alias]


def _equal(one: Expression, other: Expression, *, ignore_case: bool) -> Expression:
    return sa.func.lower(one) == sa.func.lower(other) if ignore_case else one == other
