"""What a draft takes columns for: their types, currencies, classes, times, and what must never leave."""

import pytest

from customer_export.mapping.column_types import WHOLE_AMOUNT, guess_type
from customer_export.mapping.personal_data import personal_data_of
from customer_export.mapping.secret_columns import secret_reason
from customer_export.model.catalogue import CatalogueColumn, Kind
from customer_export.model.columns import ColumnType, MoneyUnit, PersonalDataClass, StoredAs
from customer_export.model.customer_map import TableName
from databases import Database, SqliteDatabase
from drafts import drafted


def column(name: str, kind: Kind = Kind.TEXT, declared: str = "text") -> CatalogueColumn:
    return CatalogueColumn(name=name, type=declared, kind=kind, nullable=True)


@pytest.mark.parametrize(
    ("name", "kind", "values", "expected"),
    [
        ("phone", Kind.TEXT, ["+49 30 1", "030 2"], ColumnType.IDENTIFIER),
        ("zip", Kind.INTEGER, ["10115", "80331"], ColumnType.IDENTIFIER),
        ("order_number", Kind.INTEGER, ["100023", "100024"], ColumnType.IDENTIFIER),
        ("external", Kind.TEXT, ["00040025", "00040026"], ColumnType.IDENTIFIER),
        ("number_of_items", Kind.INTEGER, ["3", "4"], ColumnType.INTEGER),
        ("num_orders", Kind.INTEGER, ["3", "4"], ColumnType.INTEGER),
        ("num_allocated", Kind.INTEGER, ["3", "4"], ColumnType.INTEGER),
        ("num_facture", Kind.INTEGER, ["100023", "100024"], ColumnType.IDENTIFIER),
        ("contact", Kind.TEXT, ["a@example.com", "b@example.com", "c@example.com"], ColumnType.EMAIL),
        ("user_email", Kind.TEXT, [], ColumnType.EMAIL),
        ("email_template", Kind.TEXT, ["welcome"], ColumnType.TEXT),
        ("homepage", Kind.TEXT, ["https://a.example", "https://b.example", "http://c.example"], ColumnType.URL),
        ("data", Kind.TEXT, ['{"a": 1}', '{"b": 2}', "[1]"], ColumnType.JSON),
        ("tracking", Kind.TEXT, ["550e8400-e29b-41d4-a716-446655440000"] * 3, ColumnType.UUID),
        ("is_active", Kind.INTEGER, ["0", "1"], ColumnType.BOOLEAN),
        ("succeeded", Kind.INTEGER, ["1", "1"], ColumnType.BOOLEAN),
        ("rating", Kind.INTEGER, ["0", "1"], ColumnType.INTEGER),
        ("created_at", Kind.TEXT, ["2024-01-01 10:00:00"], ColumnType.TIMESTAMP),
        ("born", Kind.TEXT, ["1990-01-01", "1991-02-02", "1992-03-03"], ColumnType.DATE),
        ("tax_rate", Kind.DECIMAL, ["0.19"], ColumnType.DECIMAL),
        ("weight", Kind.TEXT, ["0.430", "1.250"], ColumnType.DECIMAL),
        ("avatar", Kind.BINARY, [], ColumnType.BINARY),
        ("anything", Kind.OTHER, ["1", "2"], ColumnType.TEXT),
    ],
)
def test_a_column_is_taken_for(name: str, kind: Kind, values: list[str], expected: ColumnType) -> None:
    assert guess_type(column(name, kind), values, is_reference=False).type is expected


@pytest.mark.parametrize(
    ("name", "kind", "values", "expected"),
    [
        ("created", Kind.INTEGER, ["1700000000", "1700000100", "1700000200"], StoredAs.EPOCH_SECONDS),
        ("updated_at", Kind.INTEGER, ["1700000000000", "1700000100000", "1700000200000"], StoredAs.EPOCH_MILLISECONDS),
        ("seen", Kind.TIMESTAMP, ["2460310.5", "2460311.25"], StoredAs.JULIAN_DAY),
        ("created", Kind.INTEGER, ["17", "18"], None),
    ],
)
def test_moments_that_are_stored_as_numbers(
    name: str, kind: Kind, values: list[str], expected: StoredAs | None
) -> None:
    assert guess_type(column(name, kind), values, is_reference=False).stored_as is expected


def test_amounts_in_cents_are_money_in_minor_units() -> None:
    guess = guess_type(column("total_cents", Kind.INTEGER), ["1250"], is_reference=False)
    assert (guess.is_amount, guess.counted_in) == (True, MoneyUnit.MINOR_UNITS)


