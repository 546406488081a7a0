"""Running servers as the contract has them, for each place where limits and cache may be kept."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from visitors import CONTRACT, Visitor, new_visitor, redis_of

from server_process import ServerProcess, StartServer
from valkey_servers import ValkeyCluster, ValkeyServer


def _starter(folder: Callable[[], Path], stack: ExitStack, shop: Path) -> StartServer:
    def start(*, afresh: bool = False, workers: int = 1, **environment: str) -> ServerProcess:
        server = ServerProcess(folder(), {"SOURCE_URL": f"sqlite:///{shop}", **environment})
        stack.callback(server.close)
        return server.start(afresh=afresh, workers=workers)

    return start


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Iterator[StartServer]:
    """Start servers on the demo shop that are told the given environment; they end with the test."""
    with ExitStack() as stack:
        yield _starter(lambda: tmp_path_factory.mktemp("server"), stack, demo_shop)


@pytest.fixture(scope="session")
def shared_servers(tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Iterator[StartServer]:
    """Start servers on the demo shop that all tests share."""
    with ExitStack() as stack:
        yield _starter(lambda: tmp_path_factory.mktemp("server"), stack, demo_shop)


@pytest.fixture(scope="session")
def memory_service(shared_servers: StartServer) -> ServerProcess:
    """A server that keeps limits and cache in its memory."""
    return shared_servers(**CONTRACT)


@pytest.fixture(scope="session")
def valkey_service(shared_servers: StartServer, _shared_valkey: ValkeyServer) -> ServerProcess:
    """A server that keeps them in Valkey."""
    return shared_servers(**CONTRACT, **redis_of(_shared_valkey))


@pytest.fixture(scope="session")
def cluster_service(shared_servers: StartServer, _shared_valkey_cluster: ValkeyCluster) -> ServerProcess:
    """A server that keeps them in a cluster of three nodes."""
    return shared_servers(**CONTRACT, **redis_of(_shared_valkey_cluster))


@pytest.fixture(params=["memory", "valkey", "cluster"])
def service(request: pytest.FixtureRequest) -> ServerProcess:
    """A server as the contract has it, on each place where limits and cache may be kept."""
    running = request.getfixturevalue(f"{request.param}_service")
    assert isinstance(running, ServerProcess)
    return running


@pytest.fixture
def visitor(service: ServerProcess) -> Visitor:
    """A client of that server whom it has never seen."""
    return new_visitor(service)
