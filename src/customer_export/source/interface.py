"""What a source of customers' data is: a database that gives snapshots, and snapshots that give sections."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from customer_export.model.catalogue import Catalogue
from customer_export.model.columns import Cell
from customer_export.model.customer_map import CustomerMap, Section, TableName
from customer_export.model.document import SectionStream
from customer_export.model.evidence import Comparison, Match
from customer_export.model.ledger import Ledger
from customer_export.model.request import Period
from customer_export.model.scans import FullScan
from customer_export.model.totals import TotalsCheck

if TYPE_CHECKING:
    from customer_export.source.many.interface import CustomerChoice, CustomerSet


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """When and of what a snapshot was taken: the database's clock (ISO 8601 with offset), its product and version.

    `identity` is the database's own name for the state that was read (PostgreSQL: `pg_current_snapshot()`),
    None where it has none.
    """

    taken_at: str
    server: str
    identity: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCustomer:
    """A customer in a snapshot: what to call them, and their sections, ready to be read in this order, once each.

    `given` are the values of the columns that the map's plug-ins are given. `asked_at` says when a plug-in was asked
    for a section; the others are of the snapshot. `totals` checks the map's rules, once, when all sections have been
    read and the snapshot is still open. `ledger` is that of the export; the sections note in it what had to be changed
    to read it.
    """

    title: str
    snapshot: SnapshotInfo
    sections: Sequence[SectionStream]
    given: Mapping[str, Cell] = field(default_factory=dict)
    asked_at: Mapping[str, datetime] = field(default_factory=dict)
    totals: Callable[[], Sequence[TotalsCheck]] = tuple
    ledger: Ledger = field(default_factory=Ledger)


class Snapshot(Protocol):
    """One read-only transaction. Everything read from it is the state of one moment, taken when it is first asked."""

    def find(
        self,
        customer_id: str,
        sections: Sequence[Section],
        period: Period,
        *,
        tenant: str | None = None,
        titled: bool = True,
    ) -> FoundCustomer | None:
        """Find the customer by the canonical text of their key, and count the rows of each section.

        With a `tenant`, there are no other customers than those whose tenant column is it. A customer who is not
        `titled` is called by their key.
        """

    def choose(
        self, choice: "CustomerChoice", sections: Sequence[Section], period: Period, *, titled: bool = True
    ) -> "CustomerSet":
        """Choose many customers instead, to be read set-wise as long as the snapshot is open."""

    def cancel(self) -> None:
        """End whatever statement is running. The only method that another thread may call."""


class Source(Protocol):
    """The customers' database, behind one customer map. Shared by all threads."""

    @property
    def map(self) -> CustomerMap:
        """The map that says what to read."""

    def check(self) -> None:
        """Raise SourceUnavailableError or MapMismatchError unless exports can be read now."""

    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> AbstractContextManager[Snapshot]:
        """Open a snapshot whose time stamps are written in `time_zone` (IANA) and whose statements end in time."""

    def close(self) -> None:
        """Close all connections."""


class Survey(Protocol):
    """A look at a database without a map, by one thread."""

    def catalogue(self) -> Catalogue:
        """Describe all tables and views that the role may see. Raises SourceFailedError."""

    def sees_all(self) -> bool:
        """Whether the role sees every table, whatever its rights. Raises SourceFailedError."""

    def grants(self, needed: Mapping[TableName, Iterable[str]], *, role: str) -> Sequence[str]:
        """Write the statements that make a role which can read these columns and nothing else."""

    def full_scans(self, customer_map: CustomerMap) -> Sequence[FullScan]:
        """Find the sections whose query has no index to go by. Raises MapMismatchError and SourceFailedError."""

    def without_statistics(self, tables: Iterable[TableName]) -> Sequence[str]:
        """Give the statement that helps for each table with many rows of which the planner knows nothing.

        Raises SourceFailedError.
        """

    def time_zone(self) -> str | None:
        """Name the zone that the server writes time stamps in; None where it has none of its own."""

    def rows(
        self, table: TableName, columns: Sequence[str], *, most_rows: int
    ) -> Sequence[Sequence[str | None]] | None:
        """Give the beginning of each value of some rows as text, column by column.

        None where the role may not read them, or where it took too long.
        """

    def different(self, table: TableName, column: str, *, most_values: int) -> Sequence[str | None] | None:
        """Give the different values of a column, cut like those of `rows`. None where they cannot be had in time."""

    def match(self, comparison: Comparison) -> Match | None:
        """Say how many of a sample of different values another table has. None where that cannot be said in time."""

    def has_rows(self, table: TableName, *, null: Sequence[str], given: Sequence[str]) -> bool | None:
        """Say whether rows have NULL in some columns and values in others. None where that cannot be said in time."""

    def has_zeros(self, table: TableName, column: str) -> bool | None:
        """Say whether rows have 0 in a column. None where that cannot be said in time."""
