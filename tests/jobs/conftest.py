"""Servers with a worker beside them, and the jobs of one caller."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from customer_export.compose import open_jobs, open_services
from customer_export.jobs.services import Jobs
from customer_export.model.access import Scope
from customer_export.settings import Settings
from job_client import JobClient, Known
from own_databases import new_sqlite_store, new_store
from server_process import ServerProcess
from timed_jobs import Clock


@pytest.fixture(scope="session")
def job_server(tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Iterator[ServerProcess]:
    """A server on the demo shop that has a worker beside it, for all tests."""
    folder = tmp_path_factory.mktemp("jobs")
    environment = {
        "SOURCE_URL": f"sqlite:///{demo_shop}",
        "EXPORT_WORKER_PROCESSES": "1",
        "STORAGE_URL": f"file://{folder / 'files'}",
        "EXPORT_MAX_SIZE_CSV": "30000",
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def timed_jobs(request: pytest.FixtureRequest, tmp_path: Path, demo_shop: Path, clock: Clock) -> Iterator[Jobs]:
    """What jobs talk to, on our database of either kind, at the clock's time."""
    if request.param == "sqlite":
        own = new_sqlite_store(tmp_path / "own.db")
    else:
        own = new_store(request.getfixturevalue("postgresql"), "timed_jobs")
    settings = Settings(
        source_url=f"sqlite:///{demo_shop}",
        database_url=own,
        storage_url=f"file://{tmp_path / 'files'}",
        webhook_allowed_networks="127.0.0.0/8",
        webhook_timeout_ms=2_000,
        export_cache_keys=SecretStr(base64.b64encode(bytes(32)).decode()),
    )
    with open_services(settings) as services, open_jobs(settings, services) as opened:
        yield replace(opened, services=replace(services, now=clock))
