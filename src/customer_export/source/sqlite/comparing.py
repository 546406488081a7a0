"""SQLite compares texts by the collation of a column, where one is declared: NOCASE and RTRIM take more for equal.

Here equal is what has the same characters. The collation's own comparison stays beside it, for the index that has it.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from customer_export.source.comparing import Compared, Expression, PlainComparing, family_of

COLLATES = "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%COLLATE%'"
"""Whether any column may have a collation: where none has one, a comparison is enough."""
_NUMBERS = frozenset({"integer", "numeric"})


class SqliteComparing:
    """How values are compared in a database with collations."""

    def __init__(self) -> None:
        self._plain = PlainComparing()

    def equal(self, one: Compared, other: Compared, *, ignore_case: bool = False) -> Expression:
        """Compare as the collation does, and then exactly."""
        equal = self._plain.equal(one, other, ignore_case=ignore_case)
        return equal if ignore_case or _is_number(one) else sa.and_(equal, _exact(one) == other.value)

    def paired(
        self, ones: Sequence[Compared], others: Sequence[Compared]
    ) -> tuple[Sequence[Expression], Sequence[Expression]]:
        """Compare each pair twice, likewise."""
        texts = [(one, other) for one, other in zip(ones, others, strict=True) if not _is_number(one)]
        return (
            [*(one.value for one in ones), *(_exact(one) for one, _ in texts)],
            [*(other.value for other in others), *(other.value for _, other in texts)],
        )


def _is_number(compared: Compared) -> bool:
    return compared.stored is not None and family_of(compared.stored) in _NUMBERS


def _exact(compared: Compared) -> Expression:
    return sa.collate(compared.value, "BINARY")
