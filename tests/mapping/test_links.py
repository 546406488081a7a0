"""Which tables a draft follows, and by which links: every row of a customer, and nobody else's."""

import pytest

from databases import Database, SqliteDatabase
from drafts import Drafted, drafted

PEOPLE = """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), email VARCHAR(60));
INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com'), (2, 'Bob', 'bob@example.com'), (3, 'Cyd', NULL);
"""


def test_children_and_grandchildren_are_reached_through_their_parents(empty_database: Database) -> None:
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id));
CREATE TABLE order_items (
    id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), quantity INTEGER
);
CREATE TABLE item_options (
    id INTEGER NOT NULL PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES order_items (id), choice VARCHAR(9)
);
INSERT INTO orders VALUES (10, 1), (11, 1), (12, 2);
INSERT INTO order_items VALUES (100, 10, 1), (101, 11, 2), (102, 12, 3);
INSERT INTO item_options VALUES (1000, 100, 'red'), (1001, 102, 'blue');
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "orders": 2, "order_items": 2, "item_options": 1}
    assert draft.rows("2") == {"customers": 1, "orders": 1, "order_items": 1, "item_options": 1}
    assert [section.section.name for section in draft.draft.sections] == [
        "profile",
        "orders",
        "order_items",
        "item_options",
    ]
    assert draft.coverage.whole


def test_composite_keys_are_followed_as_a_whole(empty_database: Database) -> None:
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE orders (
    shop INTEGER NOT NULL, number INTEGER NOT NULL, customer_id INTEGER NOT NULL REFERENCES customers (id),
    PRIMARY KEY (shop, number)
);
CREATE TABLE order_lines (
    shop INTEGER NOT NULL, number INTEGER NOT NULL, line INTEGER NOT NULL, PRIMARY KEY (shop, number, line),
    FOREIGN KEY (shop, number) REFERENCES orders (shop, number)
);
INSERT INTO orders VALUES (1, 1, 1), (2, 1, 2);
INSERT INTO order_lines VALUES (1, 1, 1), (1, 1, 2), (2, 1, 1);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "orders": 1, "order_lines": 2}
    assert draft.rows("2") == {"customers": 1, "orders": 1, "order_lines": 1}
    assert [str(one) for one in draft.section("order_lines").section.order] == ["shop", "number", "line"]


def test_a_part_of_a_composite_key_leads_to_the_customer_where_the_rest_is_not_known(empty_database: Database) -> None:
    """A composite key with NULL in it holds a row to nothing, and says nothing of a parent; its tenant is there."""
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE campaigns (
    customer_id INTEGER NOT NULL REFERENCES customers (id), id INTEGER NOT NULL, PRIMARY KEY (customer_id, id)
);
CREATE TABLE ads (
    of_customer INTEGER NOT NULL, id INTEGER NOT NULL, campaign_id INTEGER, PRIMARY KEY (of_customer, id),
    FOREIGN KEY (of_customer, campaign_id) REFERENCES campaigns (customer_id, id)
);
CREATE TABLE clicks (
    id INTEGER NOT NULL PRIMARY KEY, customer INTEGER NOT NULL, ad_id INTEGER,
    FOREIGN KEY (customer, ad_id) REFERENCES ads (of_customer, id)
);
INSERT INTO campaigns VALUES (1, 1), (2, 1);
INSERT INTO ads VALUES (1, 1, 1), (1, 2, NULL), (2, 1, 1);
INSERT INTO clicks VALUES (1, 1, 1), (2, 1, NULL), (3, 2, 1), (4, 2, NULL);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "campaigns": 1, "ads": 2, "clicks": 2}
    assert draft.rows("2") == {"customers": 1, "campaigns": 1, "ads": 1, "clicks": 2}
    assert draft.coverage.whole


def test_several_keys_to_the_customer_are_links_of_one_section(empty_database: Database) -> None:
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, billing_customer_id INTEGER REFERENCES customers (id),
    shipping_customer_id INTEGER REFERENCES customers (id)
);
INSERT INTO orders VALUES (10, 1, 2), (11, 1, NULL), (12, NULL, NULL), (13, 2, 2);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "orders": 2}
    assert draft.rows("2") == {"customers": 1, "orders": 2}


