"""Fixtures for all tests: real servers and a small demo shop in each database."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import settings

from customer_export.demo.shop import demo_map_path, make_shop
from customer_export.model.customer_map import CustomerMap
from customer_export.source.map_file import load_map
from mariadb_server import WHY_MISSING, MariadbServer, is_installed
from mariadb_shop import copy_shop_to_mariadb
from servers import PostgresqlServer
from shop_copy import copy_shop
from valkey_servers import ValkeyCluster, ValkeyServer

# The same examples on every run: a failure is of the change at hand; `make faults` tries many more (docs/faults.md).
# No deadline, since machines differ.
EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
settings.register_profile("project", derandomize=True, deadline=None, max_examples=EXAMPLES)
settings.load_profile("project")

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 << 30
"""What must be free there: all that test processes side by side have in files is below half of it."""


def _keep_files_in_memory() -> None:
    """Let files and databases of tests be in memory, unless TMPDIR says where: making a database takes a quarter then.

    Servers run programs from there, which a system may forbid; test processes side by side are told by the first.
    """
    if (
        "TMPDIR" not in os.environ
        and MEMORY.is_dir()
        and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
        and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    ):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # to be asked for anew


_keep_files_in_memory()

TOGETHER = ("tests/foreign/", "tests/jobs/")
"""What one process takes as a whole: databases that take long to make, a server whose worker works also while idle."""
LONGEST = (
    *TOGETHER,
    "tests/service/test_openapi.py",
    "tests/faults/test_faults.py",
    "tests/engine/",
    "tests/service_cluster/",
    "tests/one_pipeline/",
    "tests/bulk/",
    "tests/service/",
)
"""What takes minutes, begun first: at the end all processes but one would wait for it. make test keeps this order."""


gc.disable()  # until all tests are found: nothing of that is garbage, and looking for some takes a fifth of the time


def pytest_collection_finish() -> None:
    """Look for garbage from now on, and not in what is there to the end."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, each file as it is."""

    def rank(item: pytest.Item) -> int:
        return next((place for place, prefix in enumerate(LONGEST) if item.nodeid.startswith(prefix)), len(LONGEST))

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give each process whole files, and to one of them all that belongs together."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415  (needed only where there are several processes)

    class LoadFiles(LoadFileScheduling):  # type: ignore[misc]  # the package tells no types
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    return LoadFiles(config, log)


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one authority of TLS, which signs nothing here: each client of HTTP would read the machine's, for 40 ms."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    path.write_text(first + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """The PostgreSQL that all tests share, each with databases of its own; it must not be stopped."""
    server = PostgresqlServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def mortal_postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL of the test's own, running, to be stopped and started at will."""
    server = PostgresqlServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariadbServer]:
    """The MariaDB that all tests share, each with databases of its own; it must not be stopped."""
    yield from _running_mariadb()


@pytest.fixture
def mortal_mariadb() -> Iterator[MariadbServer]:
    """A MariaDB of the test's own, running, to be stopped and started at will."""
    yield from _running_mariadb()


def _running_mariadb() -> Iterator[MariadbServer]:
    if not is_installed():
        pytest.skip(WHY_MISSING)
    server = MariadbServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def demo_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo shop in SQLite, with every well-known customer; nobody writes to it."""
    path = tmp_path_factory.mktemp("demo") / "shop.db"
    make_shop(path, customers=150, most_orders=700)
    return path


@pytest.fixture(scope="session")
def demo_map() -> CustomerMap:
    """The demo shop's customer map, which fits `demo_shop` and `postgresql_shop`."""
    return load_map(demo_map_path())


@pytest.fixture(scope="session")
def postgresql_shop(postgresql: PostgresqlServer, demo_shop: Path) -> str:
    """The URL of the small demo shop in PostgreSQL, in the types that a shop would use there; read only it."""
    return copy_shop(demo_shop, postgresql, database="demo_shop")


@pytest.fixture(scope="session")
def mariadb_shop(mariadb: MariadbServer, demo_shop: Path) -> str:
    """The URL of the small demo shop in MariaDB, in the types that a shop would use there; read only it."""
    return copy_shop_to_mariadb(demo_shop, mariadb, database="demo_shop")


@pytest.fixture(scope="session")
def _shared_valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def valkey(_shared_valkey: ValkeyServer) -> ValkeyServer:
    """The Valkey that all tests share, empty; it must not be stopped or frozen."""
    _shared_valkey.flush()
    return _shared_valkey


@pytest.fixture
def mortal_valkey() -> Iterator[ValkeyServer]:
    """A Valkey of the test's own, running, to be killed, frozen and restarted at will."""
    server = ValkeyServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def _shared_valkey_cluster() -> Iterator[ValkeyCluster]:
    cluster = ValkeyCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def valkey_cluster(_shared_valkey_cluster: ValkeyCluster) -> ValkeyCluster:
    """The cluster of three nodes that all tests share, empty; no node of it must be stopped or frozen."""
    _shared_valkey_cluster.flush()
    return _shared_valkey_cluster
