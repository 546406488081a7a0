"""When two values are equal: what databases understand differently, and links, look-ups and keys must not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine

Expression: TypeAlias = sa.ColumnElement[Any]

_FAMILIES = {sa.Integer: "integer", sa.Numeric: "numeric", sa.Uuid: "uuid", sa.String: "text"}
TEXT: TypeEngine[Any] = sa.Text()
FAMILIES = (*_FAMILIES.values(), "other")


def family_of(kind: TypeEngine[object]) -> str:
    """Name the types that a database compares with one another without being told how."""
    return next((name for base, name in _FAMILIES.items() if isinstance(kind, base)), "other")


@dataclass(frozen=True, slots=True)
class Compared:
    """A value that is compared, and its stored type: of a parameter none, so that it takes the other's."""

    value: Expression
    stored: TypeEngine[object] | None


class Comparing(Protocol):
    """How a database compares values exactly: letters by their code points, and nothing padded away."""

    def equal(self, one: Compared, other: Compared, *, ignore_case: bool = False) -> Expression:
        """Give the condition that two values are equal. An index on `one` should serve."""

    def paired(
        self, ones: Sequence[Compared], others: Sequence[Compared]
    ) -> tuple[Sequence[Expression], Sequence[Expression]]:
        """Give what `ones` IN (SELECT `others`) has to compare for all of them to be equal."""


class PlainComparing:
    """For databases whose `=` is exact."""

    def equal(self, one: Compared, other: Compared, *, ignore_case: bool = False) -> Expression:
        """Compare as it is."""
        if ignore_case:
            return sa.func.lower(one.value) == sa.func.lower(other.value)
        return one.value == other.value

    def paired(
        self, ones: Sequence[Compared], others: Sequence[Compared]
    ) -> tuple[Sequence[Expression], Sequence[Expression]]:
        """Compare as it is."""
        return [one.value for one in ones], [other.value for other in others]


def constant(sql: str) -> Expression:
    """Write a constant of this program's (never data) into a statement."""
    return sa.literal_column(sql)


class TextConstant(FunctionElement[str]):
    """A text that a map has, in which no quotation mark can be (source/map_document.py)."""

    type = TEXT
    inherit_cache = False

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__()


@compiles(TextConstant)
def _text_constant(element: TextConstant, compiler: SQLCompiler, **options: object) -> str:  # noqa: ARG001
    return f"'{element.text}'"


@compiles(TextConstant, "postgresql")
def _text_constant_in_postgresql(element: TextConstant, compiler: SQLCompiler, **options: object) -> str:  # noqa: ARG001
    return f"'{element.text}'" if "\\" not in element.text else "E'{}'".format(element.text.replace("\\", "\\\\"))


@compiles(TextConstant, "mysql")
def _text_constant_in_mysql(element: TextConstant, compiler: SQLCompiler, **options: object) -> str:  # noqa: ARG001
    return f"_utf8mb4 X'{element.text.encode().hex()}'"  # which no mode of the server reads otherwise


def is_zero(value: Expression) -> Expression:
    """Give the condition that a number is 0 or NULL.

    It is written so that no index serves it: one on the column would find every guest's rows, where the link's other
    column has an index that finds one guest's.
    """
    return sa.func.coalesce(value, constant("0")) == constant("0")


def parameter(name: str) -> sa.BindParameter[object]:
    """Make a parameter without a type, so that the database takes the type of what it is compared with."""
    return sa.bindparam(name, type_=NullType())
