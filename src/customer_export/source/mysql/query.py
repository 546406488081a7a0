"""A query as a table of MySQL's: its columns as the protocol describes them, when no row is asked for."""

from collections.abc import Mapping
from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import ER
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import TypeEngine

from customer_export.model.customer_map import KeyType, Query
from customer_export.source.mysql.comparing import is_uuid_bytes
from customer_export.source.mysql.connection import MysqlConnection
from customer_export.source.mysql.dialect import text_of
from customer_export.source.mysql.failures import is_of_statement
from customer_export.source.mysql.types import described_type
from customer_export.source.query import QueryError, read_query
from customer_export.source.query_columns import QUERY_KEY, QueryColumns, query_table
from customer_export.source.schema import StoredType


def describe_query(connection: MysqlConnection, key_type: KeyType, query: Query, key: StoredType) -> QueryColumns:
    """Ask the server for a query's columns; `key` is the stored type of the customer's key.

    Raises QueryError where the query is wrong or two of its columns have one name.
    """
    in_bytes = key_type is KeyType.UUID and key is not None and is_uuid_bytes(key)
    name = f":{QUERY_KEY}"
    sql = read_query(query, "mysql", key=f"UNHEX(REPLACE({name}, '-', ''))" if in_bytes else name)
    try:
        types = described_types(connection, query_table(sql, []).alias("t"))
    except pymysql.Error as failure:
        code, told = (*failure.args, "")[:2]
        if code == ER.DUP_FIELDNAME:
            raise QueryError(f"gives several columns one name ({told}); name them apart: … AS name") from failure
        if is_of_statement(failure):
            raise QueryError(f"is refused by the database: {told}; correct it") from failure
        raise
    return QueryColumns(sql, types)


def described_types(connection: MysqlConnection, table: FromClause) -> Mapping[str, TypeEngine[Any]]:
    """Give the types of what can be selected from, by asking for no row of it. Raises pymysql.Error."""
    select = sa.select(sa.text("*")).select_from(table).limit(sa.literal_column("0"))
    columns = connection.describe(text_of(select), {QUERY_KEY: None})
    return {column.name: described_type(column) for column in columns}
