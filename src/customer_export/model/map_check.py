"""What a look at a map and its database found."""

from dataclasses import dataclass

from customer_export.model.coverage import Coverage
from customer_export.model.drift import Change
from customer_export.model.scans import FullScan


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCheck:
    """A map held against a database. `drift` is None if the map has not recorded what the database was like.

    `mismatches` are what the map names and the database lacks; with any of them no export can be made, and no query
    has a plan. `unanalysed` are the statements that give the planner statistics where it has none. `dsar` are what the
    map lacks for the answers to data subjects that it offers. Not `sees_all`: tables that the role has no right on may
    be missing from all of this.
    """

    map_name: str
    map_version: str
    server: str
    coverage: Coverage
    drift: tuple[Change, ...] | None
    mismatches: tuple[str, ...]
    scans: tuple[FullScan, ...]
    unanalysed: tuple[str, ...]
    sees_all: bool
    dsar: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is missing: the map covers everything, fits, and the database is as it was recorded."""
        return self.coverage.whole and not self.drift and not self.mismatches and not self.dsar

    @property
    def warnings(self) -> int:
        """How many things somebody should look at, though nothing is known to be missing."""
        coverage = self.coverage
        told = (self.scans, self.unanalysed, coverage.perhaps, coverage.unfollowed)
        return sum(map(len, told)) + (not self.sees_all)

    def members(self) -> dict[str, object]:
        """Give the check as JSON members (docs/map-check.md)."""
        return {
            "whole": self.whole,
            "warnings": self.warnings,
            "map": {"name": self.map_name, "version": self.map_version},
            "server": self.server,
            "seesAll": self.sees_all,
            **self.coverage.members(),
            "dsar": list(self.dsar),
            "mismatches": list(self.mismatches),
            "drift": None if self.drift is None else [change.members() for change in self.drift],
            "fullScans": [scan.members() for scan in self.scans],
            "withoutStatistics": list(self.unanalysed),
        }
