"""Which table is taken for the customers', and what is said where none can be."""

import pytest

from customer_export.errors import CustomerTableError
from customer_export.mapping.customer_table import find_customer_table, rank_customer_tables, require_key
from customer_export.mapping.words import common_prefix, map_name, singular, words_of
from customer_export.model.catalogue import Catalogue, CatalogueColumn, CatalogueTable, ForeignKey, Kind
from customer_export.model.customer_map import TableName


def table(name: str, *columns: str, key: str | None = "id", to: str | None = None) -> CatalogueTable:
    names = dict.fromkeys([*([key] if key else []), *columns, *([f"{to}_id"] if to else [])])
    return CatalogueTable(
        name=TableName(None, name),
        is_view=False,
        columns=tuple(CatalogueColumn(name=one, type="text", kind=Kind.TEXT, nullable=True) for one in names),
        primary_key=(key,) if key else (),
        unique_keys=((key,),) if key else (),
        foreign_keys=(ForeignKey(columns=(f"{to}_id",), table=TableName(None, to), to=("id",)),) if to else (),
        indexes=(),
    )


def catalogue(*tables: CatalogueTable) -> Catalogue:
    return Catalogue(server="SQLite 3", tables={one.name: one for one in tables})


def ranked(*tables: CatalogueTable) -> list[str]:
    return [str(one.table) for one in rank_customer_tables(catalogue(*tables))]


@pytest.mark.parametrize(
    "name",
    ["customers", "Customer", "tbl_kunden", "clientes", "res_partner", "auth_user", "wp_users", "customer_entity",
     "account_user", "klanten", "members", "CLIENT", "patients", "顧客"],
)  # fmt: skip
def test_a_table_of_customers_is_found_in_many_languages_and_habits(name: str) -> None:
    others = [table(one, "name") for one in ("products", "customer_group", "customer_address", "settings", "countries")]
    assert ranked(*others, table(name, "name", "email"))[:1] == [name]


def test_the_table_that_the_others_lead_to_stands_before_its_peers() -> None:
    found = ranked(
        table("members", "email"), table("users", "email"), table("orders", to="users"), table("carts", to="users")
    )
    assert found == ["users", "members"]


def test_without_keys_the_table_that_columns_are_called_after_stands_before_its_peers() -> None:
    others = [table(one, "party") for one in ("sale_sale", "account_invoice", "party_address", "party_contact")]
    found = ranked(table("company_member", "name"), table("party_party", "name"), *others)
    assert found[:2] == ["party_party", "company_member"]


def test_staff_stand_behind_customers_and_tables_of_things_nowhere() -> None:
    found = ranked(table("employee", "name", "email"), table("customer", "name"), table("products", "name"))
    assert found == ["customer", "employee"]


def test_a_name_is_found_in_any_case_and_a_wrong_one_told_with_likely_ones() -> None:
    known = catalogue(table("Customers", "name"))
    assert str(find_customer_table(known, "customers").name) == "Customers"
    with pytest.raises(CustomerTableError, match=r"There is no table 'custmers' .* likely ones are Customers"):
        find_customer_table(known, "custmers")


def test_a_table_without_a_key_is_told_with_the_remedy() -> None:
    visitors = table("visitors", "name", key=None)
    with pytest.raises(CustomerTableError, match=r"no key of one column.*--key COLUMN"):
        require_key(visitors, None)
    assert require_key(visitors, "name") == "name"
    with pytest.raises(CustomerTableError, match="no column 'nme'; it has name"):
        require_key(visitors, "nme")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CustomerID", ("customer", "id")),
        ("tbl_kunden_nr", ("tbl", "kunden", "nr")),
        ("größe", ("groesse",)),
        ("HTTPServer2", ("http", "server", "2")),
        ("名前", ("名前",)),
        ("", ()),
    ],
)
def test_a_name_is_taken_apart_into_words(name: str, expected: tuple[str, ...]) -> None:
    assert words_of(name) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [("orders", "order"), ("addresses", "address"), ("categories", "category"), ("boxes", "box"), ("status", "status")],
)
def test_plurals_are_known(word: str, expected: str) -> None:
    assert singular(word) == expected


def test_names_for_maps_are_ascii_short_and_differ() -> None:
    assert map_name("Unit Price", [], fallback="c") == "unit_price"
    assert map_name("Straße", [], fallback="c") == "strasse"
    assert map_name("名前", [], fallback="column_3") == "column_3"
    assert map_name("2nd", [], fallback="c") == "c_2nd"
    assert map_name("a b", ["a_b"], fallback="c") == "a_b_2"
    assert len(map_name("x" * 90, ["x" * 63], fallback="c")) == 63


def test_what_stands_before_most_names_is_a_prefix() -> None:
    assert common_prefix(["wp_users", "wp_posts", "wp_links", "wp_terms"]) == ("wp",)
    assert common_prefix(["order_items", "order_lines", "users", "products"]) == ()
