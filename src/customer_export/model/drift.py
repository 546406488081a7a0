"""Drift: how a database differs from what the map recorded of it."""

from dataclasses import dataclass
from enum import StrEnum, unique

from customer_export.model.customer_map import TableName


@unique
class ChangeKind(StrEnum):
    """What happened to a table or column. A new kind is a value of a column that links go by (`only_if`)."""

    NEW_TABLE = "new table"
    DROPPED_TABLE = "dropped table"
    NEW_COLUMN = "new column"
    DROPPED_COLUMN = "dropped column"
    CHANGED_TYPE = "changed type"
    NEW_KIND = "new kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference; `before` and `after` are the server's types of a column, None where there is or was none.

    Of a new kind, `after` is its value.
    """

    kind: ChangeKind
    table: TableName
    column: str | None = None
    before: str | None = None
    after: str | None = None

    def members(self) -> dict[str, object]:
        """Give the change as JSON members (docs/map-check.md)."""
        return {
            "change": self.kind.value,
            "table": str(self.table),
            "column": self.column,
            "before": self.before,
            "after": self.after,
        }
