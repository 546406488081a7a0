"""A bulk job as values: whose data, in which files, cut into which partitions, and what came of each.

All of it can be kept as JSON: `members()` gives it, and `of_members` reads it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Any, TypeAlias

KeyBound: TypeAlias = str | int
"""A customer's key in the canonical text of its type, or as a number where the database compares it as one."""


@unique
class Layout(StrEnum):
    """How customers lie in files.

    ========= ============================================================================================
    files     a file a customer in a ZIP a partition, each beside its manifest (`NAME.manifest.json`)
    lines     NDJSON: the lines of one customer after those of another, from their header to their manifest
    tables    a table a section for everybody, with the customer's key as its first column
    ========= ============================================================================================
    """

    FILES = "files"
    LINES = "lines"
    TABLES = "tables"


@unique
class TableFormat(StrEnum):
    """The formats of tables for everybody; the value is the file's extension."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


@unique
class Comparison(StrEnum):
    """How a filter compares a column; `from` and `before` are ≥ and <, of numbers, dates and moments."""

    EQUALS = "equals"
    FROM = "from"
    BEFORE = "before"
    IS_NULL = "is_null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on the customer's row. `column` is the name of an exported column of the customer's own section.

    Of several `values` one has to hold; texts as a file would show them. `is_null` has none.
    """

    column: str
    comparison: Comparison
    values: tuple[str, ...] = ()

    def members(self) -> dict[str, object]:
        """Give the condition as JSON members."""
        return {"column": self.column, "comparison": self.comparison.value, "values": list(self.values)}

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Condition":
        """Read it back."""
        return cls(
            column=members["column"],
            comparison=Comparison(members["comparison"]),
            values=tuple(members.get("values", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which customers: those of `ids`, if there are any; else those for whom all `conditions` hold, or all.

    Ids are compared with the key exactly as the export of one customer does.
    """

    ids: tuple[str, ...] | None = None
    conditions: tuple[Condition, ...] = ()

    def members(self) -> dict[str, object]:
        """Give the choice as JSON members."""
        return {
            "ids": None if self.ids is None else list(self.ids),
            "conditions": [condition.members() for condition in self.conditions],
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Chosen":
        """Read it back."""
        ids = members.get("ids")
        return cls(
            ids=None if ids is None else tuple(ids),
            conditions=tuple(map(Condition.of_members, members.get("conditions", ()))),
        )


EVERYBODY = Chosen()


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOrder:
    """What a bulk job makes. Equal orders on equal data make equal files, but for the snapshots that they state.

    `job_id` is 32 hex digits: names of files begin with it, and export ids are made of it. `created_at` (aware) stands
    in every file. `format` is one of the synchronous export for files, `ndjson` for lines, a TableFormat for tables.
    `parameters` are those of the synchronous export, without `format`. `part_customers` is how many customers a
    partition should have, None for what suits the format. `since` is the job of which only the differences are wanted.
    """

    job_id: str
    created_at: datetime
    customers: Chosen
    layout: Layout
    format: str
    parameters: tuple[tuple[str, str], ...] = ()
    part_customers: int | None = None
    since: str | None = None

    def members(self) -> dict[str, object]:
        """Give the order as JSON members."""
        return {
            "jobId": self.job_id,
            "createdAt": self.created_at.isoformat(),
            "customers": self.customers.members(),
            "layout": self.layout.value,
            "format": self.format,
            "parameters": [list(pair) for pair in self.parameters],
            "partCustomers": self.part_customers,
            "since": self.since,
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "BulkOrder":
        """Read it back."""
        return cls(
            job_id=members["jobId"],
            created_at=datetime.fromisoformat(members["createdAt"]),
            customers=Chosen.of_members(members["customers"]),
            layout=Layout(members["layout"]),
            format=members["format"],
            parameters=tuple((name, value) for name, value in members["parameters"]),
            part_customers=members["partCustomers"],
            since=members["since"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """The `number`-th part (from 0) of a job's customers: those of `ids`, or those with `after` < key <= `through`.

    The order is the database's own; None is no bound. `customers` is how many there should be, by the plan.
    """

    number: int
    customers: int
    after: KeyBound | None = None
    through: KeyBound | None = None
    ids: tuple[str, ...] | None = None

    def members(self) -> dict[str, object]:
        """Give the partition as JSON members."""
        return {
            "number": self.number,
            "customers": self.customers,
            "after": self.after,
            "through": self.through,
            "ids": None if self.ids is None else list(self.ids),
        }

    @classmethod
    def of_members(cls, members: Mapping[str, Any]) -> "Partition":
        """Read it back."""
        ids = members.get("ids")
        return cls(
            number=members["number"],
            customers=members["customers"],
            after=members["after"],
            through=members["through"],
            ids=None if ids is None else tuple(ids),
        )
