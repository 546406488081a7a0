"""What came of a map's rules: totals that are the sums of their parts, and those that are not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TotalMismatch:
    """A total that is not the sum of its parts; `difference` is what the total has more. Plain decimals."""

    key: str
    currency: str | None
    total: str
    sum: str
    difference: str

    def members(self) -> dict[str, object]:
        """Give the mismatch as JSON members (docs/manifest.md)."""
        return {name: getattr(self, name) for name in ("key", "currency", "total", "sum", "difference")}


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsCheck:
    """What came of a rule: how many totals were checked, how many do not add up, the first of those; or why not."""

    rule: str
    checked: int = 0
    mismatched: int = 0
    samples: tuple[TotalMismatch, ...] = ()
    not_checked: str | None = None

    @property
    def label(self) -> str:
        """What people read of the rule: `items_make_the_total` becomes `Items make the total`."""
        return self.rule.replace("_", " ").strip().capitalize()

    def members(self) -> dict[str, object]:
        """Give the check as JSON members (docs/manifest.md)."""
        return {
            "rule": self.rule,
            "checked": self.checked,
            "mismatched": self.mismatched,
            "samples": [sample.members() for sample in self.samples],
            "notChecked": self.not_checked,
        }
