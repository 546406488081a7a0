"""Running servers on each database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from own_databases import new_store
from server_process import ServerProcess, StartServer
from servers import PostgresqlServer
from whale_shop import WHALE_MAP, WHALE_SHOP


def _starter(folder: Callable[[], Path], stack: ExitStack) -> StartServer:
    def start(*, afresh: bool = False, **environment: str) -> ServerProcess:
        server = ServerProcess(folder(), environment)
        stack.callback(server.close)
        return server.start(afresh=afresh)

    return start


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start servers that are told the given environment; they end with the test."""
    with ExitStack() as stack:
        yield _starter(lambda: tmp_path_factory.mktemp("server"), stack)


@pytest.fixture(scope="session")
def shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start servers that all tests share."""
    with ExitStack() as stack:
        yield _starter(lambda: tmp_path_factory.mktemp("server"), stack)


@pytest.fixture(scope="session")
def sqlite_server(shared_servers: StartServer, demo_shop: Path) -> ServerProcess:
    """The demo shop in SQLite."""
    return shared_servers(SOURCE_URL=f"sqlite:///{demo_shop}")


@pytest.fixture(scope="session")
def postgresql_server(shared_servers: StartServer, postgresql: PostgresqlServer, postgresql_shop: str) -> ServerProcess:
    """The demo shop in PostgreSQL, with our own database in PostgreSQL, too."""
    return shared_servers(SOURCE_URL=postgresql_shop, DATABASE_URL=new_store(postgresql, "own"))


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> ServerProcess:
    """The demo shop on each database."""
    running = request.getfixturevalue(f"{request.param}_server")
    assert isinstance(running, ServerProcess)
    return running


@pytest.fixture(scope="session")
def whale_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of the shop with one customer who has a great many orders."""
    path = tmp_path_factory.mktemp("map") / "whale.toml"
    path.write_text(WHALE_MAP, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def whale_shop(postgresql: PostgresqlServer) -> str:
    """The URL of that shop, in PostgreSQL."""
    return postgresql.create_database("whales", WHALE_SHOP)


@pytest.fixture(scope="session")
def whale_server(shared_servers: StartServer, whale_shop: str, whale_map: Path) -> ServerProcess:
    """A server on that shop."""
    return shared_servers(SOURCE_URL=whale_shop, SOURCE_MAP=str(whale_map))
