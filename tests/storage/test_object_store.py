"""S3: parts, links, and what is said of a store that is wrong or down."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from customer_export.errors import StorageUnavailableError, StoredFileNotFoundError
from customer_export.storage import registry
from customer_export.storage.registry import open_storage
from object_store_server import ObjectStoreServer
from servers import wait_until

CSV = "text/csv; charset=utf-8"
MINUTE = timedelta(minutes=1)

KILLED_WRITER = """
import os, sys
from customer_export.storage.registry import open_storage

def pieces():
    for _ in range(40):
        yield bytes(1 << 20)
    os.kill(os.getpid(), 9)

open_storage(sys.argv[1]).write("a", pieces(), media_type="text/csv")
"""


def test_a_large_file_is_sent_in_parts_and_a_small_one_at_once(object_store: ObjectStoreServer, bucket: str) -> None:
    storage = open_storage(f"s3://{bucket}/all")
    storage.write("large", (bytes(1 << 20) for _ in range(17)), media_type=CSV)
    storage.write("small", (bytes(1 << 20) for _ in range(8)), media_type=CSV)
    links = [storage.make_link(name, expires_in=MINUTE) or "" for name in ("large", "small")]
    large, small = (httpx.get(link).headers["etag"] for link in links)
    assert large.endswith('-3"')  # S3's form of a digest of three parts
    assert "-" not in small


def test_a_failed_write_leaves_no_parts(object_store: ObjectStoreServer, bucket: str) -> None:
    seen: list[list[str]] = []

    def broken() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(1 << 20)
        wait_until(lambda: object_store.unfinished_uploads(bucket), what="the first part to be sent")
        seen.append(object_store.unfinished_uploads(bucket))
        raise KeyError

    with pytest.raises(KeyError):
        open_storage(f"s3://{bucket}/all").write("a", broken(), media_type=CSV)
    assert seen == [["all/a"]]
    wait_until(lambda: not object_store.unfinished_uploads(bucket), what="the upload to be given up")


def test_a_killed_writer_leaves_no_file(object_store: ObjectStoreServer, bucket: str) -> None:
    url = f"s3://{bucket}/all"
    assert subprocess.run([sys.executable, "-c", KILLED_WRITER, url], check=False).returncode == -9
    with pytest.raises(StoredFileNotFoundError):
        open_storage(url).find("a")


def test_a_link_gives_the_file_as_a_download_that_no_cache_keeps(object_store: ObjectStoreServer, bucket: str) -> None:
    storage = open_storage(f"s3://{bucket}/all")
    storage.write("jobs/1/all.csv", [b"a,b\r\n"], media_type=CSV)
    link = storage.make_link("jobs/1/all.csv", expires_in=MINUTE)
    assert link is not None
    assert "X-Amz-Expires=60" in link
    answer = httpx.get(link)
    assert (answer.status_code, answer.content) == (200, b"a,b\r\n")
    assert answer.headers["content-type"] == CSV
    assert answer.headers["content-disposition"] == 'attachment; filename="all.csv"'
    assert answer.headers["cache-control"] == "private, no-store"
    part = httpx.get(link, headers={"Range": "bytes=2-"})
    assert (part.status_code, part.content) == (206, b"b\r\n")


def test_a_bucket_that_is_not_there_is_told(object_store: ObjectStoreServer) -> None:
    storage = open_storage("s3://nowhere/all")
    with pytest.raises(StorageUnavailableError, match="s3://nowhere is not there; make the bucket"):
        storage.check()
    with pytest.raises(StorageUnavailableError, match="is not there"):
        storage.write("a", [b"a"], media_type=CSV)


def test_a_store_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "RETRY_TIMEOUT", timedelta(milliseconds=100))
    server = ObjectStoreServer()  # is not started
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    storage = open_storage("s3://bucket/all")
    for act in (storage.check, lambda: storage.find("a"), lambda: storage.write("a", [b"a"], media_type=CSV)):
        with pytest.raises(StorageUnavailableError, match="s3://bucket does not answer as it should"):
            act()
