"""Build the SELECTs of an export from the map. SQLAlchemy quotes names; data only ever comes in as parameters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType, TypeEngine

from customer_export.model.columns import Column, SourceColumn
from customer_export.model.customer_map import Conditions, CustomerMap, Link, Query, Relation, Section
from customer_export.source.comparing import (
    FAMILIES,
    TEXT,
    Compared,
    Comparing,
    Expression,
    TextConstant,
    constant,
    family_of,
    is_zero,
    parameter,
)
from customer_export.source.masking import MASKED_TYPE, masked_cell
from customer_export.source.money_units import amount_of
from customer_export.source.query_columns import QUERY_KEY, query_table
from customer_export.source.schema import DatabaseTable, Tables

CUSTOMER_KEY = "customer_key"
"""The parameter that holds the customer's key. All that is read of a customer is found by it alone."""

CUSTOMER_TENANT = "customer_tenant"
"""The parameter that holds the only tenant whose customers are there."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which ends of the period a statement filters by; the values are the parameters `start` and `end`."""

    start: bool
    end: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """What a caller reaches of the customer table: one tenant's rows (`customer_tenant`), or all; titles, or none."""

    one_tenant: bool
    titled: bool


class CellDialect(Protocol):
    """What differs between databases: how a cell becomes canonical text, and how values are compared."""

    @property
    def comparing(self) -> Comparing:
        """What two values are equal by."""

    def cell(self, column: Column, value: Expression, stored: TypeEngine[object]) -> Expression:
        """Give the expression whose output is the cell's canonical text."""

    def bound(
        self, value: Expression, stored: TypeEngine[object], bounds: Bounds, column: Column | None
    ) -> list[Expression]:
        """Give the conditions that hold a time within the period; `column` is the section's of it, if it has one."""

    def is_blank(self, value: Expression) -> Expression:
        """Give the condition that a value's text has nothing but white space."""

    def order(self, value: Expression, stored: TypeEngine[object], *, tied: bool) -> list[Expression]:
        """Give what sorts by a column. Where rows may be `tied`, values that are the same there have the same text."""

    def shifted(self, value: Expression, stored: TypeEngine[object], decimals: int) -> Expression:
        """Give the text of a whole number with its decimal point moved so many places to the left."""


def key_parameters(key: str | int | None, *, tenant: str | None) -> dict[str, str | int | None]:
    """Give the customer's key under each name that a statement may know it by, and the tenant."""
    families = {f"{CUSTOMER_KEY}_{family}": key for family in FAMILIES}
    return {CUSTOMER_KEY: key, **families, QUERY_KEY: key, CUSTOMER_TENANT: tenant}