def test_a_row_without_a_customer_belongs_to_that_of_its_parent(empty_database: Database) -> None:
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),
    returned_order_id INTEGER REFERENCES orders (id)
);
INSERT INTO orders VALUES (10, 1, NULL), (11, NULL, 10), (12, NULL, 11), (13, 2, 10), (14, NULL, NULL);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "orders": 3}
    assert draft.rows("2") == {"customers": 1, "orders": 1}


def test_tables_that_lead_to_each_other_end(empty_database: Database) -> None:
    empty_database.execute(
        """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), default_address_id INTEGER);
CREATE TABLE addresses (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), city VARCHAR(60)
);
CREATE TABLE carts (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), order_id INTEGER);
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),
    cart_id INTEGER REFERENCES carts (id), address_id INTEGER REFERENCES addresses (id)
);
INSERT INTO customers VALUES (1, 'Ada', 5), (2, 'Bob', 6);
INSERT INTO addresses VALUES (5, 1, 'Paris'), (6, 2, 'Rome'), (7, 2, 'Rome');
INSERT INTO carts VALUES (20, 1, 30), (21, 2, NULL);
INSERT INTO orders VALUES (30, 1, 20, 5), (31, NULL, 21, NULL), (32, NULL, NULL, 5);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "addresses": 1, "carts": 1, "orders": 1}
    assert draft.rows("2") == {"customers": 1, "addresses": 2, "carts": 1, "orders": 1}


def test_many_to_many_brings_the_names_of_what_is_shared_and_the_rows_of_what_is_not(
    empty_database: Database,
) -> None:
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE tags (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20));
CREATE TABLE customer_tags (
    customer_id INTEGER NOT NULL REFERENCES customers (id), tag_id INTEGER NOT NULL REFERENCES tags (id),
    PRIMARY KEY (customer_id, tag_id)
);
CREATE TABLE addresses (id INTEGER NOT NULL PRIMARY KEY, street VARCHAR(60), city VARCHAR(60), postcode VARCHAR(9));
CREATE TABLE customer_addresses (
    customer_id INTEGER NOT NULL REFERENCES customers (id), address_id INTEGER NOT NULL REFERENCES addresses (id),
    PRIMARY KEY (customer_id, address_id)
);
INSERT INTO tags VALUES (1, 'gold'), (2, 'late');
INSERT INTO customer_tags VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO addresses VALUES (5, 'A', 'Paris', '01'), (6, 'B', 'Rome', '02'), (7, 'C', 'Oslo', '03');
INSERT INTO customer_addresses VALUES (1, 5), (2, 6), (2, 7);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "customer_tags": 2, "customer_addresses": 1, "addresses": 1}
    assert draft.rows("2") == {"customers": 1, "customer_tags": 1, "customer_addresses": 2, "addresses": 2}
    assert str(draft.column("customer_tags", "tag").source) == "tag.name"
    assert draft.coverage.whole


def test_the_account_and_the_address_of_a_customer_are_theirs(empty_database: Database) -> None:
    empty_database.execute(
        """
CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(60), password VARCHAR(60));
CREATE TABLE address (id INTEGER NOT NULL PRIMARY KEY, street VARCHAR(60), city VARCHAR(60));
CREATE TABLE customer (
    id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER UNIQUE REFERENCES users (id), full_name VARCHAR(60),
    address_id INTEGER REFERENCES address (id)
);
CREATE TABLE logins (id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id));
INSERT INTO users VALUES (10, 'ada@example.com', 'x'), (11, 'bob@example.com', 'y'), (12, 'clerk@example.com', 'z');
INSERT INTO address VALUES (5, 'A', 'Paris'), (6, 'B', 'Rome');
INSERT INTO customer VALUES (1, 10, 'Ada', 5), (2, 11, 'Bob', 6);
INSERT INTO logins VALUES (100, 10), (101, 11), (102, 11), (103, 12);
"""
    )
    draft = drafted(empty_database.url, "customer")
    assert draft.rows("1") == {"customer": 1, "users": 1, "address": 1, "logins": 1}
    assert draft.rows("2") == {"customer": 1, "users": 1, "address": 1, "logins": 2}
    assert "password" in draft.left_out("users")
    assert draft.coverage.whole


MARKET = """
CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), email VARCHAR(60));
CREATE TABLE countries (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), updated_by INTEGER REFERENCES users (id));
CREATE TABLE products (
    id INTEGER NOT NULL PRIMARY KEY, title VARCHAR(60), seller_id INTEGER NOT NULL REFERENCES users (id)
);
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id),
    approved_by INTEGER REFERENCES users (id), country_id INTEGER REFERENCES countries (id)
);
CREATE TABLE order_items (
    id INTEGER NOT NULL PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES products (id),
    order_id INTEGER NOT NULL REFERENCES orders (id)
);
CREATE TABLE audits (id INTEGER NOT NULL PRIMARY KEY, country_id INTEGER REFERENCES countries (id));
INSERT INTO users VALUES (1, 'Ada', 'ada@example.com'), (2, 'Bob', 'bob@example.com');
INSERT INTO countries VALUES (7, 'France', 2);
INSERT INTO products VALUES (5, 'Lamp', 2), (6, 'Desk', 2);
INSERT INTO orders VALUES (10, 1, 2, 7), (11, 2, 2, 7);
INSERT INTO order_items VALUES (100, 5, 10), (101, 6, 10), (102, 5, 11);
INSERT INTO audits VALUES (1, 7);
"""


def test_what_many_share_is_looked_up_and_never_followed(empty_database: Database) -> None:
    empty_database.execute(MARKET)
    draft = drafted(empty_database.url, "users")
    assert draft.rows("1") == {"users": 1, "orders": 1, "order_items": 2}
    assert draft.rows("2")["order_items"] == 1  # those of Bob's order, and not all of the products that he sells
    assert str(draft.column("order_items", "product").source) == "product.title"
    assert str(draft.column("orders", "country").source) == "country.name"
    assert "updated_by" in draft.left_out("countries")[""]
    assert "countries" in draft.left_out("audits")[""]
    assert draft.coverage.whole


def test_what_has_one_text_is_named_by_it(empty_database: Database) -> None:
    """A shipper by its company's name, whose telephone is none; a tenant by its name, unless it can be called up."""
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE shippers (id INTEGER NOT NULL PRIMARY KEY, CompanyName VARCHAR(40), Phone VARCHAR(24));
CREATE TABLE tenants (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40));
CREATE TABLE riders (id INTEGER NOT NULL PRIMARY KEY, alias VARCHAR(40), motto VARCHAR(40));
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    ship_via INTEGER REFERENCES shippers (id), tenant_id INTEGER REFERENCES tenants (id),
    rider_id INTEGER REFERENCES riders (id)
);
INSERT INTO shippers VALUES (1, 'Speedy', '(503) 555-9831');
INSERT INTO tenants VALUES (1, 'Acme');
INSERT INTO riders VALUES (1, 'Zip', 'On time');
INSERT INTO orders VALUES (10, 1, 1, 1, 1), (11, 2, 1, 1, 1);
"""
    )
    draft = drafted(empty_database.url, "customers")
    shown = {str(one.column.source).lower() for one in draft.section("orders").columns}
    assert shown == {"id", "customer_id", "ship_via", "ship_via.companyname", "tenant_id", "tenant.name", "rider_id"}


NAMED = (
    PEOPLE
    + """
CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY, sku VARCHAR(9), kind_id INTEGER);
CREATE TABLE product_translations (
    id INTEGER NOT NULL PRIMARY KEY, base_id INTEGER NOT NULL REFERENCES products (id),
    language_code VARCHAR(9) NOT NULL,
    name VARCHAR(20), description VARCHAR(40)
);
CREATE TABLE items (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    product_id INTEGER NOT NULL REFERENCES products (id)
);
INSERT INTO products VALUES (1, '001', 1), (2, '002', 1);
INSERT INTO product_translations VALUES
    (1, 1, 'en', 'Tea', 'x'), (2, 1, 'de', 'Tee', 'x'), (3, 2, 'de', 'Tasse', 'x'), (4, 2, 'fr', 'Tasse', 'x');
INSERT INTO items VALUES (10, 1, 1), (11, 1, 2), (12, 2, 2);
"""
)


def test_a_product_is_named_in_the_language_that_most_names_have(empty_database: Database) -> None:
    """No constraint says that a product has one name a language, but no two have."""
    empty_database.execute(NAMED)
    draft = drafted(empty_database.url, "customers")
    columns = {one.column.name: one for one in draft.section("items").columns}
    assert str(columns["product"].column.source) == "product.sku"
    assert str(columns["product_name"].column.source) == "product_name.name"
    assert columns["product_name"].why == "in de, the language that most names have; there are en, fr, too"
    (_, names) = draft.section("items").section.lookups
    assert (names.only_if, names.unique) == ((("language_code", "de"),), True)
    assert draft.rows("1")["items"] == 2


def test_names_of_which_one_is_there_twice_are_not_looked_up(empty_database: Database) -> None:
    empty_database.execute(NAMED)
    empty_database.execute("INSERT INTO product_translations VALUES (5, 1, 'de', 'Thee', 'x')")
    draft = drafted(empty_database.url, "customers")
    assert "product_name" not in {one.column.name for one in draft.section("items").columns}


def test_contacts_of_a_company_are_a_section_and_who_was_referred_is_not(empty_database: Database) -> None:
    empty_database.execute(
        """