@pytest.mark.parametrize(
    ("name", "doubtful"),
    [("total", False), ("total_price", True), ("unit_price", True), ("payment_term", False), ("tax_rule", False)],
)
def test_whole_numbers_that_are_called_like_money_are_worth_a_look(name: str, *, doubtful: bool) -> None:
    guess = guess_type(column(name, Kind.INTEGER), ["1", "2"], is_reference=False)
    assert (guess.type, guess.is_amount, guess.why == WHOLE_AMOUNT) == (ColumnType.INTEGER, False, doubtful)


BCRYPT = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("password", Kind.TEXT, []),
        ("PasswordHash", Kind.TEXT, []),
        ("mot_de_passe", Kind.TEXT, []),
        ("user_pass", Kind.TEXT, []),
        ("apiKey", Kind.TEXT, []),
        ("remember_token", Kind.TEXT, []),
        ("otp_secret", Kind.BINARY, []),
        ("cvv", Kind.INTEGER, ["123"]),
        ("card_number", Kind.TEXT, ["4111111111111111"]),
        ("note", Kind.TEXT, [BCRYPT, BCRYPT]),
        ("x", Kind.TEXT, ["pbkdf2_sha256$600000$salt$hash="]),
        ("x", Kind.TEXT, ["$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"]),
        ("x", Kind.TEXT, ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"]),
        ("x", Kind.TEXT, ["da39a3ee5e6b4b0d3255bfef95601890afd80709"]),
        ("x", Kind.TEXT, ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009"]),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_shape(name: str, kind: Kind, values: list[str]) -> None:
    assert secret_reason(column(name, kind), values, is_key=False) is not None


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("password_changed_at", Kind.TIMESTAMP, []),
        ("token_count", Kind.INTEGER, ["3"]),
        ("card_last_digits", Kind.TEXT, ["1111"]),
        ("card_number", Kind.TEXT, ["**** **** **** 1111"]),
        ("compass", Kind.TEXT, ["north"]),
        ("checksum", Kind.TEXT, ["da39a3ee5e6b4b0d3255bfef95601890afd80709"]),
        ("order_number", Kind.TEXT, ["4111111111111111", "1", "2"]),
        ("pincode", Kind.INTEGER, ["560001"]),
        ("shipping_method", Kind.TEXT, ["post"]),
    ],
)
def test_what_is_about_a_secret_is_none(name: str, kind: Kind, values: list[str]) -> None:
    assert secret_reason(column(name, kind), values, is_key=False) is None


@pytest.mark.parametrize(
    ("name", "kind", "table", "expected"),
    [
        ("email", ColumnType.EMAIL, "orders", PersonalDataClass.CONTACT),
        ("vorname", ColumnType.TEXT, "orders", PersonalDataClass.IDENTITY),
        ("birth_date", ColumnType.DATE, "orders", PersonalDataClass.IDENTITY),
        ("tax_id", ColumnType.IDENTIFIER, "orders", PersonalDataClass.SENSITIVE),
        ("total", ColumnType.MONEY, "orders", PersonalDataClass.FINANCIAL),
        ("newsletter_opt_in", ColumnType.BOOLEAN, "orders", PersonalDataClass.CONSENT),
        ("ip_address", ColumnType.TEXT, "orders", PersonalDataClass.TECHNICAL),
        ("state", ColumnType.TEXT, "orders", PersonalDataClass.BEHAVIOUR),
        ("state", ColumnType.TEXT, "addresses", PersonalDataClass.CONTACT),
        ("subject", ColumnType.TEXT, "tickets", PersonalDataClass.COMMUNICATION),
        ("method", ColumnType.TEXT, "payments", PersonalDataClass.FINANCIAL),
        ("whatever", ColumnType.TEXT, "logins", PersonalDataClass.TECHNICAL),
    ],
)
def test_a_column_has_the_class_of(name: str, kind: ColumnType, table: str, expected: PersonalDataClass) -> None:
    found = personal_data_of(name, kind, TableName(None, table), is_reference=False, of_people=False)
    assert found is expected


