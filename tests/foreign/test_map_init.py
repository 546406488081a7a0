"""Maps that `map init` writes of databases that nobody here designed work unedited, and miss no row of ten people."""

from dataclasses import dataclass

import pytest
from foreign_database import ForeignDatabase

from customer_export.model.request import Period
from databases import LONG, opened
from drafts import Drafted, drafted


@dataclass(frozen=True)
class Product:
    """A product's customer table, and tables that a map of ours cannot know the rows of, with the reason."""

    customer: str
    beyond: frozenset[str] = frozenset()


OSCAR, CHINOOK = Product("auth_user"), Product("Customer")
PRODUCTS = {
    "oscar_sqlite": OSCAR,
    "oscar_postgresql": OSCAR,
    "advertising_postgresql": Product("companies"),
    "chinook_sqlite": CHINOOK,
    "chinook_postgresql": CHINOOK,
    # what products are called in each language is the shop's
    "vendure_postgresql": Product("customer", frozenset({"product_variant_translation"})),
    # topics are of posts or links by another table
    "wordpress_mariadb": Product("wp_users", frozenset({"wp_term_relationships"})),
}


@pytest.fixture(scope="module", params=PRODUCTS)
def product(request: pytest.FixtureRequest) -> tuple[ForeignDatabase, Product, Drafted]:
    database: ForeignDatabase = request.getfixturevalue(request.param)
    known = PRODUCTS[request.param]
    return database, known, drafted(database.url, known.customer, by_email=True)


def test_the_export_has_every_row_that_hand_written_sql_counts(
    product: tuple[ForeignDatabase, Product, Drafted],
) -> None:
    database, known, draft = product
    with opened(database.url, draft.map, connections=1) as source:
        for customer in database.customers:
            counted: dict[str, int] = {}
            with source.snapshot(time_zone="UTC", time_limit=LONG) as snapshot:
                found = snapshot.find(str(customer), draft.map.sections, Period())
                assert found is not None
                for section, stream in zip(draft.map.sections, found.sections, strict=True):
                    table = draft.section(section.name).table.name
                    counted[table] = counted.get(table, 0) + stream.rows
            expected = database.rows_of(customer)
            missed = {
                table: (counted.get(table, 0), rows)
                for table, rows in expected.items()
                if table not in known.beyond and counted.get(table, 0) != rows
            }
            assert missed == {}, customer


def test_the_map_covers_all_that_reaches_the_customer(product: tuple[ForeignDatabase, Product, Drafted]) -> None:
    _, _, draft = product
    assert draft.coverage.whole


def test_no_password_or_token_is_in_the_map(product: tuple[ForeignDatabase, Product, Drafted]) -> None:
    _, _, draft = product
    shown = {column.source.name.lower() for section in draft.map.sections for column in section.columns}
    assert not {
        name for name in shown if name.endswith(("password", "password_hash", "passwordhash", "token", "user_pass"))
    }
