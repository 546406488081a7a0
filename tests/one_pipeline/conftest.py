"""Random shops in either database."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from databases import SqliteDatabase
from one_pipeline.random_shops import RandomShop, postgresql_columns, random_shop, sqlite_columns
from servers import PostgresqlServer
from source.postgresql_values import TYPES


@dataclass(frozen=True)
class Shop:
    """A shop that lies in a database, and the file that its map is in."""

    url: str
    map_file: Path
    time_zone: str


MakeShop = Callable[[int], Shop]


@pytest.fixture(params=["sqlite", "postgresql"])
def make_shop(request: pytest.FixtureRequest, tmp_path: Path) -> MakeShop:
    """Make the shop of a seed in a new database."""

    def make(seed: int) -> Shop:
        shop = random_shop(seed, sqlite_columns if request.param == "sqlite" else postgresql_columns)
        map_file = tmp_path / f"map-{seed}.toml"
        map_file.write_text(shop.map_toml, encoding="utf-8")
        return Shop(store(shop, seed), map_file, shop.time_zone)

    def store(shop: RandomShop, seed: int) -> str:
        if request.param == "sqlite":
            database = SqliteDatabase(tmp_path / f"shop-{seed}.db")
            database.execute(shop.statements)
            return database.url
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        return server.create_database(f"random_{seed}", TYPES + shop.statements)

    return make
