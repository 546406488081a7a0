"""Servers with a worker beside them, and the jobs of one caller."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from customer_export.model.access import Scope
from job_client import JobClient, Known
from server_process import ServerProcess


@pytest.fixture(scope="session")
def job_server(tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Iterator[ServerProcess]:
    """A server on the demo shop that has a worker beside it, for all tests."""
    folder = tmp_path_factory.mktemp("jobs")
    environment = {
        "SOURCE_URL": f"sqlite:///{demo_shop}",
        "EXPORT_WORKER_PROCESSES": "1",
        "STORAGE_URL": f"file://{folder / 'files'}",
        "EXPORT_MAX_SIZE_CSV": "30000",
    }
    server = ServerProcess(folder, environment)
    try:
        yield server.start()
    finally:
        server.terminate()
        server.ended()
        server.close()


@pytest.fixture(scope="session")
def known(job_server: ServerProcess) -> Iterator[Known]:
    """Make clients of that server by the name of a token and its scopes; they are closed in the end."""
    with ExitStack() as held:

        def make(name: str, *scopes: Scope) -> JobClient:
            client = JobClient(job_server, job_server.new_token(*scopes, name=name))
            held.callback(client.http.close)
            return client

        yield make


@pytest.fixture
def desk(known: Known) -> JobClient:
    """Somebody who may export, one customer at a time."""
    return known("desk")
