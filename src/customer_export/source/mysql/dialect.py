"""SQLAlchemy's MySQL as the statements here are compiled to it, with parameters by name."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import pymysql

_DIALECT = pymysql.dialect(paramstyle="pyformat")


def text_of(statement: sa.Select[Any]) -> str:
    """Compile a statement."""
    return str(statement.compile(dialect=_DIALECT))
