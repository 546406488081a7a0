"""What a snapshot gives of many customers: who they are, and each section's rows of all of them, in key order."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from customer_export.model.bulk import Comparison, KeyBound
from customer_export.model.columns import Batch, Cell, Column
from customer_export.model.customer_map import Section
from customer_export.model.ledger import AlterationKind
from customer_export.model.totals import TotalsCheck
from customer_export.source.interface import FoundCustomer, SnapshotInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCondition:
    """A condition on the customer's row: one of the `values`, texts of the column's type, has to fit."""

    column: Column
    comparison: Comparison
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChoice:
    """Which customers: `after` < key <= `through` in the database's order, or those of `ids`; None is no bound.

    With a `tenant` there are no others than theirs. All `conditions` have to hold.
    """

    after: KeyBound | None = None
    through: KeyBound | None = None
    ids: tuple[str, ...] | None = None
    conditions: tuple[RowCondition, ...] = ()
    tenant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCustomer:
    """A customer as they stand in the snapshot; `counts` are the rows of each section that was asked for.

    `given` are the values of the columns that the map's plug-ins are given. A plug-in's section counts nothing here.
    """

    key: str
    title: str
    given: Mapping[str, Cell]
    counts: tuple[int, ...]


Note: TypeAlias = tuple[str, AlterationKind, Sequence[int], Sequence[str]]
"""What had to be done to read cells: column, kind, places in the batch, and what stood there before."""


@dataclass(frozen=True, slots=True)
class KeyedBatch:
    """Some rows of a section, column by column, and of each row the customer's key as `CountedCustomer` has it."""

    keys: Sequence[str]
    batch: Batch
    notes: Sequence[Note] = ()


class CustomerSet(Protocol):
    """Chosen customers in one snapshot. What it gives is read to its end before the next is asked for.

    All of it comes in the same order of customers. Everything raises SourceError if the database fails.
    """

    @property
    def snapshot(self) -> SnapshotInfo:
        """The one snapshot that all of it is of."""

    def counted(self) -> Sequence[CountedCustomer]:
        """Find the customers and count the rows of each section, in one statement. To be called first."""

    def rows(self, section: Section) -> Iterator[KeyedBatch]:
        """Read a section's rows of all customers, in one statement where the database can do that.

        A section's own SQL is run per customer by databases without LATERAL: SQLite, MySQL and MariaDB.
        """

    def without_totals(self) -> Sequence[TotalsCheck]:
        """Give what comes of the map's rules for a customer who has no totals."""

    def totals(self) -> Iterator[tuple[str, int, TotalsCheck]]:
        """Check the map's rules, one after the other: key, number of the rule and what came of it, in order of keys.

        Customers without totals are left out, as are rules that are checked for nobody.
        """

    def split(self, *, each: int) -> Iterator[tuple[KeyBound | None, int]]:
        """Give every `each`-th key and the last one, in their order, each with its number from 1. In place of all else.

        None is a key that bounds nothing.
        """

    def complete(self, found: FoundCustomer, customer_id: str, held: ExitStack) -> FoundCustomer:
        """Add the sections of plug-ins, which know one customer only, each asked now; `held` frees them.

        May be called when the snapshot has ended. Raises PluginFailedError.
        """
