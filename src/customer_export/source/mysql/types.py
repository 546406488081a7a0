"""The types of MySQL's columns, as information_schema and as the protocol spell them."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from pymysql.constants import FIELD_TYPE, FLAG
from sqlalchemy.dialects import mysql
from sqlalchemy.types import NullType, TypeEngine

from customer_export.model.columns import Cell
from customer_export.source.mysql.connection import ResultColumn

_NAME = re.compile(r"\w+", re.ASCII)
_BINARY_CHARSET = 63  # the number of the character set that is none
_NOT_FIXED = 31  # the scale that the protocol gives a FLOAT or DOUBLE without one

_INTEGERS: Mapping[str, Any] = {
    "tinyint": mysql.TINYINT,
    "smallint": mysql.SMALLINT,
    "mediumint": mysql.MEDIUMINT,
    "int": mysql.INTEGER,
    "bigint": mysql.BIGINT,
}
_FLOATS: Mapping[str, Any] = {"float": mysql.FLOAT, "double": mysql.DOUBLE}
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_SHAPES = ("point", "linestring", "polygon")
_GEOMETRIES = frozenset(
    {"geometry", "geometrycollection", "geomcollection", *_SHAPES, *(f"multi{shape}" for shape in _SHAPES)}
)
_OTHERS: Mapping[str, TypeEngine[Any]] = {
    "date": sa.Date(),
    "datetime": mysql.DATETIME(),
    "timestamp": mysql.TIMESTAMP(),
    "time": mysql.TIME(),
    "year": mysql.YEAR(),
    "json": mysql.JSON(),
    "uuid": sa.Uuid(),
}
_STRINGS = frozenset(
    {FIELD_TYPE.STRING, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR, FIELD_TYPE.ENUM, FIELD_TYPE.SET, FIELD_TYPE.BLOB}
    | {FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB}
)
_OF_PROTOCOL: Mapping[int, str] = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.DECIMAL: "decimal",
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.BIT: "bit",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
}


class MysqlGeometry(NullType):
    """Any of the spatial types."""


class MysqlBytes(sa.LargeBinary):
    """BINARY, VARBINARY or a BLOB; `length` is the most bytes it may have."""


def declared_type(
    *, data_type: Cell, column_type: Cell, length: Cell, charset: Cell, collation: Cell, precision: Cell, scale: Cell
) -> TypeEngine[Any]:
    """Give the type of a column of a table, as information_schema.columns has it."""
    name, spelling = str(data_type).lower(), str(column_type).lower()
    unsigned, zerofill = "unsigned" in spelling, "zerofill" in spelling
    if name in _INTEGERS:
        return _integer(name, unsigned=unsigned, zerofill=zerofill)
    if name == "decimal":
        return mysql.DECIMAL(_number(precision), _number(scale), unsigned=unsigned, zerofill=zerofill)
    if name in _FLOATS:
        decimals = _number(scale)
        return _floating(name, None if decimals is None else _number(precision), decimals, zerofill=zerofill)
    if name == "bit":
        return mysql.BIT(_number(precision))
    if name in _TEXTS:
        return mysql.VARCHAR(_number(length), charset=_name(charset), collation=_name(collation))
    if name in _BYTES:
        return MysqlBytes(_number(length))
    return MysqlGeometry() if name in _GEOMETRIES else _OTHERS.get(name, NullType())


def described_type(column: ResultColumn) -> TypeEngine[Any]:
    """Give the type of a column of a result, as the protocol describes it."""
    name = _OF_PROTOCOL.get(column.kind, "")
    if column.kind in _STRINGS:
        return MysqlBytes(column.length) if column.charset == _BINARY_CHARSET else mysql.VARCHAR()
    unsigned, zerofill = bool(column.flags & FLAG.UNSIGNED), bool(column.flags & FLAG.ZEROFILL)
    if name in _INTEGERS:
        return _integer(name, unsigned=unsigned, zerofill=zerofill)
    if name == "decimal":
        return mysql.DECIMAL(None, column.scale, unsigned=unsigned, zerofill=zerofill)
    if name in _FLOATS:
        fixed = column.scale < _NOT_FIXED
        return _floating(name, *((column.length, column.scale) if fixed else (None, None)), zerofill=zerofill)
    if name == "bit":
        return mysql.BIT(column.length)
    return MysqlGeometry() if name == "geometry" else _OTHERS.get(name, NullType())


def _integer(name: str, *, unsigned: bool, zerofill: bool) -> TypeEngine[Any]:
    integer: TypeEngine[Any] = _INTEGERS[name](unsigned=unsigned, zerofill=zerofill)
    return integer


def _floating(name: str, precision: int | None, scale: int | None, *, zerofill: bool) -> TypeEngine[Any]:
    floating: TypeEngine[Any] = _FLOATS[name](precision, scale, zerofill=zerofill)
    return floating


def _number(text: Cell) -> int | None:
    return None if text is None else int(text)


def _name(text: Cell) -> str | None:
    """Hold the name of a character set or collation to letters, since it goes into statements."""
    assert text is None or _NAME.fullmatch(text), "no name of a character set"
    return text
