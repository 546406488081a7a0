"""What a section's query reads in full, and the index that would spare it."""

from dataclasses import dataclass

from customer_export.model.customer_map import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class FullScan:
    """A section's query reads all of a table to find the rows of one customer.

    `rows` is how many there are, counted no further than `MANY_ROWS`. `remedy` is the statement that helps, None where
    no index does: of alternatives the database can follow only some by index, and through a view none is seen.
    """

    section: str
    table: TableName
    rows: int
    remedy: str | None

    @property
    def counted(self) -> str:
        """Say how many rows there are."""
        return f"{self.rows:,} rows" if self.rows < MANY_ROWS else f"{MANY_ROWS:,} rows or more"

    def members(self) -> dict[str, object]:
        """Give the scan as JSON members (docs/map-check.md)."""
        return {"section": self.section, "table": str(self.table), "rows": self.rows, "remedy": self.remedy}


MANY_ROWS = 1_000
"""Of fewer rows nothing is said: to read them takes less than a millisecond, about as long as one round trip."""
