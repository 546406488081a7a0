"""Keys and links of MySQL and MariaDB compare what is stored, not what a collation takes for equal, and use indexes."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from customer_export.model.customer_map import CustomerMap
from customer_maps import column, make_map, section
from databases import MariadbDatabase, finding, opened, read, read_once
from mariadb_server import MariadbServer

ADA, BOB = UUID("550e8400-e29b-41d4-a716-446655440000"), UUID("0190163d-8694-739b-aea5-966c26f8ad91")
ID = {"id": "integer"}
THE_SAME_BY_COLLATION = ["abc", "ABC", "abc ", "àbc", "ａｂｃ"]
COLLATIONS = [
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "utf8mb4_uca1400_ai_ci",
    "utf8mb4_bin",
    "utf8mb4_turkish_ci",
    "latin1_swedish_ci",
    "sjis_japanese_ci",
]


def ids(rows: Sequence[tuple[str | None, ...]]) -> list[int]:
    return [int(str(row[0])) for row in rows]


def found(url: str, customer_map: CustomerMap, customer_id: str) -> bool:
    with opened(url, customer_map) as source, finding(source, customer_id) as (_, customer):
        return customer is not None


@pytest.mark.parametrize("collation", COLLATIONS)
def test_a_text_key_finds_itself_alone(mariadb_database: MariadbDatabase, collation: str) -> None:
    charset = collation.partition("_")[0]
    kind = f"VARCHAR(20) CHARACTER SET {charset} COLLATE {collation}"
    texts = [text for text in THE_SAME_BY_COLLATION if charset != "latin1" or text.isascii() or text == "àbc"]
    texts = [text for text in texts if charset != "sjis" or text != "àbc"]
    rows = ", ".join(f"({number}, '{text}')" for number, text in enumerate(texts, start=1))
    mariadb_database.execute(
        f"""CREATE TABLE people (id {kind} NOT NULL PRIMARY KEY, name TEXT); INSERT INTO people VALUES ('abc', 'Ada');
        CREATE TABLE letters (id INTEGER NOT NULL PRIMARY KEY, person {kind}, KEY (person));
        INSERT INTO letters VALUES {rows};
        CREATE TABLE pages (id INTEGER NOT NULL PRIMARY KEY, letter {kind}, KEY (letter));
        INSERT INTO pages SELECT * FROM letters"""
    )
    letters = section("letters", ID, links=[[{"columns": "person"}]])
    through = section(
        "pages", ID, links=[[{"columns": "letter", "table": "letters", "to": "person"}, {"columns": "person"}]]
    )
    customer_map = make_map(letters, through, key_type="text", table="people")
    assert read_once(mariadb_database.url, customer_map, "abc") == {"letters": [("1",)], "pages": [("1",)]}
    for other in (*texts[1:], "日本", "", "abc\0", "abc' OR 1=1 -- ", "abc\\"):
        assert not found(mariadb_database.url, customer_map, other), other


MIXED = """
CREATE TABLE people (id VARCHAR(20) CHARACTER SET latin1 NOT NULL PRIMARY KEY, name TEXT);
INSERT INTO people VALUES ('é1', 'Ada'), ('F1', 'Bob');
CREATE TABLE letters (
    id INTEGER NOT NULL PRIMARY KEY, person VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, code CHAR(9)
);
INSERT INTO letters VALUES (1, 'é1', 'A'), (2, 'F1', 'a'), (3, 'f1', 'B'), (4, '日本', NULL);
CREATE TABLE pages (id INTEGER NOT NULL PRIMARY KEY, letter VARCHAR(20) CHARACTER SET ascii);
INSERT INTO pages VALUES (1, 'A'), (2, 'a'), (3, 'B');
CREATE TABLE codes (code VARCHAR(9) CHARACTER SET sjis COLLATE sjis_bin NOT NULL PRIMARY KEY, title TEXT);
INSERT INTO codes VALUES ('A', 'large'), ('a', 'small');
"""


def test_columns_of_different_character_sets_and_collations_are_compared(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(MIXED)
    person = {"columns": "person"}
    letters = section(
        "letters",
        [column("id", "integer"), column("title", source=["kind", "title"])],
        links=[[person]],
        lookups=[{"name": "kind", "columns": "code", "table": "codes", "to": "code"}],
    )
    pages = section("pages", ID, links=[[{"columns": "letter", "table": "letters", "to": "code"}, person]])
    customer_map = make_map(letters, pages, key_type="text", table="people")
    assert read_once(mariadb_database.url, customer_map, "é1") == {"letters": [("1", "large")], "pages": [("1",)]}
    assert read_once(mariadb_database.url, customer_map, "F1") == {"letters": [("2", "small")], "pages": [("2",)]}


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_turkish_ci", "latin1_swedish_ci"])
def test_case_is_ignored_and_nothing_else(mariadb_database: MariadbDatabase, collation: str) -> None:
    kind = f"VARCHAR(50) CHARACTER SET {collation.partition('_')[0]} COLLATE {collation}"
    mariadb_database.execute(
        f"""UPDATE customers SET email = 'RENÉ.Iç@example.com' WHERE id = 1;
        CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, mail {kind});
        INSERT INTO orders VALUES (1, 'rené.iç@example.com'), (2, 'Rene.ic@example.com'), (3, 'RENÉ.IÇ@EXAMPLE.COM'),
            (4, 'rené.iç@example.com '), (5, NULL), (6, '')"""
    )
    as_guest = [[{"columns": "mail", "to": "email", "ignore_case": True}]]
    customer_map = make_map(section("orders", ID, links=as_guest))
    assert ids(read_once(mariadb_database.url, customer_map)["orders"]) == [1, 3]


@pytest.mark.parametrize("blank", ["' '", "CHAR(9, 10 USING utf8mb4)", "CHAR(0xC2A0 USING utf8mb4)", "''", "NULL"])
def test_a_blank_address_is_nobodys(mariadb_database: MariadbDatabase, blank: str) -> None:
    mariadb_database.execute(
        f"""UPDATE customers SET email = {blank} WHERE id = 1;
        CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, mail TEXT);
        INSERT INTO orders VALUES (1, {blank}), (2, '')"""
    )
    customer_map = make_map(section("orders", ID, links=[[{"columns": "mail", "to": "email"}]]))
    assert read_once(mariadb_database.url, customer_map) == {"orders": []}


@pytest.mark.parametrize("kind", ["BINARY(16)", "VARBINARY(16)", "UUID", "CHAR(36)"])
@pytest.mark.parametrize("linked", ["BINARY(16)", "UUID", "CHAR(36)", "VARCHAR(40) CHARACTER SET latin1"])
def test_a_uuid_is_a_key_however_it_is_stored(mariadb_database: MariadbDatabase, kind: str, linked: str) -> None:
    def literal(key: UUID, stored: str) -> str:
        return f"X'{key.hex}'" if "BINARY" in stored else f"'{key}'"

    rows = ", ".join(f"({number}, {literal(key, linked)})" for number, key in enumerate((ADA, BOB), start=1))
    mariadb_database.execute(
        f"""CREATE TABLE people (id {kind} NOT NULL PRIMARY KEY, name TEXT, other {kind});
        INSERT INTO people VALUES ({literal(ADA, kind)}, NULL, {literal(BOB, kind)});
        INSERT INTO people VALUES ({literal(BOB, kind)}, 'Bob', NULL);
        CREATE TABLE letters (id INTEGER NOT NULL PRIMARY KEY, person {linked}); INSERT INTO letters VALUES {rows};
        CREATE TABLE pages (id INTEGER NOT NULL PRIMARY KEY, letter {kind});
        INSERT INTO pages VALUES (1, {literal(ADA, kind)}), (2, {literal(BOB, kind)})"""
    )
    person = {"columns": "person"}
    letters = section(
        "letters",
        [column("person", "uuid"), column("name", source=["who", "name"])],
        links=[[person]],
        lookups=[{"name": "who", "columns": "person", "table": "people", "to": "id"}],
    )
    pages = section("pages", ID, links=[[{"columns": "letter", "table": "letters", "to": "person"}, person]])
    to_other = section("others", {"person": "uuid"}, table="letters", links=[[{"columns": "person", "to": "other"}]])
    customer_map = make_map(letters, pages, to_other, key_type="uuid", table="people")
    with opened(mariadb_database.url, customer_map) as source:
        assert read(source, str(BOB)) == {"letters": [(str(BOB), "Bob")], "pages": [("2",)], "others": []}
        assert read(source, str(ADA))["others"] == [(str(BOB),)]
        with finding(source, str(ADA)) as (_, ada):
            assert ada is not None
            assert ada.title == str(ADA)  # without a name they are called by their key
        with finding(source, str(UUID(int=0))) as (_, nobody):
            assert nobody is None


def test_numbers_are_compared_as_numbers_and_texts_as_texts(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(
        """CREATE TABLE people (id VARCHAR(40) NOT NULL PRIMARY KEY, name TEXT);
        INSERT INTO people VALUES ('1', 'One'), ('01', 'Also'), ('1abc', 'Odd'), ('9007199254740993', 'Large');
        CREATE TABLE whole (id INTEGER NOT NULL PRIMARY KEY, person BIGINT UNSIGNED);
        INSERT INTO whole VALUES (1, 1), (2, 9007199254740993), (3, 9007199254740992), (4, 18446744073709551615);
        CREATE TABLE exact (id INTEGER NOT NULL PRIMARY KEY, person DECIMAL(20,0));
        INSERT INTO exact SELECT * FROM whole"""
    )
    sections = [section(name, ID, links=[[{"columns": "person"}]]) for name in ("whole", "exact")]
    customer_map = make_map(*sections, key_type="text", table="people")
    with opened(mariadb_database.url, customer_map) as source:
        for key, expected in (("1", [1]), ("01", []), ("1abc", []), ("9007199254740993", [2])):
            rows = read(source, key)
            assert ids(rows["whole"]) == ids(rows["exact"]) == expected, key


@pytest.mark.parametrize("stored", ["INT", "BIGINT UNSIGNED", "DECIMAL(30,0)", "VARCHAR(40)"])
def test_an_integer_key_may_be_of_any_type_and_any_size(mariadb_database: MariadbDatabase, stored: str) -> None:
    mariadb_database.execute(
        f"CREATE TABLE people (id {stored} NOT NULL PRIMARY KEY, name TEXT); INSERT INTO people VALUES ('7', 'Seven');"
        f"CREATE TABLE letters (id INTEGER NOT NULL PRIMARY KEY, person {stored}); INSERT INTO letters VALUES (1, '7')"
    )
    customer_map = make_map(section("letters", ID, links=[[{"columns": "person"}]]), table="people")
    assert read_once(mariadb_database.url, customer_map, "7") == {"letters": [("1",)]}
    for other in ("8", "-7", "0", str(2**63), str(2**64), 40 * "9", "-" + 40 * "9"):
        assert not found(mariadb_database.url, customer_map, other), other


def test_names_of_tables_and_columns_may_hold_anything(mariadb_database: MariadbDatabase) -> None:
    name = '"Größe `in` ""cm"""'
    columns = '"order" INTEGER NOT NULL PRIMARY KEY, "a `b`" INTEGER, "100 %s" TEXT, "имя" TEXT'
    mariadb_database.execute(
        f"CREATE TABLE {name} ({columns}); INSERT INTO {name} VALUES (1, 1, '%s', 'я'), (2, 2, '', '')"
    )
    shown = [column("a", source=["100 %s"]), column("b", source=["имя"])]
    odd = section("odd", shown, table=['Größe `in` "cm"'], links=[[{"columns": "a `b`"}]], order=["order"])
    assert read_once(mariadb_database.url, make_map(odd)) == {"odd": [("%s", "я")]}


