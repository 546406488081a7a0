"""The customer map: where in somebody's database everything about a customer is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum, unique
from functools import lru_cache
from typing import TypeAlias

from customer_export.model.columns import Column, SourceColumn, StoredAs
from customer_export.model.disclosure import NOTHING_SAID, DsarInformation, DsarProfile, SideInformation, Withheld


@unique
class KeyType(StrEnum):
    """The type of the customer table's key, which decides what a valid customer id looks like."""

    UUID = "uuid"
    INTEGER = "integer"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class TableName:
    """A table or view; `schema` is None where the connection's own search path finds it."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Query:
    """A section's own SELECT, as the map has it; `:customer` in it stands for the customer's key.

    `reads` are the tables that its text names, as it spells them, and `columns` the columns, in lower case; None: all.
    """

    sql: str
    reads: frozenset[TableName] = frozenset()
    columns: frozenset[str] | None = None


Relation: TypeAlias = TableName | Query
"""What rows are selected from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plugin:
    """What gives a section's rows from outside of the database, by its name among those that are installed.

    `given` are columns of the customer's row whose values it gets; `options` are its own affair.
    """

    name: str
    given: tuple[str, ...]
    options: Mapping[str, object]


Conditions: TypeAlias = tuple[tuple[str, str], ...]
"""Columns and the texts that they must equal."""

CONDITION_PATTERN = r"^[\w .:/\\-]+$"
"""What such a text may be made of: names, numbers and paths, and nothing that could end a text in a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStep:
    """One step from a section's table towards the customer: `columns` equal `to` of `table`.

    The last step of a link has `table` None: it reaches the customer's own row. `ignore_case` compares text
    without regard to case (e-mail addresses). `only_if_null` names columns that must be NULL for the step to
    count: a guest order is one with the customer's e-mail address and no customer. `only_if_zero` names those that
    must be 0 or NULL, where 0 is written for nobody. `only_if` says which values columns must have: a comment is about
    an order where its `commentable_type` is `Order`.
    """

    columns: tuple[str, ...]
    table: TableName | None
    to: tuple[str, ...]
    ignore_case: bool = False
    only_if_null: tuple[str, ...] = ()
    only_if_zero: tuple[str, ...] = ()
    only_if: Conditions = ()


Link: TypeAlias = tuple[LinkStep, ...]
"""A path from a section's table to the customer's row; a row belongs to the customer if any link reaches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A row of another table joined in by a unique key; its columns are named `name.column`.

    `columns` may themselves come from an earlier lookup (`product.category_id`). Of the other table's rows only those
    count that have the values of `only_if`, as names in one language. `unique`: the map says that `to` is unique among
    them where the database has no constraint that does, as of a view.
    """

    name: str
    columns: tuple[SourceColumn, ...]
    table: TableName
    to: tuple[str, ...]
    unique: bool = False
    only_if: Conditions = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """A table of the export: which rows belong to the customer, in which order, with which columns.

    A section is equal to itself alone: what is made for one is kept by it, and looked up a dozen times an export.
    A query has no links: it says itself, by `:customer`, which rows are the customer's. A plug-in has no order either:
    its rows stay as they come.

    `order` names source columns and ends in a unique key, so that the order is total; where there is none, it names
    all that is exported, so that rows which tie are the same. `unique` are columns that the map says are unique where
    the database has no constraint that does. `time` is the source column that `from` and `to` filter by; None if the
    section is always exported whole.
    """

    name: str
    label: str
    table: Relation | Plugin
    links: tuple[Link, ...]
    lookups: tuple[Lookup, ...]
    order: tuple[SourceColumn, ...]
    time: SourceColumn | None
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()
    side: SideInformation = NOTHING_SAID

    @property
    def relation(self) -> Relation:
        """What the rows are selected from; of a section that the database gives."""
        assert not isinstance(self.table, Plugin)  # no database is asked for a plug-in's
        return self.table

    @property
    def exported_columns(self) -> tuple[Column, ...]:
        """The columns that leave the database: all but the hidden ones. The same tuple each time."""
        return _exported(self)

    @property
    def time_column(self) -> Column | None:
        """The column of the section's time; of several the one that says what its numbers count."""
        found = [column for column in self.columns if column.source == self.time]
        return next((column for column in found if column.stored_as is not None), found[0] if found else None)

    @property
    def time_stored_as(self) -> StoredAs | None:
        """What the numbers of the time column count, as the column that exports it says."""
        return None if self.time_column is None else self.time_column.stored_as


@lru_cache(maxsize=1024)  # of as many sections, which are equal to themselves alone
def _exported(section: Section) -> tuple[Column, ...]:
    return tuple(column for column in section.columns if not column.hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The customer table. `title` columns, joined by blanks, are the display title of a customer.

    `tenant` is the column that says whose customer it is, None where all belong to one. `unique`: the map says that
    the key is unique where the database has no constraint that does. `given` are the columns that plug-ins get.
    """

    table: TableName
    key: str
    key_type: KeyType
    title: tuple[str, ...]
    search: tuple[str, ...]
    tenant: str | None = None
    unique: bool = False
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersRole:
    """Which section plays the orders: it decides when CSV streams and what the key figures and charts show.

    `amount`, `time` and `status` are names of that section's columns.
    """

    section: str
    amount: str | None
    time: str | None
    status: str | None


@unique
class WithoutParts(StrEnum):
    """What a total is that no part belongs to: held to be nothing (`mismatch`, unless it is 0), or not looked at."""

    MISMATCH = "mismatch"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Amounts of a section that belong together by `key`; `column` and `key` are names of its shown columns."""

    section: str
    column: str
    key: str
    subtract: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReconcileRule:
    """What has to add up: each `total` is the sum of the parts of its key and currency, give or take `tolerance`."""

    name: str
    total: Amounts
    parts: tuple[Amounts, ...]
    tolerance: Decimal
    without_parts: WithoutParts

    @property
    def amounts(self) -> tuple[Amounts, ...]:
        """The total and its parts."""
        return (self.total, *self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A table that is not exported, or some of its columns, and why; no `columns` are the whole table."""

    table: TableName
    columns: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTable:
    """What a table looked like when the map was written: its columns, each with the server's type.

    `kinds` has the values of the columns that links go by (`only_if`).
    """

    columns: Mapping[str, str]
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)


RecordedSchema: TypeAlias = Mapping[TableName, RecordedTable]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CustomerMap:
    """A whole customer map, which like a section is equal to itself alone.

    `version` is the first 16 hex digits of the SHA-256 of its text.
    `time_zone` is the IANA zone of time stamps that the database stores without one. `recorded` is None in a map that
    was written by hand. `dsar` is what answers to data subjects say, None if there are none; `withheld` and `answers`
    are none of the map's: what such an answer leaves out, and which profile the map was narrowed for (model/dsar.py).
    """

    name: str
    version: str
    time_zone: str
    customer: Customer
    orders: OrdersRole | None
    sections: tuple[Section, ...]
    excluded: tuple[Exclusion, ...] = ()
    recorded: RecordedSchema | None = None
    reconcile: tuple[ReconcileRule, ...] = ()
    dsar: DsarInformation | None = None
    withheld: tuple[Withheld, ...] = ()
    answers: DsarProfile | None = None

    def section(self, name: str) -> Section | None:
        """Return the section of that name, or None."""
        return next((section for section in self.sections if section.name == name), None)
