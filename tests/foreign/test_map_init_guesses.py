"""What `map init` takes columns of real products for, where its guesses went wrong once."""

import pytest
from foreign_database import ForeignDatabase

from customer_export.model.columns import ColumnType
from drafts import Drafted, drafted


@pytest.fixture(scope="module", params=["oscar_sqlite", "oscar_postgresql"])
def oscar(request: pytest.FixtureRequest) -> Drafted:
    database: ForeignDatabase = request.getfixturevalue(request.param)
    return drafted(database.url, "auth_user", by_email=True)


@pytest.fixture(scope="module")
def chinook(chinook_sqlite: ForeignDatabase) -> Drafted:
    return drafted(chinook_sqlite.url, "Customer", by_email=True)


@pytest.mark.parametrize("section", ["order_line", "order_lineprice", "order_orderdiscount", "order_orderlinediscount"])
def test_an_amount_has_the_currency_of_the_order_and_not_of_the_catalogue(oscar: Drafted, section: str) -> None:
    assert oscar.column(section, "currency").source.lookup == "order"


@pytest.mark.parametrize("name", ["num_orders", "num_order_lines", "num_product_views"])
def test_a_number_of_things_is_a_number(oscar: Drafted, name: str) -> None:
    assert oscar.column("analytics_userrecord", name).type is ColumnType.INTEGER


def test_customers_are_not_searched_by_moments(oscar: Drafted) -> None:
    assert "last_login" not in oscar.map.customer.search
    assert "email" in oscar.map.customer.search


def test_the_state_of_an_address_is_no_status(chinook: Drafted) -> None:
    assert chinook.map.orders is not None
    assert (chinook.map.orders.section, chinook.map.orders.status) == ("invoice", None)


def test_the_state_of_an_order_is_its_status(oscar: Drafted) -> None:
    assert oscar.map.orders is not None
    assert oscar.map.orders.status == "status"
