"""Masked cells as SQL: what is withheld never leaves the database, by whatever way a section is read."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from customer_export.model.columns import ColumnType, Mask

MASKED_TYPE: TypeEngine[Any] = sa.Text()
"""The type of whatever stands in a cell's place."""

WITHHELD: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text)

_STARS = sa.literal_column("'***'", type_=sa.Text())
_ZERO, _ONE = (sa.literal_column(number, type_=sa.Integer()) for number in "01")


def masked_cell(mask: Mask, kind: ColumnType, cell: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Give the expression of what stands in a cell's place (model/columns.py says what that is)."""
    if mask is Mask.WITHHOLD:
        return WITHHELD
    text = sa.cast(cell, sa.Text)
    begin = sa.case((_Length(text) > _ONE, sa.func.substr(text, _ONE, _ONE).concat(_STARS)), else_=_STARS)
    hidden = sa.case((text.is_not(None), begin))
    return hidden if kind is not ColumnType.EMAIL else sa.case((_is_address(text), _address(text)), else_=hidden)


def _is_address(text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a text has one @, and something before it: with two, nobody knows which begins the domain."""
    at, rest = _At(text), sa.func.substr(text, _At(text) + _ONE)
    return sa.and_(at > _ONE, _At(rest) == _ZERO)


def _address(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Keep the first of several characters before the @, and the domain."""
    first = sa.case((_At(text) > _ONE + _ONE, sa.func.substr(text, _ONE, _ONE)), else_=sa.literal_column("''"))
    return first.concat(_STARS).concat(sa.func.substr(text, _At(text)))


class _Length(FunctionElement[int]):
    """How many characters a text has."""

    type = sa.Integer()
    inherit_cache = True


@compiles(_Length)
def _length(element: _Length, compiler: SQLCompiler, **options: object) -> str:
    return f"length({compiler.process(element.clauses, **options)})"


@compiles(_Length, "mysql")
def _length_in_mysql(element: _Length, compiler: SQLCompiler, **options: object) -> str:
    return f"char_length({compiler.process(element.clauses, **options)})"  # length() counts bytes there


class _At(FunctionElement[int]):
    """The place of the first @, from 1; 0 if there is none."""

    type = sa.Integer()
    inherit_cache = True


@compiles(_At, "sqlite")
def _at_in_sqlite(element: _At, compiler: SQLCompiler, **options: object) -> str:
    return f"instr({compiler.process(element.clauses, **options)}, '@')"


@compiles(_At, "postgresql")
def _at_in_postgresql(element: _At, compiler: SQLCompiler, **options: object) -> str:
    # a collation that takes different characters for equal could find another one
    return f"strpos(({compiler.process(element.clauses, **options)}) COLLATE \"C\", '@')"


@compiles(_At, "mysql")
def _at_in_mysql(element: _At, compiler: SQLCompiler, **options: object) -> str:
    text = compiler.process(element.clauses, **options)
    return f"instr(convert({text} using utf8mb4) collate utf8mb4_bin, '@')"
