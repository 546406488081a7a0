"""Text of a database that does not know its encoding: SQL_ASCII hands out whatever bytes were put in."""

from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from customer_export.source.invalid_text import READ_AS


def knows_encoding(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server makes UTF-8 of its texts, so that their bytes can be passed on unread."""
    return connection.info.parameter_status("server_encoding") != "SQL_ASCII"


class AnyTextLoader(Loader):
    """Reads bytes as UTF-8; what is none is to be mended (source/invalid_text.py)."""

    def load(self, data: Buffer) -> str:
        """Read a cell."""
        return bytes(data).decode(errors=READ_AS)
