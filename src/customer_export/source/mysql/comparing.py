"""MySQL compares texts by a collation: without regard to case, to accents, to blanks at their ends.

Here equal is what has the same characters. The collation's own comparison stays beside it, because an index serves
only that: it finds candidates, and the bytes of the text in UTF-8 decide.
"""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from customer_export.model.customer_map import KeyType
from customer_export.source.comparing import Compared, Expression, constant, family_of
from customer_export.source.mysql.types import MysqlBytes, MysqlGeometry
from customer_export.source.mysql.url import CHARSET

UUID_BYTES = 16
_PLAIN_FAMILIES = frozenset({"integer", "numeric"})
_UNICODE = f"{CHARSET}_general_ci"  # every MySQL and MariaDB has it
_IGNORING_CASE = re.compile(r"\w+_(general|unicode|unicode_520|0900_a[is]|uca1400(_nopad)?_a[is])_ci|latin1_swedish_ci")
"""Collations to which letters of either case are equal in every language."""


class _Converted(FunctionElement[str]):
    """A text in another character set."""

    type = sa.Text()
    inherit_cache = False

    def __init__(self, value: Expression, charset: str) -> None:
        self.charset = charset
        super().__init__(value)


@compiles(_Converted, "mysql")
def _converted(element: _Converted, compiler: SQLCompiler, **options: object) -> str:
    return f"CONVERT({compiler.process(element.clauses, **options)} USING {element.charset})"


def in_unicode(value: Expression) -> Expression:
    """Give a text in UTF-8."""
    return _Converted(value, CHARSET)


def bytes_of_text(value: Expression) -> Expression:
    """Give the bytes of a text in UTF-8, which compare exactly."""
    return sa.cast(in_unicode(value), mysql.BINARY())


def is_uuid_bytes(stored: TypeEngine[Any]) -> bool:
    """Whether a column may hold UUIDs in their sixteen bytes."""
    return isinstance(stored, MysqlBytes) and stored.length == UUID_BYTES


def uuid_text(value: Expression) -> Expression:
    """Write sixteen bytes as a UUID."""
    text = sa.func.hex(value)
    for place in ("9", "14", "19", "24"):
        text = sa.func.insert(text, constant(place), constant("0"), constant("'-'"))
    return sa.func.lower(text)


class MysqlComparing:
    """How values are compared where the customer's key is of type `key_type`."""

    def __init__(self, key_type: KeyType) -> None:
        self._key_type = key_type

    def equal(self, one: Compared, other: Compared, *, ignore_case: bool = False) -> Expression:
        """Compare texts by their characters, and anything else as MySQL does if both are of the same kind."""
        assert one.stored is not None  # a parameter is only ever the other
        if family_of(one.stored) == "text" and (other.stored is None or family_of(other.stored) == "text"):
            return _equal_texts(one.value, one.stored, other.value, ignore_case=ignore_case)
        if other.stored is None:
            return one.value == self._parameter(one.stored, other.value)
        if _alike(one.stored, other.stored):
            return one.value == other.value
        return bytes_of_text(_text(one)) == bytes_of_text(_text(other))

    def _parameter(self, stored: TypeEngine[object], value: Expression) -> Expression:
        if self._key_type is KeyType.UUID and is_uuid_bytes(stored):
            return sa.func.unhex(sa.func.replace(value, constant("'-'"), constant("''")))
        return sa.cast(value, mysql.BINARY()) if isinstance(stored, MysqlBytes) else value

    def paired(
        self, ones: Sequence[Compared], others: Sequence[Compared]
    ) -> tuple[Sequence[Expression], Sequence[Expression]]:
        """Compare each text twice: by its collation, so that an index serves, and by its bytes."""
        left: list[Expression] = []
        right: list[Expression] = []
        for one, other in zip(ones, others, strict=True):
            assert one.stored is not None
            assert other.stored is not None
            if _alike(one.stored, other.stored):
                left.append(one.value)
                right.append(other.value)
                continue
            if family_of(one.stored) == family_of(other.stored) == "text":
                left.append(one.value)
                right.append(_like(other.value, one.stored))
            left.append(bytes_of_text(_text(one)))
            right.append(bytes_of_text(_text(other)))
        return left, right


def _alike(one: TypeEngine[object], other: TypeEngine[object]) -> bool:
    """Whether MySQL compares two kinds of value exactly."""
    ours, theirs = family_of(one), family_of(other)
    if "text" in (ours, theirs):
        return False
    return {ours, theirs} <= _PLAIN_FAMILIES or type(one) is type(other)


def _equal_texts(one: Expression, stored: TypeEngine[Any], other: Expression, *, ignore_case: bool) -> Expression:
    if not ignore_case:
        return sa.and_(one == _like(other, stored), bytes_of_text(one) == bytes_of_text(other))
    same = bytes_of_text(_lower(one)) == bytes_of_text(_lower(other))
    collation = getattr(stored, "collation", None)
    if collation is None or not _IGNORING_CASE.fullmatch(collation):
        return same
    return sa.and_(one == _like(other, stored), same)


def _like(value: Expression, stored: TypeEngine[Any]) -> Expression:
    """Give a text the character set and collation of a column, without which MySQL may refuse to compare them.

    What the character set lacks becomes `?`, and is told apart by its bytes.
    """
    charset, collation = getattr(stored, "charset", None), getattr(stored, "collation", None)
    if charset is None or collation is None:  # of an expression
        charset, collation = CHARSET, _UNICODE
    return sa.collate(_Converted(value, charset), collation)


def _lower(value: Expression) -> Expression:
    return sa.func.lower(sa.collate(in_unicode(value), _UNICODE))


def _text(compared: Compared) -> Expression:
    if compared.stored is not None and is_uuid_bytes(compared.stored):
        return uuid_text(compared.value)
    if isinstance(compared.stored, MysqlBytes | MysqlGeometry):
        return compared.value
    return sa.cast(compared.value, sa.Text)