def test_tables_are_found_in_the_database_that_the_map_names(
    mariadb: MariadbServer, mariadb_database: MariadbDatabase
) -> None:
    mariadb.create_database(
        "sales", "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT); INSERT INTO orders VALUES (7, 1)"
    )
    mariadb_database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER)")
    customer_map = make_map(section("orders", ID, table="sales.orders"))
    assert read_once(mariadb_database.url, customer_map) == {"orders": [("7",)]}


MANY = """
CREATE TABLE people (id {key} NOT NULL PRIMARY KEY, name TEXT, email VARCHAR(50));
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY, person {key}, email VARCHAR(50), number VARCHAR(20), at DATETIME,
    KEY (person), KEY (email), KEY (number)
);
CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, number VARCHAR(20), KEY (number));
INSERT INTO people WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    SELECT {person}, 'name', 'mail' || i || '@example.com' FROM n;
INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
    SELECT i, CASE WHEN i % 3 > 0 THEN {owner} END, 'MAIL' || (i DIV 3 + 1) || '@example.com', 'N' || i, '2024-01-01'
    FROM n;
INSERT INTO items SELECT id, number FROM orders; ANALYZE TABLE people, orders, items
"""
BY_ACCOUNT = [{"columns": "person"}]
AS_GUEST = [{"columns": "email", "to": "email", "ignore_case": True, "only_if_null": "person"}]


