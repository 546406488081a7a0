"""Shops of any shape, by seed: sections of columns of every type that a database has, with the values that hurt."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from customer_maps import column, map_text, section
from databases import CUSTOMERS
from source import postgresql_values, sqlite_values

MOST_SECTIONS, MOST_COLUMNS = 3, 9
ROWS = (0, 1, 2, 30, 130, 1_100)
"""None, few, more than PostgreSQL sends at once (100), more than there are in a batch (1,024)."""
SECTION_OF_ANY_SIZE = 250  # rows of the first section: enough for its CSV to be sent compressed (64 KiB)
TEXT_ALPHABET = "aZ0 \t\r\n,;|\"'=+-@\\/<&>%_é߀日😀\u0301\u200d\u202e\ufeff\u2028"
CURRENCIES = ("'EUR'", "'JPY'", "'KWD'", "'XXX'", "''", "NULL")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns")


@dataclass(frozen=True)
class StoredColumn:
    """A column as it is declared, the literals of its cells, and what the map says of it."""

    stored: str
    values: Sequence[str]
    kind: str
    options: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RandomShop:
    """Statements that make the shop around customer 1, and its map."""

    statements: str
    map_toml: str
    time_zone: str


def sqlite_columns() -> list[StoredColumn]:
    """Give all columns that SQLite's own tests store."""
    return [
        StoredColumn(one.stored, one.values, one.kind, dict(one.options))
        for table in sqlite_values.TABLES.values()
        for one in table.columns
        if one.values
    ]


def postgresql_columns() -> list[StoredColumn]:
    """Give all columns that PostgreSQL's own tests store."""
    return [
        StoredColumn(one.stored, one.values, one.kind)
        for columns in postgresql_values.SECTIONS.values()
        for one in columns
        if one.needs is None
    ]


def random_shop(seed: int, columns: Callable[[], list[StoredColumn]]) -> RandomShop:
    """Make the shop of a seed out of such columns."""
    dice = random.Random(seed)
    pool = columns()
    sections, statements = [], [CUSTOMERS]
    for number in range(dice.randint(1, MOST_SECTIONS)):
        name = f"s{number}"
        chosen = [_text_column(dice), *dice.sample(pool, dice.randint(1, MOST_COLUMNS))]
        dice.shuffle(chosen)
        rows = dice.choice(ROWS) if number else SECTION_OF_ANY_SIZE
        statements.append(_table(dice, name, chosen, rows))
        sections.append(_section(dice, name, chosen))
    return RandomShop("\n".join(statements), map_text(*sections), dice.choice(ZONES))


def _text_column(dice: random.Random) -> StoredColumn:
    texts = ["".join(dice.choices(TEXT_ALPHABET, k=dice.randint(0, 250))) for _ in range(20)]
    return StoredColumn("text", ["'{}'".format(text.replace("'", "''")) for text in texts], "text")


def _table(dice: random.Random, name: str, columns: Sequence[StoredColumn], rows: int) -> str:
    declared = "".join(f", c{place} {one.stored}" for place, one in enumerate(columns))
    tuples = []
    for row in range(1, rows + 1):
        cells = ["NULL" if dice.random() < 0.1 else dice.choice(one.values) for one in columns]
        tuples.append(f"({', '.join([str(row), '1', dice.choice(CURRENCIES), *cells])})")
    inserts = [f"INSERT INTO {name} VALUES {one};" for one in tuples]
    create = (
        f"CREATE TABLE {name} (id integer NOT NULL PRIMARY KEY, customer_id integer, currency varchar(3){declared});"
    )
    return "\n".join([create, "BEGIN;", *inserts, "COMMIT;"])


def _section(dice: random.Random, name: str, columns: Sequence[StoredColumn]) -> dict[str, object]:
    told = [column("id", "integer"), column("currency")]
    for place, one in enumerate(columns):
        money = dice.choice(({"currency": "currency"}, {"currency_code": "EUR"})) if one.kind == "money" else {}
        told.append(column(f"c{place}", one.kind, **money, **one.options))
    return section(name, told, order=dice.choice((["id"], ["currency", "id"])))