class Statements:
    """The SELECTs for one map on one database, as SQLAlchemy constructs."""

    def __init__(self, customer_map: CustomerMap, tables: Tables, dialect: CellDialect) -> None:
        self._map = customer_map
        self._tables = tables
        self._dialect = dialect
        self._aliases: dict[tuple[Relation, str], FromClause] = {}

    def opening(
        self, sections: Sequence[Section], bounds: Bounds, info: Sequence[Expression], reach: Reach
    ) -> sa.Select[Any]:
        """Select `info`, the customer's key, title and given columns, and the number of rows of each section.

        There is no row if there is no customer with the key `customer_key` within the reach.
        """
        customer = self._map.customer
        table = self._alias(customer.table, "c")
        titles = [table.c[name] if reach.titled else sa.cast(sa.null(), sa.Text) for name in customer.title]
        found = [table.c[customer.key], *titles, *(table.c[name] for name in customer.given)]
        counts = [self.count(section, bounds) for section in sections]
        labelled = [cell.label(f"v{number}") for number, cell in enumerate([*info, *found, *counts])]
        opening = sa.select(*labelled).where(self._is_customer(table))
        if not reach.one_tenant:
            return opening
        assert customer.tenant is not None  # the pipeline refuses whoever is held to a tenant that the map doesn't know
        # as text, since a number or a UUID would have more than one spelling
        tenant = Compared(sa.cast(table.c[customer.tenant], sa.Text), TEXT)
        return opening.where(self._dialect.comparing.equal(tenant, Compared(parameter(CUSTOMER_TENANT), None)))

    def rows(self, section: Section, bounds: Bounds) -> sa.Select[Any]:
        """Select the exported columns of a section's rows, in the section's order, as canonical text."""
        return self.select(section, self.cells(section), bounds)

    def cells(self, section: Section) -> list[Expression]:
        """Give the canonical text of each exported column, or what stands in its place."""
        return [self._cell(section, column) for column in section.exported_columns]

    def stored_types(self, section: Section) -> list[TypeEngine[object]]:
        """Give the database's type of each exported column; what stands in a cell's place is text."""
        return [
            self.value(section, column)[1] if column.mask is None else MASKED_TYPE
            for column in section.exported_columns
        ]

    def _cell(self, section: Section, column: Column) -> Expression:
        cell = self._dialect.cell(column, *self.value(section, column))
        return cell if column.mask is None else masked_cell(column.mask, column.type, cell)

    def value(self, section: Section, column: Column) -> tuple[Expression, TypeEngine[object]]:
        """Give a column's value and stored type; of an amount that counts a smaller unit its text in the currency."""
        value, stored = self._source(section, column.source)
        if column.counted_in is None:
            return value, stored
        currency = next((other.source for other in section.columns if other.name == column.currency), None)
        code = constant(f"'{column.currency_code}'") if currency is None else self._source(section, currency)[0]
        return amount_of(column.counted_in, partial(self._dialect.shifted, value, stored), code), TEXT

    def select(self, section: Section, cells: Iterable[Expression], bounds: Bounds) -> sa.Select[Any]:
        """Select expressions over a section's rows, in the section's order."""
        base = self._base(section)
        joined = self._read_from(base)
        for lookup in section.lookups:
            other = self._alias(lookup.table, f"l_{lookup.name}")
            types = self._tables[lookup.table].types
            on = (
                self._dialect.comparing.equal(
                    Compared(other.c[to], types[to]), Compared(*self._source(section, source))
                )
                for to, source in zip(lookup.to, lookup.columns, strict=True)
            )
            joined = joined.outerjoin(other, sa.and_(*on, *self._having(other, lookup.table, lookup.only_if)))
        labelled = [cell.label(f"v{number}") for number, cell in enumerate(cells)]
        return (
            sa.select(*labelled)
            .select_from(joined)
            .where(*self._conditions(section, bounds))
            .order_by(*self.sort_key(section))
        )

    def _read_from(self, base: FromClause) -> FromClause:
        return base

    def sort_key(self, section: Section) -> list[Expression]:
        """Give what a section's rows are sorted by."""
        tied = not (self._tables[section.relation].unique_keys or section.unique)
        columns = (self._source(section, source) for source in section.order)
        return [part for value, stored in columns for part in self._dialect.order(value, stored, tied=tied)]

    def count(self, section: Section, bounds: Bounds) -> sa.ScalarSelect[int]:
        """Count a section's rows, without its look-ups."""
        if section.time is not None and section.time.lookup is not None and (bounds.start or bounds.end):
            counted = self.select(section, [sa.literal_column("1")], bounds).order_by(None).subquery()
            return sa.select(sa.func.count()).select_from(counted).scalar_subquery()
        rows = sa.select(sa.func.count()).select_from(self._base(section))
        return rows.where(*self._conditions(section, bounds)).scalar_subquery()

    def _conditions(self, section: Section, bounds: Bounds) -> list[Expression]:
        conditions: list[Expression] = []
        if section.links:
            conditions.append(self._belongs(self._base(section), section.relation, section.links, depth=1))
        if section.time is not None:
            conditions += self._dialect.bound(*self._source(section, section.time), bounds, section.time_column)
        return conditions

    def _belongs(self, table: FromClause, name: Relation, links: Sequence[Link], *, depth: int) -> Expression:
        """Whether a row of `table` reaches the customer by one of `links`; links that begin alike are followed once."""
        onward: dict[Link, list[Link]] = {}
        for link in links:
            onward.setdefault(link[:1], []).append(link[1:])
        comparing = self._dialect.comparing
        ways: list[Expression] = []
        for (step,), rests in onward.items():
            here = self._compared(table, name, step.columns)
            conditions: list[Expression] = [table.c[column].is_(None) for column in step.only_if_null]
            conditions += [is_zero(table.c[column]) for column in step.only_if_zero]
            conditions += self._having(table, name, step.only_if)
            if step.table is None:
                for one, to in zip(here, step.to, strict=True):
                    other = self._customers(to, one.stored)
                    conditions.append(comparing.equal(one, other, ignore_case=step.ignore_case))
            else:
                parent = self._alias(step.table, f"p{depth}")
                ours, theirs = comparing.paired(here, self._compared(parent, step.table, step.to))
                ids = sa.select(*theirs).where(self._belongs(parent, step.table, rests, depth=depth + 1))
                conditions.append((ours[0] if len(ours) == 1 else sa.tuple_(*ours)).in_(ids))
            ways.append(sa.and_(*conditions))
        return sa.or_(*ways)

    def _having(self, table: FromClause, name: Relation, values: Conditions) -> list[Expression]:
        """Give the conditions that columns have these values."""
        ours = self._compared(table, name, [column for column, _ in values])
        return [
            self._dialect.comparing.equal(one, Compared(TextConstant(text), TEXT))
            for one, (_, text) in zip(ours, values, strict=True)
        ]

    def _compared(self, table: FromClause, name: Relation, columns: Iterable[str]) -> list[Compared]:
        return [Compared(table.c[column], self._tables[name].types[column]) for column in columns]

    def _is_customer(self, table: FromClause) -> Expression:
        customer = self._map.customer
        (key,) = self._compared(table, customer.table, [customer.key])
        return self._dialect.comparing.equal(key, Compared(parameter(CUSTOMER_KEY), None))

    def _customers(self, column: str, compared: TypeEngine[object] | None) -> Compared:
        """Give a value of the customer's row that is compared with a column of type `compared`.

        A blank e-mail address or other natural key is NULL, which links to nothing: else every guest without one
        would be this customer.
        """
        customer = self._map.customer
        types = self._tables[customer.table].types
        if column == customer.key:
            assert compared is not None  # it is a column
            family = family_of(compared)
            name = CUSTOMER_KEY if family == family_of(types[column]) else f"{CUSTOMER_KEY}_{family}"
            return Compared(parameter(name), None)
        table = self._alias(customer.table, "k")
        value: Expression = table.c[column]
        if family_of(types[column]) in {"text", "other"}:
            value = sa.case((self._dialect.is_blank(value), sa.null()), else_=value)
        row = sa.select(value).where(self._is_customer(table))
        return Compared(row.correlate(None).scalar_subquery(), types[column])

    def _source(self, section: Section, source: SourceColumn) -> tuple[Expression, TypeEngine[object]]:
        if source.lookup is None:
            return self._base(section).c[source.name], self._tables[section.relation].types[source.name]
        table = next(one.table for one in section.lookups if one.name == source.lookup)
        return self._alias(table, f"l_{source.lookup}").c[source.name], self._tables[table].types[source.name]

    def _base(self, section: Section) -> FromClause:
        return self._alias(section.relation, "t")

    def _alias(self, name: Relation, alias: str) -> FromClause:
        """Give the one alias of that name: to SQLAlchemy another object would be another table to join."""
        if (name, alias) not in self._aliases:
            described = self._tables[name]
            columns = [sa.column(column, type_=NullType()) for column in described.types]
            table: FromClause
            if isinstance(name, Query):
                table = query_table(self._query_text(described), columns).alias(alias)
            else:
                table = sa.table(name.name, *columns, schema=name.schema).alias(alias)
            self._aliases.setdefault((name, alias), table)
        return self._aliases[name, alias]

    def _query_text(self, described: DatabaseTable) -> str:
        return described.sql or ""