@pytest.mark.parametrize(
    ("kind", "key_type", "person", "key"),
    [
        ("INTEGER", "integer", "i", "1000"),
        ("VARCHAR(40)", "text", "'p' || i", "p1000"),
        ("CHAR(40) CHARACTER SET latin1", "text", "'p' || i", "p1000"),
        ("BINARY(16)", "uuid", "UNHEX(LPAD(HEX(i), 32, '0'))", str(UUID(int=1000))),
        ("UUID", "uuid", "LPAD(HEX(i), 32, '0')", str(UUID(int=1000))),
    ],
)  # fmt: skip
def test_an_index_serves_each_link(
    mariadb: MariadbServer, mariadb_database: MariadbDatabase, kind: str, key_type: str, person: str, key: str
) -> None:
    owner = person.replace("i)", "(i DIV 3 + 1))") if "HEX" in person else person.replace("i", "(i DIV 3 + 1)")
    mariadb_database.execute(MANY.format(key=kind, person=person, owner=owner))
    links = [BY_ACCOUNT, AS_GUEST]
    to_order = {"columns": "number", "table": "orders", "to": "number"}
    items = section("items", ID, links=[[to_order, *link] for link in links])
    customer_map = make_map(section("orders", ID, links=links), items, key_type=key_type, table="people")
    with opened(mariadb_database.url, customer_map) as source:
        source.check()
        mariadb.execute("mysql", "SET GLOBAL userstat = 1; FLUSH TABLE_STATISTICS")
        rows = read(source, key)
    assert ids(rows["orders"]) == ids(rows["items"]) == [2997, 2998, 2999]
    read_rows = mariadb.execute(
        "information_schema",
        f"SELECT table_name, rows_read FROM table_statistics WHERE table_schema = '{mariadb_database.name}'",
    )
    assert {str(name) for name, _ in read_rows} == {"people", "orders", "items"}
    assert all(int(str(count)) < 100 for _, count in read_rows), read_rows


def test_a_table_without_a_key_comes_in_one_order_whatever_its_collation_takes_for_equal(
    mariadb_database: MariadbDatabase,
) -> None:
    """The rows of a table in two orders, in which no index sorts: `abc` and `ABC` tie."""
    rows = [f"(1, '{text}')" for text in (*THE_SAME_BY_COLLATION, "abd") for _ in range(9)]
    orders = []
    for table, written in (("loose", rows), ("again", rows[::-1])):
        mariadb_database.execute(
            f"CREATE TABLE {table} (customer_id INTEGER, word VARCHAR(9) COLLATE utf8mb4_general_ci) ENGINE=MyISAM;"
            f"INSERT INTO {table} VALUES {', '.join(written)}"
        )
        loose = section(table, {"word": "text"}, order=["word"])
        orders.append(read_once(mariadb_database.url, make_map(loose))[table])
    assert orders[0] == orders[1]
    assert len(orders[0]) == len(rows)