CREATE TABLE partners (
    id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), email VARCHAR(60), parent_id INTEGER REFERENCES partners (id),
    referred_by INTEGER REFERENCES partners (id)
);
INSERT INTO partners VALUES (1, 'Co', NULL, NULL, NULL), (2, 'Ada', NULL, 1, NULL), (3, 'Bob', NULL, NULL, 1);
"""
    )
    draft = drafted(empty_database.url, "partners")
    assert draft.rows("1") == {"partners": 2}
    assert [one.section.name for one in draft.draft.sections] == ["profile", "partners_by_parent_id"]


def test_names_that_need_quoting_stay_as_they_are(empty_database: Database) -> None:
    empty_database.execute(
        """
CREATE TABLE "Kunden Liste" ("Kunden-Nr." INTEGER NOT NULL PRIMARY KEY, "Größe" VARCHAR(9), "select" VARCHAR(9));
CREATE TABLE "order" (
    "group" INTEGER NOT NULL PRIMARY KEY, "Kunden-Nr." INTEGER NOT NULL REFERENCES "Kunden Liste" ("Kunden-Nr."),
    "名前" VARCHAR(9), "Unit Price" NUMERIC(10, 2), "a.b" INTEGER, "A B" INTEGER
);
CREATE TABLE "order.lines" ("id" INTEGER NOT NULL PRIMARY KEY, "order" INTEGER NOT NULL REFERENCES "order" ("group"));
INSERT INTO "Kunden Liste" VALUES (1, 'L', 'x'), (2, 'M', 'y');
INSERT INTO "order" VALUES (10, 1, 'あ', 1.50, 1, 2), (11, 2, 'い', 2.50, 1, 2);
INSERT INTO "order.lines" VALUES (100, 10), (101, 10), (102, 11);
"""
    )
    draft = drafted(empty_database.url, "Kunden Liste")
    assert draft.rows("1") == {"Kunden Liste": 1, "order": 1, "order.lines": 2}
    names = [one.column.name for one in draft.section("order").columns]
    assert names == ["group", "kunden_nr", "column_3", "unit_price", "a_b", "a_b_2"]
    assert draft.column("order", "column_3").label == "名前"
    assert draft.column("profile", "groesse").label == "Größe"
    assert draft.coverage.whole


def test_a_table_without_a_key_is_sorted_by_every_column(empty_database: Database) -> None:
    empty_database.execute(
        PEOPLE
        + """
