"""What a look into the data tells whoever writes a map."""

from dataclasses import dataclass

from customer_export.model.customer_map import Conditions, TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is looked for: values of `columns` of `table`, among `to` of `target`.

    Of the table's rows only those count that a link's step with the same conditions would follow. `as_text`: the types
    may differ.
    """

    table: TableName
    columns: tuple[str, ...]
    target: TableName
    to: tuple[str, ...]
    ignore_case: bool = False
    only_if_null: tuple[str, ...] = ()
    only_if_zero: tuple[str, ...] = ()
    only_if: Conditions = ()
    as_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How many different values of a sample were compared with another table's column, and how many it has."""

    compared: int
    found: int

    @property
    def share(self) -> float:
        """The part that was found, between 0 and 1; 0 where there was nothing to compare."""
        return self.found / self.compared if self.compared else 0.0
