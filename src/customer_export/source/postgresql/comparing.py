"""When two of PostgreSQL's values are equal.

PostgreSQL has no `=` between a number and a text, and takes different texts for equal in a `citext` or under a
nondeterministic collation. Here values are equal if their texts are, and an index on the first one serves.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from customer_export.source.comparing import TEXT, Compared, Expression
from customer_export.source.postgresql.literals import sql_constant, sql_text
from customer_export.source.postgresql.types import BPCHAR, LooseChar, LooseText, NamedType

_Sides: TypeAlias = tuple[list[Expression], list[Expression]]
"""What has to equal what, pair by pair."""

_LOOSE = (LooseText, LooseChar)
_KINDS: tuple[tuple[str, tuple[type[TypeEngine[Any]], ...]], ...] = (
    ("integer", (sa.Integer,)),
    ("number", (sa.Numeric, sa.Float)),
    ("uuid", (sa.Uuid,)),
    ("enum", (sa.Enum,)),
    ("text", (sa.String,)),
)
_INTEGER = "^(0|-?[1-9][0-9]{0,18})$"
_LEAST, _MOST = "-9223372036854775808", "9223372036854775807"
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class PostgresqlComparing:
    """Compares the values of one map's database; `key` is the stored type of the customer's key."""

    def __init__(self, *, key: TypeEngine[object]) -> None:
        self._key = key

    def equal(self, one: Compared, other: Compared, *, ignore_case: bool = False) -> Expression:
        """Give the condition that two values are equal."""
        if one.stored is TEXT:  # made by a cast, so there is no index to serve
            return _bytewise(one.value) == _text_of(other)
        ours, theirs = _lowered(one, other) if ignore_case else self._same(one, other)
        return sa.and_(*(mine == yours for mine, yours in zip(ours, theirs, strict=True)))

    def paired(
        self, ones: Sequence[Compared], others: Sequence[Compared]
    ) -> tuple[Sequence[Expression], Sequence[Expression]]:
        """Give what `ones` IN (SELECT `others`) has to compare for all of them to be equal."""
        pairs = [self._same(one, other) for one, other in zip(ones, others, strict=True)]
        return [mine for ours, _ in pairs for mine in ours], [yours for _, theirs in pairs for yours in theirs]

    def _same(self, one: Compared, other: Compared) -> _Sides:
        return self._key_sides(one, other) if other.stored is None else _column_sides(one, other)

    def _key_sides(self, one: Compared, key: Compared) -> _Sides:
        """Compare a column with the customer's key, which comes as a text, or where it is of one type, as that."""
        text, kind, foreign = _text_of(key), kind_of(one.stored), kind_of(one.stored) != kind_of(self._key)
        match kind:
            case "integer":
                return [one.value], [_integer_of(text) if foreign else sa.cast(key.value, sa.BigInteger)]
            case "uuid":
                return [one.value], [_uuid_of(text) if foreign else sa.cast(key.value, sa.Uuid)]
            case "number" if not foreign or kind_of(self._key) == "integer":
                return [one.value], [sa.cast(text, sa.Double if isinstance(one.stored, sa.Float) else sa.Numeric)]
            case "text":
                loose = isinstance(one.stored, _LOOSE) and not isinstance(self._key, _LOOSE)
                padded = isinstance(one.stored, sa.CHAR) and not isinstance(self._key, sa.CHAR)
                return _text_sides(one, _like(one.stored, text), text if loose or padded else None)
            case _:
                return [sa.cast(one.value, sa.Text)], [text]


def kind_of(stored: TypeEngine[object] | None) -> str:
    """Name the types that PostgreSQL compares with one another."""
    return next((name for name, types in _KINDS if isinstance(stored, types)), "other")


def _column_sides(one: Compared, other: Compared) -> _Sides:
    """Compare two columns."""
    kinds = (kind_of(one.stored), kind_of(other.stored))
    match kinds:
        case ("integer" | "number", "integer" | "number") | ("uuid", "uuid"):
            return [one.value], [other.value]
        case ("integer", "text"):
            return [one.value], [_integer_of(_text_of(other))]
        case ("uuid", "text"):
            return [one.value], [_uuid_of(_text_of(other))]
        case ("text", "text"):
            strict = any(isinstance(one.stored, kind) != isinstance(other.stored, kind) for kind in (_LOOSE, sa.CHAR))
            mine, yours = _collated(one, other, one.value, other.value)
            return _text_sides(
                Compared(mine, one.stored), _like(one.stored, yours), _text_of(other) if strict else None
            )
        case ("text", _):
            return _text_sides(one, _like(one.stored, _text_of(other)), _text_of(other))
        case ("enum" | "other", _) if _are_alike(one, other):
            return [one.value], [other.value]
        case _:
            return [_text_of(one)], [_text_of(other)]


def _text_sides(one: Compared, yours: Expression, exact: Expression | None) -> _Sides:
    """Compare a text, and its bytes with those of `exact` where different texts may be equal."""
    if exact is None:
        return [one.value], [yours]
    return [one.value, _bytewise(_text_of(one))], [yours, exact]


def _lowered(one: Compared, other: Compared) -> _Sides:
    """Compare two texts without regard to case, and to nothing else."""
    mine, yours = _collated(one, other, _lower(one), _lower(other))
    loose = [isinstance(side.stored, _LOOSE) for side in (one, other)]
    if all(loose):  # an index on the column itself serves
        return [one.value, _bytewise(mine)], [other.value, yours]
    return [_bytewise(mine) if any(loose) else mine], [yours]


def _lower(side: Compared) -> Expression:
    value = side.value if kind_of(side.stored) == "text" else _text_of(side)
    return sa.func.pg_catalog.lower(value)


def _collated(one: Compared, other: Compared, mine: Expression, yours: Expression) -> tuple[Expression, Expression]:
    """Settle between the collations of two columns, which PostgreSQL would not; the first one's has the index."""
    first, second = (getattr(side.stored, "collation", None) or "default" for side in (one, other))
    if second in (first, "default"):
        return mine, yours
    return (mine, sa.collate(yours, "default")) if first == "default" else (_bytewise(mine), yours)


def _like(stored: TypeEngine[object] | None, text: Expression) -> Expression:
    """Make of a text what an index on a column of that type can be searched by."""
    if isinstance(stored, LooseText) and stored.citext is not None:
        return sa.cast(text, NamedType(stored.citext))
    return sa.cast(text, BPCHAR) if isinstance(stored, sa.CHAR) else text


def _are_alike(one: Compared, other: Compared) -> bool:
    if isinstance(one.stored, sa.Enum) and isinstance(other.stored, sa.Enum):
        return one.stored.name == other.stored.name
    return type(one.stored) is type(other.stored) and not isinstance(one.stored, sa.types.NullType)


def _text_of(side: Compared) -> Expression:
    return sa.cast(side.value, sa.Text)


def _bytewise(text: Expression) -> Expression:
    return sa.collate(text, "C")


def _integer_of(text: Expression) -> Expression:
    """Read a text that is a bigint's; NULL of any other, instead of an error."""
    within = sa.cast(text, sa.Numeric).between(sql_constant(_LEAST), sql_constant(_MOST))
    whole = sa.case((within, sa.cast(text, sa.BigInteger)))
    return sa.case((_bytewise(text).regexp_match(sql_text(_INTEGER)), whole))


def _uuid_of(text: Expression) -> Expression:
    return sa.case((_bytewise(text).regexp_match(sql_text(_UUID)), sa.cast(text, sa.Uuid)))
