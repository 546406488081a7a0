"""Clusters: one that all tests share, and one to be broken."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from export_cluster import PROXY, Cluster
from nginx_server import PROGRAM, NginxServer

from own_databases import new_store
from server_process import ServerProcess
from servers import PostgresqlServer
from valkey_servers import ValkeyServer
from whale_shop import WHALE_MAP, WHALE_SHOP

CONTRACT = {"EXPORT_RATE_LIMIT_MAX": "5", "EXPORT_CACHE_TTL_MS": "300000", "EXPORT_TRUSTED_PROXIES": PROXY}
"""What the tests hold the cluster to; the tests' servers are without limit and cache unless told."""


@pytest.fixture(scope="session")
def cluster_shop(postgresql: PostgresqlServer) -> str:
    """The URL of the shop with one customer who has a great many orders."""
    return postgresql.create_database("cluster_shop", WHALE_SHOP)


@contextmanager
def _cluster(folder: Path, *, shop: str, store: str, redis_url: str) -> Iterator[Cluster]:
    if PROGRAM is None:
        pytest.skip("there is no nginx: apt-get install nginx-light")
    whale_map = folder / "whale.toml"
    whale_map.write_text(WHALE_MAP, encoding="utf-8")
    environment = {
        "SOURCE_URL": shop,
        "SOURCE_MAP": str(whale_map),
        "DATABASE_URL": store,
        "REDIS_URL": redis_url,
        "STORAGE_URL": f"file://{folder / 'files'}",
        **CONTRACT,
    }
    with ExitStack() as stack:
        servers = []
        for name in ("one", "two"):
            own = folder / name
            own.mkdir()
            server = ServerProcess(own, environment)
            stack.callback(server.close)
            servers.append(server.start())
        nginx = NginxServer(folder, [server.url for server in servers])
        stack.callback(nginx.stop)
        nginx.start()
        yield Cluster(nginx, servers, source=shop)


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory,
    postgresql: PostgresqlServer,
    cluster_shop: str,
    _shared_valkey: ValkeyServer,
) -> Iterator[Cluster]:
    """Two servers behind nginx, on a Valkey that nobody empties meanwhile."""
    store = new_store(postgresql, "cluster_store")
    folder = tmp_path_factory.mktemp("cluster")
    with _cluster(folder, shop=cluster_shop, store=store, redis_url=_shared_valkey.patient_url) as running:
        yield running


@pytest.fixture
def mortal_cluster(
    tmp_path: Path, postgresql: PostgresqlServer, cluster_shop: str, mortal_valkey: ValkeyServer
) -> Iterator[Cluster]:
    """The same, of which a server may be killed."""
    store = new_store(postgresql, "mortal_store")
    with _cluster(tmp_path, shop=cluster_shop, store=store, redis_url=mortal_valkey.patient_url) as running:
        yield running
