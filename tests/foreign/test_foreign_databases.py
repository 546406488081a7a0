"""Databases of other products are made by the products' own definitions, and hold what the tests of maps need."""

import pytest
from foreign_database import ForeignDatabase

DATABASES = (
    "oscar_sqlite",
    "oscar_postgresql",
    "chinook_sqlite",
    "chinook_postgresql",
    "vendure_postgresql",
    "wordpress_mariadb",
)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> ForeignDatabase:
    return request.getfixturevalue(request.param)


def test_ten_customers_are_counted(database: ForeignDatabase) -> None:
    assert len(set(database.customers)) == 10


def test_every_table_holds_rows_of_one_of_them(database: ForeignDatabase) -> None:
    counted = [database.rows_of(customer) for customer in database.customers]

    assert [table for table in database.owned if not any(rows[table] for rows in counted)] == []


def test_customers_differ(database: ForeignDatabase) -> None:
    counted = {tuple(database.rows_of(customer).values()) for customer in database.customers}

    assert len(counted) > 1
