"""What a look into the data tells whoever writes a map."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How many different values of a sample were compared with another table's column, and how many it has."""

    compared: int
    found: int

    @property
    def share(self) -> float:
        """The part that was found, between 0 and 1; 0 where there was nothing to compare."""
        return self.found / self.compared if self.compared else 0.0
