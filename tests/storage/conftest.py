"""Every kind of storage, to hold against the same rules."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_export.storage.interface import Storage
from customer_export.storage.registry import open_storage
from object_store_server import ObjectStoreServer

BUCKETS = itertools.count()


@pytest.fixture(scope="session")
def _shared_object_store() -> Iterator[ObjectStoreServer]:
    server = ObjectStoreServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def object_store(_shared_object_store: ObjectStoreServer, monkeypatch: pytest.MonkeyPatch) -> ObjectStoreServer:
    """The S3 that all tests share, and the variables by which it is found; it must not be stopped."""
    for name, value in _shared_object_store.environment.items():
        monkeypatch.setenv(name, value)
    return _shared_object_store


@pytest.fixture
def bucket(object_store: ObjectStoreServer) -> str:
    """A bucket of the test's own."""
    name = f"bucket-{next(BUCKETS)}"
    object_store.make_bucket(name)
    return name


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty storage."""
    if request.param == "folder":
        return open_storage((tmp_path / "files of all").as_uri())
    return open_storage(f"s3://{request.getfixturevalue('bucket')}/all/files")
