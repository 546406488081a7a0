"""A look at a MariaDB without a map: what its types are for, and values that no other database would have."""

from datetime import timedelta

from customer_export.model.catalogue import Kind
from customer_export.model.customer_map import TableName
from customer_export.source.registry import open_survey
from customer_maps import make_map, section
from databases import MariadbDatabase, read_once

LIMIT = timedelta(seconds=20)
UUID = "550e8400-e29b-41d4-a716-446655440000"
SURROGATE = "X'61EDA08062'"  # half of a pair, which MariaDB takes for a character of UTF-8

KINDS = {
    "tinyint(1)": Kind.BOOLEAN,
    "bit(1)": Kind.BOOLEAN,
    "bigint unsigned": Kind.INTEGER,
    "year": Kind.INTEGER,
    "decimal(12,2)": Kind.DECIMAL,
    "float": Kind.FLOAT,
    "double": Kind.FLOAT,
    "char(3)": Kind.TEXT,
    "longtext": Kind.TEXT,
    "enum('a', 'b')": Kind.ENUM,
    "date": Kind.DATE,
    "datetime(6)": Kind.TIMESTAMP,
    "timestamp null": Kind.TIMESTAMP,
    "time": Kind.TIME,
    "uuid": Kind.UUID,
    "binary(16)": Kind.UUID,
    "varbinary(16)": Kind.BINARY,
    "binary(20)": Kind.BINARY,
    "longblob": Kind.BINARY,
    "mediumblob": Kind.BINARY,
}


def test_every_type_is_known_by_what_it_is_for(mariadb_database: MariadbDatabase) -> None:
    declared = ", ".join(f"c{number} {kind}" for number, kind in enumerate(KINDS))
    mariadb_database.execute(f"CREATE TABLE kinds ({declared})")
    with open_survey(mariadb_database.url, statement_limit=LIMIT) as survey:
        kinds = survey.catalogue().tables[TableName(None, "kinds")]
    assert {declared: column.kind for declared, column in zip(KINDS, kinds.columns, strict=True)} == KINDS


def test_what_is_no_utf8_to_anybody_else_is_marked(mariadb_database: MariadbDatabase) -> None:
    mariadb_database.execute(
        f"""CREATE TABLE odd (id INTEGER PRIMARY KEY, customer_id INTEGER, text TEXT, person BINARY(16));
        INSERT INTO odd VALUES (1, 1, CONVERT({SURROGATE} USING utf8mb4), UNHEX(REPLACE('{UUID}', '-', '')))"""
    )
    marked = "a\ufffd\ufffd\ufffdb"
    odd = TableName(None, "odd")
    with open_survey(mariadb_database.url, statement_limit=LIMIT) as survey:
        survey.catalogue()
        assert survey.rows(odd, ["text", "person"], most_rows=5) == [[marked], [UUID]]
    customer_map = make_map(section("odd", {"text": "text", "person": "uuid"}))
    assert read_once(mariadb_database.url, customer_map) == {"odd": [(marked, UUID)]}
