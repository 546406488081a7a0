"""A map on its way to a file: its parts as the model has them, and beside each what its reader should know."""

from collections.abc import Mapping
from dataclasses import dataclass

from customer_export.model.columns import Column
from customer_export.model.customer_map import (
    Customer,
    Exclusion,
    Link,
    OrdersRole,
    Query,
    RecordedSchema,
    Section,
    TableName,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A link that is written as a comment, since nothing but values speaks for it; `why` says what was measured."""

    link: Link
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftColumn:
    """A column, and what its reader may want to check."""

    column: Column
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSection:
    """A section with its comments. One that is `proposed` is written as a comment as a whole.

    `excluded` are columns of its table that are left out, with the reason. `parent` is the table under whose section
    it is listed.
    """

    section: Section
    table: TableName
    columns: tuple[DraftColumn, ...]
    notes: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    excluded: Mapping[str, str]
    parent: TableName | None = None
    proposed: bool = False

    @property
    def sql(self) -> str | None:
        """The section's own SELECT, of one that has no links to its table."""
        return self.section.table.sql if isinstance(self.section.table, Query) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole map. `customer_notes` and `orders_notes` stand at these tables, `remarks` at the file's beginning."""

    name: str
    time_zone: str
    server: str
    customer: Customer
    customer_notes: tuple[str, ...]
    orders: OrdersRole | None
    sections: tuple[DraftSection, ...]
    excluded: tuple[Exclusion, ...]
    recorded: RecordedSchema
    remarks: tuple[str, ...]
    time_zone_note: str

    @property
    def used(self) -> tuple[DraftSection, ...]:
        """The sections that are no comments."""
        return tuple(section for section in self.sections if not section.proposed)