CREATE TABLE visits (customer_id INTEGER REFERENCES customers (id), page VARCHAR(20), seen_at TIMESTAMP NULL);
INSERT INTO visits VALUES (1, '/a', '2024-01-01 10:00:00'), (1, '/a', '2024-01-01 10:00:00'), (2, '/b', NULL);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "visits": 2}
    assert [str(one) for one in draft.section("visits").section.order] == ["customer_id", "page", "seen_at"]


LEGACY = """
CREATE TABLE customers (customerNumber INTEGER NOT NULL PRIMARY KEY, customerName VARCHAR(50), phone VARCHAR(50));
CREATE TABLE orders (orderNumber INTEGER NOT NULL PRIMARY KEY, orderDate DATE, customerNumber INTEGER NOT NULL);
CREATE TABLE orderdetails (
    orderNumber INTEGER NOT NULL, productCode VARCHAR(15) NOT NULL, quantityOrdered INTEGER,
    PRIMARY KEY (orderNumber, productCode)
);
CREATE TABLE payments (
    customerNumber INTEGER NOT NULL, checkNumber VARCHAR(50) NOT NULL, amount NUMERIC(10, 2),
    PRIMARY KEY (customerNumber, checkNumber)
);
CREATE TABLE products (productCode VARCHAR(15) NOT NULL PRIMARY KEY, productName VARCHAR(70));
CREATE TABLE visits (id INTEGER NOT NULL PRIMARY KEY, cust_id INTEGER, page VARCHAR(9));
CREATE TABLE parcels (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER);
INSERT INTO customers VALUES (103, 'Atelier', '40.32'), (112, 'Signal', '7025'), (114, 'Sud', '03 9520');
INSERT INTO orders VALUES (10, '2003-01-06', 103), (11, '2003-01-09', 103), (12, '2003-01-10', 112);
INSERT INTO orderdetails VALUES (10, 'S10', 30), (10, 'S18', 50), (12, 'S10', 22);
INSERT INTO payments VALUES (103, 'HQ1', 14.10), (112, 'HQ2', 2.00);
INSERT INTO products VALUES ('S10', 'Motorbike'), ('S18', 'Bus');
INSERT INTO visits VALUES (1, 103, '/'), (2, 112, '/'), (3, 114, '/'), (4, 103, '/x');
INSERT INTO parcels VALUES (1, 103), (2, 900), (3, 901);
"""


def test_without_foreign_keys_names_and_values_link_what_they_prove(empty_database: Database) -> None:
    empty_database.execute(LEGACY)
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("103") == {"customers": 1, "orders": 2, "orderdetails": 2, "payments": 1, "visits": 2}
    assert "no foreign key says it: 2 of 2 values (100%)" in draft.section("orders").notes[0]
    product = draft.section("orderdetails").section.lookups
    assert product == () or product[0].table.name != "customers"


def test_a_key_that_was_named_is_followed_by_its_name(empty_database: Database) -> None:
    """What the database does not know to be unique is what old tables join by."""
    empty_database.execute("""
CREATE TABLE clients (client_no INTEGER, name VARCHAR(9));
CREATE TABLE invoices (id INTEGER NOT NULL PRIMARY KEY, client_no INTEGER);
INSERT INTO clients VALUES (1001, 'Ada'), (1002, 'Bob');
INSERT INTO invoices VALUES (1, 1001), (2, 1001), (3, 1002);
""")
    draft = drafted(empty_database.url, "clients", key="client_no")
    assert draft.rows("1001") == {"clients": 1, "invoices": 2}
    assert draft.draft.customer.unique


