"""Coverage: which of the tables and columns that reach the customer are in the map, left out on purpose, or neither."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from customer_export.model.customer_map import TableName


@unique
class Standing(StrEnum):
    """What the map does with a table or column: read it, leave it out with a reason, or not know it."""

    MAPPED = "mapped"
    EXCLUDED = "excluded"
    UNCOVERED = "uncovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCoverage:
    """A column of a table that reaches the customer; `reason` is why it is left out."""

    name: str
    type: str
    standing: Standing
    reason: str | None = None

    def members(self) -> dict[str, object]:
        """Give the column as JSON members (docs/map-check.md)."""
        return {"name": self.name, "type": self.type, "standing": self.standing.value, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCoverage:
    """A table that reaches the customer.

    `path` says how, from its own columns to the customer table: `("items.order_id", "orders.customer_id", "users")`.
    `reason` is why the table is left out. `columns` is empty where only its being named counts: it holds what the
    customer's rows point at, not rows of theirs.
    """

    table: TableName
    path: tuple[str, ...]
    standing: Standing
    columns: tuple[ColumnCoverage, ...]
    reason: str | None = None

    def of(self, standing: Standing) -> tuple[ColumnCoverage, ...]:
        """Give the columns of one standing."""
        return tuple(column for column in self.columns if column.standing is standing)

    def members(self) -> dict[str, object]:
        """Give the table as JSON members (docs/map-check.md)."""
        return {
            "table": str(self.table),
            "path": list(self.path),
            "standing": self.standing.value,
            "reason": self.reason,
            "columns": [column.members() for column in self.columns],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Possibility:
    """A table that may concern the customer, by a name or by what points at it; only somebody who knows it can say."""

    table: TableName
    why: str

    def members(self) -> dict[str, object]:
        """Give the possibility as JSON members."""
        return {"table": str(self.table), "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSummary:
    """What an export's manifest says of coverage: how much, and every name that is not in the map."""

    tables: dict[Standing, int]
    columns: dict[Standing, int]
    uncovered: tuple[tuple[TableName, tuple[str, ...]], ...]
    excluded: tuple[tuple[TableName, tuple[str, ...], str], ...]
    perhaps: tuple[TableName, ...]

    def members(self, *, checked_at: datetime, sees_all: bool) -> dict[str, object]:
        """Give the summary as JSON members (docs/manifest.md). No columns are a whole table."""
        return {
            "checkedAt": checked_at.isoformat(timespec="milliseconds"),
            "seesAll": sees_all,
            "tables": {standing.value: count for standing, count in self.tables.items()},
            "columns": {standing.value: count for standing, count in self.columns.items()},
            "uncovered": [{"table": str(table), "columns": list(columns)} for table, columns in self.uncovered],
            "excluded": [
                {"table": str(table), "columns": list(columns), "reason": reason}
                for table, columns, reason in self.excluded
            ],
            "perhaps": [str(table) for table in self.perhaps],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How complete a map is. `tables` reach the customer for certain, the customer table first.

    `beside` are tables that the map reads although they do not reach the customer: look-ups and views.
    `gone` are exclusions that name what is not there; `contradicted` are exclusions of what a section exports.
    `unfollowed` are foreign keys to the customer that no link of their table's sections follows.
    """

    tables: tuple[TableCoverage, ...]
    beside: tuple[TableName, ...]
    perhaps: tuple[Possibility, ...]
    gone: tuple[str, ...]
    contradicted: tuple[str, ...]
    unfollowed: tuple[str, ...]

    @property
    def uncovered_tables(self) -> tuple[TableCoverage, ...]:
        """The tables that the map neither knows nor leaves out on purpose."""
        return tuple(table for table in self.tables if table.standing is Standing.UNCOVERED)

    @property
    def partly_covered_tables(self) -> tuple[TableCoverage, ...]:
        """The tables that the map knows, with columns that it does not."""
        return tuple(
            table for table in self.tables if table.standing is Standing.MAPPED and table.of(Standing.UNCOVERED)
        )

    @property
    def whole(self) -> bool:
        """Whether everything that reaches the customer is mapped or excluded, and the exclusions are true."""
        return not (self.uncovered_tables or self.partly_covered_tables or self.gone or self.contradicted)

    def summary(self) -> CoverageSummary:
        """Give what a manifest says."""
        columns = [column for table in self.tables for column in table.columns]
        return CoverageSummary(
            tables=_counts(table.standing for table in self.tables),
            columns=_counts(column.standing for column in columns),
            uncovered=(
                *((table.table, ()) for table in self.uncovered_tables),
                *((table.table, _names(table.of(Standing.UNCOVERED))) for table in self.partly_covered_tables),
            ),
            excluded=tuple(_excluded(self.tables)),
            perhaps=tuple(one.table for one in self.perhaps),
        )

    def members(self) -> dict[str, object]:
        """Give the coverage as JSON members (docs/map-check.md)."""
        return {
            "tables": [table.members() for table in self.tables],
            "beside": [str(table) for table in self.beside],
            "perhaps": [one.members() for one in self.perhaps],
            "gone": list(self.gone),
            "contradicted": list(self.contradicted),
            "unfollowed": list(self.unfollowed),
        }


def _counts(standings: Iterable[Standing]) -> dict[Standing, int]:
    found = list(standings)
    return {standing: found.count(standing) for standing in Standing}


def _names(columns: Iterable[ColumnCoverage]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _excluded(tables: Iterable[TableCoverage]) -> Iterable[tuple[TableName, tuple[str, ...], str]]:
    """Give whole tables, and of others the columns that are left out for the same reason together."""
    for table in tables:
        if table.standing is Standing.EXCLUDED:
            yield table.table, (), table.reason or ""
            continue
        by_reason: dict[str, list[str]] = {}
        for column in table.of(Standing.EXCLUDED):
            by_reason.setdefault(column.reason or "", []).append(column.name)
        for reason, names in by_reason.items():
            yield table.table, tuple(names), reason
