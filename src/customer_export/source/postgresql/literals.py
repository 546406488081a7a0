"""Constants of this program in PostgreSQL's SQL. Data never comes here: it only comes in as parameters."""

import sqlalchemy as sa

from customer_export.source.comparing import Expression


def sql_constant(sql: str) -> Expression:
    """Write a number or a keyword into the statement."""
    return sa.literal_column(sql)


def sql_text(constant: str) -> sa.ColumnElement[str]:
    """Write a text into the statement."""
    escaped = constant.replace("'", "''").replace("\\", "\\\\").replace("\t", "\\t").replace("\r", "\\r")
    prefix = "E" if "\\" in escaped else ""
    return sa.literal_column(f"{prefix}'{escaped}'", type_=sa.Text())