def test_a_column_called_after_the_beginning_of_a_name_leads_there(empty_database: Database) -> None:
    """`bestell` begins three names: the column's own table is not meant, nor is the longer one of the others."""
    empty_database.execute("""
CREATE TABLE kunden (kunden_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20));
CREATE TABLE bestellungen (id INTEGER NOT NULL PRIMARY KEY, kunden_id INTEGER, datum DATE);
CREATE TABLE bestellhinweise (id INTEGER NOT NULL PRIMARY KEY, text VARCHAR(20));
CREATE TABLE bestellpositionen (id INTEGER NOT NULL PRIMARY KEY, bestell_id INTEGER, artikel VARCHAR(20));
CREATE TABLE lieferanten (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20));
CREATE TABLE waren (id INTEGER NOT NULL PRIMARY KEY, lief INTEGER, bestellid INTEGER);
INSERT INTO kunden VALUES (1, 'Ada'), (2, 'Bob');
INSERT INTO bestellungen VALUES (10, 1, '2026-01-01'), (11, 1, '2026-01-02'), (12, 2, '2026-01-03');
INSERT INTO bestellhinweise VALUES (10, 'x'), (11, 'y'), (12, 'z');
INSERT INTO bestellpositionen VALUES (100, 10, 'a'), (101, 11, 'b'), (102, 12, 'c');
INSERT INTO lieferanten VALUES (1, 'L'), (2, 'M'), (3, 'N');
INSERT INTO waren VALUES (1, 1, 10), (2, 2, 11), (3, 3, 12);
""")
    draft = drafted(empty_database.url, "kunden")
    assert draft.rows("1") == {"kunden": 1, "bestellungen": 2, "bestellpositionen": 2, "waren": 2}
    (note,) = draft.section("bestellpositionen").notes
    assert note == "no foreign key says it: 3 of 3 values (100%) of bestell_id are in bestellungen"


KINDS = """
CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id));
CREATE TABLE products (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20));
INSERT INTO orders VALUES (1, 1), (2, 1), (3, 2);
INSERT INTO products VALUES (1, 'Tea'), (2, 'Cup');
"""


MODULES = """
CREATE TABLE party_party (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60));
CREATE TABLE party_address (id INTEGER NOT NULL PRIMARY KEY, party INTEGER, city VARCHAR(60));
CREATE TABLE sale_sale (id INTEGER NOT NULL PRIMARY KEY, party INTEGER, state VARCHAR(9));
CREATE TABLE sale_line (id INTEGER NOT NULL PRIMARY KEY, sale INTEGER, quantity INTEGER);
CREATE TABLE account_move (id INTEGER NOT NULL PRIMARY KEY, party INTEGER, journal INTEGER);
CREATE TABLE account_move_line (id INTEGER NOT NULL PRIMARY KEY, move INTEGER, debit INTEGER);
CREATE TABLE stock_move (id INTEGER NOT NULL PRIMARY KEY, quantity INTEGER);
CREATE TABLE stock_inventory_line (id INTEGER NOT NULL PRIMARY KEY, move INTEGER);
INSERT INTO party_party VALUES (1, 'Ada'), (2, 'Bob'), (3, 'Cyd');
INSERT INTO party_address VALUES (10, 1, 'Ulm'), (11, 2, 'Rom'), (12, 3, 'Bonn');
INSERT INTO sale_sale VALUES (21, 1, 'done'), (22, 1, 'draft'), (23, 2, 'done'), (24, 3, 'done');
INSERT INTO sale_line VALUES (31, 21, 1), (32, 22, 1), (33, 22, 2), (34, 23, 1), (35, 24, 1);
INSERT INTO account_move VALUES (41, 1, 1), (42, 2, 1), (43, 3, 1);
INSERT INTO account_move_line VALUES (51, 41, 9), (52, 41, 9), (53, 42, 9), (54, 43, 9);
INSERT INTO stock_move VALUES (41, 1), (42, 1), (43, 1);
INSERT INTO stock_inventory_line VALUES (61, 41), (62, 42), (63, 43);
"""
"""As Tryton names tables: the module in front, and columns called after what comes behind it."""


def test_a_column_is_called_after_a_table_without_its_module(empty_database: Database) -> None:
    empty_database.execute(MODULES)
    draft = drafted(empty_database.url, "party_party")
    rows = {"party_party": 1, "party_address": 1, "sale_sale": 2, "sale_line": 3, "account_move": 1}
    assert draft.rows("1") == {**rows, "account_move_line": 2}  # and no stock: its `move` is that of its own module