SHOP = """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), credit NUMERIC(9, 2));
CREATE TABLE currencies (id INTEGER NOT NULL PRIMARY KEY, code VARCHAR(3), title VARCHAR(20));
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), total NUMERIC(9, 2),
    currency VARCHAR(3), status VARCHAR(9), placed_at TIMESTAMP NULL, updated_at TIMESTAMP NULL
);
CREATE TABLE order_items (
    id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), unit_price NUMERIC(9, 2)
);
CREATE TABLE invoices (
    id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    currency_id INTEGER NOT NULL REFERENCES currencies (id), amount NUMERIC(9, 2)
);
INSERT INTO customers VALUES (1, 'Ada', 5.00);
INSERT INTO currencies VALUES (1, 'EUR', 'Euro'), (2, 'JPY', 'Yen');
INSERT INTO orders VALUES (10, 1, 12.50, 'EUR', 'paid', '2024-01-01 10:00:00', '2024-01-02 10:00:00');
INSERT INTO order_items VALUES (100, 10, 12.50);
INSERT INTO invoices VALUES (5, 1, 2, 1200);
"""


def test_money_finds_its_currency_beside_it_above_it_or_in_a_table_of_currencies(empty_database: Database) -> None:
    empty_database.execute(SHOP)
    draft = drafted(empty_database.url, "customers")
    assert draft.column("orders", "total").currency == "currency"
    assert draft.column("order_items", "unit_price").currency == "currency"
    assert str(draft.column("order_items", "currency").source) == "order.currency"
    assert str(draft.column("invoices", "currency").source) == "currency.code"
    credit = next(one for one in draft.section("profile").columns if one.column.name == "credit")
    assert credit.column.type is ColumnType.DECIMAL
    assert "no currency was found" in str(credit.why)


def test_the_one_currency_of_a_database_is_that_of_amounts_without_one(empty_database: Database) -> None:
    empty_database.execute(
        """
CREATE TABLE customers (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60), credit NUMERIC(9, 2));
CREATE TABLE settings (name VARCHAR(30) NOT NULL PRIMARY KEY, setting_value VARCHAR(30));
INSERT INTO customers VALUES (1, 'Ada', 5.00);
INSERT INTO settings VALUES ('shop_currency', 'SEK'), ('shop_name', 'XYZ');
"""
    )
    credit = drafted(empty_database.url, "customers").column("profile", "credit")
    assert (credit.type, credit.currency_code) == (ColumnType.MONEY, "SEK")


def test_orders_are_known_and_what_is_part_of_them_goes_by_their_time(empty_database: Database) -> None:
    empty_database.execute(SHOP)
    draft = drafted(empty_database.url, "customers")
    orders = draft.draft.orders
    assert orders is not None
    assert (orders.section, orders.amount, orders.time, orders.status) == ("orders", "total", "placed_at", "status")
    items = draft.section("order_items").section
    assert str(items.time) == "order.placed_at"
    assert [str(one) for one in items.order] == ["order.placed_at", "order_id", "id"]
    assert draft.section("profile").section.time is None


def test_sqlite_without_types_goes_by_values(empty_sqlite: SqliteDatabase) -> None:
    empty_sqlite.execute(
        """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name, joined, seen, price, code);
INSERT INTO customers VALUES
    (1, 'Ada', '2024-01-01 10:00:00', 1700000000, 12.5, '007'), (2, 'Bob', '2024-01-02 10:00:00', 1700000001, 3, '008'),
    (3, 'Cyd', '2024-01-03 10:00:00', 1700000002, 4, '009');
CREATE TABLE notes (customer_id INTEGER REFERENCES customers, created_at, body);
INSERT INTO notes VALUES (1, 1700000000, 'x'), (1, 1700000001, 'y'), (1, 1700000002, 'z');
"""
    )
    draft = drafted(empty_sqlite.url, "customers")
    types = {one.column.name: one.column.type for one in draft.section("profile").columns}
    assert types["joined"] is ColumnType.TIMESTAMP
    assert types["code"] is ColumnType.IDENTIFIER
    assert draft.column("notes", "created_at").stored_as is StoredAs.EPOCH_SECONDS
    assert draft.rows("1") == {"customers": 1, "notes": 3}


def test_rows_that_hold_secrets_are_left_out_of_a_table_of_names_and_values(empty_database: Database) -> None:
    empty_database.execute(
        """
CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(60));
CREATE TABLE user_details (
    id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), detail_key VARCHAR(30),
    detail_value VARCHAR(90)
);
INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob');
INSERT INTO user_details VALUES (1, 1, 'nickname', 'A'), (2, 1, 'session_tokens', 'x'), (3, 2, 'city', 'Rome'),
    (4, 1, NULL, 'y');
"""
    )
    draft = drafted(empty_database.url, "users")
    assert draft.rows("1") == {"users": 1, "user_details": 2}
    assert draft.section("user_details").notes == ("rows whose detail_key is session_tokens are left out as secrets",)
    assert draft.coverage.whole
