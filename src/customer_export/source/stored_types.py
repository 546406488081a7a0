"""What a stored type is for: SQLAlchemy's types of all databases, as the few kinds that maps are written by."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

from customer_export.model.catalogue import Kind

_KINDS: tuple[tuple[Kind, tuple[type[TypeEngine[Any]], ...]], ...] = (
    (Kind.ENUM, (sa.Enum,)),
    (Kind.UUID, (sa.Uuid,)),
    (Kind.JSON, (sa.JSON,)),
    (Kind.ARRAY, (sa.ARRAY,)),
    (Kind.BOOLEAN, (sa.Boolean, mysql.BIT)),
    (Kind.INTEGER, (sa.Integer, mysql.YEAR)),
    (Kind.FLOAT, (sa.Float,)),
    (Kind.DECIMAL, (sa.Numeric, postgresql.MONEY)),
    (Kind.TIMESTAMP, (sa.DateTime,)),
    (Kind.DATE, (sa.Date,)),
    (Kind.TIME, (sa.Time,)),
    (Kind.BINARY, (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)),
    (Kind.TEXT, (sa.String, postgresql.CITEXT)),
)
"""In the order of asking: an enumeration is also a string to SQLAlchemy, and a float also a number."""


def stored_type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Look through a domain, and a domain over it, to the type whose values it narrows."""
    return stored_type(kind.data_type) if isinstance(kind, postgresql.DOMAIN) else kind


def kind_of(reflected: TypeEngine[Any]) -> Kind:
    """Say what a type is for. MySQL's `tinyint(1)` and `bit(1)` are its booleans."""
    kind = stored_type(reflected)
    if isinstance(kind, mysql.TINYINT) and kind.display_width == 1:
        return Kind.BOOLEAN
    if isinstance(kind, mysql.BIT) and kind.length not in (None, 1):
        return Kind.BINARY
    return next((name for name, types in _KINDS if isinstance(kind, types)), Kind.OTHER)