@pytest.mark.parametrize("called", ["Order", "App\\Models\\Order", "Shop::Order", "shop.order", "orders"])
def test_rows_about_several_kinds_are_followed_by_their_kind(empty_database: Database, called: str) -> None:
    customer = called.replace("Order", "Customer").replace("order", "customer")
    product = called.replace("Order", "Product").replace("order", "product")
    empty_database.execute(
        PEOPLE
        + KINDS
        + f"""
CREATE TABLE comments (
    id INTEGER NOT NULL PRIMARY KEY, commentable_type VARCHAR(40), commentable_id VARCHAR(20), body VARCHAR(20)
);
INSERT INTO comments VALUES
    (1, '{called}', '1', 'a'), (2, '{called}', '2', 'b'), (3, '{called}', '3', 'c'), (4, '{product}', '1', 'd'),
    (5, '{customer}', '1', 'e'), (6, '{customer}', '2', 'f'), (7, 'Elsewhere', '1', 'g'), (8, NULL, NULL, 'h');
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "orders": 2, "comments": 3}
    assert draft.rows("2") == {"customers": 1, "orders": 1, "comments": 2}
    notes = draft.section("comments").notes
    assert (
        f"no foreign key says it: 2 of 2 values (100%) of commentable_id where commentable_type is {customer} are in "
        "customers"
    ) in notes
    assert draft.section("comments").section.lookups == ()
    assert draft.coverage.whole


def test_content_types_of_django_are_kinds(empty_database: Database) -> None:
    """The `object_id` of both tables has values that are orders' keys, and only one of them says that they are."""
    empty_database.execute(
        PEOPLE
        + KINDS.replace("orders", "orders_order").replace("products", "catalogue_product")
        + """
CREATE TABLE django_content_type (id INTEGER NOT NULL PRIMARY KEY, app_label VARCHAR(40), model VARCHAR(40));
CREATE TABLE comments (
    id INTEGER NOT NULL PRIMARY KEY, content_type_id INTEGER NOT NULL REFERENCES django_content_type (id),
    object_id INTEGER NOT NULL, body VARCHAR(20)
);
CREATE TABLE ratings (
    id INTEGER NOT NULL PRIMARY KEY, rated_content_type_id INTEGER NOT NULL REFERENCES django_content_type (id),
    rated_object_id VARCHAR(20) NOT NULL
);
INSERT INTO django_content_type VALUES (7, 'orders', 'order'), (8, 'catalogue', 'product'), (9, 'gone', 'basket');
INSERT INTO comments VALUES (1, 7, 1, 'a'), (2, 7, 3, 'b'), (3, 8, 1, 'c'), (4, 9, 1, 'd');
INSERT INTO ratings VALUES (1, 8, '1'), (2, 8, '2'), (3, 7, '2');
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "orders_order": 2, "comments": 1, "ratings": 1}
    (link,) = draft.section("comments").section.links
    assert link[0].only_if == (("content_type_id", "7"),)


def test_what_a_row_that_says_whose_it_is_is_about_is_not_followed(empty_database: Database) -> None:
    """Ada's comment is on Bob's order, and hers; what nobody signed is whose order it is on."""
    empty_database.execute(
        PEOPLE
        + KINDS
        + """
CREATE TABLE comments (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), about_type VARCHAR(20),
    about_id INTEGER
);
INSERT INTO comments VALUES (1, 1, 'Order', 3), (2, NULL, 'Order', 3), (3, 2, 'Order', 1);
"""
    )
    draft = drafted(empty_database.url, "customers")
    assert (draft.rows("1")["comments"], draft.rows("2")["comments"]) == (1, 2)


def test_a_guess_that_half_of_the_values_contradict_is_a_comment_with_the_rate(empty_database: Database) -> None:
    empty_database.execute(LEGACY)
    draft = drafted(empty_database.url, "customers")
    parcels = draft.section("parcels")
    assert parcels.proposed
    assert "only 1 of 3 values (33%) of customer_id are customers" in parcels.notes[0]
    assert "1 of 3 values" in draft.left_out("parcels")[""]


def test_a_view_may_be_the_customers(empty_sqlite: SqliteDatabase) -> None:
    empty_sqlite.execute(
        PEOPLE
        + """
CREATE VIEW active_customers AS SELECT id, name, email FROM customers WHERE email IS NOT NULL;
CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY, active_customer_id INTEGER, body TEXT);
INSERT INTO notes VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z');
"""
    )
    draft = drafted(empty_sqlite.url, "active_customers", key="id")
    assert draft.draft.customer.unique
    assert draft.rows("1")["active_customers"] == 1


def guests(draft: Drafted) -> list[str]:
    return [proposal.why for proposal in draft.section("orders").proposals]


GUESTS = (
    PEOPLE
    + """
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), email VARCHAR(60) NOT NULL
);
CREATE TABLE order_items (id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id));
CREATE TABLE newsletter (id INTEGER NOT NULL PRIMARY KEY, subscriber_email VARCHAR(60));
INSERT INTO orders VALUES
    (10, 1, 'ada@example.com'), (11, NULL, 'ADA@example.com'), (12, NULL, 'x@example.com'), (13, 2, 'ada@example.com');
