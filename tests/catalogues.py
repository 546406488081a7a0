"""Catalogues for tests, of tables as SQL creates them."""

import sqlite3

import sqlalchemy as sa

from customer_export.model.catalogue import Catalogue
from customer_export.source.catalogue import read_catalogue

CUSTOMERS = "CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name TEXT, email TEXT);"


def catalogue_of(statements: str) -> Catalogue:
    """Describe a database in SQLite that has the table `customers` and what these statements create."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:")
        connection.executescript(CUSTOMERS + statements)
        return connection

    with sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.StaticPool).connect() as connection:
        return read_catalogue(connection)