INSERT INTO order_items VALUES (100, 10), (101, 11), (102, 11), (103, 13);
INSERT INTO newsletter VALUES (1, 'ada@example.com'), (2, 'x@example.com');
"""
)


def test_guests_are_proposed_with_the_rate_that_the_data_has(empty_database: Database) -> None:
    empty_database.execute(GUESTS)
    draft = drafted(empty_database.url, "customers")
    assert draft.rows("1") == {"customers": 1, "orders": 1, "order_items": 1}
    assert guests(draft) == ["of rows without customer_id, 1 of 2 values of email (50%) are a customer's email"]
    assert draft.section("newsletter").proposed


def test_guests_are_the_customer_where_that_is_asked_for(empty_database: Database) -> None:
    empty_database.execute(GUESTS)
    draft = drafted(empty_database.url, "customers", by_email=True)
    assert draft.rows("1") == {"customers": 1, "orders": 2, "order_items": 3, "newsletter": 1}
    assert draft.rows("2") == {"customers": 1, "orders": 1, "order_items": 1}


ZEROS = """
CREATE TABLE comments (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL DEFAULT 0, email VARCHAR(60) NOT NULL
);
CREATE TABLE comment_ratings (
    id INTEGER NOT NULL PRIMARY KEY, comment_id INTEGER NOT NULL REFERENCES comments (id), stars INTEGER
);
INSERT INTO comments VALUES
    (10, 1, 'bob@example.com'), (11, 0, 'ADA@example.com'), (12, 0, 'x@example.com'), (13, 2, 'ada@example.com');
INSERT INTO comment_ratings VALUES (100, 10, 5), (101, 11, 4), (102, 12, 3), (103, 13, 2);
"""


def test_guests_of_a_database_that_writes_zero_for_nobody_are_found(empty_database: Database) -> None:
    empty_database.execute(PEOPLE + ZEROS)
    draft = drafted(empty_database.url, "customers")
    (proposal,) = draft.section("comments").proposals
    assert proposal.why == "of rows without customer_id, 1 of 2 values of email (50%) are a customer's email"
    assert (proposal.link[0].only_if_null, proposal.link[0].only_if_zero) == ((), ("customer_id",))
    by_email = drafted(empty_database.url, "customers", by_email=True)
    assert by_email.rows("1") == {"customers": 1, "comments": 2, "comment_ratings": 2}
    assert by_email.rows("2") == {"customers": 1, "comments": 1, "comment_ratings": 1}


def test_zero_is_nobody_only_where_nobody_is_zero(empty_database: Database) -> None:
    empty_database.execute(PEOPLE + "INSERT INTO customers VALUES (0, 'Zoe', 'zoe@example.com');" + ZEROS)
    draft = drafted(empty_database.url, "customers", by_email=True)
    assert draft.rows("1") == {"customers": 1, "comments": 1, "comment_ratings": 1}
    assert draft.rows("0") == {"customers": 1, "comments": 2, "comment_ratings": 2}
